import CSupport
import FixedNetCore

/// A convolution of each channel by itself, with `multiplier` kernels and an element-wise activation.
public struct DepthwiseConv2D: PlannedLayer {
  public static let className = "DepthwiseConv2D"
  /// `groups`, `filters`: what Keras 2 writes for every convolution. The names of the kernel are Keras 2's of all layers.
  package static let configKeys = WeightOptions.configKeys(kernel: "depthwise").union(
    WeightOptions.configKeys
  ).union([
    "kernel_size", "strides", "padding", "depth_multiplier", "data_format", "dilation_rate",
    "groups", "filters", "use_bias", "activation", "rank",
  ])

  public var name: String
  /// Cells of the window.
  public var kernelSize: (height: Int, width: Int)
  /// Cells from window to window.
  public var strides: (height: Int, width: Int)
  /// How windows treat the border.
  public var padding: Padding
  /// Kernels for each channel.
  public var multiplier: Int
  /// Cells from tap to tap of the kernels.
  public var dilation: (height: Int, width: Int)
  /// Whether there is a bias, one value per output channel.
  public var usesBias: Bool
  /// What is applied to the sums.
  public var activation: ActivationFunction
  /// How kernel and bias start, and what the loss says of them.
  public var options: WeightOptions

  /// With Keras' defaults. `name`: empty for Keras' default name.
  public init(
    name: String = "", kernelSize: (Int, Int), strides: (Int, Int) = (1, 1),
    padding: Padding = .valid,
    multiplier: Int = 1, dilation: (Int, Int) = (1, 1), usesBias: Bool = true,
    activation: ActivationFunction = .linear, options: WeightOptions = WeightOptions()
  ) {
    self.name = name
    self.kernelSize = kernelSize
    self.strides = strides
    self.padding = padding
    self.multiplier = multiplier
    self.dilation = dilation
    self.usesBias = usesBias
    self.activation = activation
    self.options = options
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    try config.require("data_format", oneOf: ["channels_last", .null])
    try config.require("rank", oneOf: [2])
    try config.require("groups", oneOf: [1])
    try config.require("filters", oneOf: [.null])
    let strides = try config.pair("strides", in: 1...4096, default: (1, 1))
    self.init(
      name: name, kernelSize: try config.pair("kernel_size", in: 1...4096), strides: strides,
      padding: try Padding(config),
      multiplier: try config.members["depth_multiplier"] == nil
        ? 1 : config.integer("depth_multiplier", in: 1...Shape.extentLimit),
      dilation: try config.pair("dilation_rate", in: 1...4096, default: (1, 1)),
      usesBias: try config.bool("use_bias", default: true),
      activation: try config.activation(),
      options: WeightOptions(config, kernel: "depthwise"))
  }

  public var config: [String: JSONValue] {
    options.config(kernel: "depthwise").merging([
      "kernel_size": [.integer(kernelSize.height), .integer(kernelSize.width)],
      "strides": [.integer(strides.height), .integer(strides.width)],
      "padding": .string(padding.rawValue), "depth_multiplier": .integer(multiplier),
      "data_format": "channels_last",
      "dilation_rate": [.integer(dilation.height), .integer(dilation.width)],
      "use_bias": .bool(usesBias), "activation": activation.json,
    ]) { $1 }
  }

  package var trainingObstacle: String? { options.obstacle }
  package var lossObstacle: String? { options.lossObstacle }
  package var kernelActivation: ActivationFunction? {
    get { activation }
    set { activation = newValue ?? .linear }
  }
  package var weightOptions: WeightOptions? {
    get { options }
    set { options = newValue ?? WeightOptions() }
  }

  private var window: Window {
    Window(size: kernelSize, strides: strides, padding: padding, dilation: dilation)
  }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    let axes = try window.axes(over: input, layer: name)
    return .image(
      height: axes.rows.output, width: axes.columns.output,
      channels: Shape.product([axes.channels, multiplier]))
  }

  public func weights(for input: Shape) -> [WeightDescription] {
    let (height, width) = kernelSize
    let channels = input.channels
    var weights = options.weights(
      shape: [height, width, channels, multiplier], fanIn: height * width * channels,
      fanOut: height * width * multiplier, usesBias: false)
    weights[0].otherName = "depthwise_kernel"
    if usesBias {
      weights += Dense(name: name, units: channels * multiplier, options: options)
        .weights(for: .vector(1)).dropFirst()
    }
    return weights
  }

  public func multiplyAdds(for input: Shape) -> Int {
    guard let output = try? outputShape(for: input) else { return 0 }
    return output.elementCount * kernelSize.height * kernelSize.width
  }

  /// The kernels' description of the convolution of an `input` image.
  package func kernelShape(for input: Shape) -> cs_depthwise {
    let (axes, height, width) = window.checkedAxes(over: input)
    let (rows, columns, channels) = axes
    return cs_depthwise(
      channels: Int32(channels), multiplier: Int32(multiplier), inHeight: Int32(height),
      inWidth: Int32(width), outHeight: Int32(rows.output), outWidth: Int32(columns.output),
      kernelHeight: Int32(kernelSize.height), kernelWidth: Int32(kernelSize.width),
      strideHeight: Int32(strides.height), strideWidth: Int32(strides.width),
      dilationHeight: Int32(dilation.height), dilationWidth: Int32(dilation.width),
      padTop: Int32(rows.before), padLeft: Int32(columns.before))
  }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    self.plan(input, weights(for: input.shape), part: name, in: plan)
  }

  /// `descriptions`: of the kernel and the bias. `part`: what the slots are called after.
  func plan(
    _ input: Value, _ descriptions: [WeightDescription], part: String, in plan: Planner
  ) -> LayerPlan {
    let shape = kernelShape(for: input.shape)
    let (height, width) = kernelSize
    let (weight, bias) = plan.reserveKernel(
      layer: name, descriptions,
      layout: plan.blockSize == 1
        ? .plain
        : .convolution(
          kernelHeight: height, kernelWidth: width, inChannels: 1,
          outChannels: input.shape.channels * multiplier))
    plan.use(input.slot)
    var output = plan.reserveOutput(
      part, shape: (try? outputShape(for: input.shape)) ?? input.shape)
    func scratch(_ name: String, _ passes: [cs_conv2d_pass]) -> ThreadSlot {
      let count = withUnsafePointer(to: shape) { shape in
        passes.map { cs_depthwise_scratch(shape, $0, Int32(plan.blockSize)) }.max() ?? 0
      }
      return plan.reserveKernelScratch("\(part)/\(name)", count: Int(count)).thread
    }
    let forwardScratch = scratch("scratch", [CS_CONV2D_FORWARD])
    let stage = OutputStage(activation, output.shape, plan)
    output.stage = stage
    return LayerPlan(output: output) { [output] backward in
      var operation = DepthwiseOperation(
        shape: shape, activation: activation.kernelCode, input: input.slot.block,
        output: output.slot.block, weight: weight.weight, bias: bias?.weight,
        scratch: forwardScratch)
      operation.normalization = stage?.normalization
      if stage?.rectifies == true { operation.activation = CS_RELU }
      guard let backward else { return LayerPlan.Finished(operation) }
      plan.use(backward.outputGradient)
      if activation != .linear { plan.use(output.slot) }
      if weight.isTrained { plan.use(input.slot) }
      operation.outputGradient = backward.outputGradient.block
      operation.gradients = plan.reservePartial(layer: part, weight, bias)
      operation.backwardScratch = scratch(
        "backward scratch",
        (weight.isTrained ? [CS_CONV2D_BACKWARD_WEIGHTS] : [])
          + (backward.needsInputGradient ? [CS_CONV2D_BACKWARD_INPUT] : []))
      var gradient: Slot?
      if backward.needsInputGradient {
        gradient = plan.reserveActivation("\(part)/input gradient", shape: input.shape)
      }
      operation.inputGradient = gradient?.block
      return LayerPlan.Finished(operation, inputGradients: [gradient])
    }
  }
}
