import FixedNetCore
import Foundation
import Testing

@testable import FixedNetCompute

/// Every way to a value that is not finite, and the name that it gets.
@Suite("Numbers that are not finite")
struct NonFiniteTests {
  /// y = x w, one weight.
  private static let line = Model(
    name: "line", input: .vector(1), layers: [Dense(name: "d", units: 1)])

  private static func data(
    _ shape: Shape, count: Int, change: (inout [Float]) -> Void = { _ in }
  ) -> ImageSet {
    var pixels = (0..<count * shape.elementCount).map { sin(Float($0)) }
    change(&pixels)
    return ImageSet(
      shape: shape, pixels: .floats(pixels), labels: (0..<count).map { UInt16($0 % 5) })
  }

  private static func trainer(
    _ model: Model, _ images: ImageSet, batch: Int, rate: Double = 0.01,
    optimizer: Optimizer = .sgd, threads: Int = 1, planned: Int? = nil
  ) throws -> Trainer {
    let loss: Loss? = images.targets.isEmpty ? nil : .meanSquaredError
    let network = try TestModels.network(
      model, batch: planned ?? batch, threads: threads, loss: loss, optimizer: optimizer)
    return try Trainer(
      network: network, images: images, batch: batch,
      optimizer: OptimizerConfiguration(optimizer: optimizer, schedule: .constant(rate)), seed: 0)
  }

  /// What a run of some epochs says; nil where nothing breaks.
  private static func failure(_ trainer: Trainer, epochs: Int = 3) throws -> TrainingError? {
    do throws(TrainingError) {
      for _ in 0..<epochs {
        _ = try trainer.runEpoch()
        try trainer.checkWeights()
      }
      return nil
    } catch { return error }
  }

  /// The values of one weight, and of nothing else.
  private static func load(_ value: Float, into network: Network) throws {
    var weights = network.weights
    for layer in weights.indices {
      for tensor in weights[layer].tensors.indices {
        let isKernel = tensor == 0
        weights[layer].tensors[tensor].values = weights[layer].tensors[tensor].values.map { _ in
          isKernel ? value : 0
        }
      }
    }
    try network.load(weights)
  }

  // MARK: - Data

  @Test(
    "a pixel is named with its image, whatever the blocks, threads and parts; the weights stay",
    arguments: [(5, 1, 5), (40, 2, 40), (40, 2, 16)])
  func pixel(batch: Int, threads: Int, planned: Int) throws {
    let model = TestModels.plain
    let images = Self.data(model.input, count: 40) {
      $0[17 * model.input.elementCount + 100] = .nan
    }
    let trainer = try Self.trainer(
      model, images, batch: batch, threads: threads, planned: planned)
    let before = TestModels.hash(trainer.network.weights)
    let error = try #require(try Self.failure(trainer))
    guard case .notFinite(1, let step, let value) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(value == BrokenValue(layer: "input", what: "a pixel", slot: "input", image: 17))
    #expect(step == trainer.position.step + 1)
    #expect("\(error)".contains("a pixel (slot input, image 17) broke first; correct the data"))
    if batch == 40 { #expect(TestModels.hash(trainer.network.weights) == before) }
  }

  @Test("batch normalisation is not blamed for a pixel that broke its statistics")
  func pixelBehindNormalization() throws {
    let images = Self.data(TestModels.small.input, count: 16) { $0[300] = -.infinity }
    let trainer = try Self.trainer(TestModels.small, images, batch: 16)
    let expected = BrokenValue(layer: "input", what: "a pixel", slot: "input", image: 1)
    #expect(try Self.failure(trainer) == .notFinite(epoch: 1, step: 1, expected))
  }

  @Test("a target is named with its image")
  func target() throws {
    let images = ImageSet(
      shape: .vector(1), pixels: .floats([1, 2, 3, 4]), labels: [], targets: [1, 2, .infinity, 4],
      targetWidth: 1)
    let trainer = try Self.trainer(Self.line, images, batch: 4)
    let expected = BrokenValue(layer: "targets", what: "a target", slot: "targets", image: 2)
    #expect(try Self.failure(trainer) == .notFinite(epoch: 1, step: 1, expected))
  }

  // MARK: - Activations, gradients, optimiser, weights

  @Test("the first output that overflows is named, with a slot of the plan", arguments: [4, 32])
  func activation(batch: Int) throws {
    let model = Model(
      name: "deep", input: .vector(6),
      layers: (1...4).map { Dense(name: "d\($0)", units: 5, activation: .relu) }
        + [Dense(name: "out", units: 5, activation: .softmax)])
    let images = ImageSet(
      shape: .vector(6), pixels: .floats([Float](repeating: 1, count: batch * 6)),
      labels: [UInt16](repeating: 0, count: batch))
    let trainer = try Self.trainer(model, images, batch: batch)
    // 6 x 1e13, then 5 times that times 1e13: 3e27, 1.5e41.
    try Self.load(1e13, into: trainer.network)
    let slot = "d3/output"
    #expect(trainer.network.plan.memory.slots.contains { $0.name == slot })
    let error = try #require(try Self.failure(trainer))
    guard case .notFinite(1, 1, let value) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(value.layer == "d3" && value.what == "the output" && value.slot == slot)
    #expect("\(error)".contains("the output of layer 'd3' (slot d3/output, image "))
  }

  @Test("a loss that overflows by itself is called so")
  func loss() throws {
    let images = ImageSet(
      shape: .vector(1), pixels: .floats([1]), labels: [], targets: [3e19], targetWidth: 1)
    let expected = BrokenValue(layer: "loss", what: "the loss itself")
    #expect(
      try Self.failure(Self.trainer(Self.line, images, batch: 1))
        == .notFinite(epoch: 1, step: 1, expected))
  }

  /// x = 1e20, y = 1e19: (y - 0)^2 = 1e38 is a float, 2 y x = 2e39 is not.
  @Test("a gradient that overflows is found behind the weight that it broke")
  func gradient() throws {
    let images = ImageSet(
      shape: .vector(1), pixels: .floats([1e20]), labels: [], targets: [0], targetWidth: 1)
    let trainer = try Self.trainer(Self.line, images, batch: 1)
    try Self.load(0.1, into: trainer.network)
    let expected = BrokenValue(
      layer: "d", what: "the gradient of kernel", slot: "d/kernel/gradient")
    #expect(throws: TrainingError.brokenWeight(epoch: 1, step: 1, expected)) {
      _ = try trainer.runEpoch()
      try trainer.checkWeights()
    }
    // Who does not look hears of it from the next loss.
    #expect(throws: TrainingError.notFinite(epoch: 2, step: 2, expected)) {
      _ = try trainer.runEpoch()
    }
  }

  /// x = 1e10, y = 1e15: 2 y x = 2e25, whose square is no float.
  @Test("what the optimiser remembers is looked at too", arguments: [Optimizer.adam(), .rmsprop()])
  func optimizer(_ optimizer: Optimizer) throws {
    let images = ImageSet(
      shape: .vector(1), pixels: .floats([1e10]), labels: [], targets: [0], targetWidth: 1)
    let trainer = try Self.trainer(Self.line, images, batch: 1, optimizer: optimizer)
    try Self.load(1e5, into: trainer.network)
    let error = try #require(try Self.failure(trainer, epochs: 1))
    #expect(
      "\(error)".contains(
        "the optimiser's velocity of kernel of layer 'd' (slot d/kernel/velocity) is not finite "
          + "after step 1"))
  }

  /// A gradient of 2 y x = 2, times 1e39 (beyond a float: infinity) or 3e38 in two steps.
  @Test("a weight that the step itself breaks is called so")
  func parameter() throws {
    let images = ImageSet(
      shape: .vector(1), pixels: .floats([1]), labels: [], targets: [0], targetWidth: 1)
    let trainer = try Self.trainer(Self.line, images, batch: 1, rate: 3e38)
    try Self.load(1, into: trainer.network)
    let expected = BrokenValue(layer: "d", what: "kernel", slot: "d/kernel")
    #expect(
      try Self.failure(trainer, epochs: 1) == .brokenWeight(epoch: 1, step: 1, expected))
  }

  @Test("a weight that saturated activations hide from the loss is found")
  func hidden() throws {
    let trainer = try Self.trainer(
      TestModels.small, Self.data(TestModels.small.input, count: 16), batch: 16)
    var weights = trainer.network.weights
    let layer = weights.firstIndex { $0.layer == "dense1" } ?? 0
    // tanh(infinity) is 1 and its derivative 0: the loss stays finite and the bias infinite.
    weights[layer].tensors[1].values[0] = .infinity
    try trainer.network.load(weights)
    let expected = BrokenValue(layer: "dense1", what: "bias", slot: "dense1/bias")
    #expect(
      try Self.failure(trainer, epochs: 1) == .brokenWeight(epoch: 1, step: 1, expected))
    #expect(trainer.network.brokenStart == expected)
  }

  @Test("a learning rate of 1e30 ends in a named value, for every optimiser and model")
  func hugeRate() throws {
    for optimizer in TestModels.optimizers {
      for model in [TestModels.small, TestModels.plain, TestModels.varied] {
        let trainer = try Self.trainer(
          model, Self.data(model.input, count: 20), batch: 10, rate: 1e30, optimizer: optimizer)
        let error = try Self.failure(trainer, epochs: 5)
        let slots = trainer.network.plan.memory.slots.map(\.name)
        switch error {
        case .notFinite(_, _, let value), .brokenWeight(_, _, let value):
          #expect(value.slot.map(slots.contains) ?? (value.layer == "loss"), "\(value)")
        case .cannotGoOn(let error): Issue.record("\(error)")
        case nil: #expect(trainer.network.firstNonFiniteWeight == nil)
        }
        #expect(trainer.network.canariesAreIntact)
      }
    }
  }

  @Test("inference names the first output that is not finite")
  func inference() throws {
    let network = try TestModels.network(TestModels.small, batch: 16, isTraining: false)
    let good = Self.data(TestModels.small.input, count: 40)
    #expect(try network.brokenOutput(good) == nil)
    let bad = Self.data(TestModels.small.input, count: 40) { $0[21 * 288] = .nan }
    #expect(
      try network.brokenOutput(bad)
        == BrokenValue(layer: "input", what: "a pixel", slot: "input", image: 21))
    var weights = network.weights
    let layer = weights.firstIndex { $0.layer == "conv2" } ?? 0
    weights[layer].tensors[1].values[0] = .nan
    try network.load(weights)
    let value = try #require(try network.brokenOutput(good))
    #expect(value.layer == "conv2" && value.what == "the output" && value.image == 0)
  }

  @Test("a full batch names what broke at its start", arguments: FullBatchMethod.allCases)
  func fullBatch(_ method: FullBatchMethod) throws {
    let model = Model(
      name: "m", input: .vector(3),
      layers: [
        Dense(name: "a", units: 4, activation: .tanh),
        Dense(name: "b", units: 5, activation: .softmax),
      ])
    let images = Self.data(.vector(3), count: 12) { $0[3 * 7] = .nan }
    let plan = try FullBatchTrainer.plan(model, method, sampleCount: 12, threads: 1)
    let network = try Network(plan)
    try network.load(try model.initialWeights(seed: 1))
    let trainer = try FullBatchTrainer(network: network, images: images, method: method)
    #expect(try trainer.run(limits: SolverLimits(evaluations: 20)).stop == .notFinite)
    #expect(
      trainer.brokenValue
        == BrokenValue(layer: "input", what: "a pixel", slot: "input", image: 7))
  }
}
