import FixedNetCore

/// y = x > 0 ? x : alpha x; alpha is trained.
public struct PReLU: PlannedLayer {
  public static let className = "PReLU"
  package static let configKeys: Set = [
    "alpha_initializer", "alpha_regularizer", "alpha_constraint", "shared_axes",
    "activity_regularizer",
  ]

  public var name: String
  /// The axes whose places share an alpha, from 1.
  public var sharedAxes: [Int]
  private var initializer = Initializer.zeros
  private var regularizers = WeightRegularizers()
  private var obstacle: String?
  package private(set) var lossObstacle: String?

  /// `sharedAxes`: those along which one slope serves all, from 1 as Keras counts. `name`: empty for Keras' default
  /// name.
  public init(name: String = "", sharedAxes: [Int] = []) {
    self.name = name
    self.sharedAxes = sharedAxes
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    let isGiven = config.members["shared_axes"] ?? .null != .null
    self.init(
      name: name, sharedAxes: isGiven ? try config.integers("shared_axes", in: 1...3).sorted() : [])
    initializer = Initializer(json: config.members["alpha_initializer"], default: .zeros)
    regularizers = WeightRegularizers(config, of: ["alpha"])
    obstacle = config.obstacle
    lossObstacle = config.lossObstacle
  }

  public var config: [String: JSONValue] {
    var config: [String: JSONValue] = [
      "shared_axes": sharedAxes.isEmpty ? .null : .array(sharedAxes.map { .integer($0) })
    ]
    if initializer != .zeros { config["alpha_initializer"] = initializer.json }
    return config.merging(regularizers.config) { $1 }
  }

  package var trainingObstacle: String? { obstacle }

  /// Whether the pixels of a channel share an alpha, and whether the channels do.
  private func sharing(_ input: Shape) -> (pixels: Bool, channels: Bool)? {
    let rank = input.dimensions.count
    let spatial = Array(1..<rank)
    switch sharedAxes {
    case []: return (false, false)
    case spatial: return (true, false)
    case spatial + [rank]: return (true, true)
    default: return nil
    }
  }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    guard sharing(input) != nil else {
      let rank = input.dimensions.count
      let spatial = (1..<rank).map(String.init).joined(separator: ", ")
      throw .config(
        layer: name, key: "shared_axes",
        expected: "null, or all axes but the last (\(spatial)), or all of them, for \(input)",
        found: JSONValue.array(sharedAxes.map { .integer($0) }).summary)
    }
    return input
  }

  public func weights(for input: Shape) -> [WeightDescription] {
    let shape = input.dimensions.enumerated().map { sharedAxes.contains($0 + 1) ? 1 : $1 }
    return [
      WeightDescription(
        name: "alpha", shape: shape, isTrainable: true, initializer: initializer,
        fanIn: shape.reduce(1, *), fanOut: shape.reduce(1, *), regularizer: regularizers["alpha"])
    ]
  }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    let shared = sharing(input.shape) ?? (false, false)
    let (channels, pixels) = (input.shape.channels, input.shape.pixels)
    let isImage = !shared.pixels && channels > 1 && pixels > 1
    let alpha = plan.reserveParameter(
      layer: name, weights(for: input.shape)[0],
      layout: isImage ? .flattened(channels: channels, pixels: pixels) : input.flattenedLayout,
      inPieces: true)
    plan.use(input.slot)
    let output = plan.reserveOutput(name, shape: input.shape, flattened: input.flattened)
    let operation = PReLUOperation(
      channels: Int32(shared.channels ? 1 : channels),
      pixels: Int32(shared.channels ? channels * pixels : pixels),
      slopes: Int32(shared.pixels ? 1 : pixels), input: input.slot.block,
      output: output.slot.block, alpha: alpha.weight)
    return LayerPlan(output: output) { backward in
      guard let backward else { return LayerPlan.Finished(operation) }
      var operation = operation
      plan.use(backward.outputGradient)
      plan.use(input.slot)
      operation.gradient = backward.outputGradient.block
      operation.gradients = plan.reservePartial(layer: name, alpha, nil)
      return LayerPlan.Finished(
        operation, inputGradients: [backward.needsInputGradient ? backward.outputGradient : nil])
    }
  }
}
