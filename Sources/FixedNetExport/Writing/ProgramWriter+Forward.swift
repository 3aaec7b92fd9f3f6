import CSupport
import FixedNetCompute
import FixedNetCore

extension OperationDescription {
  /// Calls `body` with the operation, whose description stays where it is meanwhile.
  func withOperation<Result, Failure: Error>(_ body: (Operation) throws(Failure) -> Result)
    throws(Failure) -> Result
  {
    let place = UnsafeMutablePointer<Self>.allocate(capacity: 1)
    place.initialize(to: self)
    defer { place.deallocate() }
    return try body(Self.operation(at: UnsafePointer(place)))
  }
}

/// The forward pass, operation by operation.
extension ProgramWriter {
  mutating func forward(_ operation: Operation) throws {
    switch operation {
    case .convolution(let o): convolution(o.pointee)
    case .transposedConvolution(let o): transposedConvolution(o.pointee)
    case .depthwise(let o): depthwise(o.pointee)
    case .dense(let o): dense(o.pointee)
    case .pooling(let o):
      let name = o.pointee.kind == .average ? "average_pooling" : "max_pooling"
      write(
        "\(name)_forward(\(shape(o.pointee.shape)), \(at(o.pointee.input)), \(at(o.pointee.output)));"
      )
    case .activation(let o):
      activate(o.pointee.activation, o.pointee.count, at(o.pointee.input), at(o.pointee.output))
    case .rectifier(let o): rectifier(o.pointee)
    case .function(let o):
      write(
        "\(o.pointee.function.cName)_forward(\(o.pointee.count), \(numbers(o.pointee.function)), "
          + "\(at(o.pointee.input)), \(at(o.pointee.output)));")
    case .rescaling(let o):
      write(
        "affine(\(o.pointee.count), \(CText.literal(o.pointee.scale)), "
          + "\(CText.literal(o.pointee.offset)), \(at(o.pointee.input)), \(at(o.pointee.output)));")
    case .normalization(let o): normalization(o.pointee)
    case .dropout(let o): dropout(o.pointee, at(o.pointee.input), at(o.pointee.output))
    case .spatialDropout(let o):
      spatialDropout(o.pointee, at(o.pointee.dropout.input), at(o.pointee.dropout.output))
    case .gaussianNoise(let o): noise(o.pointee, at(o.pointee.input), at(o.pointee.output))
    case .softmax(let o):
      write(
        "softmax(\(o.pointee.classCount), \(at(o.pointee.input)), \(at(o.pointee.output)));")
    case .columnSoftmax(let o):
      let name = o.pointee.isLogarithm ? "log_softmax" : "softmax_columns"
      write(
        "\(name)(\(o.pointee.classCount), \(o.pointee.pixels), \(at(o.pointee.input)), "
          + "\(at(o.pointee.output)));")
    case .layerNormalization(let o): layerNormalization(o.pointee)
    case .prelu(let o):
      write(
        "prelu_forward(\(o.pointee.channels), \(o.pointee.pixels), \(o.pointee.slopes), "
          + "\(at(o.pointee.input)), \(at(o.pointee.alpha, "alpha")), \(at(o.pointee.output)));")
    case .batchNormalization:
      // Refused before the plan.
      throw ExportError("layer '\(layer)' normalises over a mini-batch: freeze it")
    case .batchNormalizationInference(let o): normalization(o.pointee)
    case .crossEntropy, .squaredError, .logisticLoss, .outputLoss: try loss(operation)
    case .merge(let o):
      write(
        "merge_forward(\(merge(o.pointee.merge)), \(at(o.pointee.a)), \(at(o.pointee.b)), "
          + "\(at(o.pointee.output)));")
    case .gather(let o):
      write(
        "gather(\(o.pointee.outputCount), \(map(o.pointee)), \(at(o.pointee.input)), "
          + "\(at(o.pointee.output)));")
    case .copy(let o):
      write("copy(\(o.pointee.count), \(at(o.pointee.input)), \(at(o.pointee.output)));")
    // On a device the input stays where it is.
    case .input, .gradientSum: break
    }
  }

  // MARK: - Layers with weights

  private mutating func convolution(_ o: ConvolutionOperation) {
    let weight = o.dilation.map { at($0.weight) } ?? at(o.weight, "kernel")
    if let dilation = o.dilation { spread(dilation, o) }
    let bias = at(o.bias, "bias")
    forEachGroup(o) { writer, group, extents in
      writer.write(
        "convolution_forward(\(writer.shape(o.shape)), \(writer.at(o.input, group, extents.input)), "
          + "\(writer.place(weight, group, extents.weight)), "
          + "\(o.bias == nil ? "0" : writer.place(bias, group, Int(o.shape.outChannels))), "
          + "\(writer.at(o.output, group, extents.output)));")
    }
    let pixels = Int(o.shape.outHeight) * Int(o.shape.outWidth)
    finish(o.normalization, o.activation, channels: o.filters, pixels: pixels, at(o.output))
  }

  private mutating func transposedConvolution(_ o: TransposedConvolutionOperation) {
    let (filters, pixels) = (Int(o.shape.inChannels), Int(o.shape.inHeight) * Int(o.shape.inWidth))
    write(
      "convolution_backward_input(\(shape(o.shape)), \(at(o.input)), \(at(o.weight, "kernel")), "
        + "\(at(o.output)));")
    if let bias = o.bias {
      write("add_bias(\(filters), \(pixels), \(at(bias, "bias")), \(at(o.output)));")
    }
    activate(o.activation, filters * pixels, at(o.output), at(o.output))
  }

  private mutating func depthwise(_ o: DepthwiseOperation) {
    write(
      "depthwise_forward(\(shape(o.shape)), \(at(o.input)), \(at(o.weight, "kernel")), "
        + "\(at(o.bias, "bias")), \(at(o.output)));")
    finish(
      o.normalization, o.activation, channels: Int(o.shape.channels * o.shape.multiplier),
      pixels: Int(o.shape.outHeight) * Int(o.shape.outWidth), at(o.output))
  }

  private mutating func dense(_ o: DenseOperation) {
    write(
      "dense_forward(\(o.inputCount), \(o.outputCount), \(at(o.input)), \(at(o.weight, "kernel")), "
        + "\(at(o.bias, "bias")), \(at(o.output)));")
    finish(o.normalization, o.activation, channels: o.outputCount, pixels: 1, at(o.output))
  }

  /// What a layer does with its sums.
  private mutating func finish(
    _ normalization: OutputNormalization?, _ activation: cs_activation, channels: Int, pixels: Int,
    _ y: String
  ) {
    if let n = normalization {
      let scale = scale(n.gamma, n.movingVariance, n.epsilon)
      write(
        "normalize(\(channels), \(pixels), \(at(n.movingMean, "mean")), \(scale), "
          + "\(at(n.beta, "shift")), \(y), \(y));")
    }
    activate(activation, channels * pixels, y, y)
  }

  // MARK: - Groups and dilation

  typealias Extents = (input: Int, output: Int, weight: Int)

  /// Writes `body` once, in a loop where there are several groups; `group`: what counts them, nil for one.
  mutating func forEachGroup(
    _ o: ConvolutionOperation, _ body: (inout ProgramWriter, String?, Extents) -> Void
  ) {
    guard o.groups > 1 else { return body(&self, nil, o.extents) }
    write("for (int32_t g = 0; g < \(o.groups); g++) {")
    indent += "  "
    body(&self, "g", o.extents)
    indent.removeLast(2)
    write("}")
  }

  func at(_ slot: BlockSlot, _ group: String?, _ stride: Int) -> String {
    place(at(slot), group, stride)
  }

  func place(_ base: String, _ group: String?, _ stride: Int) -> String {
    group.map { "\(base) + \($0) * \(stride)" } ?? base
  }

  /// The kernel with zeros between its taps.
  mutating func spread(_ dilation: KernelDilation, _ o: ConvolutionOperation) {
    write(
      "spread_kernel(\(taps(dilation, o)), \(o.groups * Int(o.shape.inChannels)), "
        + "\(at(o.weight, "kernel")), \(at(dilation.weight)));")
  }

  mutating func taps(_ d: KernelDilation, _ o: ConvolutionOperation) -> String {
    let s = o.shape
    let fields = [
      Int(s.kernelHeight), Int(s.kernelWidth), d.kernelHeight, d.kernelWidth, d.height, d.width,
      Int(s.outChannels),
    ]
    return structure("spread_taps", "dilation", fields.map { "\($0)" })
  }

  // MARK: - Normalisation

  /// gamma / sqrt(variance + epsilon), worked out here: nothing of it changes on the device.
  mutating func scale(_ gamma: SharedSlot, _ variance: SharedSlot, _ epsilon: Float) -> String {
    let scales = zip(values(gamma), values(variance)).map { gamma, variance -> Float in
      let scale = gamma * (1 / (variance + epsilon).squareRoot())
      return scale.isSubnormal && network.options.subnormals == .flush ? 0 : scale
    }
    return constant("scale", scales)
  }

  private mutating func normalization(_ o: NormalizationOperation) {
    write(
      "normalize(\(o.channels), \(o.pixels), \(at(o.mean, "mean")), \(at(o.scale, "scale")), "
        + "\(at(o.shift, "shift")), \(at(o.input)), \(at(o.output)));")
  }

  private mutating func normalization(_ o: BatchNormalizationInferenceOperation) {
    write(
      "normalize(\(o.channels), \(o.pixels), \(at(o.movingMean, "mean")), "
        + "\(scale(o.gamma, o.movingVariance, o.epsilon)), \(at(o.beta, "shift")), \(at(o.input)), "
        + "\(at(o.output)));")
    if o.rectifies { activate(CS_RELU, o.channels * o.pixels, at(o.output), at(o.output)) }
  }

  private mutating func layerNormalization(_ o: LayerNormalizationOperation) {
    write(
      "layernorm_forward(\(o.channels), \(o.pixels), \(CText.literal(o.epsilon)), \(at(o.input)), "
        + "\(at(o.gamma, "gamma")), \(at(o.beta, "beta")), \(at(o.output)), "
        + "\(o.mean.map { at($0) } ?? "0"), \(o.inverseDeviation.map { at($0) } ?? "0"));")
  }

  // MARK: - Elements

  private mutating func rectifier(_ o: RectifierOperation) {
    write(
      "rectifier_forward(\(o.count), \(numbers(o.rectifier)), \(at(o.input)), \(at(o.output)));")
  }

  func numbers(_ r: cs_rectifier) -> String {
    [r.negativeSlope, r.threshold, r.maxValue].map { CText.literal($0) }.joined(separator: ", ")
  }

  func numbers(_ f: cs_function) -> String {
    "\(CText.literal(f.parameter)), \(CText.literal(f.otherwise))"
  }

  mutating func dropout(_ o: DropoutOperation, _ x: String, _ y: String) {
    write("dropout(\(o.count), \(mask(o)), image, step, \(x), \(y));")
  }

  mutating func spatialDropout(_ o: SpatialDropoutOperation, _ x: String, _ y: String) {
    write(
      "spatial_dropout(\(o.channels), \(o.pixels), \(mask(o.dropout)), image, step, \(x), \(y));")
  }

  /// What decides, beside the place of the image and the step.
  private mutating func mask(_ o: DropoutOperation) -> String {
    let seed = network.options.training?.seed ?? 0
    return structure(
      "dropout_mask", "mask",
      [
        "{\(UInt32(truncatingIfNeeded: seed))u", "\(UInt32(truncatingIfNeeded: seed >> 32))u}",
        "\(DropoutOperation.tag &+ o.stream)u", "\(o.threshold)u", CText.literal(o.scale),
      ])
  }

  mutating func noise(_ o: GaussianNoiseOperation, _ x: String, _ y: String) {
    let seed = network.options.training?.seed ?? 0
    let source = structure(
      "noise", "noise",
      [
        "{\(UInt32(truncatingIfNeeded: seed))u", "\(UInt32(truncatingIfNeeded: seed >> 32))u}",
        "\(GaussianNoiseOperation.tag &+ o.stream)u", CText.literal(o.deviation),
      ])
    let name = o.multiplies ? "gaussian_dropout" : "gaussian_noise"
    write("\(name)(\(o.count), \(source), image, step, \(x), \(y));")
  }

  mutating func merge(_ m: cs_merge, isWhole: Bool = false) -> String {
    let kinds: [(cs_merge_kind, String)] = [
      (CS_ADD, "MERGE_ADD"), (CS_SUBTRACT, "MERGE_SUBTRACT"),
      (CS_SUBTRACT_FROM, "MERGE_SUBTRACT_FROM"), (CS_MULTIPLY, "MERGE_MULTIPLY"),
      (CS_MAXIMUM, "MERGE_MAXIMUM"), (CS_MINIMUM, "MERGE_MINIMUM"),
    ]
    let kind = kinds.first { $0.0 == m.kind }?.1 ?? ""
    let b = isWhole ? (m.channels, m.pixels) : (m.channelsOfB, m.pixelsOfB)
    return structure(
      "merge", isWhole ? "whole" : "merge",
      [kind] + [m.channels, m.pixels, b.0, b.1].map { "\($0)" })
  }

  mutating func map(_ o: GatherOperation) -> String {
    constant("map", integers: values(o.map).map { Int32(bitPattern: $0.bitPattern) })
  }
}

extension ConvolutionOperation {
  /// Elements of one group.
  var extents: ProgramWriter.Extents {
    (
      Int(shape.inChannels * shape.inHeight * shape.inWidth),
      Int(shape.outChannels * shape.outHeight * shape.outWidth),
      Int(shape.outChannels * shape.inChannels * shape.kernelHeight * shape.kernelWidth)
    )
  }
}

extension cs_function {
  /// What its functions begin with.
  var cName: String {
    let names = [
      "elu", "celu", "selu", "gelu", "gelu_tanh", "silu", "mish", "softplus", "log_sigmoid",
      "softsign", "squareplus", "exponential", "tanh_shrink", "hard_sigmoid", "hard_sigmoid_2",
      "hard_silu", "hard_tanh", "hard_shrink", "soft_shrink", "above_threshold", "sparse_plus",
      "sparse_sigmoid",
    ]
    return names[Int(kind.rawValue)]
  }
}
