import FixedNet
import FixedNetCore
import FixedNetFiles
import TestSupport

/// A small network that our engine has trained for some steps on random data, as a checkpoint: nothing in it is as it
/// started, neither the weights nor what the optimiser remembers.
struct TrainedModel {
  static let batch = 8

  let network: Network
  private let trainer: Trainer
  private let name: String
  private let optimizer: Optimizer
  private let clipping: Clipping
  private let rate: Double
  private var random: RandomValues

  /// `outputs`: classes, or values where the loss is the squared error.
  init(
    _ model: Model, name: String, optimizer: Optimizer, rate: Double,
    clipping: Clipping = .none, loss: Loss? = nil, outputs: Int, steps: Int = 3
  ) throws {
    self.name = name
    self.optimizer = optimizer
    self.clipping = clipping
    self.rate = rate
    random = RandomValues()
    let options = PlanOptions(
      batch: Self.batch, isTraining: true, threads: 1, loss: loss, optimizer: optimizer,
      clipping: clipping)
    network = try Network(NetworkPlan(model, options: options))
    try network.load(random.weights(of: model))
    let count = steps * Self.batch
    let pixels = ImageSet.Pixels.floats(random.values(count * model.input.elementCount))
    let images =
      loss == .meanSquaredError
      ? ImageSet(
        shape: model.input, pixels: pixels, labels: [], targets: random.values(count * outputs),
        targetWidth: outputs)
      : ImageSet(
        shape: model.input, pixels: pixels,
        labels: (0..<count).map { UInt16($0 * 7 % 13 % outputs) })
    trainer = try Trainer(
      network: network, images: images, batch: Self.batch,
      optimizer: OptimizerConfiguration(optimizer: optimizer, schedule: .constant(rate)), seed: 1)
    _ = try trainer.runEpoch()
  }

  var file: KerasModelFile {
    var state = TrainingState(
      modelName: name, data: "random", seed: trainer.seed, batch: Self.batch,
      blockSize: network.plan.options.resolvedBlockSize,
      optimizer: OptimizerConfiguration.json(optimizer, learningRate: rate, clipping: clipping),
      schedule: ["class_name": "constant"], learningRate: rate, epochs: 1)
    state.loss = network.plan.loss?.name ?? TrainingState.defaultLoss
    state.epoch = trainer.position.epoch
    state.step = trainer.position.step
    return KerasModelFile(
      model: network.plan.model, weights: network.weights, training: state,
      optimizerState: network.optimizerState)
  }

  /// Writes NAME.h5, NAME.keras, NAME.weights.h5 and, for check_roundtrip.py, NAME.io.h5.
  mutating func writeAll(to folder: String) throws {
    for form in ["h5", "keras", "weights.h5"] {
      try KerasFile.write(file, to: "\(folder)/\(name).\(form)")
    }
    let input = network.plan.model.input
    let x = random.values(4 * input.elementCount)
    let images = ImageSet(shape: input, pixels: .floats(x), labels: [])
    let y = try network.predict(images).outputs
    try HDF5Arrays.write(
      path: "\(folder)/\(name).io.h5",
      datasets: [
        (name: "x", shape: [4] + input.dimensions, values: x),
        (name: "y", shape: y.shape, values: y.values),
        (name: "penalty", shape: [], values: [Float(network.penalty)]),
      ])
  }
}

/// Values that are always the same and never alike: Knuth's linear congruential generator.
struct RandomValues {
  private var state: UInt64

  init(seed: UInt64 = 1) { state = seed }

  /// Uniform in [-1, 1).
  mutating func next() -> Float {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(state >> 40) / Float(1 << 23) - 1
  }

  mutating func values(_ count: Int) -> [Float] { (0..<count).map { _ in next() } }

  /// Weights in which no two layers and no two channels are alike; variances are positive.
  mutating func weights(of model: Model) throws -> [LayerWeights] {
    var result: [LayerWeights] = []
    for (layer, descriptions) in zip(model.layers, try model.weightDescriptions()) {
      var tensors: [Tensor] = []
      for description in descriptions {
        let shape = description.shape
        let scale = 1 / Float(max(1, shape.dropLast().reduce(1, *))).squareRoot()
        let isVariance = description.name == "moving_variance"
        let values = values(shape.reduce(1, *)).map { isVariance ? 1 + $0 / 2 : scale * $0 }
        tensors.append(Tensor(shape: shape, values: values))
      }
      result.append(LayerWeights(layer: layer.name, tensors: tensors))
    }
    return result
  }
}
