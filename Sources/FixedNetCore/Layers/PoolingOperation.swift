import CSupport

/// y = mean, or largest, of the window's cells that lie inside the image. Where the largest cell was is not remembered:
/// the backward pass finds it again in the input.
///
/// Shapes: x [C][H][W][B], y [C][H'][W'][B] per block.
package struct PoolingOperation: OperationDescription {
  package enum Kind: UInt8, BitwiseCopyable, Sendable {
    case average, max
  }

  package var kind: Kind
  package var shape: cs_pool2d
  package var input: BlockSlot
  package var output: BlockSlot
  package var outputGradient: BlockSlot?
  package var inputGradient: BlockSlot?
  /// nil where dX has a place of its own.
  package var delta: Delta?

  /// How the backward pass of the convolution in front begins here: its dZ takes the place of its output, which is where
  /// `inputGradient` is then.
  package struct Delta: BitwiseCopyable, Sendable {
    /// The convolution's.
    package var activation: cs_activation
    /// dX of one channel.
    package var scratch: ThreadSlot
    /// The convolution once more, where its output was not kept.
    package var recomputed: ConvolutionOperation?

    package init(
      activation: cs_activation, scratch: ThreadSlot, recomputed: ConvolutionOperation?
    ) {
      self.activation = activation
      self.scratch = scratch
      self.recomputed = recomputed
    }
  }

  package static func operation(at place: UnsafePointer<PoolingOperation>) -> Operation {
    .pooling(place)
  }

  package init(
    kind: Kind, shape: cs_pool2d, input: BlockSlot, output: BlockSlot,
    outputGradient: BlockSlot?, inputGradient: BlockSlot?, delta: Delta? = nil
  ) {
    self.kind = kind
    self.shape = shape
    self.input = input
    self.output = output
    self.outputGradient = outputGradient
    self.inputGradient = inputGradient
    self.delta = delta
  }

  /// This thread's channels, and where they begin.
  func slice(_ c: BlockContext) -> (shape: cs_pool2d, at: (input: Int, output: Int)) {
    var own = shape
    let channels = c.slice(of: Int(shape.channels))
    own.channels = Int32(truncatingIfNeeded: channels.count)
    let first = channels.lowerBound * Int(c.blockSize)
    return (
      own,
      (
        first * Int(shape.inHeight) * Int(shape.inWidth),
        first * Int(shape.outHeight) * Int(shape.outWidth)
      )
    )
  }
}

/// Called for every block: the description is read where it is and not copied.
extension UnsafePointer where Pointee == PoolingOperation {
  func forward(_ c: BlockContext) {
    let (shape, extents) = pointee.slice(c)
    let (x, y) = (c(pointee.input) + extents.input, c(pointee.output) + extents.output)
    withUnsafePointer(to: shape) { shape in
      switch pointee.kind {
      case .average: c.kernels.pointee.avgpool2d_forward(shape, c.blockSize, x, y)
      case .max: c.kernels.pointee.maxpool2d_forward(shape, c.blockSize, x, y)
      }
    }
  }

  func backward(_ c: BlockContext) {
    guard let outputGradient = pointee.outputGradient, let inputGradient = pointee.inputGradient
    else { return }
    let (shape, extents) = pointee.slice(c)
    let dy = c(outputGradient) + extents.output
    let dx = c(inputGradient) + extents.input
    if pointee.delta != nil { return backwardWithDelta(dy, dx, shape, c) }
    withUnsafePointer(to: shape) { shape in
      switch pointee.kind {
      case .average: c.kernels.pointee.avgpool2d_backward(shape, c.blockSize, dy, dx)
      case .max:
        c.kernels.pointee.maxpool2d_backward(
          shape, c.blockSize, c(pointee.input) + extents.input, dy, dx)
      }
    }
  }

  private func backwardWithDelta(
    _ dy: UnsafeMutablePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ shape: cs_pool2d,
    _ c: BlockContext
  ) {
    guard let activation = pointee.delta?.activation, let slot = pointee.delta?.scratch
    else { return }
    if let recomputed = pointee.delta?.recomputed {
      withUnsafePointer(to: recomputed) { $0.forward(c) }
      // It is cut in another way.
      c.meet()
    }
    let scratch = c(slot)
    withUnsafePointer(to: shape) { shape in
      switch pointee.kind {
      case .average:
        c.kernels.pointee.avgpool2d_backward_delta(shape, c.blockSize, activation, dy, dx, scratch)
      case .max:
        c.kernels.pointee.maxpool2d_backward_delta(shape, c.blockSize, activation, dy, dx, scratch)
      }
    }
  }
}
