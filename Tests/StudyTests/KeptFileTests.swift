import FixedNet
import Foundation
import TestSupport
import Testing

@testable import FixedNetStudies

/// The files in a reports folder, which anybody may have put there.
@Suite("files of earlier studies")
struct KeptFileTests {
  private static let hash = String(repeating: "0a", count: 32)
  private static let data = DataSet.digits(trainCount: 96, testCount: 40)
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  private var options: StudyOptions {
    var options = StudyOptions()
    options.isQuick = true
    return options
  }

  private func study() throws(StudyError) -> StudyFolder {
    try StudyFolder("softmax", in: folder, options: options)
  }

  private static let key = """
    {"quick": true, "seeds": null, "study": "softmax", "switches": [], "version": 1}
    """

  private func put(_ text: String, _ name: String) throws {
    try FileManager.default.createDirectory(
      atPath: "\(folder)/softmax", withIntermediateDirectories: true)
    try Data("# A report\n".utf8).write(to: URL(filePath: "\(folder)/softmax/report.md"))
    try Data(text.utf8).write(to: URL(filePath: "\(folder)/softmax/\(name)"))
  }

  private func isKept(_ error: (any Error)?) -> Bool {
    guard case .kept(let place, let reason)? = error as? StudyError else { return false }
    return OneLine.isOne("\(place): \(reason)") && place.count + reason.count < 1000
  }

  @Test(
    "parts.json that is none is refused in a line",
    arguments: [
      "", "[]", "{}", "no", #"{"options": KEY, "parts": {}, "digests": {}}"#,
      #"{"options": KEY, "parts": {}, "digests": {}, "seconds": -1}"#,
      #"{"options": KEY, "parts": {}, "digests": {}, "seconds": 1e300}"#,
      #"{"options": KEY, "parts": {}, "digests": {}, "seconds": NaN}"#,
      #"{"options": KEY, "parts": [], "digests": {}, "seconds": 1}"#,
      #"{"options": KEY, "parts": {"a\nb": {}}, "digests": {}, "seconds": 1}"#,
      #"{"options": KEY, "parts": {}, "digests": {"mnist": "x"}, "seconds": 1}"#,
      #"{"options": KEY, "parts": {}, "digests": {"<b>": "HASH"}, "seconds": 1}"#,
      #"{"options": KEY, "parts": {}, "digests": {}, "seconds": 1, "more": 1}"#,
      #"{"options": {"study": "softmax"}, "parts": {}, "digests": {}, "seconds": 1}"#,
      #"{"parts": {}, "digests": {}, "seconds": 1}"#,
    ])
  func parts(_ text: String) throws {
    let text = text.replacing("KEY", with: Self.key).replacing("HASH", with: Self.hash)
    try put(text, "parts.json")
    let error = #expect(throws: StudyError.self) { try study().unfinished() }
    #expect(isKept(error), "\(String(describing: error))")
    // Nothing is lost, and --fresh goes on.
    #expect(try String(contentsOfFile: "\(folder)/softmax/parts.json", encoding: .utf8) == text)
    try study().clear()
    #expect(try study().unfinished().parts.isEmpty)
  }

  @Test("good parts are read; those of other options are left")
  func goodParts() throws {
    let text = #"{"options": KEY, "parts": {"a": 1}, "digests": {"mnist": "HASH"}, "seconds": 2}"#
      .replacing("HASH", with: Self.hash)
    try put(text.replacing("KEY", with: Self.key), "parts.json")
    let found = try study().unfinished()
    #expect(found.parts == ["a": 1] && found.digests == ["mnist": Self.hash] && found.seconds == 2)
    try put(
      text.replacing("KEY", with: Self.key.replacing("null", with: "7")), "parts.json")
    #expect(try study().unfinished().parts.isEmpty)
  }

  @Test("parts may be larger than other texts, by the seeds that were asked for, and no larger")
  func size() throws {
    func read(_ mebibytes: Int, seeds: Int?) throws -> Int {
      var options = options
      options.seeds = seeds
      let key = Self.key.replacing("null", with: seeds.map(String.init) ?? "null")
      let part = String(repeating: "x", count: mebibytes << 20)
      try put(
        #"{"options": \#(key), "parts": {"a": "\#(part)"}, "digests": {}, "seconds": 1}"#,
        "parts.json")
      return try StudyFolder("softmax", in: folder, options: options).unfinished().parts.count
    }
    #expect(try read(17, seeds: nil) == 1)
    #expect(isKept(#expect(throws: StudyError.self) { try read(32, seeds: nil) }))
    #expect(try read(40, seeds: 3) == 1)
  }

  @Test("a pipe, a folder and a file beyond the limit are not waited for and not read")
  func otherFiles() throws {
    try put("", "parts.json")
    let path = "\(folder)/softmax/parts.json"
    try FileManager.default.removeItem(atPath: path)
    #expect(mkfifo(path, 0o600) == 0)
    #expect(isKept(#expect(throws: StudyError.self) { try study().unfinished() }))
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    #expect(isKept(#expect(throws: StudyError.self) { try study().unfinished() }))
    try FileManager.default.removeItem(atPath: path)
    try Data().write(to: URL(filePath: path))
    #expect(truncate(path, 1 << 40) == 0)
    #expect(isKept(#expect(throws: StudyError.self) { try study().unfinished() }))
  }

  private static let record = #"""
    {"checks": [{"found": "f", "isMet": true, "what": "w"}], "figures": [{"caption": "c", "name": "heat-1"}], \#
    "name": "softmax", "seconds": 1.5, "title": "Softmax and cross-entropy against central differences"}
    """#

  @Test("finished.json that is another's or hides something is refused in a line")
  func finished() throws {
    func text(_ old: String, _ new: String) -> String {
      #"{"options": KEY, "record": RECORD}"#.replacing("KEY", with: Self.key)
        .replacing("RECORD", with: Self.record.replacing(old, with: new))
    }
    try put(text("", ""), "finished.json")
    let record = try #require(try study().finished(SoftmaxStudy.self))
    #expect(record.checks == [ReportCheck("w", isMet: true, found: "f")] && record.seconds == 1.5)
    for (old, new) in [
      (#""name": "softmax""#, #""name": "perceptron""#),
      (#""name": "softmax""#, #""name": "softmax](javascript:x)""#), ("Softmax and", "Soft"),
      ("heat-1", "http://evil.example/x.png?"), ("heat-1", "../../x"), ("heat-1", ""),
      (#""f""#, #""f\u001b[31m""#), (#""w""#, #""w\nfake""#), ("1.5", "-1"), ("1.5", "NaN"),
      ("1.5", "\"1\""), ("true", "1"), (#""isMet": true"#, #""isMet": true, "x": 1"#),
      (#"{"caption": "c", "name": "heat-1"}"#, "1"), ("\"w\"", "[]"),
    ] {
      #expect(text(old, new) != text("", ""))
      try put(text(old, new), "finished.json")
      let error = #expect(throws: StudyError.self) { try study().finished(SoftmaxStudy.self) }
      #expect(isKept(error), "\(new)")
    }
  }

  @Test("the record of every study that was run is taken again, and stands as text in the summary")
  func hostileRecord() throws {
    for text in HostileTexts.all + HostileTexts.controls {
      var report = StudyReport(protocolText: "")
      report.checks = [ReportCheck(text, isMet: true, found: text)]
      report.figures = [Figure("f", title: text, caption: text, panels: [])]
      report.modelHashes = [(text, Self.hash)]
      let record = StudyRecord(report, of: SoftmaxStudy.self)
      #expect(StudyRecord(record.json, of: SoftmaxStudy.self) == record)
      let summary = SummaryWriter.text([record], options: options, command: "study \(text)")
      let markdown = MarkdownReport(
        report: report, title: text, name: "f", options: options, command: text, isDrawn: true
      ).text
      for line in (summary + markdown).split(separator: "\n") {
        #expect(HostileTexts.hiddenCharacters(of: String(line)) == [])
        let code = line.firstIndex(of: "`")
        let plain = (code.map { line[..<$0] } ?? line).replacing("\\]", with: "")
        #expect(!plain.contains("<script") && !plain.contains("](javascript"), "\(line)")
        // As many cells as there are columns.
        guard line.hasPrefix("| softmax") else { continue }
        let bars = line.replacing("\\\\", with: "").replacing("\\|", with: "").filter { $0 == "|" }
        #expect(bars.count == 5, "\(line)")
      }
    }
  }

  // MARK: - Parts of trainings

  private func run(_ kept: JSONValue?) throws -> TrainingResult {
    let experiment = TrainingExperiment(
      name: "run", model: BuiltInModel.softmax.model(),
      optimizer: OptimizerConfiguration(
        optimizer: .momentum(0.9), schedule: .constant(0.01)), batch: 32, epochs: 3, seed: 1,
      keepsBatchLosses: true)
    let context = StudyContext(
      options: options, load: { _ in Self.data }, kept: kept.map { ["run": $0] } ?? [:])
    return try experiment.run(context, Self.data, TrainingProgress(context, total: 3))
  }

  @Test("a part that cannot be a run's result is refused in a line, and none is asked for for ever")
  func trainingParts() throws {
    let whole = try run(nil)
    let good = whole.json
    #expect(try run(good) == whole)
    guard case .object(let members) = good, case .array(let epochs)? = good["epochs"] else {
      Issue.record("\(good)")
      return
    }
    let lies: [(String, JSONValue?)] = [
      ("epochs", .array(Array(epochs.dropLast()))), ("epochs", .array(epochs + epochs)),
      ("epochs", []), ("epochs", .array(epochs.dropLast() + [[1, 2, 3, 4]])),
      ("epochs", .array(epochs.dropLast() + [[1, 0.5, 1]])),
      ("epochs", .array(epochs.dropLast() + [[1, 0.5, 1, 0.5, 1]])),
      ("epochs", .array(epochs.dropLast() + [[.number(.nan), 0.5, 1, 0.5]])),
      ("epochs", .array(epochs.dropLast() + [["1", 0.5, 1, 0.5]])),
      ("batch_losses", ""), ("batch_losses", .string(FloatText.text([1, 2]))),
      ("batch_losses", .string(FloatText.text([Float](repeating: .nan, count: 9)))),
      ("weights", .string(FloatText.text([1]))), ("memory", .string(FloatText.text([1]))),
      ("sha256", "x"), ("divergence", "epoch 4"), ("divergence", "a\nb"), ("divergence", 1),
      ("distributions", [1]), ("more", 1), ("memory", nil), ("sha256", nil),
      ("distributions", [["name": "a\n", "values": "", "root_mean_square": "1"]]),
      ("distributions", [["name": "a", "values": "", "root_mean_square": "-1"]]),
    ]
    for (name, value) in lies {
      var changed = members
      changed[name] = value
      let error = #expect(throws: StudyError.self, "\(name)") { try run(.object(changed)) }
      #expect(isKept(error), "\(name)")
    }
  }

  @Test("weights of an unfinished run are as many as the network's")
  func stages() throws {
    var kept: [String: JSONValue] = [:]
    func run(_ kept: [String: JSONValue], save: @escaping ([String: JSONValue]) -> Void) throws
      -> TrainingResult
    {
      let experiment = TrainingExperiment(
        name: "run", model: BuiltInModel.softmax.model(),
        optimizer: OptimizerConfiguration(
          optimizer: .adam(), schedule: .constant(0.01)), batch: 96, epochs: 11, seed: 1)
      let context = StudyContext(
        options: options, load: { _ in Self.data }, kept: kept, save: save)
      return try experiment.run(context, Self.data, TrainingProgress(context, total: 11))
    }
    let whole = try run([:]) { kept = $0 }
    kept["run"] = nil
    let first = try #require(kept["run, to epoch 10"])
    #expect(try run(kept) { _ in } == whole)
    guard case .object(var members) = first, let weights = FloatText.values(first["weights"]),
      let memory = FloatText.values(first["memory"])
    else {
      Issue.record("\(first)")
      return
    }
    for (name, values) in [
      ("weights", Array(weights.dropLast())), ("weights", weights + [1]), ("weights", []),
      ("weights", weights.dropLast() + [.nan]), ("memory", []), ("memory", memory + [1]),
      ("memory", memory.dropLast() + [.infinity]),
    ] {
      let before = members[name]
      members[name] = .string(FloatText.text(values))
      let error = #expect(throws: StudyError.self, "\(name) \(values.count)") {
        try run(["run, to epoch 10": .object(members)]) { _ in }
      }
      #expect(isKept(error), "\(name) \(values.count)")
      members[name] = before
    }
  }

  @Test("a perceptron's part is taken back as it was, and no other is")
  func perceptronParts() throws {
    var result = PerceptronResult(before: 3, beforePenalty: 0.5)
    result.hash = Self.hash
    result.confusion = [[Int]](repeating: [Int](repeating: 2, count: 10), count: 10)
    result.curve = [(1, 3), (4, 2.5)]
    guard case .object(let members) = result.json else { return }
    #expect(PerceptronResult(result.json)?.json == result.json)
    let lies: [(String, JSONValue?)] = [
      ("before", .number(.nan)), ("after", .number(.infinity)), ("iterations", -1),
      ("evaluations", 1.5), ("products", .integer(.max)), ("seconds", -1), ("hash", "x"),
      ("confusion", []), ("confusion", .array([JSONValue](repeating: [1], count: 10))),
      ("confusion", .array([JSONValue](repeating: 1, count: 10))), ("curve", [[1]]),
      ("curve", [1]), ("curve", [[1, .number(.nan)]]), ("more", 1), ("hash", nil),
    ]
    for (name, value) in lies {
      var changed = members
      changed[name] = value
      #expect(PerceptronResult(.object(changed)) == nil, "\(name)")
    }
  }
}
