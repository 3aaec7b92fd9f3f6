import FixedNet
import FixedNetFiles
import FixedNetStudies
import Foundation
import TestSupport
import Testing

/// Names in files, and of files, through every tool and every form of output.
@Suite("hostile texts")
struct HostileTextTests {
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  // MARK: - The forms themselves

  @Test("no form of output keeps a hidden character, and readers of each get the text back")
  func forms() throws {
    for text in HostileTexts.all + HostileTexts.controls {
      let line = OneLine.text(text)
      #expect(HostileTexts.hiddenCharacters(of: line) == [])
      #expect(OneLine.isOne(text) == HostileTexts.hiddenCharacters(of: text).isEmpty)
      // The texts of these samples are as they are where nothing is hidden.
      if OneLine.isOne(text) { #expect(line == text) }
      let json = JSONValue.object([text: .array([.string(text)])]).text
      #expect(HostileTexts.hiddenCharacters(of: json) == [])
      let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: [String]]
      #expect(object?.first?.key.unicodeScalars.elementsEqual(text.unicodeScalars) == true)
      #expect(object?.first?.value.first?.unicodeScalars.elementsEqual(text.unicodeScalars) == true)
      let csv = MarkupText.csv([[text, "-0.5", "-inf"], ["x", text, "nan"]])
      #expect(HostileTexts.hiddenCharacters(of: csv) == ["a", "a"])
      let isFormula = "=+-@".contains(text.first ?? "x")
      let cell = isFormula ? "'" + line : line
      #expect(HostileTexts.csv(csv) == [[cell, "-0.5", "-inf"], ["x", cell, "nan"]])
      let xml = MarkupText.xml(text)
      let read = HostileTexts.xml(Data("<a b=\"\(xml)\"><c>\(xml)</c></a>".utf8))
      #expect(read?.texts == [line] && read?.elements == ["a", "c"], "\(xml)")
    }
  }

  @Test("Markdown shows a text and nothing else; a bar ends no cell")
  func markdown() {
    #expect(
      MarkupText.markdown("<b>&amp; a|b [x](y) `c` *d* _e_ \\ \u{1B}\n")
        == "&lt;b&gt;&amp;amp; a\\|b \\[x\\](y) \\`c\\` \\*d\\* \\_e\\_ \\\\ \\\\u001b\\\\n")
    #expect(MarkupText.markdownCode("a b") == "`a b`")
    #expect(MarkupText.markdownCode("`a``b\n") == "``` `a``b\\n ```")
    #expect(
      MarkupText.markdownRow(["a|b", "c\\|d", "e\\\\|f\ng"]) == "| a\\|b | c\\|d | e\\\\\\|f g |")
  }

  @Test("a long name is cut where it stands in a table, after as many characters as before")
  func short() {
    let name = String(repeating: "x", count: 120)
    #expect(OneLine.short(name) == name)
    #expect(OneLine.short(name + "y") == String(repeating: "x", count: 117) + "...")
    #expect(OneLine.short(String(repeating: "\n", count: 61)).unicodeScalars.count == 120)
    let start = Date()
    let long = String(repeating: "数", count: 1_000_000)
    #expect((0..<1000).allSatisfy { _ in OneLine.short(long).unicodeScalars.count == 120 })
    #expect(Date().timeIntervalSince(start) < 10)
  }

  @Test("tables keep their columns, whatever is in them")
  func tables() throws {
    let texts = HostileTexts.all + HostileTexts.controls
    let lines = TextTable.lines(texts.map { [$0, "|", $0, "end"] }, right: [2])
    #expect(lines.count == texts.count)
    for line in lines {
      let ends = line.ranges(of: "end").last.map {
        TextWidth.columns(of: String(line[..<$0.lowerBound]))
      }
      #expect(ends == lines.first.map { TextWidth.columns(of: $0) - 3 })
      #expect(HostileTexts.hiddenCharacters(of: line) == [] && line.unicodeScalars.count < 260)
    }
  }

  /// What is printed elsewhere in the tools is not escaped.
  @Test("the tools print through one file")
  func doors() throws {
    let tools = "\(Fixtures.root)/Tools"
    let names = try FileManager.default.subpathsOfDirectory(atPath: tools)
      .filter { $0.hasSuffix(".swift") }
    #expect(names.count > 50 && names.contains("Support/Terminal/Output.swift"))
    let printing =
      /(^|[^A-Za-z.])(print|debugPrint|dump|puts|fputs|printf)\(|Swift\.print|FileHandle\.standard(Out|Err)/
    for name in names where name != "Support/Terminal/Output.swift" {
      let text = try String(contentsOfFile: "\(tools)/\(name)", encoding: .utf8)
      for line in text.split(separator: "\n") where line.contains(printing) {
        #expect(line.contains("func print("), "\(name): \(line)")
      }
    }
  }

  // MARK: - The tools

  /// A model and data whose files, layers and names are called `text`; the file's name.
  private func write(_ text: String) throws -> (model: String, data: String) {
    let name = String(text.replacing("/", with: ":").unicodeScalars.prefix(60))
    let layer = text.replacing("/", with: ":")
    let model = Model(
      name: text, input: .vector(SmallData.width),
      layers: [
        Dense(name: "\(layer).a", units: 4, activation: .relu),
        BatchNormalization(name: "\(layer).b"),
        Dense(name: "\(layer).c", units: 3, activation: .softmax),
      ])
    let path = "\(name).h5"
    try KerasFile.write(
      KerasModelFile(model: model, weights: try model.initialWeights(seed: 1)),
      to: "\(folder)/\(path)")
    try SmallData.write(SmallData.labels, to: "\(folder)/\(name).data.h5")
    return (path, "./\(name).data.h5")
  }

  private func run(_ tool: String, _ arguments: [String]) throws -> Finished {
    let run = try Finished("\(Tool.folder)/\(tool)", arguments, in: folder)
    #expect(run.exitCode == 0, "\(tool): \(run.errors)")
    for line in (run.output + run.errors).split(separator: "\n") {
      #expect(HostileTexts.hiddenCharacters(of: String(line)) == [], "\(tool): \(line)")
    }
    return run
  }

  /// The object that a tool printed, as another reader of JSON sees it.
  private func json(_ tool: String, _ arguments: [String]) throws -> [String: Any] {
    let run = try run(tool, arguments + ["--json"])
    #expect(run.output.filter { $0 == "\n" }.count == 1)
    let object = try JSONSerialization.jsonObject(with: Data(run.output.utf8))
    return try #require(object as? [String: Any])
  }

  #if HDF5
    @Test("plan: text, JSON and SVG", arguments: HostileTexts.all)
    func plan(_ text: String) throws {
      let path = "./\(try write(text).model)"
      let lines = try run("plan", [path]).output.split(
        separator: "\n", omittingEmptySubsequences: false)
      let table = lines.drop { !$0.contains("offset") }.prefix { !$0.isEmpty }.map(String.init)
      #expect(table.count > 10)
      // The last column, the shape, begins where its head does.
      let start = TextWidth.columns(of: table[0]) - 5
      for row in table.dropFirst() {
        let shape = row.split(separator: " ").last ?? ""
        #expect(TextWidth.columns(of: row) - shape.count == start, "\(row)")
      }
      let object = try json("plan", [path])
      #expect(object["model"] as? String == path)
      let slots = try #require(object["slots"] as? [[String: Any]])
      let kernel = "\(text.replacing("/", with: ":")).a/kernel"
      #expect(slots.contains { ($0["name"] as? String) == kernel })
      _ = try run("plan", [path, "--svg", "plan.svg"])
      let svg = try #require(FileManager.default.contents(atPath: "\(folder)/plan.svg"))
      let read = try #require(HostileTexts.xml(svg))
      #expect(read.elements == ["svg", "rect", "text", "line", "title"])
      #expect(read.texts.contains { $0.hasPrefix("\(OneLine.text(kernel)):") })
    }

    @Test("train, resume and eval: text, JSON, CSV and pictures", arguments: HostileTexts.all)
    func train(_ text: String) throws {
      let (model, data) = try write(text)
      let output = "out \(model)"
      let trained = try json(
        "train",
        [
          "--model", "./\(model)", "--data", data, "--epochs", "1", "--threads", "1", "--output",
          output, "--history", "./\(model).csv",
        ])
      #expect(
        trained["checkpoint"] as? String == output && trained["model"] as? String == "./\(model)")
      let history = try String(contentsOfFile: "\(folder)/\(model).csv", encoding: .utf8)
      #expect(HostileTexts.csv(history)?.map(\.count) == [7, 7])
      let resumed = try run(
        "train", ["--resume", output, "--checkpoint", "--epochs", "2", "--threads", "1"])
      #expect(resumed.output.contains("resumed after 1 epochs"))
      #expect(resumed.output.contains("saved \(OneLine.text(output))"))
      let evaluated = try json("eval", [output, "--split", "train"])
      #expect(evaluated["model"] as? String == text && evaluated["data"] as? String == data)
      let norms = evaluated["batchNormalization"] as? [[String: Any]]
      #expect(norms?.first?["layer"] as? String == "\(text.replacing("/", with: ":")).b")
      let report = try run("eval", [output, "--confusion"])
      #expect(report.output.contains("\(OneLine.short(OneLine.text(text))) on "))
      guard Gnuplot.path() != nil else { return }
      _ = try run("eval", [output, "--plot", "confusion.svg"])
      let svg = try #require(FileManager.default.contents(atPath: "\(folder)/confusion.svg"))
      #expect(HostileTexts.xml(svg)?.texts.contains { $0.contains("predicted class") } == true)
    }
  #endif

  #if HDF5
    @Test("a signal while a picture is drawn ends gnuplot too, and leaves nothing")
    func signal() throws {
      let (model, data) = try write("plain")
      let temporary = "\(folder)/tmp"
      for name in ["bin", "tmp"] {
        try FileManager.default.createDirectory(
          atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
      }
      let program = "\(folder)/bin/gnuplot"
      try Executable.write("#!/bin/sh\necho $$ > '\(folder)/pid'\nsleep 60\n", to: program)
      let process = Process()
      process.executableURL = URL(filePath: "\(Tool.folder)/eval")
      process.arguments = [model, "--data", data, "--plot", "c.svg"]
      process.currentDirectoryURL = URL(filePath: folder)
      process.environment = ProcessInfo.processInfo.environment.merging([
        "PATH": "\(folder)/bin:/usr/bin:/bin", "TMPDIR": temporary,
      ]) { $1 }
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      var gnuplot: pid_t?
      for _ in 0..<4000 where gnuplot == nil {
        usleep(5_000)
        let text = (try? String(contentsOfFile: "\(folder)/pid", encoding: .utf8)) ?? ""
        gnuplot = text.hasSuffix("\n") ? pid_t(text.dropLast()) : nil
      }
      let child = try #require(gnuplot)
      #expect(kill(child, 0) == 0)
      #expect(try FileManager.default.contentsOfDirectory(atPath: temporary).count == 1)
      process.terminate()
      process.waitUntilExit()
      #expect(process.terminationStatus == 143)
      for _ in 0..<400 where kill(child, 0) == 0 { usleep(5_000) }
      #expect(kill(child, 0) != 0)
      #expect(try FileManager.default.contentsOfDirectory(atPath: temporary) == [])
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/c.svg"))
    }
  #endif

  @Test("numbers that JSON does not have are texts in what a tool prints")
  func strictNumbers() throws {
    #if HDF5
      let (path, _) = try write("plain")
      let nan = [Float](repeating: .nan, count: SmallData.width)
      try HDF5Arrays.write(
        path: "\(folder)/in.h5",
        datasets: [
          (name: "x", shape: [1, SmallData.width], values: nan),
          (name: "y", shape: [1, 3], values: [0, 0, 0]),
        ])
      let object = try json("eval", [path, "--inputs", "in.h5"])
      #expect(object["maxDifference"] as? String == "NaN")
    #endif
  }
}
