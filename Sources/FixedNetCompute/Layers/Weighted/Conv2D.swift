import CSupport
import FixedNetCore

/// Two-dimensional convolution (cross-correlation) with an element-wise activation.
public struct Conv2D: PlannedLayer {
  public static let className = "Conv2D"
  /// `rank`: what the class Conv of Keras 2 writes for its subclasses.
  package static let configKeys = WeightOptions.configKeys.union([
    "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "groups",
    "use_bias", "activation", "rank",
  ])

  public var name: String
  /// Channels of the output.
  public var filters: Int
  /// Cells of the window.
  public var kernelSize: (height: Int, width: Int)
  /// Cells from window to window.
  public var strides: (height: Int, width: Int)
  /// How windows treat the border.
  public var padding: Padding
  /// Cells from tap to tap of the kernel.
  public var dilation: (height: Int, width: Int)
  /// The channels come in so many groups, each convolved by itself.
  public var groups: Int
  /// Whether there is a bias, one value per filter.
  public var usesBias: Bool
  /// What is applied to the sums.
  public var activation: ActivationFunction
  /// How kernel and bias start, and what the loss says of them.
  public var options: WeightOptions

  /// With Keras' defaults. `name`: empty for Keras' default name.
  public init(
    name: String = "", filters: Int, kernelSize: (Int, Int), strides: (Int, Int) = (1, 1),
    padding: Padding = .valid, dilation: (Int, Int) = (1, 1), groups: Int = 1,
    usesBias: Bool = true, activation: ActivationFunction = .linear,
    options: WeightOptions = WeightOptions()
  ) {
    self.name = name
    self.filters = filters
    self.kernelSize = kernelSize
    self.strides = strides
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    self.usesBias = usesBias
    self.activation = activation
    self.options = options
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    try config.require("data_format", oneOf: ["channels_last", .null])
    try config.require("rank", oneOf: [2])
    let filters = try config.integer("filters", in: 1...Shape.extentLimit)
    let groups =
      try config.members["groups"] == nil ? 1 : config.integer("groups", in: 1...Shape.extentLimit)
    guard filters % groups == 0 else {
      throw config.fail("groups", "a divisor of the \(filters) filters")
    }
    self.init(
      name: name, filters: filters, kernelSize: try config.pair("kernel_size", in: 1...4096),
      strides: try config.pair("strides", in: 1...4096, default: (1, 1)),
      padding: try Padding(config),
      dilation: try config.pair("dilation_rate", in: 1...4096, default: (1, 1)), groups: groups,
      usesBias: try config.bool("use_bias", default: true),
      activation: try config.activation(), options: WeightOptions(config))
  }

  public var config: [String: JSONValue] {
    options.config.merging([
      "filters": .integer(filters),
      "kernel_size": [.integer(kernelSize.height), .integer(kernelSize.width)],
      "strides": [.integer(strides.height), .integer(strides.width)],
      "padding": .string(padding.rawValue), "data_format": "channels_last",
      "dilation_rate": [.integer(dilation.height), .integer(dilation.width)],
      "groups": .integer(groups), "use_bias": .bool(usesBias), "activation": activation.json,
    ]) { $1 }
  }

  package var trainingObstacle: String? { options.obstacle }
  package var lossObstacle: String? { options.lossObstacle }

  private var window: Window {
    Window(size: kernelSize, strides: strides, padding: padding, dilation: dilation)
  }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    let axes = try window.axes(over: input, layer: name)
    guard axes.channels % groups == 0 else {
      throw .config(
        layer: name, key: "groups", expected: "a divisor of the input's \(axes.channels) channels",
        found: "\(groups)")
    }
    let span = window.span
    guard
      Shape.product([span.height, span.width, axes.channels / groups, filters])
        <= Shape.elementLimit
    else {
      throw .config(
        layer: name, key: "dilation_rate",
        expected: "a kernel of at most 2^31 - 1 values, with the zeros between its taps",
        found: "\(dilation.height), \(dilation.width)")
    }
    return .image(height: axes.rows.output, width: axes.columns.output, channels: filters)
  }

  public func weights(for input: Shape) -> [WeightDescription] {
    let taps = kernelSize.height * kernelSize.width
    let channels = input.channels / groups
    return options.weights(
      shape: [kernelSize.height, kernelSize.width, channels, filters],
      fanIn: taps * channels, fanOut: taps * filters, usesBias: usesBias)
  }

  public func multiplyAdds(for input: Shape) -> Int {
    guard let output = try? outputShape(for: input) else { return 0 }
    return output.elementCount * kernelSize.height * kernelSize.width * (input.channels / groups)
  }

  package var kernelActivation: ActivationFunction? {
    get { activation }
    set { activation = newValue ?? .linear }
  }
  package var weightOptions: WeightOptions? {
    get { options }
    set { options = newValue ?? WeightOptions() }
  }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    self.plan(input, weights(for: input.shape), in: plan)
  }

  /// `descriptions`: of the kernel and the bias.
  func plan(_ input: Value, _ descriptions: [WeightDescription], in plan: Planner) -> LayerPlan {
    let planned = PlannedConvolution(self, input, descriptions, plan)
    var output = planned.output
    output.convolution = planned
    output.stage = planned.stage
    return LayerPlan(output: output) { planned.finish($0, plan) }
  }

  /// The kernels' description of the convolution of an `input` image; of one group's, with zeros between the taps.
  package func kernelShape(for input: Shape) -> cs_conv2d {
    let (axes, height, width) = window.checkedAxes(over: input)
    let (rows, columns, channels) = axes
    let span = window.span
    return cs_conv2d(
      inChannels: Int32(channels / groups), inHeight: Int32(height), inWidth: Int32(width),
      outChannels: Int32(filters / groups), outHeight: Int32(rows.output),
      outWidth: Int32(columns.output), kernelHeight: Int32(span.height),
      kernelWidth: Int32(span.width), strideHeight: Int32(strides.height),
      strideWidth: Int32(strides.width), padTop: Int32(rows.before), padLeft: Int32(columns.before),
      padBottom: Int32(rows.after), padRight: Int32(columns.after), isTight: 0)
  }
}
