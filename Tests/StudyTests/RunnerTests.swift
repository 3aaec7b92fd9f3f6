import FixedNet
import FixedNetStudies
import Foundation
import Synchronization
import TestSupport
import Testing

private let perceptronData = Fixtures.shared("data/digits20x20.mat")

/// Five parts, each a number; counts how many are made.
private struct CountingStudy: Study {
  static let name = "counting"
  static let title = "Counts"
  static let made = Atomic<Int>(0)

  func run(_ context: StudyContext) throws -> StudyReport {
    var report = StudyReport(protocolText: "Counts to five.")
    report.csv = [["part", "value"]]
    for part in 0..<5 {
      try context.checkInterrupt()
      context.progress(part, of: 5, "part \(part)")
      let value = try context.part("\(part)") {
        CountingStudy.made.add(1, ordering: .relaxed)
        return .number(Double(part) / 3)
      }
      report.csv.append(["\(part)", "\(value.double ?? -1)"])
    }
    report.checks = [ReportCheck("five | parts", isMet: true, found: "5")]
    report.tables = [ReportTable("A, \"b\"", columns: ["x"], rows: [["a|b\nc"]])]
    report.figures = [FigureSamples.heatMap]
    return report
  }
}

@Suite("StudyRunner", .serialized)
struct RunnerTests {
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  /// Runs into `output`; stops when the progress has been told `stopAfter` times.
  private func run(
    _ study: any Study.Type, _ options: StudyOptions, to output: String, stopAfter: Int = .max,
    isFresh: Bool = false, skipsFinished: Bool = false
  ) throws(StudyError) -> StudyRunner.Outcome {
    let seen = Mutex(0)
    let runner = StudyRunner(
      options: options, output: "\(folder)/\(output)", command: "study x",
      writer: ReportWriter(figures: FigureWriter(gnuplot: nil)),
      report: { _ in seen.withLock { $0 += 1 } },
      isInterrupted: { seen.withLock { $0 >= stopAfter } })
    return try runner.run(study, isFresh: isFresh, skipsFinished: skipsFinished)
  }

  private func bytes(_ path: String) throws -> Data {
    try #require(FileManager.default.contents(atPath: "\(folder)/\(path)"))
  }

  private func options(_ path: String? = nil, threads: Int = 1) -> StudyOptions {
    var options = StudyOptions()
    options.isQuick = true
    options.threads = threads
    options.dataDirectory = path.map { URL(filePath: $0).deletingLastPathComponent().path }
    return options
  }

  @Test("an interrupted study goes on where it was, and ends as an undisturbed one")
  func resumes() throws {
    let start = CountingStudy.made.load(ordering: .relaxed)
    func made() -> Int { CountingStudy.made.load(ordering: .relaxed) - start }
    #expect(throws: StudyError.interrupted) {
      try run(CountingStudy.self, options(), to: "a", stopAfter: 3)
    }
    #expect(made() == 3)
    // Other options have nothing to do with it.
    var other = options()
    other.seeds = 2
    #expect(throws: StudyError.interrupted) {
      try run(CountingStudy.self, other, to: "b", stopAfter: 1)
    }
    #expect(made() == 4)
    let outcome = try run(CountingStudy.self, options(threads: 2), to: "a")
    #expect(made() == 6 && !outcome.isOld)
    _ = try run(CountingStudy.self, options(), to: "c")
    #expect(made() == 11)
    #expect(try bytes("a/counting/data.csv") == bytes("c/counting/data.csv"))
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/a/counting/parts.json"))
    let old = try run(CountingStudy.self, options(), to: "a", skipsFinished: true)
    #expect(old.isOld && old.record == outcome.record && made() == 11)
    _ = try run(CountingStudy.self, options(), to: "a", isFresh: true, skipsFinished: true)
    #expect(made() == 16)
    _ = try run(CountingStudy.self, other, to: "a", skipsFinished: true)
    #expect(made() == 21)
  }

  @Test("the report has the protocol, checks, tables, figures and provenance")
  func report() throws {
    let outcome = try run(CountingStudy.self, options(), to: "a")
    #expect(try #require(outcome.advice).contains("run gnuplot *.gp in"))
    let text = String(decoding: try bytes("a/counting/report.md"), as: UTF8.self)
    for part in [
      "# Counts\n", "A quick run", "Counts to five.", "| five \\| parts | 5 | yes |", "| a\\|b c |",
      "[Collapsed networks](heat.gp)", "*A heat map.*", "`study x`", "[data.csv](data.csv)",
    ] {
      #expect(text.contains(part), "\(part)")
    }
    try SummaryWriter.write(
      [outcome.record], options: options(), command: "study all", to: "\(folder)/a")
    let summary = String(decoding: try bytes("a/summary.md"), as: UTF8.self)
    #expect(summary.contains("| [counting](counting/report.md) | Counts | 1 of 1 |"))
    #expect(summary.contains("![A heat map.](counting/heat.svg)"))
    #expect(
      MarkupText.csv([["a,b", "c\"d", "e"]]) == "\"a,b\",\"c\"\"d\",e\n")
  }

  @Test("softmax, quick: every check is met, and a second run gives the same bytes")
  func softmax() throws {
    let study = try #require(StudyRegistry.named("softmax"))
    let outcome = try run(study, options(), to: "a")
    #expect(outcome.record.checks.count == 3)
    #expect(outcome.record.checks.filter { !$0.isMet } == [])
    _ = try run(study, options(threads: 2), to: "b")
    #expect(try bytes("a/softmax/data.csv") == bytes("b/softmax/data.csv"))
  }

  @Test(
    "perceptron, quick: the same bytes for one and two threads, and after an interruption",
    .enabled(if: perceptronData != nil, "needs ../shared/data/digits20x20.mat"))
  func perceptron() throws {
    let study = try #require(StudyRegistry.named("perceptron"))
    _ = try run(study, options(perceptronData), to: "a")
    let csv = try bytes("a/perceptron/data.csv")
    let rows = String(decoding: csv, as: UTF8.self).split(separator: "\n")
    #expect(rows.count == 9)
    for row in rows.dropFirst() {
      let cells = row.split(separator: ",")
      let (before, after) = (Double(cells[4]), Double(cells[6]))
      #expect((6.0...9.0).contains(try #require(before)))
      #expect(try #require(after) < 3 && (Int(cells[9]) ?? 99) + (Int(cells[10]) ?? 99) <= 30)
    }
    #expect(throws: StudyError.interrupted) {
      try run(study, options(perceptronData), to: "b", stopAfter: 4)
    }
    _ = try run(study, options(perceptronData, threads: 2), to: "b")
    #expect(try bytes("b/perceptron/data.csv") == csv)
    let text = String(decoding: try bytes("b/perceptron/report.md"), as: UTF8.self)
    #expect(text.contains("| data digits20x20 | `"))
    var reference = options(perceptronData)
    reference.switches = ["reference-gradient"]
    _ = try run(study, reference, to: "c")
    let alone = String(decoding: try bytes("c/perceptron/data.csv"), as: UTF8.self)
    #expect(!alone.contains("exact") && alone.split(separator: "\n").dropFirst() == rows[5...])
  }

  @Test("data that are not there, a broken part, and an output that is no folder are one line")
  func refusals() throws {
    let study = try #require(StudyRegistry.named("perceptron"))
    var missing = options()
    missing.dataDirectory = "\(folder)/none"
    do {
      let data = StudyData(directory: "\(folder)/none", environment: [:])
      _ = try data.load("digits20x20")
      Issue.record("found data in an empty folder")
    } catch {
      #expect("\(error)".contains("neither digits20x20.mat nor ex3data1.mat is in \(folder)/none"))
    }
    #expect(throws: StudyError.self) {
      try StudyData(directory: "\(folder)/none", environment: [:]).load("mnist")
    }
    try Data("x".utf8).write(to: URL(filePath: "\(folder)/file"))
    #expect(
      throws: StudyError.output(
        "cannot make the folder '\(folder)/file/perceptron' for the report; give another --output")
    ) { try run(study, missing, to: "file") }
  }
}
