/// Layers of one dimension, which work on rows as the layers of two do on images one column wide. Everything but their
/// names.
public protocol RowLayer: Layer {
  associatedtype Image: Layer
  /// The layer of two dimensions.
  var image: Image { get set }
  init(name: String, image: Image)
  /// Plans the layer of two dimensions with weights of one.
  func planImage(_ input: Value, _ weights: [WeightDescription], in plan: Planner) -> LayerPlan
}

/// What Keras has one number for in one dimension, and two in two.
private let extentKeys = ["kernel_size", "strides", "dilation_rate", "pool_size"]

extension RowLayer {
  public static var configKeys: Set<String> { Image.configKeys }

  public var name: String {
    get { image.name }
    set { image.name = newValue }
  }

  /// The config as the layer of two dimensions has it.
  static func imageConfig(_ config: LayerConfig) throws(ModelError) -> LayerConfig {
    var members = config.members
    try config.require("rank", oneOf: [1])
    members["rank"] = nil
    for key in extentKeys {
      switch members[key] {
      case nil, .null: continue
      case .integer(let value)?: members[key] = [.integer(value), 1]
      case .array(let list)? where list.count == 1: members[key] = .array(list + [1])
      default: throw config.fail(key, "a whole number, or a list of one")
      }
    }
    return LayerConfig(layer: config.layer, members: members)
  }

  public init(name: String, config: LayerConfig) throws(ModelError) {
    self.init(
      name: name, image: try Image(name: name, config: Self.imageConfig(config)))
  }

  public var config: [String: JSONValue] {
    var config = image.config
    for key in extentKeys {
      if case .array(let list)? = config[key] { config[key] = .array([list[0]]) }
    }
    return config
  }

  public var trainingObstacle: String? { image.trainingObstacle }
  public var lossObstacle: String? { image.lossObstacle }
  public var kernelActivation: ActivationFunction? {
    get { image.kernelActivation }
    set { image.kernelActivation = newValue }
  }
  public var weightOptions: WeightOptions? {
    get { image.weightOptions }
    set { image.weightOptions = newValue }
  }

  /// The rows as an image.
  private func image(_ input: Shape) -> Shape {
    .image(height: input.pixels, width: 1, channels: input.channels)
  }

  private func rows(_ output: Shape) -> Shape {
    if case .image(let height, _, let channels) = output {
      .matrix(rows: height, columns: channels)
    } else {
      output
    }
  }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    guard case .matrix(let count, _) = input else {
      throw .shape(
        layer: name, expected: "rows of features (rows x features)", found: "\(input)")
    }
    do {
      return rows(try image.outputShape(for: image(input)))
    } catch .shape {
      throw .shape(
        layer: name, expected: "more rows than the \(count) there are", found: "\(input)")
    }
  }

  public func weights(for input: Shape) -> [WeightDescription] {
    image.weights(for: image(input)).map { weight in
      var weight = weight
      if weight.shape.count == 4 { weight.shape.remove(at: 1) }
      return weight
    }
  }

  public func multiplyAdds(for input: Shape) -> Int { image.multiplyAdds(for: image(input)) }

  public func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    var value = input
    value.shape = image(input.shape)
    var planned = planImage(value, weights(for: input.shape), in: plan)
    planned.output.shape = rows(planned.output.shape)
    return planned
  }

  public func planImage(_ input: Value, _ weights: [WeightDescription], in plan: Planner)
    -> LayerPlan
  {
    image.plan(input, in: plan)
  }
}

/// A convolution over rows, with an element-wise activation.
public struct Conv1D: RowLayer {
  public static let className = "Conv1D"
  public var image: Conv2D
  public init(name: String = "", image: Conv2D) { self.image = image }

  public init(name: String, config: LayerConfig) throws(ModelError) {
    var config = try Self.imageConfig(config)
    let isCausal = config.members["padding"] == "causal"
    if isCausal { config = config.replacing("padding", by: "valid") }
    image = try Conv2D(name: name, config: config)
    if isCausal { image.padding = .causal }
  }

  public func planImage(_ input: Value, _ weights: [WeightDescription], in plan: Planner)
    -> LayerPlan
  {
    image.plan(input, weights, in: plan)
  }
}

/// The largest of each window of rows.
public struct MaxPooling1D: RowLayer {
  public static let className = "MaxPooling1D"
  public var image: MaxPooling2D
  public init(name: String = "", image: MaxPooling2D) { self.image = image }
}

/// The mean of each window of rows; rows outside do not count.
public struct AveragePooling1D: RowLayer {
  public static let className = "AveragePooling1D"
  public var image: AveragePooling2D
  public init(name: String = "", image: AveragePooling2D) { self.image = image }
}

/// The mean of every feature over the rows.
public struct GlobalAveragePooling1D: RowLayer {
  public static let className = "GlobalAveragePooling1D"
  public var image: GlobalAveragePooling2D
  public init(name: String = "", image: GlobalAveragePooling2D) { self.image = image }
}

/// The largest of every feature over the rows.
public struct GlobalMaxPooling1D: RowLayer {
  public static let className = "GlobalMaxPooling1D"
  public var image: GlobalMaxPooling2D
  public init(name: String = "", image: GlobalMaxPooling2D) { self.image = image }
}

/// A convolution of each feature's rows by itself, with an element-wise activation.
public struct DepthwiseConv1D: RowLayer {
  public static let className = "DepthwiseConv1D"
  public var image: DepthwiseConv2D
  public init(name: String = "", image: DepthwiseConv2D) { self.image = image }

  public func planImage(_ input: Value, _ weights: [WeightDescription], in plan: Planner)
    -> LayerPlan
  {
    image.plan(input, weights, part: name, in: plan)
  }
}

/// A depthwise convolution over rows and a convolution of 1 over its features, with an element-wise activation.
public struct SeparableConv1D: RowLayer {
  public static let className = "SeparableConv1D"
  public var image: SeparableConv2D
  public init(name: String = "", image: SeparableConv2D) { self.image = image }

  public func planImage(_ input: Value, _ weights: [WeightDescription], in plan: Planner)
    -> LayerPlan
  {
    image.plan(input, weights, in: plan)
  }
}
