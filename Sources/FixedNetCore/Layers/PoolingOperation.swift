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

  public init(
    kind: Kind, shape: cs_pool2d, input: BlockSlot, output: BlockSlot,
    outputGradient: BlockSlot?, inputGradient: BlockSlot?
  ) {
    self.kind = kind
    self.shape = shape
    self.input = input
    self.output = output
    self.outputGradient = outputGradient
    self.inputGradient = inputGradient
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
    let (dy, dx) = (c(outputGradient), c(inputGradient))
    withUnsafePointer(to: shape) { shape in
      switch kind {
      case .average: kernels.avgpool2d_backward(shape, c.blockSize, dy, dx)
      case .max: kernels.maxpool2d_backward(shape, c.blockSize, c(input), dy, dx)
      }
    }
  }
}
