import FixedNetCore
import Testing

@testable import FixedNet

/// One run, one hash: the bits of the weights depend on the plan only.
@Suite("Determinism")
struct DeterminismTests {
  static let models = [TestModels.small, TestModels.plain]

  /// The hash of the weights after two epochs over 83 images in batches of 24, the last of which is short.
  private static func train(
    _ model: SequentialModel, threads: Int, instructionSet: InstructionSet = .best,
    planBatch: Int = 24, batch: Int = 24
  ) throws -> UInt64 {
    let network = try TestModels.network(
      model, batch: planBatch, threads: threads,
      blockSize: PlanOptions(batch: batch, isTraining: true).resolvedBlockSize,
      instructionSet: instructionSet)
    let trainer = try Trainer(
      network: network, images: TestModels.images(83, shape: model.input, classes: 5),
      batch: batch, optimizer: OptimizerConfiguration(schedule: .constant(0.1)), seed: 5)
    for _ in 0..<2 { _ = try trainer.runEpoch() }
    #expect(network.canariesAreIntact)
    return TestModels.hash(network.weights)
  }

  @Test("weights do not depend on the number of threads", arguments: models, [24, 5])
  func threads(_ model: SequentialModel, batch: Int) throws {
    let one = try Self.train(model, threads: 1, planBatch: batch, batch: batch)
    for threads in [2, 3, 5] {
      #expect(try Self.train(model, threads: threads, planBatch: batch, batch: batch) == one)
    }
    let untrained = TestModels.hash(try TestModels.weights(model))
    #expect(one != untrained)
  }

  @Test("weights do not depend on the instruction set", arguments: models, [24, 5])
  func instructionSets(_ model: SequentialModel, batch: Int) throws {
    let best = try Self.train(model, threads: 2, planBatch: batch, batch: batch)
    for set in TestModels.instructionSets {
      #expect(
        try Self.train(
          model, threads: 1, instructionSet: set, planBatch: batch, batch: batch) == best)
    }
  }

  @Test("a mini-batch in parts gives the same bits as in one", arguments: [16, 32])
  func accumulation(part: Int) throws {
    let whole = try Self.train(TestModels.plain, threads: 2, planBatch: 48, batch: 48)
    let parts = try Self.train(TestModels.plain, threads: 2, planBatch: part, batch: 48)
    #expect(whole == parts)
  }

  @Test("a prediction does not depend on the batch it came in", arguments: models)
  func batches(_ model: SequentialModel) throws {
    let images = TestModels.images(150, shape: model.input, classes: 5)
    var seen: Set<UInt64> = []
    for batch in [1, 7, 16, 128] {
      for set in TestModels.instructionSets {
        let network = try TestModels.network(
          model, batch: batch, threads: 2, isTraining: false, instructionSet: set)
        let outputs = try network.predict(images).outputs.values
        seen.insert(TestModels.hash(outputs))
        #expect(outputs.allSatisfy { $0.isFinite && $0 > 0 })
      }
    }
    #expect(seen.count == 1)
  }

  @Test("a run continued from its position and weights ends in the same bits")
  func resume() throws {
    let model = TestModels.small
    let images = TestModels.images(83, shape: model.input, classes: 5)
    func trainer(_ network: Network, _ position: TrainingPosition) throws -> Trainer {
      try Trainer(
        network: network, images: images, batch: 24,
        optimizer: OptimizerConfiguration(schedule: .constant(0.1)), seed: 5, position: position)
    }
    let first = try TestModels.network(model, batch: 24, threads: 2)
    let whole = try trainer(first, TrainingPosition())
    let wholeFirstEpoch = try whole.runEpoch()
    _ = try whole.runEpoch()

    let second = try TestModels.network(model, batch: 24, threads: 1)
    let interrupted = try trainer(second, TrainingPosition())
    #expect(try interrupted.runEpoch { $0.stepInEpoch < 2 } == .interrupted)
    let third = try TestModels.network(model, batch: 24, threads: 3)
    try third.load(second.weights)
    let resumed = try trainer(third, interrupted.position)
    #expect(try resumed.runEpoch() == wholeFirstEpoch)
    _ = try resumed.runEpoch()
    #expect(TestModels.hash(third.weights) == TestModels.hash(first.weights))
  }
}
