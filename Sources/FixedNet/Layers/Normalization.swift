import FixedNetCore

/// y = (x - mean) / max(sqrt(variance), 1e-7) with one constant mean and variance per channel (the last axis). They are
/// part of the description, not weights: files hold them in the config, which every version of Keras reads the same way.
public struct Normalization: Layer {
  public static let className = "Normalization"

  public var name: String
  /// One per channel; nil (not adapted): zero mean, unit variance, the identity.
  public var mean: [Float]?
  public var variance: [Float]?
  /// The axis that a file names, as Keras counts (the batch is 0); it must be the last one.
  private var axis = -1

  public init(name: String, mean: [Float]? = nil, variance: [Float]? = nil) {
    self.name = name
    self.mean = mean
    self.variance = variance
  }

  public init(name: String, config: LayerConfig) throws(ModelError) {
    try config.require("invert", oneOf: [false, .null])
    self.init(
      name: name, mean: try Normalization.values("mean", config),
      variance: try Normalization.values("variance", config))
    axis = try config.channelAxis()
    guard (mean == nil) == (variance == nil), mean?.count == variance?.count else {
      throw config.fail("variance", "as many values as mean has")
    }
    if let variance, !variance.allSatisfy({ $0 >= 0 }) {
      throw config.fail("variance", "values of 0 or more")
    }
  }

  /// A number or a list of numbers, nested as Keras nests it.
  private static func values(_ key: String, _ config: LayerConfig) throws(ModelError) -> [Float]? {
    var value = config.members[key] ?? .null
    while case .array(let values) = value, values.count == 1, case .array = values[0] {
      value = values[0]
    }
    let list: [JSONValue]
    switch value {
    case .null: return nil
    case .array(let values): list = values
    default: list = [value]
    }
    var result: [Float] = []
    for element in list {
      switch element {
      case .number(let number) where number.isFinite: result.append(Float(number))
      case .integer(let number): result.append(Float(number))
      default: throw config.fail(key, "a list of finite numbers, one per channel")
      }
    }
    return result
  }

  public var config: [String: JSONValue] {
    func list(_ values: [Float]) -> JSONValue { .array(values.map { .number(Double($0)) }) }
    return [
      "axis": [-1], "mean": mean.map(list) ?? .null, "variance": variance.map(list) ?? .null,
      "invert": false,
    ]
  }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    try input.checkLast(axis: axis, layer: name)
    guard let mean, mean.count != input.channels, mean.count != 1 else { return input }
    throw .config(
      layer: name, key: "mean", expected: "\(input.channels) values, one per channel",
      found: "\(mean.count)")
  }

  /// Keras keeps what it has adapted to as weights; they become the description here.
  public func fileWeights(for input: Shape) -> [WeightDescription] {
    guard mean == nil else { return [] }
    func weight(_ name: String, _ initializer: Initializer) -> WeightDescription {
      WeightDescription(
        name: name, shape: [input.channels], isTrainable: false, initializer: initializer)
    }
    let count = WeightDescription(
      name: "count", shape: [], isTrainable: false, initializer: .zeros, isInteger: true)
    return [weight("mean", .zeros), weight("variance", .ones), count]
  }

  public func adopting(_ tensors: [Tensor]) -> (layer: any Layer, weights: [Tensor]) {
    guard mean == nil, tensors.count == 3 else { return (self, []) }
    return (
      Normalization(name: name, mean: tensors[0].values, variance: tensors[1].values), []
    )
  }

  /// The layer with the mean and variance of every channel of these images.
  /// Throws: `NetworkError.malformedImages`, `.noImages`.
  public func adapted(to images: ImageSet) throws(NetworkError) -> Normalization {
    try images.check()
    let channels = images.shape.channels
    let count = Double(images.count * images.shape.pixels)
    let zeros = [Double](repeating: 0, count: channels)
    let means = images.channelSums(power: 1, means: zeros).map { $0 / count }
    let squares = images.channelSums(power: 2, means: means)
    return Normalization(
      name: name, mean: means.map { Float($0) }, variance: squares.map { Float($0 / count) })
  }

  public func plan(_ input: PlannedValue, in plan: PlanBuilder) -> any PlannedLayer {
    let channels = input.shape.channels
    func spread(_ values: [Float]?, _ fallback: Float) -> [Float] {
      guard let values else { return [Float](repeating: fallback, count: channels) }
      return values.count == channels ? values : [Float](repeating: values[0], count: channels)
    }
    let scale = spread(variance, 1).map { 1 / max($0.squareRoot(), 1e-7) }
    let constants = [("mean", spread(mean, 0)), ("scale", scale), ("zeros", spread(nil, 0))].map {
      plan.reserveConstant(
        "\(name)/\($0)", input.flattenedLayout.engineValues($1))
    }
    let pixels = input.shape.pixels
    return PlannedElementwise(name, input, plan, remembers: .nothing) {
      input, output, gradient, places in
      NormalizationOperation(
        channels: Int32(channels), pixels: Int32(pixels), input: input, output: output,
        mean: places.shared(constants[0]), scale: places.shared(constants[1]),
        zeros: places.shared(constants[2]), gradient: gradient)
    }
  }
}
