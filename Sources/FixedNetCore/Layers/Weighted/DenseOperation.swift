import CSupport

/// y = activation(x W + b)
///
/// Shapes: x [in][B], W [in][out], b [out], y [out][B] per block.
package struct DenseOperation: OperationDescription {
  package var inputCount: Int
  package var outputCount: Int
  package var activation: cs_activation
  package var input: BlockSlot
  package var output: BlockSlot
  package var weight: SharedSlot
  package var bias: SharedSlot?
  package var training: Training?
  /// Of the sums, before the activation; for inference.
  package var normalization: OutputNormalization?

  /// The slots that only training needs.
  package struct Training: BitwiseCopyable, Sendable {
    /// dY on entry, dZ afterwards.
    package var outputGradient: BlockSlot
    package var inputGradient: BlockSlot?
    /// dZ with one row per image, `leading` floats apart. With one image per block, and where there are stripes, it is
    /// `outputGradient`.
    package var transposed: BlockSlot
    package var leading: Int
    /// nil in a frozen layer.
    package var weight: Parameter?
    package var bias: Parameter?
    /// What dY is multiplied by the derivative of: the activation, unless a study wants another one.
    package var derivative: cs_activation
    /// R-operator; nil in a plan of first order.
    package var tangent: DenseTangent?
    /// nil where the gradients are kept.
    package var pieces: GradientPieces?
    /// nil where each weight's gradient is one chain over the batch.
    package var stripes: GradientStripes?

    package init(
      outputGradient: BlockSlot, inputGradient: BlockSlot?, transposed: BlockSlot, leading: Int,
      weight: Parameter?, bias: Parameter?, derivative: cs_activation,
      tangent: DenseTangent? = nil, pieces: GradientPieces? = nil, stripes: GradientStripes? = nil
    ) {
      self.outputGradient = outputGradient
      self.inputGradient = inputGradient
      self.transposed = transposed
      self.leading = leading
      self.weight = weight
      self.bias = bias
      self.derivative = derivative
      self.tangent = tangent
      self.pieces = pieces
      self.stripes = stripes
    }
  }

  package static func operation(at place: UnsafePointer<DenseOperation>) -> Operation {
    .dense(place)
  }

  package init(
    inputCount: Int, outputCount: Int, activation: cs_activation, input: BlockSlot,
    output: BlockSlot, weight: SharedSlot, bias: SharedSlot?, training: Training?
  ) {
    self.inputCount = inputCount
    self.outputCount = outputCount
    self.activation = activation
    self.input = input
    self.output = output
    self.weight = weight
    self.bias = bias
    self.training = training
  }

  var inputs: Int32 { Int32(truncatingIfNeeded: inputCount) }
  var outputs: Int32 { Int32(truncatingIfNeeded: outputCount) }

  /// The gradients over a stripe of blocks.
  func sumStripe(_ blocks: Range<Int>, _ c: BatchContext) {
    guard let training, let stripes = training.stripes, let weight = training.weight else { return }
    let (part, place) = blocks.lowerBound.quotientAndRemainder(
      dividingBy: stripes.layout.partBlockCount)
    let accumulates: Int32 = place == 0 ? 0 : 1
    let partial =
      c(stripes.partial) + stripes.stride * part
    let count = Int32(truncatingIfNeeded: blocks.count)
    let dz = c(training.outputGradient, block: blocks.lowerBound)
    c.kernels.pointee.dense_backward_weights_by_lane(
      inputs, outputs, count, c(input, block: blocks.lowerBound), c.blockStrideInFloats, dz,
      c.blockStrideInFloats, accumulates, partial)
    if training.bias != nil {
      c.kernels.pointee.dense_backward_bias_by_lane(
        outputs, count, dz, c.blockStrideInFloats, accumulates, partial + weight.count)
    }
  }

  /// Each weight's gradient is one multiply-add chain over the batch, done by the thread that owns the row, unless stripes
  /// have summed it up.
  func update(_ c: BatchContext) {
    guard let training, let weight = training.weight else { return }
    if let pieces = training.pieces { return update(weight, training, pieces, c) }
    if let stripes = training.stripes {
      stripes.update(weight, offset: 0, c)
      if let bias = training.bias { stripes.update(bias, offset: weight.count, c) }
      return
    }
    let rows = c.share(of: inputCount, granule: 6)
    if !rows.isEmpty {
      weightGradient(rows, training, c, into: c(weight.gradient))
      weight.update(
        rows.lowerBound * outputCount..<rows.upperBound * outputCount, c)
    }
    guard let bias = training.bias else { return }
    let columns = c.share(of: outputCount, granule: 16)
    guard !columns.isEmpty else { return }
    biasGradient(columns, training, c, into: c(bias.gradient))
    bias.update(columns, c)
  }

  /// The same on one thread, a few rows at a time.
  private func update(
    _ weight: Parameter, _ training: Training, _ pieces: GradientPieces, _ c: BatchContext
  ) {
    let piece = c(pieces.slot)
    pieces.forEach(of: inputCount) { rows in
      let first = rows.lowerBound * outputCount
      weightGradient(rows, training, c, into: piece - first)
      weight.update(first..<rows.upperBound * outputCount, gradient: piece, c)
    }
    guard let bias = training.bias else { return }
    let gradient = piece + pieces.rowCount * outputCount
    biasGradient(0..<outputCount, training, c, into: gradient)
    bias.update(0..<outputCount, gradient: gradient, c)
  }

  private func weightGradient(
    _ rows: Range<Int>, _ training: Training, _ c: BatchContext,
    into gradient: UnsafeMutablePointer<Float>
  ) {
    c.kernels.pointee.dense_backward_weights(
      Int32(truncatingIfNeeded: rows.lowerBound), Int32(truncatingIfNeeded: rows.upperBound),
      outputs, Int32(truncatingIfNeeded: c.blockSize), Int32(truncatingIfNeeded: c.imageCount),
      c(input, block: 0), c.blockStrideInFloats, c(training.transposed, block: 0),
      c.blockStrideInFloats, training.leading, c.accumulates ? 1 : 0, gradient)
  }

  private func biasGradient(
    _ columns: Range<Int>, _ training: Training, _ c: BatchContext,
    into gradient: UnsafeMutablePointer<Float>
  ) {
    c.kernels.pointee.dense_backward_bias(
      Int32(truncatingIfNeeded: columns.lowerBound), Int32(truncatingIfNeeded: columns.upperBound),
      Int32(truncatingIfNeeded: c.blockSize), Int32(truncatingIfNeeded: c.imageCount),
      c(training.transposed, block: 0), c.blockStrideInFloats, training.leading,
      c.accumulates ? 1 : 0, gradient)
  }
}

/// Called for every block: the description is read where it is and not copied.
extension UnsafePointer where Pointee == DenseOperation {
  func forward(_ c: BlockContext) {
    withNormalization(pointee.normalization, c) { normalization in
      c.kernels.pointee.dense_forward_slice(
        c.slice, pointee.inputs, pointee.outputs, c.blockSize, c(pointee.input), c(pointee.weight),
        pointee.bias.map { UnsafePointer<Float>(c($0)) }, normalization, c(pointee.output),
        pointee.activation)
    }
  }

  func backward(_ c: BlockContext) {
    guard let slot = pointee.training?.outputGradient, let derivative = pointee.training?.derivative
    else { return }
    let dz = c(slot)
    let own = c.elements(pointee.outputCount)
    c.kernels.pointee.activation_backward(
      own.count, derivative, c(pointee.output) + own.lowerBound, dz + own.lowerBound,
      dz + own.lowerBound)
    // Both of what follows read all of dZ.
    c.meet()
    if let inputGradient = pointee.training?.inputGradient {
      let rows = c.slice(of: pointee.inputCount)
      c.kernels.pointee.dense_backward_input(
        Int32(truncatingIfNeeded: rows.count), pointee.outputs, c.blockSize, dz,
        c(pointee.weight) + rows.lowerBound * pointee.outputCount,
        c(inputGradient) + rows.lowerBound * Int(c.blockSize))
    }
    if c.blockSize > 1, pointee.training?.weight != nil, pointee.training?.stripes == nil,
      let transposed = pointee.training?.transposed, let leading = pointee.training?.leading
    {
      c.kernels.pointee.transpose16_slice(
        c.slice, pointee.outputs, Int32(truncatingIfNeeded: leading), dz, c(transposed))
    }
  }
}
