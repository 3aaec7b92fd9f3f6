import FixedNetCore

/// y = (x - mean) / max(sqrt(variance), 1e-7), or its inverse, with one constant mean and variance per channel (the last
/// axis), or for the places of other axes. They are part of the description, not weights: files hold them in the config,
/// which every version of Keras reads the same way.
public struct Normalization: PlannedLayer {
  public static let className = "Normalization"
  package static let configKeys: Set = ["axis", "mean", "variance", "invert"]

  public var name: String
  /// The axes with a mean for each of their places, as Keras counts them: the batch is 0, -1 the last one. None: one mean
  /// for all values.
  public let axes: [Int]
  /// y = x max(sqrt(variance), 1e-7) + mean.
  public let isInverse: Bool
  /// nil (not adapted): zero mean, unit variance, the identity.
  private var statistics: (mean: BroadcastValues, variance: BroadcastValues)?
  /// Whether they were among the weights of a file of Keras, whose model then asks for them there; given ones are in its
  /// config, as those that are adapted here.
  package var areStored = false

  /// `mean`, `variance`: one per channel.
  public init(name: String = "", mean: [Float]? = nil, variance: [Float]? = nil) {
    self.init(name: name, axes: [-1], isInverse: false)
    guard mean != nil || variance != nil else { return }
    // Lists of different lengths are refused where the config is checked.
    func list(_ values: [Float]) -> BroadcastValues {
      BroadcastValues(shape: [values.count], values: values.map(Double.init))
    }
    statistics = (list(mean ?? []), list(variance ?? []))
  }

  private init(name: String, axes: [Int], isInverse: Bool) {
    self.name = name
    self.axes = axes
    self.isInverse = isInverse
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    self.init(
      name: name, axes: try Normalization.axes(config),
      isInverse: try config.bool("invert", default: false))
    let mean = try Normalization.values("mean", config)
    let variance = try Normalization.values("variance", config)
    guard (mean == nil) == (variance == nil), mean?.shape == variance?.shape else {
      throw config.fail("variance", "as many values as mean has")
    }
    if let variance, !variance.values.allSatisfy({ $0 >= 0 }) {
      throw config.fail("variance", "values of 0 or more")
    }
    if let mean, let variance { statistics = (mean, variance) }
  }

  private mutating func adopt(_ mean: [Float], _ variance: [Float], shape: [Int]) {
    statistics = (
      BroadcastValues(shape: shape, values: mean.map(Double.init)),
      BroadcastValues(shape: shape, values: variance.map(Double.init))
    )
  }

  /// The layer's weights `mean` and `variance` in Keras' file that it comes from; none where they were in the config.
  package var storedTensors: [Tensor] {
    guard areStored, let statistics else { return [] }
    return [statistics.mean, statistics.variance].map { statistic in
      Tensor(shape: statistic.shape, values: statistic.values.map { Float($0) })
    }
  }

  /// One value per channel, or per place of the axes; nil where it is not adapted.
  public var mean: [Float]? { statistics?.mean.values.map { Float($0) } }
  /// One value per feature; nil where there is no mean.
  public var variance: [Float]? { statistics?.variance.values.map { Float($0) } }

  /// The same before it was adapted.
  package var unadapted: Normalization {
    Normalization(name: name, axes: axes, isInverse: isInverse)
  }

  /// A number, or a list of numbers, nested as Keras nests it.
  private static func values(_ key: String, _ config: LayerConfig) throws(ModelError)
    -> BroadcastValues?
  {
    guard let json = config.members[key], json != .null else { return nil }
    guard let values = BroadcastValues(json: json) else {
      throw config.fail(key, "a list of finite numbers, one per channel")
    }
    return values.shape.count > 1 ? values.trimmed : values
  }

  public var config: [String: JSONValue] {
    [
      "axis": .array(axes.map { .integer($0) }), "mean": statistics?.mean.json ?? .null,
      "variance": statistics?.variance.json ?? .null, "invert": .bool(isInverse),
    ]
  }

  // MARK: - Axes

  private static func axes(_ config: LayerConfig) throws(ModelError) -> [Int] {
    switch config.members["axis"] {
    case nil: return [-1]
    case .null?: return []
    case .integer(let axis)?: return [axis]
    case .array(let list)?:
      var axes: [Int] = []
      for case .integer(let axis) in list { axes.append(axis) }
      if axes.count == list.count { return axes }
    default: break
    }
    throw config.fail("axis", "null, a whole number or a list of whole numbers")
  }

  /// The axes of a sample (from 0) that have means of their own, in order.
  private func keptAxes(of input: Shape) throws(ModelError) -> [Int] {
    let rank = input.dimensions.count
    let kept = Set(axes.map { $0 < 0 ? $0 + rank : $0 - 1 })
    guard kept.count == axes.count, kept.allSatisfy((0..<rank).contains) else {
      throw .config(
        layer: name, key: "axis",
        expected: "axes from 1 to \(rank) (or from -\(rank) to -1), each once, for samples of "
          + "\(input)", found: JSONValue.array(axes.map { .integer($0) }).summary)
    }
    return kept.sorted()
  }

  /// The extents of the kept axes, for an input that `outputShape` has accepted.
  private func keptExtents(of input: Shape) -> [Int] {
    ((try? keptAxes(of: input)) ?? []).map { input.dimensions[$0] }
  }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    let extents = try keptAxes(of: input).map { input.dimensions[$0] }
    guard let mean = statistics?.mean, mean.spread(over: extents) == nil, mean.values.count > 1
    else { return input }
    let count = extents.reduce(1, *)
    throw .config(
      layer: name, key: "mean",
      expected: axes == [-1] ? "\(count) values, one per channel" : "\(count) values",
      found: "\(mean.values.count)")
  }

  // MARK: - Weights in files

  /// Keras keeps what it has adapted to as weights; they become the description here.
  package func fileWeights(for input: Shape) -> [WeightDescription] {
    guard statistics == nil else { return [] }
    func weight(_ name: String, _ initializer: Initializer) -> WeightDescription {
      WeightDescription(
        name: name, shape: keptExtents(of: input), isTrainable: false, initializer: initializer)
    }
    let count = WeightDescription(
      name: "count", shape: [], isTrainable: false, initializer: .zeros, isInteger: true)
    return [weight("mean", .zeros), weight("variance", .ones), count]
  }

  package func adopting(_ tensors: [Tensor]) -> (layer: any PlannedLayer, weights: [Tensor]) {
    guard statistics == nil, tensors.count == 3 else { return (self, []) }
    var adopted = self
    adopted.adopt(tensors[0].values, tensors[1].values, shape: tensors[0].shape)
    return (adopted, [])
  }

  // MARK: - Adapting

  /// The layer with the mean and variance of these images, for every place of its axes.
  /// Throws: `NetworkError.malformedImages`, `.noImages`.
  public func adapted(to images: ImageSet) throws(NetworkError) -> Normalization {
    try images.check()
    // One sum per channel where that is enough.
    let kept = (try? keptAxes(of: images.shape)) ?? []
    let isPerChannel = kept.allSatisfy { $0 == images.shape.dimensions.count - 1 }
    let extents = isPerChannel ? [images.shape.channels] : images.shape.dimensions
    let group = isPerChannel ? (kept.isEmpty ? [] : [0]) : kept
    let sumCount = extents.reduce(1, *)
    let places = Normalization.places(of: group, in: extents)
    let shape = group.map { extents[$0] }
    let groupCount = shape.reduce(1, *)
    let count = Double(images.count * (images.shape.elementCount / groupCount))
    func grouped(_ sums: [Double]) -> [Double] {
      var result = [Double](repeating: 0, count: groupCount)
      for (sum, place) in zip(sums, places) { result[place] += sum }
      return result.map { $0 / count }
    }
    let zeros = [Double](repeating: 0, count: sumCount)
    let means = grouped(images.channelSums(power: 1, means: zeros))
    let variances = grouped(images.channelSums(power: 2, means: places.map { means[$0] }))
    var result = unadapted
    result.adopt(means.map { Float($0) }, variances.map { Float($0) }, shape: shape)
    return result
  }

  /// For every place of `extents`, row-major, its place among those of the axes `kept`.
  private static func places(of kept: [Int], in extents: [Int]) -> [Int] {
    let shape = extents.enumerated().map { kept.contains($0) ? $1 : 1 }
    let count = shape.reduce(1, *)
    let numbers = BroadcastValues(shape: shape, values: (0..<count).map(Double.init))
    return (numbers.spread(over: extents) ?? []).map { Int($0) }
  }

  // MARK: - Planning

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    let deviation = spread(statistics?.variance, 1, input.shape)
      .map { max($0.squareRoot(), 1e-7) }
    let mean = spread(statistics?.mean, 0, input.shape)
    if isInverse {
      return plan.affine(name, input, mean: nil, scale: deviation, shift: mean)
    }
    return plan.affine(name, input, mean: mean, scale: deviation.map { 1 / $0 })
  }

  /// One value per channel, or per element where more axes than the last one have their own.
  private func spread(_ values: BroadcastValues?, _ fallback: Float, _ input: Shape) -> [Float] {
    let rank = input.dimensions.count
    let kept = (try? keptAxes(of: input)) ?? []
    let isPerChannel = kept.allSatisfy { $0 == rank - 1 }
    let extents = isPerChannel ? [input.channels] : input.dimensions
    guard let values else {
      return [Float](repeating: fallback, count: extents.reduce(1, *))
    }
    let single = BroadcastValues(shape: [], values: Array(values.values.prefix(1)))
    let given = values.values.count == 1 ? single : values
    let all = given.spread(over: kept.map { input.dimensions[$0] }) ?? []
    let shape =
      isPerChannel
      ? kept.map { input.dimensions[$0] }
      : (0..<rank).map { kept.contains($0) ? input.dimensions[$0] : 1 }
    return (BroadcastValues(shape: shape, values: all).spread(over: extents) ?? [])
      .map { Float($0) }
  }
}
