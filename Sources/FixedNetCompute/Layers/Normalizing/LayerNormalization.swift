import FixedNetCore

/// Every sample's features, or every pixel's channels, with mean 0 and variance 1, times gamma plus beta.
public struct LayerNormalization: PlannedLayer {
  public static let className = "LayerNormalization"
  package static let configKeys: Set = [
    "axis", "epsilon", "center", "scale", "rms_scaling", "beta_initializer", "gamma_initializer",
    "beta_regularizer", "gamma_regularizer", "beta_constraint", "gamma_constraint",
    "activity_regularizer",
  ]

  public var name: String
  /// What is added to the variance.
  public var epsilon: Double
  /// Whether it has a beta, and a gamma.
  public var centers: Bool
  /// Whether there is a scale, gamma.
  public var scales: Bool
  private var gammaInitializer = Initializer.ones
  private var betaInitializer = Initializer.zeros
  private var regularizers = WeightRegularizers()
  private var obstacle: String?
  package private(set) var lossObstacle: String?
  /// As Keras counts (the batch is 0); it must be the last one.
  private var axis = -1

  /// With Keras' numbers. `name`: empty for Keras' default name.
  public init(
    name: String = "", epsilon: Double = 0.001, centers: Bool = true, scales: Bool = true
  ) {
    self.name = name
    self.epsilon = epsilon
    self.centers = centers
    self.scales = scales
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    try config.require("rms_scaling", oneOf: [false])
    self.init(
      name: name, epsilon: try config.number("epsilon", in: 0...1e30, default: 0.001),
      centers: try config.bool("center", default: true),
      scales: try config.bool("scale", default: true))
    axis = try config.channelAxis()
    regularizers = WeightRegularizers(config, of: ["gamma", "beta"])
    obstacle = config.obstacle
    lossObstacle = config.lossObstacle
    gammaInitializer = Initializer(json: config.members["gamma_initializer"], default: .ones)
    betaInitializer = Initializer(json: config.members["beta_initializer"], default: .zeros)
  }

  public var config: [String: JSONValue] {
    var config: [String: JSONValue] = [
      "axis": -1, "epsilon": .number(epsilon), "center": .bool(centers), "scale": .bool(scales),
    ]
    if gammaInitializer != .ones { config["gamma_initializer"] = gammaInitializer.json }
    if betaInitializer != .zeros { config["beta_initializer"] = betaInitializer.json }
    return config.merging(regularizers.config) { $1 }
  }

  package var trainingObstacle: String? { obstacle }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    try input.checkLast(axis: axis, layer: name)
    return input
  }

  public func weights(for input: Shape) -> [WeightDescription] {
    func weight(_ name: String, _ initializer: Initializer) -> WeightDescription {
      WeightDescription(
        name: name, shape: [input.channels], isTrainable: true, initializer: initializer,
        fanIn: input.channels, fanOut: input.channels, regularizer: regularizers[name])
    }
    return (scales ? [weight("gamma", gammaInitializer)] : [])
      + (centers ? [weight("beta", betaInitializer)] : [])
  }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    let parameters = weights(for: input.shape).map {
      plan.reserveParameter(layer: name, $0, layout: input.flattenedLayout, inPieces: true)
    }
    plan.use(input.slot)
    let output = plan.reserveOutput(name, shape: input.shape, flattened: input.flattened)
    let pixels = input.shape.pixels
    var operation = LayerNormalizationOperation(
      channels: Int32(input.shape.channels), pixels: Int32(pixels), epsilon: Float(epsilon),
      input: input.slot.block, output: output.slot.block,
      gamma: scales ? parameters[0].weight : nil, beta: centers ? parameters.last?.weight : nil)
    let statistics =
      plan.isTraining
      ? ["mean", "inverse deviation"].map {
        plan.reserve(
          "\(name)/\($0)", shape: [pixels, plan.blockSize], region: .activations, scope: .block)
      } : []
    operation.mean = statistics.first?.block
    operation.inverseDeviation = statistics.last?.block
    return LayerPlan(output: output) { [operation] backward in
      guard let backward else { return LayerPlan.Finished(operation) }
      var operation = operation
      for slot in statistics + [input.slot, backward.outputGradient] { plan.use(slot) }
      operation.gradient = backward.outputGradient.block
      operation.propagates = backward.needsInputGradient
      if let first = parameters.first {
        operation.gradients = plan.reservePartial(
          layer: name, first, parameters.count > 1 ? parameters[1] : nil)
        operation.trainsGamma = scales
      }
      return LayerPlan.Finished(
        operation, inputGradients: [backward.needsInputGradient ? backward.outputGradient : nil])
    }
  }
}
