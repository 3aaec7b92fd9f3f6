import FixedNetCore

/// Batch normalisation over the last axis: the batch's statistics in training, moving ones at inference.
public struct BatchNormalization: PlannedLayer {
  public static let className = "BatchNormalization"
  /// What changes nothing here: `fused` chooses between two kernels, `synchronized` adds up over several devices, and the
  /// numbers of `renorm` count only with it.
  package static let configKeys = Set(initialized.map(\.key)).union([
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
  /// What is added to the variance.
  public var epsilon: Double
  /// Whether it has a beta; without, the output's mean stays zero.
  public var centers: Bool
  /// Whether it has a gamma; without, the output's deviation stays one.
  public var scales: Bool
  /// Whether a ReLU behind it is applied in the same pass; no word about it in files.
  var rectifies = false
  /// How weights start that do not start as Keras' defaults do, by their names.
  private var initializers: [String: Initializer] = [:]
  private var regularizers = WeightRegularizers()
  private var obstacle: String?
  package private(set) var lossObstacle: String?
  /// The axis that a file names, as Keras counts (the batch is 0); it must be the last one.
  private var axis = -1

  /// With Keras' numbers. `name`: empty for Keras' default name.
  public init(
    name: String = "", momentum: Double = 0.99, epsilon: Double = 0.001, centers: Bool = true,
    scales: Bool = true
  ) {
    self.name = name
    self.momentum = momentum
    self.epsilon = epsilon
    self.centers = centers
    self.scales = scales
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    try config.require("renorm", oneOf: [false, .null])
    try config.require("virtual_batch_size", oneOf: [.null])
    try config.require("adjustment", oneOf: [.null])
    self.init(
      name: name, momentum: try config.number("momentum", in: 0...1, default: 0.99),
      epsilon: try config.number("epsilon", in: 0...1e30, default: 0.001),
      centers: try config.bool("center", default: true),
      scales: try config.bool("scale", default: true))
    regularizers = WeightRegularizers(config, of: ["gamma", "beta"])
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
    return config.merging(regularizers.config) { $1 }
  }

  package var trainingObstacle: String? { obstacle }

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
        fanOut: input.channels, regularizer: regularizers[name])
    }
  }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    let channels = input.shape.channels
    var weights = weights(for: input.shape).map {
      plan.reserveParameter(layer: name, $0, layout: input.flattenedLayout)
    }
    func next(_ isWeight: Bool, _ part: String, _ constant: Float) -> ChannelValues {
      guard isWeight else {
        let values = [Float](repeating: constant, count: channels)
        return ChannelValues(slot: plan.reserveConstant("\(name)/\(part)", values), trained: nil)
      }
      let parameter = weights.removeFirst()
      return ChannelValues(slot: parameter.weight, trained: parameter.trained)
    }
    let gamma = next(scales, "gamma", 1)
    let beta = next(centers, "beta", 0)
    let moving = (mean: weights[0].weight, variance: weights[1].weight)
    if let stage = input.stage, stage.normalization == nil, input.flattened == nil,
      (stage.channels, stage.pixels) == (channels, input.shape.pixels)
    {
      return planJoined(to: stage, input, gamma, beta, moving, plan)
    }
    plan.use(input.slot)
    var output = plan.reserveOutput(name, shape: input.shape, flattened: input.flattened)
    output.isRectified = rectifies
    guard plan.isTraining, !plan.isFrozen(name) else {
      return planInference(input, output, gamma, beta, moving, plan)
    }
    let isFolded = plan.folding?.normalization == name
    // Other threads read the sums of a block, so they last through the step.
    let lasts = !plan.options.isSingle
    func scratch(_ part: String, _ scope: Scope, isForward: Bool, _ count: Int? = nil) -> Slot {
      plan.reserve(
        "\(name)/\(part)", shape: [count ?? channels], region: .scratch, scope: scope,
        lasting: lasts, carried: true, beginsWhenUsed: !isForward && !isFolded)
    }
    let sums =
      ["block mean", "block deviations"].map { scratch($0, .block, isForward: true) }
      + ["block dy", "block dy xhat"].map { scratch($0, .block, isForward: false) }
    let statistics = ["mean", "variance", "inverse deviation", "scale"].map {
      scratch($0, .thread, isForward: true)
    }
    let backwardSums = ["dy", "dy xhat"].map { scratch($0, .thread, isForward: false) }
    let work = scratch("work", .thread, isForward: false, 2 * channels)
    var operation = BatchNormalizationOperation(
      channels: channels, pixels: input.shape.pixels, momentum: Float(momentum),
      epsilon: Float(epsilon), input: input.slot.block, output: output.slot.block,
      blockMean: sums[0].block, blockM2: sums[1].block, blockSumDy: sums[2].block,
      blockSumDyXhat: sums[3].block, mean: statistics[0].thread, variance: statistics[1].thread,
      invStd: statistics[2].thread, scale: statistics[3].thread, sumDy: backwardSums[0].thread,
      sumDyXhat: backwardSums[1].thread, work: work.thread, gamma: gamma.slot, beta: beta.slot,
      trainedGamma: gamma.trained, trainedBeta: beta.trained,
      movingMean: moving.mean, movingVariance: moving.variance, gradient: nil, propagates: false)
    // Keras 2's fused operation, which it uses for images.
    if case .image = input.shape { operation.isUnbiased = plan.usesUnbiasedVariance }
    operation.rectifies = rectifies
    operation.isFolded = isFolded
    if isFolded { output.normalization = FoldedNormalization(gamma: gamma, beta: beta) }
    // In place: dX takes the place of dY.
    return LayerPlan(output: output) { [operation] backward in
      // The moving statistics are updated in any case.
      for slot in statistics { plan.keepForUpdate(slot) }
      guard let backward else { return LayerPlan.Finished(operation) }
      plan.use(backward.outputGradient)
      plan.use(input.slot)
      for slot in sums[2...] + [work] { plan.use(slot) }
      for slot in backwardSums { plan.keepForUpdate(slot) }
      var operation = operation
      operation.gradient = backward.outputGradient.block
      operation.propagates = backward.needsInputGradient
      return LayerPlan.Finished(
        operation, inputGradients: [backward.needsInputGradient ? backward.outputGradient : nil])
    }
  }

  /// By the layer before.
  private func planJoined(
    to stage: OutputStage, _ input: Value, _ gamma: ChannelValues, _ beta: ChannelValues,
    _ moving: (mean: SharedSlot, variance: SharedSlot), _ plan: Planner
  ) -> LayerPlan {
    let scale = plan.reserve(
      "\(name)/scale", shape: [stage.channels], region: .scratch, scope: .thread, lasting: true)
    stage.normalization = OutputNormalization(
      channels: stage.channels, epsilon: Float(epsilon), gamma: gamma.slot, beta: beta.slot,
      movingMean: moving.mean, movingVariance: moving.variance, scale: scale.thread)
    stage.rectifies = rectifies
    var output = input
    output.stage = nil
    output.isRectified = rectifies
    return plan.renamed(input, as: output)
  }

  /// With the moving statistics: at inference, and where the layer is frozen.
  private func planInference(
    _ input: Value, _ output: Value, _ gamma: ChannelValues, _ beta: ChannelValues,
    _ moving: (mean: SharedSlot, variance: SharedSlot), _ plan: Planner
  ) -> LayerPlan {
    let scratch = ["scale", "zeros"].map {
      plan.reserve(
        "\(name)/\($0)", shape: [input.shape.channels], region: .scratch, scope: .thread,
        lasting: true
      ).thread
    }
    return LayerPlan(output: output) { backward in
      let gradient = backward.flatMap { $0.needsInputGradient ? $0.outputGradient : nil }
      if let backward { plan.use(backward.outputGradient) }
      if rectifies, gradient != nil { plan.use(output.slot) }
      var operation = BatchNormalizationInferenceOperation(
        channels: input.shape.channels, pixels: input.shape.pixels, epsilon: Float(epsilon),
        input: input.slot.block, output: output.slot.block, gamma: gamma.slot, beta: beta.slot,
        movingMean: moving.mean, movingVariance: moving.variance, scale: scratch[0],
        zeros: scratch[1], gradient: gradient?.block)
      operation.rectifies = rectifies
      return LayerPlan.Finished(operation, inputGradients: [gradient])
    }
  }
}

/// A weight with one value per channel, or the constant in its place.
struct ChannelValues {
  var slot: SharedSlot
  var trained: Parameter?
}

/// Batch normalisation of the data whose gamma and beta go into the convolution that reads it.
struct FoldedNormalization {
  var gamma: ChannelValues
  var beta: ChannelValues

  /// `counts`: values of the convolution's kernel and bias.
  func folding(into convolution: String, _ counts: [Int], _ plan: Planner) -> NormalizationFolding {
    let slots = zip(["kernel", "bias"], counts).map { name, count in
      plan.reserve(
        "\(convolution)/folded \(name)", shape: [count], region: .scratch, scope: .thread,
        lasting: true
      ).thread
    }
    return NormalizationFolding(
      gamma: gamma.slot, beta: beta.slot, trainedGamma: gamma.trained, trainedBeta: beta.trained,
      weight: slots[0], bias: slots[1])
  }
}
