import FixedNetCore

/// Batch normalisation over the last axis: the batch's statistics in training, moving ones at inference.
public struct BatchNormalization: Layer {
  public static let className = "BatchNormalization"

  public var name: String
  /// The weight of the OLD value in the moving statistics.
  public var momentum: Double
  public var epsilon: Double
  /// The axis that a file names, as Keras counts (the batch is 0); it must be the last one.
  private var axis = -1

  public init(name: String, momentum: Double = 0.99, epsilon: Double = 0.001) {
    self.name = name
    self.momentum = momentum
    self.epsilon = epsilon
  }

  public init(name: String, config: LayerConfig) throws(ModelError) {
    try config.require("axis", oneOf: [-1, 1, 3, [-1], [1], [3]])
    try config.require("renorm", oneOf: [false, .null])
    try config.require("center", oneOf: [true])
    try config.require("scale", oneOf: [true])
    self.init(
      name: name, momentum: try config.number("momentum", in: 0...1, default: 0.99),
      epsilon: try config.number("epsilon", in: 0...1, default: 0.001))
    switch config.members["axis"] {
    case .integer(let axis)?: self.axis = axis
    case .array(let axes)?: if case .integer(let axis)? = axes.first { self.axis = axis }
    default: break
    }
  }

  public var config: [String: JSONValue] {
    [
      "axis": -1, "momentum": .number(momentum), "epsilon": .number(epsilon), "center": true,
      "scale": true,
    ]
  }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    let last = input.dimensions.count
    guard axis == -1 || axis == last else {
      throw .config(
        layer: name, key: "axis", expected: "-1 or \(last), the channels", found: "\(axis)")
    }
    return input
  }

  public func weights(for input: Shape) -> [WeightDescription] {
    [
      ("gamma", true, Initializer.ones), ("beta", true, .zeros), ("moving_mean", false, .zeros),
      ("moving_variance", false, .ones),
    ].map {
      WeightDescription(name: $0, shape: [input.channels], isTrainable: $1, initializer: $2)
    }
  }

  public func plan(_ input: PlannedValue, in plan: PlanBuilder) -> any PlannedLayer {
    PlannedBatchNormalization(self, input, plan)
  }
}

final class PlannedBatchNormalization: PlannedLayer {
  private let layer: BatchNormalization
  private let input: PlannedValue
  private let weights: [PlannedParameter]
  /// One copy per block: mean, sum of squared deviations, sum dY, sum dY xhat. Other threads read them, so they
  /// last through the step.
  private var blockSums: [SlotID] = []
  /// One copy per thread: mean, variance, 1 / sqrt(variance + epsilon), scale, sum dY, sum dY xhat, work.
  private var combined: [SlotID] = []
  private var gradient: SlotID?
  private var propagates = false
  let output: PlannedValue

  init(_ layer: BatchNormalization, _ input: PlannedValue, _ plan: PlanBuilder) {
    self.layer = layer
    self.input = input
    let layout: ParameterLayout =
      if let flattened = input.flattened {
        .flattened(channels: flattened.channels, pixels: flattened.pixels)
      } else {
        .plain
      }
    weights = layer.weights(for: input.shape).map {
      plan.reserveParameter(layer: layer.name, $0, layout: layout)
    }
    let channels = input.shape.channels
    plan.use(input.slot)
    output = PlannedValue(
      slot: plan.reserveActivation("\(layer.name)/output", shape: input.shape),
      shape: input.shape, flattened: input.flattened)
    func thread(_ name: String, _ count: Int) -> SlotID {
      plan.reserve(
        "\(layer.name)/\(name)", shape: [count], region: .scratch, scope: .thread, lasting: true)
    }
    guard plan.isTraining else {
      combined = [thread("scale", channels)]
      return
    }
    blockSums = ["block mean", "block deviations", "block dy", "block dy xhat"].map {
      plan.reserve(
        "\(layer.name)/\($0)", shape: [channels], region: .scratch, scope: .block, lasting: true)
    }
    combined =
      ["mean", "variance", "inverse deviation", "scale", "dy", "dy xhat"].map {
        thread($0, channels)
      } + [thread("work", 2 * channels)]
  }

  /// In place: dX takes the place of dY.
  func planBackward(outputGradient: SlotID, needsInputGradient: Bool, in plan: PlanBuilder)
    -> SlotID?
  {
    plan.use(outputGradient)
    plan.use(input.slot)
    gradient = outputGradient
    propagates = needsInputGradient
    return needsInputGradient ? outputGradient : nil
  }

  func operation(in places: SlotPlaces) -> Operation? {
    let (input, output) = (places.block(input.slot), places.block(output.slot))
    let shape = self.output.shape
    let shared = weights.map { places.shared($0.weight) }
    guard let gradient, let gamma = places.parameter(weights[0]),
      let beta = places.parameter(weights[1])
    else {
      return .batchNormalizationInference(
        BatchNormalizationInferenceOperation(
          channels: shape.channels, pixels: shape.pixels, epsilon: Float(layer.epsilon),
          input: input, output: output, gamma: shared[0], beta: shared[1], movingMean: shared[2],
          movingVariance: shared[3], scale: places.thread(combined[0])))
    }
    return .batchNormalization(
      BatchNormalizationOperation(
        channels: shape.channels, pixels: shape.pixels, momentum: Float(layer.momentum),
        epsilon: Float(layer.epsilon), input: input, output: output,
        blockMean: places.block(blockSums[0]), blockM2: places.block(blockSums[1]),
        blockSumDy: places.block(blockSums[2]), blockSumDyXhat: places.block(blockSums[3]),
        mean: places.thread(combined[0]), variance: places.thread(combined[1]),
        invStd: places.thread(combined[2]), scale: places.thread(combined[3]),
        sumDy: places.thread(combined[4]), sumDyXhat: places.thread(combined[5]),
        work: places.thread(combined[6]), gamma: gamma, beta: beta, movingMean: shared[2],
        movingVariance: shared[3], gradient: places.block(gradient), propagates: propagates))
  }
}
