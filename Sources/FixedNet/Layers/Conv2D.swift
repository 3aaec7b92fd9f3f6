import CSupport
import FixedNetCore

/// Two-dimensional convolution (cross-correlation) with an element-wise activation.
public struct Conv2D: Layer {
  public static let className = "Conv2D"
  /// `rank`: what the class Conv of Keras 2 writes for its subclasses.
  public static let configKeys = WeightOptions.configKeys.union([
    "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "groups",
    "use_bias", "activation", "rank",
  ])

  public var name: String
  public var filters: Int
  public var kernelSize: (height: Int, width: Int)
  public var strides: (height: Int, width: Int)
  public var padding: Padding
  public var usesBias: Bool
  public var activation: ActivationFunction
  public var options: WeightOptions

  public init(
    name: String, filters: Int, kernelSize: (Int, Int), strides: (Int, Int) = (1, 1),
    padding: Padding = .valid, usesBias: Bool = true, activation: ActivationFunction = .linear,
    options: WeightOptions = WeightOptions()
  ) {
    self.name = name
    self.filters = filters
    self.kernelSize = kernelSize
    self.strides = strides
    self.padding = padding
    self.usesBias = usesBias
    self.activation = activation
    self.options = options
  }

  public init(name: String, config: LayerConfig) throws(ModelError) {
    try config.require("data_format", oneOf: ["channels_last", .null])
    try config.require("dilation_rate", oneOf: [1, [1, 1]])
    try config.require("groups", oneOf: [1])
    try config.require("rank", oneOf: [2])
    let activation = try config.activation()
    guard activation != .softmax else {
      throw config.fail("activation", "linear, tanh, relu or sigmoid")
    }
    self.init(
      name: name, filters: try config.integer("filters", in: 1...Shape.extentLimit),
      kernelSize: try config.pair("kernel_size", in: 1...4096),
      strides: try config.pair("strides", in: 1...4096, default: (1, 1)),
      padding: try Padding(config), usesBias: try config.bool("use_bias", default: true),
      activation: activation, options: WeightOptions(config))
  }

  public var config: [String: JSONValue] {
    options.config.merging([
      "filters": .integer(filters),
      "kernel_size": [.integer(kernelSize.height), .integer(kernelSize.width)],
      "strides": [.integer(strides.height), .integer(strides.width)],
      "padding": .string(padding.rawValue), "data_format": "channels_last",
      "dilation_rate": [1, 1], "groups": 1, "use_bias": .bool(usesBias),
      "activation": activation.json,
    ]) { $1 }
  }

  public var trainingObstacle: String? { options.obstacle }
  public var lossObstacle: String? { options.lossObstacle }

  private var window: Window { Window(size: kernelSize, strides: strides, padding: padding) }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    let axes = try window.axes(over: input, layer: name)
    return .image(height: axes.rows.output, width: axes.columns.output, channels: filters)
  }

  public func weights(for input: Shape) -> [WeightDescription] {
    let taps = kernelSize.height * kernelSize.width
    return options.weights(
      shape: [kernelSize.height, kernelSize.width, input.channels, filters],
      fanIn: taps * input.channels, fanOut: taps * filters, usesBias: usesBias)
  }

  public func multiplyAdds(for input: Shape) -> Int {
    guard let output = try? outputShape(for: input) else { return 0 }
    return output.elementCount * kernelSize.height * kernelSize.width * input.channels
  }

  public var kernelActivation: ActivationFunction? {
    get { activation }
    set { activation = newValue ?? .linear }
  }
  public var weightOptions: WeightOptions? {
    get { options }
    set { options = newValue ?? WeightOptions() }
  }

  public func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    let planned = PlannedConvolution(self, input, plan)
    var output = planned.output
    output.convolution = planned
    return LayerPlan(output: output) { planned.finish($0, plan) }
  }

  /// The kernels' description of the convolution of an `input` image.
  package func kernelShape(for input: Shape) -> cs_conv2d {
    let (axes, height, width) = window.checkedAxes(over: input)
    let (rows, columns, channels) = axes
    return cs_conv2d(
      inChannels: Int32(channels), inHeight: Int32(height), inWidth: Int32(width),
      outChannels: Int32(filters), outHeight: Int32(rows.output), outWidth: Int32(columns.output),
      kernelHeight: Int32(kernelSize.height), kernelWidth: Int32(kernelSize.width),
      strideHeight: Int32(strides.height), strideWidth: Int32(strides.width),
      padTop: Int32(rows.before), padLeft: Int32(columns.before), padBottom: Int32(rows.after),
      padRight: Int32(columns.after))
  }
}
