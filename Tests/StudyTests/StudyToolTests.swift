import FixedNet
import FixedNetStudies
import Foundation
import TestSupport
import Testing

@Suite("study", .serialized)
struct StudyToolTests {
  private static let tools =
    URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  private func study(_ options: String) throws -> Finished { try run("study", options) }

  private func run(_ tool: String, _ options: String) throws -> Finished {
    try Finished(
      "\(Self.tools)/\(tool)", options.split(separator: " ").map(String.init), in: folder,
      environment: ["FIXEDNET_DATA": "", "HOME": folder, "FIXEDNET_PYTHON": "/none/python"])
  }

  @Test("list names every study")
  func list() throws {
    let run = try study("list")
    #expect(run.exitCode == 0 && run.errors.isEmpty)
    let names = run.output.split(separator: "\n").compactMap { $0.split(separator: " ").first }
    #expect(names.map(String.init) == StudyRegistry.names && names.contains("softmax"))
  }

  @Test("a study writes its folder and one JSON object")
  func softmax() throws {
    let run = try study("softmax --quick --json --threads 1")
    #expect(run.exitCode == 0, "\(run.errors)")
    let json = try JSONValue(parsing: run.output)
    guard case .array(let studies)? = json["studies"] else {
      Issue.record("\(run.output)")
      return
    }
    #expect(studies.first?["name"] == "softmax" && json["quick"] == true)
    let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/Reports/softmax")
    #expect(Set(["report.md", "data.csv", "differences.gp", "jacobian.dat"]).isSubset(of: files))
  }

  @Test(
    "wrong use is one line",
    arguments: [
      ("sofmax", "no study is called 'sofmax'; there are softmax, perceptron", Int32(64)),
      ("all --output-dir s", "Unknown option '--output-dir'", 64),
      ("softmax all", "'all' stands alone, found 'softmax all'", 64),
      ("softmax --seeds 0", "--seeds must be from 1 to 1000", 64),
      ("", "Missing expected argument", 64),
      ("softmax --quick --output /dev/null", "cannot make the folder '/dev/null/softmax'", 1),
      ("perceptron --quick --data-dir none", "is in none, Data, ", 1),
      ("architectures --quick --keras", "no Python at '/none/python'", 1),
    ])
  func refusals(_ options: String, _ fragment: String, _ exitCode: Int32) throws {
    let run = try study(options)
    #expect(run.exitCode == exitCode && run.output.isEmpty, "\(run.output)")
    #expect(run.errors.contains(fragment), "\(run.errors)")
    #expect(run.errors.split(separator: "\n").count == 1, "\(run.errors)")
  }

  /// A MATLAB 4 file, as the study's data: X with 50 samples of 400, y with labels 1 ... 10.
  private func writeDigits(to path: String) throws {
    func matrix(_ name: String, columns: Int, _ value: (Int, Int) -> Double) -> [UInt8] {
      // Little-endian doubles in full, rows, columns, real, the name's length with its end.
      let header = [0, 50, columns, 0, name.utf8.count + 1].map { Int32($0) }
      let values = (0..<columns).flatMap { column in (0..<50).map { value($0, column) } }
      return header.flatMap { withUnsafeBytes(of: $0.littleEndian, Array.init) } + Array(name.utf8)
        + [0] + values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) }
    }
    let bytes =
      matrix("X", columns: 400) { sin(Double($0 * 400 + $1 + 1)) }
      + matrix("y", columns: 1) { row, _ in Double(row % 10 + 1) }
    try Data(bytes).write(to: URL(filePath: path))
  }

  #if MatIO
    @Test("the report of a study that is running is not written by another run")
    func twoAtOnce() throws {
      try writeDigits(to: "\(folder)/ex3data1.mat")
      let options = "perceptron --quick --data-dir ."
      let first = Process()
      first.executableURL = URL(filePath: "\(Self.tools)/study")
      first.arguments = "\(options) --seeds 1000".split(separator: " ").map(String.init)
      first.currentDirectoryURL = URL(filePath: folder)
      first.standardOutput = FileHandle.nullDevice
      first.standardError = FileHandle.nullDevice
      try first.run()
      let lock = "\(folder)/Reports/perceptron/.report.md.lock"
      for _ in 0..<6000 where !FileManager.default.fileExists(atPath: lock) { usleep(5_000) }
      // The lock itself follows the file.
      usleep(50_000)
      let second = try study("\(options) --seeds 1")
      #expect(second.exitCode == 1 && second.output.isEmpty)
      #expect(
        second.errors
          == "study: perceptron: cannot write 'Reports/perceptron/report.md': process "
          + "\(first.processIdentifier) is writing it; wait for its end, or choose another file\n")
      first.interrupt()
      first.waitUntilExit()
      #expect(first.terminationStatus == 130)
      #expect(!FileManager.default.fileExists(atPath: lock))
      let third = try study("\(options) --seeds 1 --fresh")
      #expect(third.exitCode == 0, "\(third.errors)")
    }

    @Test("Ctrl-C in a study keeps what is done, exits 130, and the same command goes on")
    func interrupt() throws {
      try writeDigits(to: "\(folder)/ex3data1.mat")
      let options = "perceptron --quick --seeds 12 --data-dir ."
      let whole = try study("\(options) --output whole")
      #expect(whole.exitCode == 0, "\(whole.errors)")
      let process = Process()
      process.executableURL = URL(filePath: "\(Self.tools)/study")
      process.arguments = "\(options) --output part".split(separator: " ").map(String.init)
      process.currentDirectoryURL = URL(filePath: folder)
      let errors = Pipe()
      process.standardOutput = FileHandle.nullDevice
      process.standardError = errors
      try process.run()
      let parts = "\(folder)/part/perceptron/parts.json"
      for _ in 0..<6000 where !FileManager.default.fileExists(atPath: parts) { usleep(5_000) }
      process.interrupt()
      let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationReason == .exit && process.terminationStatus == 130)
      #expect(
        said == "study: interrupted; what is done is kept, and the same command goes on\n")
      let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/part/perceptron")
      #expect(names == ["parts.json"])
      let kept = try JSONValue(parsing: String(contentsOfFile: parts, encoding: .utf8))["parts"]
      guard case .object(let done)? = kept else {
        Issue.record("no parts are kept")
        return
      }
      // Four networks and methods, with either gradient, per seed.
      #expect((1..<8 * 12).contains(done.count))

      let resumed = try study("\(options) --output part")
      #expect(resumed.exitCode == 0 && resumed.errors.filter { $0 == "\n" }.count <= 1)
      let tables = ["whole", "part"].map {
        FileManager.default.contents(atPath: "\(folder)/\($0)/perceptron/data.csv")
      }
      #expect(tables[0] != nil && tables[0] == tables[1])
      #expect(!FileManager.default.fileExists(atPath: parts))
    }
  #endif

  @Test(
    "train and eval draw what they have found, and refuse other files",
    .enabled(if: Gnuplot.path() != nil, "needs gnuplot"))
  func plots() throws {
    let data = Fixtures.local("mat/digits_ten.mat")
    let train = try run(
      "train",
      "--data \(data) --zero-label 10 --model softmax --batch 4 --epochs 3 --quiet --plot h.svg "
        + "--output m.h5")
    #expect(train.exitCode == 0 && train.errors.isEmpty, "\(train.errors)")
    let curves = try String(contentsOfFile: "\(folder)/h.svg", encoding: .utf8)
    #expect([">training<", ">epoch<", ">accuracy (%)<"].allSatisfy { curves.contains($0) })
    let eval = try run("eval", "m.h5 --plot c.svg --json")
    #expect(eval.exitCode == 0 && eval.errors.isEmpty, "\(eval.errors)")
    #expect(try JSONValue(parsing: eval.output)["model"] == "softmax")
    let matrix = try String(contentsOfFile: "\(folder)/c.svg", encoding: .utf8)
    #expect(matrix.contains(">predicted class<"))
    let solver = try run(
      "train",
      "--data \(data) --model softmax --optimizer lbfgs --evaluations 5 --quiet --plot s.png")
    #expect(solver.exitCode == 0, "\(solver.errors)")
    #expect(FileManager.default.fileExists(atPath: "\(folder)/s.png"))
    for (tool, options) in [("train", "--plot a.pdf"), ("eval", "m.h5 --plot a")] {
      let refused = try run(tool, options)
      #expect(refused.exitCode == 64 && refused.errors.contains("--plot must name an .svg or .png"))
    }
    #expect(try run("eval", "m.h5 --plot c.svg --inputs x.h5").exitCode == 64)
  }
}
