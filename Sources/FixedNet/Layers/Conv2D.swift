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

  public func plan(_ input: PlannedValue, in plan: PlanBuilder) -> any PlannedLayer {
    PlannedConv2D(self, input, plan)
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

final class PlannedConv2D: PlannedLayer {
  private let layer: Conv2D
  private let shape: cs_conv2d
  private let input: PlannedValue
  private let weight: PlannedParameter
  private let bias: PlannedParameter?
  private let forwardScratch: SlotID
  private var backwardScratch: SlotID?
  private var partial: SlotID?
  private var pieces: (slot: SlotID, rowCount: Int)?
  private var updatesInBackward = false
  private var outputGradient: SlotID?
  private var inputGradient: SlotID?
  /// The output and the scratch of the backward pass's own forward pass.
  private var recomputed: (output: SlotID, scratch: SlotID)?
  /// The normalisation that is folded in, and the weights and bias with it.
  private var folding: ((SlotPlaces) -> NormalizationFolding)?
  /// Winograd's form of the weights; nil where the other kernels run: at inference, whose outputs do not depend on the
  /// size of the blocks, in blocks of one image, and for shapes that do not gain by it.
  private let transformedWeight: SlotID?
  private(set) var output: PlannedValue

  init(_ layer: Conv2D, _ input: PlannedValue, _ plan: PlanBuilder) {
    self.layer = layer
    self.input = input
    shape = layer.kernelShape(for: input.shape)
    let descriptions = layer.weights(for: input.shape)
    let (height, width) = layer.kernelSize
    let channels = (input.shape.channels, layer.filters)
    weight = plan.reserveParameter(
      layer: layer.name, descriptions[0],
      layout: plan.blockSize == 1
        ? .convolutionTaps(
          kernelHeight: height, kernelWidth: width, inChannels: channels.0, outChannels: channels.1)
        : .convolution(
          kernelHeight: height, kernelWidth: width, inChannels: channels.0, outChannels: channels.1
        ), inPieces: true)
    bias =
      layer.usesBias
      ? plan.reserveParameter(
        layer: layer.name, descriptions[1], layout: .plain, inPieces: true) : nil
    plan.use(input.slot)
    let outputShape = Shape.image(
      height: Int(shape.outHeight), width: Int(shape.outWidth), channels: layer.filters)
    output = PlannedValue(
      slot: plan.reserveActivation("\(layer.name)/output", shape: outputShape),
      shape: outputShape)
    let usesWinograd =
      plan.isTraining && plan.blockSize == 16
      && withUnsafePointer(to: shape) { cs_winograd_suits($0) } != 0
    transformedWeight =
      usesWinograd
      ? plan.reserve(
        "\(layer.name)/transformed kernel", shape: [2, 16, channels.0, channels.1],
        region: .scratch, scope: .thread, lasting: true) : nil
    forwardScratch = PlannedConv2D.scratch(
      "\(layer.name)/scratch", [CS_CONV2D_FORWARD], shape, plan, usesWinograd: usesWinograd)
    output.convolution = self
  }

  var activation: cs_activation { layer.activation.kernelCode }

  /// Takes gamma and beta of the normalisation in front.
  func fold(_ normalization: PlannedBatchNormalization, _ plan: PlanBuilder) {
    let counts = [weight.description.shape.reduce(1, *), layer.filters]
    let slots = zip(["kernel", "bias"], counts).map { name, count in
      plan.reserve(
        "\(layer.name)/folded \(name)", shape: [count], region: .scratch, scope: .thread,
        lasting: true)
    }
    let fold = normalization.fold()
    folding = { fold($0, slots[0], slots[1]) }
  }

  /// The slot where the layer behind leaves dZ: the output's, or one that the output is computed into once more.
  func planDelta(_ plan: PlanBuilder) -> SlotID {
    guard plan.options.recomputes else {
      plan.use(output.slot)
      return output.slot
    }
    plan.use(input.slot)
    let slot = plan.reserveActivation("\(layer.name)/output again", shape: output.shape)
    let scratch = PlannedConv2D.scratch(
      "\(layer.name)/scratch again", [CS_CONV2D_FORWARD], shape, plan,
      usesWinograd: transformedWeight != nil)
    plan.noteRecomputed(layer.name)
    recomputed = (slot, scratch)
    return slot
  }

  /// The forward pass of the backward pass; nil where the output is kept.
  func recomputation(in places: SlotPlaces) -> ConvolutionOperation? {
    recomputed.map { forward(in: places, output: $0.output, scratch: $0.scratch, training: nil) }
  }

  /// Room for the largest of the passes: they run one after the other.
  private static func scratch(
    _ name: String, _ passes: [cs_conv2d_pass], _ shape: cs_conv2d, _ plan: PlanBuilder,
    usesWinograd: Bool
  ) -> SlotID {
    let count = withUnsafePointer(to: shape) { shape in
      passes.map {
        usesWinograd
          ? cs_winograd_scratch(shape, $0 == CS_CONV2D_FORWARD ? 0 : 1)
          : cs_conv2d_scratch(shape, $0, Int32(plan.blockSize))
      }.max() ?? 0
    }
    return plan.reserve(name, shape: [Int(count)], region: .scratch, scope: .thread)
  }

  func planBackward(outputGradient: SlotID, needsInputGradient: Bool, in plan: PlanBuilder)
    -> SlotID?
  {
    let needsInputGradient = needsInputGradient && folding == nil
    plan.use(outputGradient)
    self.outputGradient = outputGradient
    if !hasDelta { plan.use(output.slot) }
    let isTrained = weight.isTrained
    if isTrained { planGradients(plan) }
    backwardScratch = PlannedConv2D.scratch(
      "\(layer.name)/backward scratch",
      (isTrained ? [CS_CONV2D_BACKWARD_WEIGHTS] : [])
        + (needsInputGradient ? [CS_CONV2D_BACKWARD_INPUT] : []), shape, plan,
      usesWinograd: transformedWeight != nil)
    if needsInputGradient {
      inputGradient = plan.reserveActivation("\(layer.name)/input gradient", shape: input.shape)
    }
    return inputGradient
  }

  /// Whether the layer behind has worked out dZ: in the place of the output.
  private var hasDelta: Bool {
    outputGradient == output.slot || outputGradient == recomputed?.output
  }

  /// The block's part of the weights' gradients; pieces of about 512 floats where they are used at once.
  private func planGradients(_ plan: PlanBuilder) {
    plan.use(input.slot)
    updatesInBackward = plan.options.updatesInBackward
    if updatesInBackward, plan.blockSize == 1 {
      let taps = weight.description.shape.reduce(1, *) / layer.filters
      let rowCount = min(max(512 / layer.filters / 16, 1) * 16, taps)
      let slot = plan.reservePieces(
        layer: layer.name, rowCount: rowCount, columnCount: layer.filters, bias: bias != nil)
      pieces = (slot, rowCount)
      return
    }
    let count = weight.description.shape.reduce(1, *) + (bias == nil ? 0 : layer.filters)
    let partial = plan.reserve(
      "\(layer.name)/partial", shape: [count], region: .gradients, scope: .block)
    if !updatesInBackward { plan.keepUntilUpdate(partial) }
    self.partial = partial
  }

  func operation(in places: SlotPlaces) -> (any OperationDescription)? {
    var training: ConvolutionOperation.Training?
    if let outputGradient, let backwardScratch {
      training = ConvolutionOperation.Training(
        outputGradient: places.block(outputGradient), hasDelta: hasDelta,
        inputGradient: inputGradient.map(places.block),
        partial: places.block(partial ?? outputGradient),
        scratch: places.thread(backwardScratch), weight: places.parameter(weight),
        bias: bias.flatMap(places.parameter), updatesInBackward: updatesInBackward,
        pieces: pieces.map {
          GradientPieces(slot: places.thread($0.slot), rowCount: $0.rowCount)
        })
    }
    return forward(in: places, output: output.slot, scratch: forwardScratch, training: training)
  }

  private func forward(
    in places: SlotPlaces, output: SlotID, scratch: SlotID,
    training: ConvolutionOperation.Training?
  ) -> ConvolutionOperation {
    var operation = ConvolutionOperation(
      shape: shape, activation: activation, input: places.block(input.slot),
      output: places.block(output), weight: places.shared(weight.weight),
      bias: bias.map { places.shared($0.weight) }, scratch: places.thread(scratch),
      training: training)
    operation.folding = folding?(places)
    operation.transformedWeight = transformedWeight.map(places.thread)
    return operation
  }
}
