import CSupport

/// y = mean, or largest, of the window's cells that lie inside the image. Where the largest cell was is not remembered:
/// the backward pass finds it again in the input.
///
/// Shapes: x [C][H][W][B], y [C][H'][W'][B] per block.
public struct PoolingOperation: BitwiseCopyable, Sendable {
  public enum Kind: UInt8, BitwiseCopyable, Sendable {
    case average, max
  }

  public var kind: Kind
  public var shape: cs_pool2d
  public var input: BlockSlot
  public var output: BlockSlot
  public var outputGradient: BlockSlot?
  public var inputGradient: BlockSlot?
  /// nil where dX has a place of its own.
  public var delta: Delta?

  /// How the backward pass of the convolution in front begins here: its dZ takes the place of its output, which is where
  /// `inputGradient` is then.
  public struct Delta: BitwiseCopyable, Sendable {
    /// The convolution's.
    public var activation: cs_activation
    /// dX of one channel.
    public var scratch: ThreadSlot
    /// The convolution once more, where its output was not kept.
    public var recomputed: ConvolutionOperation?

    public init(
      activation: cs_activation, scratch: ThreadSlot, recomputed: ConvolutionOperation?
    ) {
      self.activation = activation
      self.scratch = scratch
      self.recomputed = recomputed
    }
  }

  public init(
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

  func forward(_ c: BlockContext) {
    let kernels = c.kernels.pointee
    withUnsafePointer(to: shape) { shape in
      switch kind {
      case .average: kernels.avgpool2d_forward(shape, c.blockSize, c(input), c(output))
      case .max: kernels.maxpool2d_forward(shape, c.blockSize, c(input), c(output))
      }
    }
  }

  func backward(_ c: BlockContext) {
    guard let outputGradient, let inputGradient else { return }
    let kernels = c.kernels.pointee
    let dy = c(outputGradient)
    let dx = c(inputGradient)
    withUnsafePointer(to: shape) { shape in
      guard let delta else {
        switch kind {
        case .average: kernels.avgpool2d_backward(shape, c.blockSize, dy, dx)
        case .max: kernels.maxpool2d_backward(shape, c.blockSize, c(input), dy, dx)
        }
        return
      }
      delta.recomputed?.forward(c)
      let backward =
        kind == .average ? kernels.avgpool2d_backward_delta : kernels.maxpool2d_backward_delta
      backward(shape, c.blockSize, delta.activation, dy, dx, c(delta.scratch))
    }
  }
}
