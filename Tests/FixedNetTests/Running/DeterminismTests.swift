import FixedNetCore
import Testing

@testable import FixedNetCompute

/// One run, one hash: the bits of the weights depend on the plan only.
@Suite("Determinism")
struct DeterminismTests {
  static let models = [TestModels.small, TestModels.plain, TestModels.varied]

  /// The hash of the weights after two epochs over 83 images in batches of 24, the last of which is short.
  private static func train(
    _ model: Model, threads: Int, instructionSet: InstructionSet = .best,
    planBatch: Int = 24, batch: Int = 24, optimizer: Optimizer = .sgd,
    clipping: Clipping = .none, loss: Loss? = nil, rate: Double = 0.1
  ) throws -> UInt64 {
    let network = try TestModels.network(
      model, batch: planBatch, threads: threads,
      blockSize: PlanOptions(batch: batch, isTraining: true).resolvedBlockSize,
      instructionSet: instructionSet, loss: loss, optimizer: optimizer, clipping: clipping)
    let trainer = try Trainer(
      network: network, images: TestModels.images(83, shape: model.input, classes: 5),
      batch: batch,
      optimizer: OptimizerConfiguration(optimizer: optimizer, schedule: .constant(rate)), seed: 5)
    for _ in 0..<2 { _ = try trainer.runEpoch() }
    #expect(network.canariesAreIntact)
    let weights = TestModels.hash(network.weights)
    return TestModels.hash(
      network.optimizerState.slots.flatMap { $0.tensors.flatMap(\.values) }) ^ weights
  }

  @Test(
    "nor do they with any optimiser, clipping and loss", arguments: TestModels.optimizers,
    [
      (Clipping.none, Loss.crossEntropy), (.value(0.01), .meanSquaredError),
      (.norm(0.1), .crossEntropy), (.globalNorm(0.1), .meanSquaredError),
    ])
  func optimizers(_ optimizer: Optimizer, _ setup: (clipping: Clipping, loss: Loss)) throws {
    func train(_ threads: Int, _ set: InstructionSet = .best) throws -> UInt64 {
      try Self.train(
        TestModels.varied, threads: threads, instructionSet: set, optimizer: optimizer,
        clipping: setup.clipping, loss: setup.loss, rate: 0.003)
    }
    let one = try train(1)
    #expect(try train(2) == one)
    #expect(try train(3) == one)
    for set in TestModels.instructionSets where set != .portable {
      #expect(try train(1, set) == one)
    }
  }

  @Test("weights do not depend on the number of threads", arguments: models, [24, 5])
  func threads(_ model: Model, batch: Int) throws {
    let one = try Self.train(model, threads: 1, planBatch: batch, batch: batch)
    for threads in [2, 3, 5] {
      #expect(try Self.train(model, threads: threads, planBatch: batch, batch: batch) == one)
    }
    let untrained = TestModels.hash(try TestModels.weights(model))
    #expect(one != untrained)
  }

  @Test("weights do not depend on the instruction set", arguments: models, [24, 5])
  func instructionSets(_ model: Model, batch: Int) throws {
    let best = try Self.train(model, threads: 2, planBatch: batch, batch: batch)
    for set in TestModels.instructionSets {
      #expect(
        try Self.train(
          model, threads: 1, instructionSet: set, planBatch: batch, batch: batch) == best)
    }
  }

  @Test("a mini-batch in parts gives the same bits as in one", arguments: [16, 32])
  func accumulation(part: Int) throws {
    var dropout = TestModels.varied
    dropout.layers.removeAll { $0 is BatchNormalization }
    for (model, clipping) in [(TestModels.plain, Clipping.none), (dropout, .globalNorm(0.2))] {
      let whole = try Self.train(
        model, threads: 2, planBatch: 48, batch: 48, optimizer: .adam(), clipping: clipping)
      let parts = try Self.train(
        model, threads: 2, planBatch: part, batch: 48, optimizer: .adam(), clipping: clipping)
      #expect(whole == parts)
    }
  }

  @Test("a prediction does not depend on the batch it came in", arguments: models)
  func batches(_ model: Model) throws {
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

  @Test(
    "a run continued from its position, weights and optimiser state ends in the same bits",
    arguments: TestModels.optimizers, [TestModels.small, TestModels.varied])
  func resume(_ optimizer: Optimizer, model: Model) throws {
    let images = TestModels.images(83, shape: model.input, classes: 5)
    func trainer(_ network: Network, _ position: TrainingPosition) throws -> Trainer {
      try Trainer(
        network: network, images: images, batch: 24,
        optimizer: OptimizerConfiguration(optimizer: optimizer, schedule: .constant(0.003)),
        seed: 5, position: position)
    }
    let first = try TestModels.network(model, batch: 24, threads: 2, optimizer: optimizer)
    let whole = try trainer(first, TrainingPosition())
    let wholeFirstEpoch = try whole.runEpoch()
    _ = try whole.runEpoch()

    let second = try TestModels.network(model, batch: 24, threads: 1, optimizer: optimizer)
    let interrupted = try trainer(second, TrainingPosition())
    #expect(try interrupted.runEpoch { $0.stepInEpoch < 2 } == .interrupted)
    let third = try TestModels.network(model, batch: 24, threads: 3, optimizer: optimizer)
    try third.load(second.weights)
    try third.load(second.optimizerState)
    let resumed = try trainer(third, interrupted.position)
    #expect(try resumed.runEpoch() == wholeFirstEpoch)
    _ = try resumed.runEpoch()
    #expect(TestModels.hash(third.weights) == TestModels.hash(first.weights))
  }
}
