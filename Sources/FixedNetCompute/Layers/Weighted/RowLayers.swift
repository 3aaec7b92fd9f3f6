/// Layers of one dimension, which work on rows as the layers of two do on images one column wide. Everything but their
/// names.
package protocol RowLayer: PlannedLayer {
  associatedtype Image: PlannedLayer
  /// The layer of two dimensions.
  var image: Image { get set }
  init(name: String, image: Image)
  /// Plans the layer of two dimensions with weights of one.
  func planImage(_ input: Value, _ weights: [WeightDescription], in plan: Planner) -> LayerPlan
}

/// What Keras has one number for in one dimension, and two in two.
private let extentKeys = ["kernel_size", "strides", "dilation_rate", "pool_size"]

extension RowLayer {
  package static var configKeys: Set<String> { Image.configKeys }

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

  package init(name: String, config: LayerConfig) throws(ModelError) {
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

  package var trainingObstacle: String? { image.trainingObstacle }
  package var lossObstacle: String? { image.lossObstacle }
  package var kernelActivation: ActivationFunction? {
    get { image.kernelActivation }
    set { image.kernelActivation = newValue }
  }
  package var weightOptions: WeightOptions? {
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

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    var value = input
    value.shape = image(input.shape)
    var planned = planImage(value, weights(for: input.shape), in: plan)
    planned.output.shape = rows(planned.output.shape)
    return planned
  }

  package func planImage(_ input: Value, _ weights: [WeightDescription], in plan: Planner)
    -> LayerPlan
  {
    image.plan(input, in: plan)
  }
}

/// A convolution over rows, with an element-wise activation.
public struct Conv1D: RowLayer {
  public static let className = "Conv1D"
  package var image: Conv2D

  /// `kernelSize`, `strides`, `dilation`: rows.
  public init(
    name: String = "", filters: Int, kernelSize: Int, strides: Int = 1, padding: Padding = .valid,
    dilation: Int = 1, groups: Int = 1, usesBias: Bool = true,
    activation: ActivationFunction = .linear, options: WeightOptions = WeightOptions()
  ) {
    image = Conv2D(
      name: name, filters: filters, kernelSize: (kernelSize, 1), strides: (strides, 1),
      padding: padding, dilation: (dilation, 1), groups: groups, usesBias: usesBias,
      activation: activation, options: options)
  }

  package init(name: String, image: Conv2D) { self.image = image }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    var config = try Self.imageConfig(config)
    let isCausal = config.members["padding"] == "causal"
    if isCausal { config = config.replacing("padding", by: "valid") }
    image = try Conv2D(name: name, config: config)
    if isCausal { image.padding = .causal }
  }

  package func planImage(_ input: Value, _ weights: [WeightDescription], in plan: Planner)
    -> LayerPlan
  {
    image.plan(input, weights, in: plan)
  }
}

/// The largest of each window of rows.
public struct MaxPooling1D: RowLayer {
  public static let className = "MaxPooling1D"
  package var image: MaxPooling2D

  /// `poolSize`, `strides`: rows; nil for strides of the window's size.
  public init(
    name: String = "", poolSize: Int = 2, strides: Int? = nil, padding: Padding = .valid
  ) {
    image = MaxPooling2D(
      name: name, poolSize: (poolSize, 1), strides: strides.map { ($0, 1) }, padding: padding)
  }

  package init(name: String, image: MaxPooling2D) { self.image = image }
}

/// The mean of each window of rows; rows outside do not count.
public struct AveragePooling1D: RowLayer {
  public static let className = "AveragePooling1D"
  package var image: AveragePooling2D

  /// `poolSize`, `strides`: rows; nil for strides of the window's size.
  public init(
    name: String = "", poolSize: Int = 2, strides: Int? = nil, padding: Padding = .valid
  ) {
    image = AveragePooling2D(
      name: name, poolSize: (poolSize, 1), strides: strides.map { ($0, 1) }, padding: padding)
  }

  package init(name: String, image: AveragePooling2D) { self.image = image }
}

/// The mean of every feature over the rows.
public struct GlobalAveragePooling1D: RowLayer {
  public static let className = "GlobalAveragePooling1D"
  package var image: GlobalAveragePooling2D

  /// `keepsExtents`: whether the output is one row of features, not a vector.
  public init(name: String = "", keepsExtents: Bool = false) {
    image = GlobalAveragePooling2D(name: name, keepsExtents: keepsExtents)
  }

  package init(name: String, image: GlobalAveragePooling2D) { self.image = image }
}

/// The largest of every feature over the rows.
public struct GlobalMaxPooling1D: RowLayer {
  public static let className = "GlobalMaxPooling1D"
  package var image: GlobalMaxPooling2D

  /// `keepsExtents`: whether the output is one row of features, not a vector.
  public init(name: String = "", keepsExtents: Bool = false) {
    image = GlobalMaxPooling2D(name: name, keepsExtents: keepsExtents)
  }

  package init(name: String, image: GlobalMaxPooling2D) { self.image = image }
}

/// A convolution of each feature's rows by itself, with an element-wise activation.
public struct DepthwiseConv1D: RowLayer {
  public static let className = "DepthwiseConv1D"
  package var image: DepthwiseConv2D

  /// `kernelSize`, `strides`, `dilation`: rows.
  public init(
    name: String = "", kernelSize: Int, strides: Int = 1, padding: Padding = .valid,
    multiplier: Int = 1, dilation: Int = 1, usesBias: Bool = true,
    activation: ActivationFunction = .linear, options: WeightOptions = WeightOptions()
  ) {
    image = DepthwiseConv2D(
      name: name, kernelSize: (kernelSize, 1), strides: (strides, 1), padding: padding,
      multiplier: multiplier, dilation: (dilation, 1), usesBias: usesBias, activation: activation,
      options: options)
  }

  package init(name: String, image: DepthwiseConv2D) { self.image = image }

  package func planImage(_ input: Value, _ weights: [WeightDescription], in plan: Planner)
    -> LayerPlan
  {
    image.plan(input, weights, part: name, in: plan)
  }
}

/// A depthwise convolution over rows and a convolution of 1 over its features, with an element-wise activation.
public struct SeparableConv1D: RowLayer {
  public static let className = "SeparableConv1D"
  package var image: SeparableConv2D

  /// `kernelSize`, `strides`, `dilation`: rows.
  public init(
    name: String = "", filters: Int, kernelSize: Int, strides: Int = 1, padding: Padding = .valid,
    multiplier: Int = 1, dilation: Int = 1, usesBias: Bool = true,
    activation: ActivationFunction = .linear, depthwiseOptions: WeightOptions = WeightOptions(),
    options: WeightOptions = WeightOptions()
  ) {
    image = SeparableConv2D(
      name: name, filters: filters, kernelSize: (kernelSize, 1), strides: (strides, 1),
      padding: padding, multiplier: multiplier, dilation: (dilation, 1), usesBias: usesBias,
      activation: activation, depthwiseOptions: depthwiseOptions, options: options)
  }

  package init(name: String, image: SeparableConv2D) { self.image = image }

  package func planImage(_ input: Value, _ weights: [WeightDescription], in plan: Planner)
    -> LayerPlan
  {
    image.plan(input, weights, in: plan)
  }
}
