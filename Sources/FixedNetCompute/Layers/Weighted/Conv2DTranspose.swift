import CSupport
import FixedNetCore

/// The transpose of a two-dimensional convolution, with an element-wise activation.
public struct Conv2DTranspose: PlannedLayer {
  public static let className = "Conv2DTranspose"
  package static let configKeys = Conv2D.configKeys.union(["output_padding"])

  /// The convolution, whose filters are this layer's.
  private var convolution: Conv2D

  public var name: String {
    get { convolution.name }
    set { convolution.name = newValue }
  }

  /// With Keras' defaults. `name`: empty for Keras' default name.
  public init(
    name: String = "", filters: Int, kernelSize: (Int, Int), strides: (Int, Int) = (1, 1),
    padding: Padding = .valid, usesBias: Bool = true, activation: ActivationFunction = .linear,
    options: WeightOptions = WeightOptions()
  ) {
    convolution = Conv2D(
      name: name, filters: filters, kernelSize: kernelSize, strides: strides, padding: padding,
      usesBias: usesBias, activation: activation, options: options)
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    try config.require("output_padding", oneOf: [.null])
    try config.require("dilation_rate", oneOf: [1, [1, 1]])
    try config.require("groups", oneOf: [1])
    convolution = try Conv2D(name: name, config: config)
  }

  public var config: [String: JSONValue] {
    var config = convolution.config
    config["groups"] = nil
    return config
  }

  package var trainingObstacle: String? { convolution.trainingObstacle }
  package var lossObstacle: String? { convolution.lossObstacle }
  package var kernelActivation: ActivationFunction? {
    get { convolution.kernelActivation }
    set { convolution.kernelActivation = newValue }
  }
  package var weightOptions: WeightOptions? {
    get { convolution.weightOptions }
    set { convolution.weightOptions = newValue }
  }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    guard case .image(let height, let width, _) = input else {
      throw .shape(
        layer: name, expected: "an image (height x width x channels)", found: "\(input)")
    }
    return .image(
      height: extent(height, convolution.kernelSize.height, convolution.strides.height),
      width: extent(width, convolution.kernelSize.width, convolution.strides.width),
      channels: convolution.filters)
  }

  private func extent(_ extent: Int, _ kernel: Int, _ stride: Int) -> Int {
    extent * stride + (convolution.padding == .valid ? max(kernel - stride, 0) : 0)
  }

  public func weights(for input: Shape) -> [WeightDescription] {
    let (height, width) = convolution.kernelSize
    let taps = height * width
    var weights = convolution.options.weights(
      shape: [height, width, convolution.filters, input.channels],
      fanIn: taps * convolution.filters, fanOut: taps * input.channels, usesBias: false)
    if convolution.usesBias {
      weights += Dense(name: name, units: convolution.filters, options: convolution.options)
        .weights(for: .vector(1)).dropFirst()
    }
    return weights
  }

  public func multiplyAdds(for input: Shape) -> Int {
    input.elementCount * convolution.kernelSize.height * convolution.kernelSize.width
      * convolution.filters
  }

  /// The kernels' description of the convolution from the output to an `input` image.
  private func kernelShape(for input: Shape) -> cs_conv2d {
    guard case .image(let height, let width, let channels) = input,
      case .image(let outHeight, let outWidth, let filters)? = try? outputShape(for: input)
    else { preconditionFailure("outputShape has accepted the input") }
    let (kernel, strides) = (convolution.kernelSize, convolution.strides)
    let isSame = convolution.padding == .same
    let rows = isSame ? max(kernel.height - strides.height, 0) : 0
    let columns = isSame ? max(kernel.width - strides.width, 0) : 0
    return cs_conv2d(
      inChannels: Int32(filters), inHeight: Int32(outHeight), inWidth: Int32(outWidth),
      outChannels: Int32(channels), outHeight: Int32(height), outWidth: Int32(width),
      kernelHeight: Int32(kernel.height), kernelWidth: Int32(kernel.width),
      strideHeight: Int32(strides.height), strideWidth: Int32(strides.width),
      padTop: Int32(rows / 2), padLeft: Int32(columns / 2), padBottom: Int32(rows - rows / 2),
      padRight: Int32(columns - columns / 2), isTight: 0)
  }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    let shape = kernelShape(for: input.shape)
    let descriptions = weights(for: input.shape)
    let (weight, bias) = plan.reserveKernel(
      layer: name, descriptions,
      layout: .kernel(
        convolution.kernelSize, inChannels: convolution.filters,
        outChannels: input.shape.channels, blockSize: plan.blockSize))
    plan.use(input.slot)
    let output = plan.reserveOutput(
      name, shape: (try? outputShape(for: input.shape)) ?? input.shape)
    func scratch(_ part: String, _ passes: [cs_conv2d_pass]) -> ThreadSlot {
      let count = withUnsafePointer(to: shape) { shape in
        passes.map { cs_conv2d_scratch(shape, $0, Int32(plan.blockSize)) }.max() ?? 0
      }
      return plan.reserveKernelScratch("\(name)/\(part)", count: Int(count)).thread
    }
    let forwardScratch = scratch("scratch", [CS_CONV2D_BACKWARD_INPUT])
    return LayerPlan(output: output) { backward in
      var operation = TransposedConvolutionOperation(
        shape: shape, activation: convolution.activation.kernelCode, input: input.slot.block,
        output: output.slot.block, weight: weight.weight, bias: bias?.weight,
        scratch: forwardScratch)
      guard let backward else { return LayerPlan.Finished(operation) }
      plan.use(backward.outputGradient)
      if convolution.activation != .linear { plan.use(output.slot) }
      if weight.isTrained { plan.use(input.slot) }
      operation.outputGradient = backward.outputGradient.block
      operation.gradients = plan.reservePartial(layer: name, weight, bias)
      operation.backwardScratch = scratch(
        "backward scratch",
        (weight.isTrained ? [CS_CONV2D_BACKWARD_WEIGHTS] : [])
          + (backward.needsInputGradient ? [CS_CONV2D_FORWARD] : []))
      var gradient: Slot?
      if backward.needsInputGradient {
        gradient = plan.reserveActivation("\(name)/input gradient", shape: input.shape)
      }
      operation.inputGradient = gradient?.block
      return LayerPlan.Finished(operation, inputGradients: [gradient])
    }
  }
}
