import CSupport
import FixedNetCompute
import FixedNetCore

/// The backward pass, operation by operation.
extension ProgramWriter {
  mutating func backward(_ operation: Operation) throws {
    switch operation {
    case .convolution(let o): convolutionBackward(o.pointee)
    case .transposedConvolution(let o): transposedBackward(o.pointee)
    case .depthwise(let o): depthwiseBackward(o.pointee)
    case .dense(let o): denseBackward(o.pointee)
    case .pooling(let o): poolingBackward(o.pointee)
    case .activation(let o):
      guard let gradient = o.pointee.gradient else { return }
      activateBackward(
        o.pointee.activation, o.pointee.count, at(o.pointee.output), at(gradient), at(gradient))
    case .rectifier(let o):
      guard let gradient = o.pointee.gradient else { return }
      write(
        "rectifier_backward(\(o.pointee.count), \(numbers(o.pointee.rectifier)), "
          + "\(at(o.pointee.input)), \(at(gradient)), \(at(gradient)));")
    case .function(let o):
      guard let gradient = o.pointee.gradient else { return }
      write(
        "\(o.pointee.function.cName)_backward(\(o.pointee.count), \(numbers(o.pointee.function)), "
          + "\(at(o.pointee.input)), \(at(gradient)), \(at(gradient)));")
    case .rescaling(let o):
      guard let gradient = o.pointee.gradient else { return }
      write(
        "affine(\(o.pointee.count), \(CText.literal(o.pointee.scale)), 0.0f, \(at(gradient)), "
          + "\(at(gradient)));")
    case .normalization(let o):
      guard let gradient = o.pointee.gradient else { return }
      normalizeBackward(
        Int(o.pointee.channels), Int(o.pointee.pixels), at(o.pointee.scale, "scale"), gradient)
    case .dropout(let o): dropoutBackward(o.pointee)
    case .spatialDropout(let o):
      guard let gradient = o.pointee.dropout.gradient else { return }
      spatialDropout(o.pointee, at(gradient), at(gradient))
    case .softmax(let o):
      guard let gradient = o.pointee.gradient else { return }
      write(
        "softmax_backward(\(o.pointee.classCount), \(at(o.pointee.output)), \(at(gradient)), "
          + "\(at(gradient)));")
    case .columnSoftmax(let o): columnSoftmaxBackward(o.pointee)
    case .layerNormalization(let o): layerNormalizationBackward(o.pointee)
    case .prelu(let o): preluBackward(o.pointee)
    case .batchNormalizationInference(let o):
      guard let gradient = o.pointee.gradient else { return }
      if o.pointee.rectifies {
        activateBackward(
          CS_RELU, o.pointee.channels * o.pointee.pixels, at(o.pointee.output), at(gradient),
          at(gradient))
      }
      let scale = scale(o.pointee.gamma, o.pointee.movingVariance, o.pointee.epsilon)
      normalizeBackward(o.pointee.channels, o.pointee.pixels, scale, gradient)
    case .gradientSum(let o):
      write("add_scaled(\(o.pointee.count), 1.0f, \(at(o.pointee.addend)), \(at(o.pointee.sum)));")
    case .merge(let o): mergeBackward(o.pointee)
    case .gather(let o):
      guard let dy = o.pointee.outputGradient, let dx = o.pointee.inputGradient else { return }
      write(
        "gather_backward(\(o.pointee.inputCount), \(o.pointee.outputCount), \(map(o.pointee)), "
          + "\(at(dy)), \(at(dx)));")
    case .copy(let o):
      guard let dy = o.pointee.outputGradient, let dx = o.pointee.inputGradient else { return }
      write("copy(\(o.pointee.count), \(at(dy)), \(at(dx)));")
    case .gaussianNoise(let o):
      guard o.pointee.multiplies, let gradient = o.pointee.gradient else { return }
      noise(o.pointee, at(gradient), at(gradient))
    // Refused in the plan.
    case .batchNormalization: break
    // The gradient of a loss comes with it.
    case .crossEntropy, .squaredError, .logisticLoss, .outputLoss, .input: break
    }
  }

  // MARK: - Layers with weights

  private mutating func convolutionBackward(_ o: ConvolutionOperation) {
    guard let training = o.training else { return }
    let dz = at(training.outputGradient)
    if !training.hasDelta {
      activateBackward(o.activation, o.filters * o.pixels, at(o.output), dz, dz)
    }
    let isKept = training.weight != nil && training.pieces == nil
    let hasBias = training.bias != nil
    let weight = o.dilation.map { at($0.weight) } ?? at(o.weight, "kernel")
    let taps = Int(o.shape.inChannels * o.shape.kernelHeight * o.shape.kernelWidth)
    let weightCount = training.weight?.count ?? 0
    forEachGroup(o) { writer, group, extents in
      let dz = writer.at(training.outputGradient, group, extents.output)
      if isKept {
        let own = weightCount / o.groups
        let part = writer.at(training.partial, group, own)
        let spread = o.dilation?.gradient.map { writer.at($0) }
        writer.write(
          "convolution_backward_taps(\(writer.shape(o.shape)), 0, \(taps), "
            + "\(writer.at(o.input, group, extents.input)), \(dz), \(spread ?? part));")
        if let spread, let dilation = o.dilation {
          writer.write(
            "collect_kernel(\(writer.taps(dilation, o)), \(o.shape.inChannels), \(spread), \(part));"
          )
        }
      }
      if let dx = training.inputGradient {
        writer.write(
          "convolution_backward_input(\(writer.shape(o.shape)), \(dz), "
            + "\(writer.place(weight, group, extents.weight)), "
            + "\(writer.at(dx, group, extents.input)));")
      }
    }
    if isKept, hasBias {
      write(
        "convolution_backward_bias(\(o.filters), \(o.pixels), \(dz), "
          + "\(at(training.partial, weightCount)));")
    }
  }

  func at(_ slot: BlockSlot, _ offset: Int) -> String {
    CText.place("work", slot.byteOffset / 4 + offset)
  }

  private mutating func transposedBackward(_ o: TransposedConvolutionOperation) {
    guard let gradient = o.outputGradient else { return }
    let (filters, pixels) = (Int(o.shape.inChannels), Int(o.shape.inHeight) * Int(o.shape.inWidth))
    let dz = at(gradient)
    activateBackward(o.activation, filters * pixels, at(o.output), dz, dz)
    if let gradients = o.gradients {
      let taps = filters * Int(o.shape.kernelHeight) * Int(o.shape.kernelWidth)
      write(
        "convolution_backward_taps(\(shape(o.shape)), 0, \(taps), \(dz), \(at(o.input)), "
          + "\(at(gradients.partial)));")
      biasGradient(gradients, filters, pixels, dz)
    }
    if let dx = o.inputGradient {
      write(
        "convolution_forward(\(shape(o.shape)), \(dz), \(at(o.weight, "kernel")), 0, \(at(dx)));")
    }
  }

  /// Where the layer has a bias: behind the kernel's gradient, the sums of each filter's.
  private mutating func biasGradient(
    _ gradients: PartialGradients, _ filters: Int, _ pixels: Int, _ dz: String
  ) {
    guard gradients.second != nil else { return }
    let place = at(gradients.partial, gradients.first.count)
    write("sum_channels(\(filters), \(pixels), \(dz), \(place));")
  }

  private mutating func depthwiseBackward(_ o: DepthwiseOperation) {
    guard let gradient = o.outputGradient else { return }
    let filters = Int(o.shape.channels * o.shape.multiplier)
    let pixels = Int(o.shape.outHeight * o.shape.outWidth)
    let dz = at(gradient)
    if !o.hasDelta { activateBackward(o.activation, filters * pixels, at(o.output), dz, dz) }
    if let gradients = o.gradients {
      write(
        "depthwise_backward_weights(\(shape(o.shape)), \(at(o.input)), \(dz), "
          + "\(at(gradients.partial)));")
      biasGradient(gradients, filters, pixels, dz)
    }
    if let dx = o.inputGradient {
      write(
        "depthwise_backward_input(\(shape(o.shape)), \(dz), \(at(o.weight, "kernel")), \(at(dx)));")
    }
  }

  private mutating func denseBackward(_ o: DenseOperation) {
    guard let training = o.training else { return }
    let dz = at(training.outputGradient)
    activateBackward(training.derivative, o.outputCount, at(o.output), dz, dz)
    if let dx = training.inputGradient {
      write(
        "dense_backward_input(\(o.inputCount), \(o.outputCount), \(dz), \(at(o.weight, "kernel")), "
          + "\(at(dx)));")
    }
  }

  // MARK: - Pooling

  private mutating func poolingBackward(_ o: PoolingOperation) {
    guard let dy = o.outputGradient, let dx = o.inputGradient else { return }
    guard let delta = o.delta else {
      let (call, x) = poolingGradient(o.kind, at(o.input))
      return write("\(call)(\(shape(o.shape)), \(x)\(at(dy)), \(at(dx)));")
    }
    if let recomputed = delta.recomputed {
      recomputed.withOperation { operation in
        // A convolution is refused nowhere.
        try? forward(operation)
      }
    }
    // dZ takes the place of the layer's output, channel by channel.
    let cells = Int(o.shape.inHeight * o.shape.inWidth)
    let windows = Int(o.shape.outHeight * o.shape.outWidth)
    write("for (int32_t c = 0; c < \(o.shape.channels); c++) {")
    indent += "  "
    let y = at(dx, plus: "c * \(cells)")
    let (call, x) = poolingGradient(o.kind, y)
    write(
      "\(call)(\(shape(o.shape, channels: 1)), \(x)\(at(dy, plus: "c * \(windows)")), "
        + "\(at(delta.scratch)));")
    activateBackward(delta.activation, cells, y, at(delta.scratch), y)
    indent.removeLast(2)
    write("}")
  }

  /// The function, and what it is given besides.
  private func poolingGradient(_ kind: PoolingOperation.Kind, _ x: String) -> (String, String) {
    switch kind {
    case .average: ("average_pooling_backward", "")
    case .max: ("max_pooling_backward", "\(x), ")
    }
  }

  // MARK: - Others

  private mutating func normalizeBackward(
    _ channels: Int, _ pixels: Int, _ scale: String, _ gradient: BlockSlot
  ) {
    write("normalize_backward(\(channels), \(pixels), \(scale), \(at(gradient)));")
  }

  private mutating func dropoutBackward(_ o: DropoutOperation) {
    guard let gradient = o.gradient else { return }
    if o.isMaskInOutput {
      write(
        "dropout_backward(\(o.count), \(CText.literal(o.scale)), \(at(o.output)), \(at(gradient)), "
          + "\(at(gradient)));")
    } else {
      dropout(o, at(gradient), at(gradient))
    }
  }

  private mutating func columnSoftmaxBackward(_ o: ColumnSoftmaxOperation) {
    guard let gradient = o.gradient else { return }
    let name = o.isLogarithm ? "log_softmax_backward" : "softmax_columns_backward"
    write(
      "\(name)(\(o.classCount), \(o.pixels), \(at(o.output)), \(at(gradient)), \(at(gradient)));")
  }

  private mutating func layerNormalizationBackward(_ o: LayerNormalizationOperation) {
    guard let gradient = o.gradient, let mean = o.mean, let inverse = o.inverseDeviation else {
      return
    }
    let moments = "\(at(mean)), \(at(inverse))"
    if let gradients = o.gradients {
      let part = at(gradients.partial)
      let second = gradients.second == nil ? "0" : at(gradients.partial, Int(o.channels))
      write(
        "layernorm_backward_parameters(\(o.channels), \(o.pixels), \(at(o.input)), \(at(gradient)), "
          + "\(moments), \(o.trainsGamma ? part : "0"), \(o.trainsGamma ? second : part));")
    }
    if o.propagates {
      write(
        "layernorm_backward_input(\(o.channels), \(o.pixels), \(at(o.input)), \(at(gradient)), "
          + "\(at(o.gamma, "gamma")), \(moments), \(at(gradient)));")
    }
  }

  private mutating func preluBackward(_ o: PReLUOperation) {
    guard let gradient = o.gradient else { return }
    write(
      "prelu_backward(\(o.channels), \(o.pixels), \(o.slopes), \(at(o.input)), "
        + "\(at(o.alpha, "alpha")), \(at(gradient)), \(at(gradient)), "
        + "\(o.gradients.map { at($0.partial) } ?? "0"));")
  }

  private mutating func mergeBackward(_ o: MergeOperation) {
    guard let outputGradient = o.outputGradient else { return }
    let dy = at(outputGradient)
    guard o.merge.kind != CS_MAXIMUM, o.merge.kind != CS_MINIMUM else { return take(o, dy) }
    // Whichever takes dY's place comes last: dA always may.
    if let db = o.bGradient {
      write("merge_backward_b(\(merge(o.merge)), \(at(o.a)), \(dy), \(at(db)));")
    }
    if let da = o.aGradient {
      write("merge_backward_a(\(merge(o.merge)), \(at(o.b)), \(dy), \(at(da)));")
    }
  }

  /// Of maximum and minimum: the first input takes its part, the second what is left.
  private mutating func take(_ o: MergeOperation, _ dy: String) {
    guard let da = o.aGradient, let db = o.bGradient else { return }
    let calls = [
      (merge(o.merge, isWhole: true), at(o.a), at(da)), (merge(o.merge), at(o.b), at(db)),
    ]
    for (index, call) in (o.isSwapped ? calls.reversed() : calls).enumerated() {
      write("merge_take(\(call.0), \(index), \(call.1), \(at(o.output)), \(dy), \(call.2));")
    }
  }
}

extension ConvolutionOperation {
  /// Of the output.
  var pixels: Int { Int(shape.outHeight) * Int(shape.outWidth) }
}
