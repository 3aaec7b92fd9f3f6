import FixedNet
import FixedNetCore
import FixedNetFiles
import Testing

@testable import FixedNetStudies

@Suite("Training experiments")
struct TrainingExperimentTests {
  private static let data = DataSet.digits(trainCount: 96, testCount: 40)

  private static func context(
    kept: [String: JSONValue] = [:], isInterrupted: @escaping () -> Bool = { false },
    save: @escaping ([String: JSONValue]) throws -> Void = { _ in }
  ) -> StudyContext {
    StudyContext(
      options: StudyOptions(), load: { _ in data }, isInterrupted: isInterrupted, kept: kept,
      save: save)
  }

  private static func run(_ experiment: TrainingExperiment, _ context: StudyContext) throws
    -> TrainingResult
  {
    try experiment.run(context, data, TrainingProgress(context, total: experiment.epochs))
  }

  /// A network with batch normalisation and an optimiser that remembers, longer than two stages.
  private static func long(_ epochs: Int = 23) -> TrainingExperiment {
    TrainingExperiment(
      name: "long", model: BuiltInModel.lenet.model(),
      optimizer: OptimizerConfiguration(optimizer: .adam(), schedule: .constant(0.002)), batch: 32,
      epochs: epochs, seed: 5, keepsBatchLosses: true, keepsWeights: true)
  }

  /// The weights' hash and the epochs' training losses of a bare trainer.
  private static func plain(
    _ model: Model, _ optimizer: OptimizerConfiguration, batch: Int, epochs: Int,
    seed: UInt64
  ) throws -> (sha256: String, losses: [Double]) {
    let network = try Network(
      NetworkPlan(
        model,
        options: PlanOptions(batch: batch, isTraining: true, optimizer: optimizer.optimizer)))
    try network.load(model.initialWeights(seed: seed))
    let trainer = try Trainer(
      network: network, images: data.train, batch: batch, optimizer: optimizer, seed: seed)
    var losses: [Double] = []
    for _ in 0..<epochs {
      if case .finished(let sums) = try trainer.runEpoch() { losses.append(sums.meanLoss) }
    }
    return (WeightsDigest.sha256(network.weights), losses)
  }

  @Test("a run in stages has the weights and losses of a trainer that never stops")
  func stages() throws {
    let experiment = Self.long()
    var kept: [String: JSONValue] = [:]
    let result = try Self.run(experiment, Self.context(save: { kept = $0 }))
    #expect(kept.keys.sorted() == ["long", "long, to epoch 10", "long, to epoch 20"])
    let expected = try Self.plain(
      experiment.model, experiment.optimizer, batch: 32, epochs: 23, seed: 5)
    #expect(result.sha256 == expected.sha256)
    #expect(result.epochs.map(\.trainLoss) == expected.losses)
    #expect(result.batchLosses.count == 23 * 3)
    // An epoch's loss is the mean of its three batches of 32.
    for (epoch, loss) in expected.losses.enumerated() {
      let batches = result.batchLosses[3 * epoch..<3 * epoch + 3].map(Double.init)
      #expect(abs(batches.reduce(0, +) / 3 - loss) < 1e-6)
    }
  }

  @Test("a run that was stopped within its second stage goes on to the same bits")
  func resumed() throws {
    let undisturbed = try Self.run(Self.long(), Self.context())
    var kept: [String: JSONValue] = [:]
    var asked = 0
    #expect(throws: StudyError.interrupted) {
      _ = try Self.run(
        Self.long(),
        Self.context(
          isInterrupted: {
            asked += 1
            return asked > 60
          }, save: { kept = try TrainingStudyTests.stored($0) }))
    }
    #expect(kept.keys.sorted() == ["long, to epoch 10"])
    let resumed = try Self.run(Self.long(), Self.context(kept: kept))
    #expect(resumed == undisturbed)
  }

  @Test("numbers that are not finite end a run and are its result")
  func divergence() throws {
    let experiment = TrainingExperiment(
      name: "broken", model: BuiltInModel.lenetPlain.model(),
      optimizer: OptimizerConfiguration(schedule: .constant(1e38)), batch: 32, epochs: 4, seed: 0)
    var kept: [String: JSONValue] = [:]
    let result = try Self.run(
      experiment, Self.context(save: { kept = try TrainingStudyTests.stored($0) }))
    let place = try #require(result.divergence)
    #expect(place.hasPrefix("epoch 1, step "))
    #expect(result.epochs.isEmpty && result.final.trainLoss.isNaN)
    let again = try Self.run(experiment, Self.context(kept: kept))
    #expect(again == result)
    var report = StudyReport(protocolText: "")
    report.add(result, run: "broken", seed: 0)
    #expect(report.csv.last == ["broken", "0", "1", "nan", "nan", "nan", "nan"])
    #expect(SeedRuns(label: "", results: [result]).final(\.trainLoss).text(4) == "not finite")
  }

  @Test("the range test starts every rate anew, and once more hands the weights from rate to rate")
  func continued() throws {
    func study(_ switches: Set<String>) throws -> StudyReport {
      try LearningRateRangeStudy().run(
        StudyContext(
          options: TrainingStudyTests.options(switches: switches), load: { _ in Self.data }))
    }
    let report = try study([])
    guard case .lines(let lines)? = report.figures.first?.panels.first?.content else {
      Issue.record("no curves")
      return
    }
    #expect(lines.map(\.label) == ["re-initialised", "continued", "reference (continued)"])
    #expect(report.tables[0].columns.count == 6)
    let alone = try study(["continue"])
    #expect(alone.csv.dropFirst() == report.csv.suffix(11) && report.csv.count == 23)
    let model = BuiltInModel.lenetPlain.model()
    // One trainer over eleven epochs, at a rate ten times that of the one before in each.
    let rates = ["1e-9", "1e-8", "1e-7", "1e-6", "1e-5", "1e-4", "1e-3", "1e-2", "1e-1", "1", "10"]
      .compactMap(Double.init)
    let chained = try Self.plain(
      model, OptimizerConfiguration(customRate: { rates[$0 / 2] }), batch: 64, epochs: 11, seed: 0)
    let hashes = Dictionary(uniqueKeysWithValues: report.modelHashes.map { ($0.name, $0.sha256) })
    #expect(hashes["10^1 continued, seed 0"] == chained.sha256)
    let fresh = try Self.plain(
      model, OptimizerConfiguration(schedule: .constant(0.1)), batch: 64, epochs: 1, seed: 0)
    #expect(hashes["10^-1, seed 0"] == fresh.sha256)
    #expect(hashes["10^-9 continued, seed 0"] == hashes["10^-9, seed 0"])
  }

  @Test("a distribution keeps its ends, its quartiles and its size")
  func distribution() throws {
    // 0 ... 10,000, shuffled by a prime.
    let values = (0...10_000).map { Float($0 * 7_919 % 10_001) }
    let found = Distribution("x", of: values)
    #expect(found.values.count == 1_001)
    #expect(found.values == (0...1_000).map { Float(10 * $0) })
    // sum k^2 = n (n + 1) (2 n + 1) / 6
    let mean = 10_000.0 * 20_001 / 6
    #expect(abs(found.rootMeanSquare - mean.squareRoot()) < 1e-9)
    #expect(Distribution(found.json) == found)
    #expect(Distribution("one", of: [3]).values == [3])
    #expect(Distribution("none", of: []).values.isEmpty)
  }

  @Test("means and deviations over seeds")
  func spread() {
    #expect(SeedSpread([1, 2, 3]).text(2) == "2.00 +- 1.00")
    #expect(SeedSpread([0.985, 0.986]).percent == "98.55 % +- 0.07")
    #expect(SeedSpread([0.5]).percent == "50.00 %")
    #expect(SeedSpread([0.5, .nan]).text(2) == "not finite")
  }

  @Test("floats as text keep their bits")
  func floatText() {
    let values: [Float] = [0, -0.0, .pi, .infinity, .leastNonzeroMagnitude, -.pi]
    let found = FloatText.values(.string(FloatText.text(values)))
    #expect(found?.map(\.bitPattern) == values.map(\.bitPattern))
    #expect(FloatText.values("AAA") == nil && FloatText.values("AAA=") == nil)
    #expect(FloatText.values(nil) == nil)
  }
}
