import FixedNetCore

/// Batch normalisation over the last axis: the batch's statistics in training, moving ones at inference.
public struct BatchNormalization: Layer {
  public static let className = "BatchNormalization"
  /// What changes nothing here: `fused` chooses between two kernels, `synchronized` adds up over several devices, and the
  /// numbers of `renorm` count only with it.
  public static let configKeys = Set(initialized.map(\.key)).union([
    "axis", "momentum", "epsilon", "center", "scale", "beta_regularizer", "gamma_regularizer",
    "beta_constraint", "gamma_constraint", "activity_regularizer", "renorm", "renorm_clipping",
    "renorm_momentum", "fused", "synchronized", "virtual_batch_size", "adjustment",
  ])
  /// The weights in Keras' order, how each starts without a word about it, and the word.
  private static let initialized: [(name: String, key: String, initializer: Initializer)] = [
    ("gamma", "gamma_initializer", .ones), ("beta", "beta_initializer", .zeros),
    ("moving_mean", "moving_mean_initializer", .zeros),
    ("moving_variance", "moving_variance_initializer", .ones),
  ]

  public var name: String
  /// The weight of the OLD value in the moving statistics.
  public var momentum: Double
  public var epsilon: Double
  /// Whether it has a beta; without, the output's mean stays zero.
  public var centers: Bool
  /// Whether it has a gamma; without, the output's deviation stays one.
  public var scales: Bool
  /// How weights start that do not start as Keras' defaults do, by their names.
  private var initializers: [String: Initializer] = [:]
  private var obstacle: String?
  public private(set) var lossObstacle: String?
  /// The axis that a file names, as Keras counts (the batch is 0); it must be the last one.
  private var axis = -1

  public init(
    name: String, momentum: Double = 0.99, epsilon: Double = 0.001, centers: Bool = true,
    scales: Bool = true
  ) {
    self.name = name
    self.momentum = momentum
    self.epsilon = epsilon
    self.centers = centers
    self.scales = scales
  }

  public init(name: String, config: LayerConfig) throws(ModelError) {
    try config.require("renorm", oneOf: [false, .null])
    try config.require("virtual_batch_size", oneOf: [.null])
    try config.require("adjustment", oneOf: [.null])
    self.init(
      name: name, momentum: try config.number("momentum", in: 0...1, default: 0.99),
      epsilon: try config.number("epsilon", in: 0...1e30, default: 0.001),
      centers: try config.bool("center", default: true),
      scales: try config.bool("scale", default: true))
    obstacle = config.obstacle
    lossObstacle = config.lossObstacle
    axis = try config.channelAxis()
    for (name, key, initializer) in BatchNormalization.initialized {
      let asked = Initializer(json: config.members[key], default: initializer)
      if asked != initializer { initializers[name] = asked }
    }
  }

  public var config: [String: JSONValue] {
    var config: [String: JSONValue] = [
      "axis": -1, "momentum": .number(momentum), "epsilon": .number(epsilon),
      "center": .bool(centers), "scale": .bool(scales),
    ]
    for (name, key, _) in BatchNormalization.initialized {
      if let json = initializers[name]?.json { config[key] = json }
    }
    return config
  }

  public var trainingObstacle: String? { obstacle }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    try input.checkLast(axis: axis, layer: name)
    return input
  }

  public func weights(for input: Shape) -> [WeightDescription] {
    BatchNormalization.initialized.compactMap { name, _, initializer in
      guard scales || name != "gamma", centers || name != "beta" else { return nil }
      return WeightDescription(
        name: name, shape: [input.channels], isTrainable: name == "gamma" || name == "beta",
        initializer: initializers[name] ?? initializer, fanIn: input.channels,
        fanOut: input.channels)
    }
  }

  public func plan(_ input: PlannedValue, in plan: PlanBuilder) -> any PlannedLayer {
    PlannedBatchNormalization(self, input, plan)
  }
}

final class PlannedBatchNormalization: PlannedLayer {
  private let layer: BatchNormalization
  private let input: PlannedValue
  private let gamma: PlannedValues
  private let beta: PlannedValues
  private let movingMean: SlotID
  private let movingVariance: SlotID
  private let isUnbiased: Bool
  /// One copy per block: mean, sum of squared deviations, sum dY, sum dY xhat. Other threads read them, so they
  /// last through the step.
  private var blockSums: [SlotID] = []
  /// One copy per thread: mean, variance, 1 / sqrt(variance + epsilon), scale, sum dY, sum dY xhat, work; in inference
  /// mode scale and zeros.
  private var combined: [SlotID] = []
  private var gradient: SlotID?
  private var propagates = false
  private var isFolded = false
  let output: PlannedValue

  /// A weight, or the constant in its place.
  private struct PlannedValues {
    var slot: SlotID
    var parameter: PlannedParameter?
  }

  init(_ layer: BatchNormalization, _ input: PlannedValue, _ plan: PlanBuilder) {
    self.layer = layer
    self.input = input
    let channels = input.shape.channels
    var weights = layer.weights(for: input.shape).map {
      plan.reserveParameter(layer: layer.name, $0, layout: input.flattenedLayout)
    }
    func next(_ isWeight: Bool, _ name: String, _ constant: Float) -> PlannedValues {
      if isWeight {
        let parameter = weights.removeFirst()
        return PlannedValues(slot: parameter.weight, parameter: parameter)
      }
      let values = [Float](repeating: constant, count: channels)
      return PlannedValues(
        slot: plan.reserveConstant("\(layer.name)/\(name)", values), parameter: nil)
    }
    gamma = next(layer.scales, "gamma", 1)
    beta = next(layer.centers, "beta", 0)
    (movingMean, movingVariance) = (weights[0].weight, weights[1].weight)
    // Keras 2's fused operation, which it uses for images.
    if case .image = input.shape {
      isUnbiased = plan.usesUnbiasedVariance
    } else {
      isUnbiased = false
    }
    plan.use(input.slot)
    output = PlannedValue(
      slot: plan.reserveActivation("\(layer.name)/output", shape: input.shape),
      shape: input.shape, flattened: input.flattened)
    func thread(_ name: String, _ count: Int) -> SlotID {
      plan.reserve(
        "\(layer.name)/\(name)", shape: [count], region: .scratch, scope: .thread, lasting: true)
    }
    guard plan.isTraining, !plan.isFrozen(layer.name) else {
      combined = [thread("scale", channels), thread("zeros", channels)]
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

  /// Gamma and beta go into the convolution behind, whose folding this is.
  func fold() -> (SlotPlaces, _ weight: SlotID, _ bias: SlotID) -> NormalizationFolding {
    isFolded = true
    return { [gamma, beta] places, weight, bias in
      NormalizationFolding(
        gamma: places.shared(gamma.slot), beta: places.shared(beta.slot),
        trainedGamma: gamma.parameter.flatMap(places.parameter),
        trainedBeta: beta.parameter.flatMap(places.parameter), weight: places.thread(weight),
        bias: places.thread(bias))
    }
  }

  /// In place: dX takes the place of dY.
  func planBackward(outputGradient: SlotID, needsInputGradient: Bool, in plan: PlanBuilder)
    -> SlotID?
  {
    plan.use(outputGradient)
    if !blockSums.isEmpty { plan.use(input.slot) }
    gradient = outputGradient
    propagates = needsInputGradient
    return needsInputGradient ? outputGradient : nil
  }

  func operation(in places: SlotPlaces) -> (any OperationDescription)? {
    let (input, output) = (places.block(input.slot), places.block(output.slot))
    let shape = self.output.shape
    let (gamma, beta) = (places.shared(self.gamma.slot), places.shared(self.beta.slot))
    let (mean, variance) = (places.shared(movingMean), places.shared(movingVariance))
    guard !blockSums.isEmpty else {
      return BatchNormalizationInferenceOperation(
        channels: shape.channels, pixels: shape.pixels, epsilon: Float(layer.epsilon),
        input: input, output: output, gamma: gamma, beta: beta, movingMean: mean,
        movingVariance: variance, scale: places.thread(combined[0]),
        zeros: places.thread(combined[1]),
        gradient: propagates ? self.gradient.map(places.block) : nil)
    }
    var operation = BatchNormalizationOperation(
      channels: shape.channels, pixels: shape.pixels, momentum: Float(layer.momentum),
      epsilon: Float(layer.epsilon), input: input, output: output,
      blockMean: places.block(blockSums[0]), blockM2: places.block(blockSums[1]),
      blockSumDy: places.block(blockSums[2]), blockSumDyXhat: places.block(blockSums[3]),
      mean: places.thread(combined[0]), variance: places.thread(combined[1]),
      invStd: places.thread(combined[2]), scale: places.thread(combined[3]),
      sumDy: places.thread(combined[4]), sumDyXhat: places.thread(combined[5]),
      work: places.thread(combined[6]), gamma: gamma, beta: beta,
      trainedGamma: self.gamma.parameter.flatMap(places.parameter),
      trainedBeta: self.beta.parameter.flatMap(places.parameter), movingMean: mean,
      movingVariance: variance, gradient: gradient.map(places.block), propagates: propagates)
    operation.isUnbiased = isUnbiased
    operation.isFolded = isFolded
    return operation
  }
}
