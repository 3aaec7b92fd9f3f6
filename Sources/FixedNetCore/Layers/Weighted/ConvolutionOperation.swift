import CSupport

/// y = activation(x * W + b): a two-dimensional convolution (cross-correlation, as every framework of the field).
///
/// Shapes: x [C][H][W][B], W [outC][C][kh][kw], b [outC], y [outC][H'][W'][B] per block.
package struct ConvolutionOperation: OperationDescription {
  package var shape: cs_conv2d
  package var activation: cs_activation
  package var input: BlockSlot
  package var output: BlockSlot
  package var weight: SharedSlot
  package var bias: SharedSlot?
  package var scratch: ThreadSlot
  package var training: Training?
  /// nil where the input is not xhat.
  package var folding: NormalizationFolding?
  /// The channels come in so many groups, each convolved by itself; `shape` is that of one.
  package var groups = 1
  /// nil where a kernel's taps lie side by side.
  package var dilation: KernelDilation?
  /// The weights transformed for Winograd's kernels, a copy per thread; nil where the others run.
  package var transformedWeight: ThreadSlot?
  /// Of the sums, before the activation; for inference.
  package var normalization: OutputNormalization?

  /// The slots that only training needs.
  package struct Training: BitwiseCopyable, Sendable {
    /// dY on entry, dZ (with respect to the sum) afterwards; dZ already where `hasDelta`.
    package var outputGradient: BlockSlot
    /// Whether the layer behind has left dZ where the output was.
    package var hasDelta: Bool
    /// nil where nothing before this layer is trained.
    package var inputGradient: BlockSlot?
    /// This block's part of dW followed by its part of db; not used where there are `pieces`.
    package var partial: BlockSlot
    /// For the backward kernels.
    package var scratch: ThreadSlot
    /// nil in a frozen layer.
    package var weight: Parameter?
    package var bias: Parameter?
    /// Whether the weights are updated in the backward pass.
    package var updatesInBackward: Bool
    /// For the update in the backward pass of blocks of one image; rows are taps.
    package var pieces: GradientPieces?

    package init(
      outputGradient: BlockSlot, hasDelta: Bool, inputGradient: BlockSlot?, partial: BlockSlot,
      scratch: ThreadSlot, weight: Parameter?, bias: Parameter?, updatesInBackward: Bool,
      pieces: GradientPieces?
    ) {
      self.outputGradient = outputGradient
      self.hasDelta = hasDelta
      self.inputGradient = inputGradient
      self.partial = partial
      self.scratch = scratch
      self.weight = weight
      self.bias = bias
      self.updatesInBackward = updatesInBackward
      self.pieces = pieces
    }
  }

  package static func operation(at place: UnsafePointer<ConvolutionOperation>) -> Operation {
    .convolution(place)
  }

  package init(
    shape: cs_conv2d, activation: cs_activation, input: BlockSlot, output: BlockSlot,
    weight: SharedSlot, bias: SharedSlot?, scratch: ThreadSlot, training: Training?
  ) {
    self.shape = shape
    self.activation = activation
    self.input = input
    self.output = output
    self.weight = weight
    self.bias = bias
    self.scratch = scratch
    self.training = training
  }

  var outputCount: Int { groups * groupExtents.output }

  /// Of all groups.
  package var filters: Int { groups * Int(shape.outChannels) }

  /// Elements of one group, of one image.
  package var groupExtents: (input: Int, output: Int, weight: Int) {
    (
      Int(shape.inChannels) * Int(shape.inHeight) * Int(shape.inWidth),
      Int(shape.outChannels) * Int(shape.outHeight) * Int(shape.outWidth),
      Int(shape.outChannels) * Int(shape.inChannels) * Int(shape.kernelHeight)
        * Int(shape.kernelWidth)
    )
  }

  func prepare(_ c: BatchContext) {
    normalization?.prepare(c)
    folding?.prepare(self, c)
    dilation?.spread(c(weight), self, c)
    guard let transformedWeight else { return }
    withUnsafePointer(to: shape) { shape in
      c.kernels.pointee.winograd_weights(
        shape, folding.map { c($0.weight) } ?? c(weight), c(transformedWeight))
    }
  }

  /// Adds the blocks' partial gradients in block order and steps, for this thread's share of the weights.
  func update(_ c: BatchContext) {
    guard let training, let weight = training.weight else { return }
    if let pieces = training.pieces { return update(weight, training, pieces, c) }
    if training.updatesInBackward {
      // One block: its part is the whole.
      let gradient = c(training.partial, block: 0)
      if let folding {
        folding.finish(self, gradient: gradient, biasGradient: gradient + weight.count, c)
        folding.update(c)
      }
      weight.update(0..<weight.count, gradient: gradient, c)
      training.bias?.update(0..<filters, gradient: gradient + weight.count, c)
      return
    }
    if let folding { return update(weight, training, folding, c) }
    update(weight, partialOffset: 0, c)
    if let bias = training.bias { update(bias, partialOffset: weight.count, c) }
  }

  /// The same by one thread, as gamma and beta depend on every weight. Until the mini-batch ends the weight's gradient
  /// is dWhat.
  private func update(
    _ weight: Parameter, _ training: Training, _ folding: NormalizationFolding, _ c: BatchContext
  ) {
    guard c.threadIndex == 0, let bias = training.bias else { return }
    sum(weight, partialOffset: 0, 0..<weight.count, c)
    sum(bias, partialOffset: weight.count, 0..<bias.count, c)
    guard c.isLastPart else { return }
    folding.finish(self, gradient: c(weight.gradient), biasGradient: c(bias.gradient), c)
    weight.update(0..<weight.count, c)
    bias.update(0..<bias.count, c)
    folding.update(c)
  }

  /// The gradient of one block of one image, a few taps at a time, and the step.
  private func update(
    _ weight: Parameter, _ training: Training, _ pieces: GradientPieces, _ c: BatchContext
  ) {
    let channels = Int(shape.outChannels)
    let piece = c(pieces.slot)
    let dBias = piece + pieces.rowCount * channels
    pieces.forEach(of: weight.count / channels) { taps in
      withUnsafePointer(to: shape) { shape in
        c.kernels.pointee.conv2d_backward_taps(
          shape, Int32(truncatingIfNeeded: taps.lowerBound),
          Int32(truncatingIfNeeded: taps.upperBound), c(input, block: 0),
          c(training.outputGradient, block: 0), piece,
          taps.lowerBound == 0 && training.bias != nil ? dBias : nil, c(training.scratch))
      }
      weight.update(
        taps.lowerBound * channels..<taps.upperBound * channels, gradient: piece, c)
    }
    training.bias?.update(0..<channels, gradient: dBias, c)
  }

  private func update(_ parameter: Parameter, partialOffset: Int, _ c: BatchContext) {
    let share = c.share(of: parameter.count, granule: 16)
    guard !share.isEmpty else { return }
    sum(parameter, partialOffset: partialOffset, share, c)
    parameter.update(share, c)
  }

  /// The gradient's elements `share`, from every block's part.
  private func sum(
    _ parameter: Parameter, partialOffset: Int, _ share: Range<Int>, _ c: BatchContext
  ) {
    guard let training else { return }
    c.kernels.pointee.sum_partials(
      share.count, Int32(truncatingIfNeeded: c.blockCount),
      c(training.partial, block: 0) + partialOffset + share.lowerBound, c.blockStrideInFloats,
      c.accumulates ? 1 : 0, c(parameter.gradient) + share.lowerBound)
  }
}

/// Called for every block: the description is read where it is and not copied.
extension UnsafePointer where Pointee == ConvolutionOperation {
  func forward(_ c: BlockContext) {
    let bias = (pointee.folding?.bias).map { c($0) } ?? pointee.bias.map { c($0) }
    withUnsafePointer(to: pointee.shape) { shape in
      if let transformedWeight = pointee.transformedWeight {
        c.kernels.pointee.winograd_forward_slice(
          shape, c.slice, c(pointee.input), c(transformedWeight), bias, c(pointee.output),
          pointee.activation, c(pointee.scratch))
      } else {
        let weight = weight(c)
        let (x, y, scratch) = (c(pointee.input), c(pointee.output), c(pointee.scratch))
        let (extents, lanes) = (pointee.groupExtents, Int(c.blockSize))
        for group in 0..<pointee.groups {
          let first = group * Int(shape.pointee.outChannels)
          withNormalization(pointee.normalization, from: first, c) { normalization in
            c.kernels.pointee.conv2d_forward_slice(
              shape, c.slice, c.blockSize, x + group * extents.input * lanes,
              weight + group * extents.weight, bias.map { $0 + first }, normalization,
              y + group * extents.output * lanes, pointee.activation, scratch)
          }
        }
      }
    }
  }

  func backward(_ c: BlockContext) {
    guard let slot = pointee.training?.outputGradient, let scratch = pointee.training?.scratch
    else { return }
    let dz = c(slot)
    if pointee.training?.hasDelta != true {
      let own = c.elements(pointee.outputCount)
      c.kernels.pointee.activation_backward(
        own.count, pointee.activation, c(pointee.output) + own.lowerBound, dz + own.lowerBound,
        dz + own.lowerBound)
      c.meet()
    }
    // A gradient in pieces is worked out when it is used.
    let isKept = pointee.training?.pieces == nil
    let weightCount = isKept ? pointee.training?.weight?.count : nil
    let dw = weightCount == nil ? nil : (pointee.training?.partial).map { c($0) }
    let db = pointee.training?.bias == nil ? nil : dw.map { $0 + (weightCount ?? 0) }
    let dx = (pointee.training?.inputGradient).map { c($0) }
    withUnsafePointer(to: pointee.shape) { shape in
      if let transformedWeight = pointee.transformedWeight {
        c.kernels.pointee.winograd_backward_slice(
          shape, c.slice, c(pointee.input), dz, c(transformedWeight), dw, db, dx, c(scratch))
        return
      }
      let (extents, lanes) = (pointee.groupExtents, Int(c.blockSize))
      for group in 0..<pointee.groups {
        let dz = dz + group * extents.output * lanes
        if let dw {
          let spread = pointee.dilation?.gradient.map { c($0) }
          backwardWeights(
            c(pointee.input) + group * extents.input * lanes, dz,
            spread ?? dw + group * extents.weight,
            db.map { $0 + group * Int(shape.pointee.outChannels) }, c(scratch), c)
          if let spread { pointee.dilation?.collect(spread, group, pointee, c.blockSize, into: dw) }
        }
        if let dx {
          c.kernels.pointee.conv2d_backward_input_slice(
            shape, c.slice, c.blockSize, dz, weight(c) + group * extents.weight,
            dx + group * extents.input * lanes, c(scratch))
        }
      }
    }
  }

  /// This thread's part of one group's dW and db: output channels of blocks of 16 images, taps of blocks of one.
  private func backwardWeights(
    _ x: UnsafeMutablePointer<Float>, _ dz: UnsafeMutablePointer<Float>,
    _ dw: UnsafeMutablePointer<Float>, _ db: UnsafeMutablePointer<Float>?,
    _ scratch: UnsafeMutablePointer<Float>, _ c: BlockContext
  ) {
    var shape = pointee.shape
    let filters = Int(shape.outChannels)
    let taps = pointee.groupExtents.weight / filters
    guard c.blockSize > 1 || c.isWhole else {
      let own = c.slice(of: taps)
      c.kernels.pointee.conv2d_backward_taps(
        &shape, Int32(truncatingIfNeeded: own.lowerBound),
        Int32(truncatingIfNeeded: own.upperBound), x, dz, dw + own.lowerBound * filters,
        c.slice.index == 0 ? db : nil, scratch)
      return
    }
    let own = c.slice(of: filters)
    guard !own.isEmpty else { return }
    let first = own.lowerBound
    shape.outChannels = Int32(truncatingIfNeeded: own.count)
    c.kernels.pointee.conv2d_backward_weights(
      &shape, c.blockSize, x,
      dz + first * Int(shape.outHeight) * Int(shape.outWidth) * Int(c.blockSize),
      dw + first * taps, db.map { $0 + first }, scratch)
  }

  /// The weights that the kernels read.
  private func weight(_ c: BlockContext) -> UnsafeMutablePointer<Float> {
    (pointee.folding?.weight ?? pointee.dilation?.weight).map { c($0) } ?? c(pointee.weight)
  }
}
