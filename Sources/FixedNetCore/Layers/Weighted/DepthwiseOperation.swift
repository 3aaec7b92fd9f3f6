import CSupport

/// y = activation(x * W + b), each channel convolved by itself with its own kernels.
///
/// Shapes: x [C][H][W][B], W [C multiplier][kh][kw] (B = 1: [kh][kw][C multiplier]), b [C multiplier],
/// y [C multiplier][H'][W'][B] per block.
package struct DepthwiseOperation: OperationDescription {
  package var shape: cs_depthwise
  package var activation: cs_activation
  package var input: BlockSlot
  package var output: BlockSlot
  package var weight: SharedSlot
  package var bias: SharedSlot?
  package var scratch: ThreadSlot
  /// dY on entry, dZ afterwards; nil where there is no backward pass.
  package var outputGradient: BlockSlot?
  /// Whether the layer behind has left dZ where the output was.
  package var hasDelta = false
  package var inputGradient: BlockSlot?
  package var backwardScratch = ThreadSlot(byteOffset: 0)
  /// nil in a frozen layer.
  package var gradients: PartialGradients?
  /// Of the sums, before the activation; for inference.
  package var normalization: OutputNormalization?

  package static func operation(at place: UnsafePointer<DepthwiseOperation>) -> Operation {
    .depthwise(place)
  }

  package init(
    shape: cs_depthwise, activation: cs_activation, input: BlockSlot, output: BlockSlot,
    weight: SharedSlot, bias: SharedSlot?, scratch: ThreadSlot
  ) {
    self.shape = shape
    self.activation = activation
    self.input = input
    self.output = output
    self.weight = weight
    self.bias = bias
    self.scratch = scratch
  }

  var outputCount: Int {
    Int(shape.channels) * Int(shape.multiplier) * Int(shape.outHeight) * Int(shape.outWidth)
  }

  /// This thread's channels, and where they begin in blocks of 16 images; those of one image are all of them.
  private func slice(_ c: BlockContext)
    -> (shape: cs_depthwise, input: Int, output: Int, filter: Int, weight: Int)
  {
    let channels = c.slice(of: Int(shape.channels))
    var own = shape
    own.channels = Int32(truncatingIfNeeded: channels.count)
    let filter = channels.lowerBound * Int(shape.multiplier)
    return (
      own,
      channels.lowerBound * Int(shape.inHeight) * Int(shape.inWidth) * Int(c.blockSize),
      filter * Int(shape.outHeight) * Int(shape.outWidth) * Int(c.blockSize), filter,
      filter * Int(shape.kernelHeight) * Int(shape.kernelWidth)
    )
  }

  func forward(_ c: BlockContext) {
    let own = slice(c)
    withUnsafePointer(to: own.shape) { shape in
      withNormalization(normalization, from: own.filter, c) { normalization in
        c.kernels.pointee.depthwise_forward(
          shape, c.blockSize, c(input) + own.input, c(weight) + own.weight,
          bias.map { UnsafePointer<Float>(c($0) + own.filter) }, normalization,
          c(output) + own.output, activation, c(scratch))
      }
    }
  }

  func backward(_ c: BlockContext) {
    guard let outputGradient else { return }
    let own = slice(c)
    let dz = c(outputGradient) + own.output
    withUnsafePointer(to: own.shape) { shape in
      if !hasDelta {
        let extent = Int(shape.pointee.outHeight) * Int(shape.pointee.outWidth) * Int(c.blockSize)
        c.kernels.pointee.activation_backward(
          Int(shape.pointee.channels) * Int(shape.pointee.multiplier) * extent, activation,
          c(output) + own.output, dz, dz)
      }
      if let gradients {
        let part = c(gradients.partial)
        c.kernels.pointee.depthwise_backward_weights(
          shape, c.blockSize, c(input) + own.input, dz, part + own.weight,
          gradients.second == nil ? nil : part + gradients.first.count + own.filter,
          c(backwardScratch))
      }
      if let inputGradient {
        c.kernels.pointee.depthwise_backward_input(
          shape, c.blockSize, dz, c(weight) + own.weight, c(inputGradient) + own.input,
          c(backwardScratch))
      }
    }
  }
}
