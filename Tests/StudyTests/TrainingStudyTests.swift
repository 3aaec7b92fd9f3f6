import FixedNet
import FixedNetCore
import FixedNetFiles
import Testing

@testable import FixedNetStudies

/// The studies that train networks, as quick runs on digits drawn by the program.
@Suite("Training studies")
struct TrainingStudyTests {
  static let studies: [any Study.Type] = [
    InitializationStudy.self, BatchNormStudy.self, LearningRateRangeStudy.self,
    CyclicalLearningRateStudy.self, BatchSizeStudy.self,
  ]

  static let digits = DataSet.digits(trainCount: 200, testCount: 60)

  static func options(switches: Set<String> = [], threads: Int = 1) -> StudyOptions {
    var options = StudyOptions()
    (options.isQuick, options.switches, options.threads) = (true, switches, threads)
    return options
  }

  static func report(_ study: any Study.Type, _ options: StudyOptions = options()) throws
    -> StudyReport
  {
    try study.init().run(StudyContext(options: options, load: { _ in digits }))
  }

  /// What a report says, but for its figures.
  static func contents(_ report: StudyReport) -> [String] {
    report.csv.map { $0.joined(separator: ",") }
      + report.modelHashes.map { "\($0.name) \($0.sha256)" }
      + report.tables.flatMap { [$0.title] + $0.rows.map { $0.joined(separator: "|") } }
      + report.findings + report.checks.map { "\($0.what) \($0.found)" }
  }

  /// Every number of a figure.
  static func values(_ figure: Figure) -> [Double] {
    figure.panels.flatMap { panel -> [Double] in
      switch panel.content {
      case .lines(let lines): lines.flatMap { $0.points.flatMap { [$0.x, $0.y] } + $0.spread }
      case .violins(let violins): violins.flatMap { $0.values.map(Double.init) }
      case .heatMap(let values, _, _): values.flatMap { $0 }
      }
    }
  }

  @Test("a quick run gives tables, figures and a line per epoch", arguments: 0..<5)
  func quick(_ index: Int) throws {
    let study = Self.studies[index]
    let report = try Self.report(study)
    // Runs and epochs of each quick run.
    let (runs, epochs) = [(12, 1), (5, 2), (22, 1), (1, 2), (3, 2)][index]
    #expect(report.csv.count == 1 + runs * epochs)
    #expect(Set(report.csv.map(\.count)).count == 1)
    #expect(report.modelHashes.count == runs)
    #expect(report.modelHashes.allSatisfy { $0.sha256.count == 64 })
    #expect(!report.deviations.isEmpty && !report.findings.isEmpty && !report.tables.isEmpty)
    for table in report.tables {
      #expect(table.rows.allSatisfy { $0.count == table.columns.count }, "\(table.title)")
    }
    #expect(Set(report.figures.map(\.name)).count == report.figures.count)
    for figure in report.figures {
      let values = Self.values(figure)
      #expect(!values.isEmpty, "\(figure.name)")
      #expect(values.allSatisfy { $0.isFinite }, "\(figure.name)")
    }
    // Quick runs say nothing of what a full one has to show, but rates are rates.
    #expect(report.checks.count == (study.name == CyclicalLearningRateStudy.name ? 3 : 0))
    #expect(report.checks.allSatisfy { $0.isMet })
  }

  @Test("the same seed gives the same bytes, on two threads too", arguments: 0..<5)
  func repeatable(_ index: Int) throws {
    let first = Self.contents(try Self.report(Self.studies[index]))
    let second = Self.contents(try Self.report(Self.studies[index], Self.options(threads: 2)))
    #expect(first == second)
  }

  @Test("another seed is another run")
  func seeds() throws {
    var options = Self.options()
    options.seeds = 2
    let report = try Self.report(BatchSizeStudy.self, options)
    #expect(report.modelHashes.map(\.name).suffix(2) == ["batch 64, seed 1", "batch 128, seed 1"])
    #expect(Set(report.modelHashes.map(\.sha256)).count == 6)
    #expect(report.tables[0].rows.allSatisfy { $0[2].contains(" +- ") })
  }

  @Test("an interrupted study that goes on ends as an undisturbed one", arguments: 0..<5)
  func resumed(_ index: Int) throws {
    let study = Self.studies[index]
    let undisturbed = try Self.report(study)
    var kept: [String: JSONValue] = [:]
    var asked = 0
    // Asked before every epoch and after every step: these many are behind the first part of all but one study.
    let limit = study.name == CyclicalLearningRateStudy.name ? 6 : 24
    #expect(throws: StudyError.interrupted) {
      _ = try study.init().run(
        StudyContext(
          options: Self.options(), load: { _ in Self.digits },
          isInterrupted: {
            asked += 1
            return asked > limit
          },
          save: { kept = try Self.stored($0) }))
    }
    #expect(kept.isEmpty == (study.name == CyclicalLearningRateStudy.name))
    var first: Int?
    let resumed = try study.init().run(
      StudyContext(
        options: Self.options(), load: { _ in Self.digits },
        report: { progress in
          if progress.done > 0, first == nil { first = progress.done }
        }, kept: kept))
    #expect(Self.contents(resumed) == Self.contents(undisturbed))
    #expect(resumed.figures.map(Self.values) == undisturbed.figures.map(Self.values))
    #expect(first != nil)
  }

  /// As a file has it.
  static func stored(_ parts: [String: JSONValue]) throws -> [String: JSONValue] {
    guard case .object(let members) = try JSONValue(parsing: JSONValue.object(parts).text) else {
      return [:]
    }
    return members
  }

  @Test("parts that are not what was kept are refused in one line")
  func broken() {
    let part: JSONValue = ["epochs": [["one"]], "sha256": "", "distributions": []]
    #expect(
      throws: StudyError.kept(
        place: "what was kept of 'batch 32, seed 0'", reason: "it cannot be its result")
    ) {
      _ = try BatchSizeStudy().run(
        StudyContext(
          options: Self.options(), load: { _ in Self.digits }, kept: ["batch 32, seed 0": part]))
    }
  }

  @Test("data that are missing are refused with their error")
  func missing() {
    let error = DataError.missing(name: "mnist", searched: ["nowhere"])
    #expect(throws: StudyError.data("\(error)")) {
      _ = try BatchNormStudy().run(
        StudyContext(options: Self.options(), load: { _ in throw error }))
    }
  }

  @Test("--reference-init starts all hidden layers with the same numbers, which are its own")
  func referenceInit() throws {
    for row in InitializationStudy.rows {
      let model = InitializationStudy.model(row)
      let own = try InitializationStudy.start(model, seed: 3, isReference: false)
      let reference = try InitializationStudy.start(model, seed: 3, isReference: true)
      let hidden = reference.filter { $0.layer.hasPrefix("hidden") }.map(\.tensors)
      #expect(hidden.count == 5)
      #expect(hidden.allSatisfy { $0 == hidden[0] }, "\(row.label)")
      #expect(hidden[0][0].shape == [100, 100])
      #expect(Set(hidden[0][0].values).count > 9_000)
      let drawn = own.filter { $0.layer.hasPrefix("hidden") }.map(\.tensors)
      #expect(Set(drawn.map { $0[0].values }).count == 5, "\(row.label)")
      #expect(drawn[0] == hidden[0])
      for layer in ["input", "output"] {
        #expect(reference.first { $0.layer == layer } == own.first { $0.layer == layer })
      }
    }
    let hashes = try [Set(), ["reference-init"]].map { switches in
      try Self.report(InitializationStudy.self, Self.options(switches: switches)).modelHashes
    }
    #expect(zip(hashes[0], hashes[1]).allSatisfy { $0.0.sha256 != $0.1.sha256 })
  }

  @Test("the deep MLP starts as its row says: deviations of the kernels, zero biases")
  func starts() throws {
    for row in InitializationStudy.rows {
      let model = InitializationStudy.model(row)
      let weights = try InitializationStudy.start(model, seed: 0, isReference: false)
      let layers = weights.filter { !$0.tensors.isEmpty }
      #expect(layers.map { $0.tensors[0].shape[0] } == [784, 100, 100, 100, 100, 100, 100])
      for layer in layers {
        let shape = layer.tensors[0].shape
        let expected: Double =
          if case .randomNormal(_, let deviation) = row.initializer {
            Double(deviation)
          } else {
            (2 / Double(shape[0] + shape[1])).squareRoot()
          }
        let found = Distribution("", of: layer.tensors[0].values).rootMeanSquare
        // Four standard errors of a deviation over 1,000 values.
        #expect(abs(found / expected - 1) < 0.09, "\(row.label) \(layer.layer)")
        #expect(layer.tensors[1].values.allSatisfy { $0 == 0 })
      }
    }
  }
}
