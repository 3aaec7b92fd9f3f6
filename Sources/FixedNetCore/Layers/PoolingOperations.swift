import CSupport

/// y = mean of the window's cells that lie inside the image.
///
/// Shapes: x [C][H][W][B], y [C][H'][W'][B] per block.
public struct AveragePoolingOperation: BitwiseCopyable, Sendable {
  public var shape: cs_pool2d
  public var input: BlockSlot
  public var output: BlockSlot
  public var outputGradient: BlockSlot?
  public var inputGradient: BlockSlot?

  public init(
    shape: cs_pool2d, input: BlockSlot, output: BlockSlot, outputGradient: BlockSlot?,
    inputGradient: BlockSlot?
  ) {
    self.shape = shape
    self.input = input
    self.output = output
    self.outputGradient = outputGradient
    self.inputGradient = inputGradient
  }

  func forward(_ c: BlockContext) {
    withUnsafePointer(to: shape) {
      c.kernels.pointee.avgpool2d_forward($0, c.blockSize, c(input), c(output))
    }
  }

  func backward(_ c: BlockContext) {
    guard let outputGradient, let inputGradient else { return }
    withUnsafePointer(to: shape) {
      c.kernels.pointee.avgpool2d_backward($0, c.blockSize, c(outputGradient), c(inputGradient))
    }
  }
}

/// y = largest of the window's cells that lie inside the image. The backward pass finds it again in the input instead of
/// remembering where it was.
///
/// Shapes: x [C][H][W][B], y [C][H'][W'][B] per block.
public struct MaxPoolingOperation: BitwiseCopyable, Sendable {
  public var shape: cs_pool2d
  public var input: BlockSlot
  public var output: BlockSlot
  public var outputGradient: BlockSlot?
  public var inputGradient: BlockSlot?

  public init(
    shape: cs_pool2d, input: BlockSlot, output: BlockSlot, outputGradient: BlockSlot?,
    inputGradient: BlockSlot?
  ) {
    self.shape = shape
    self.input = input
    self.output = output
    self.outputGradient = outputGradient
    self.inputGradient = inputGradient
  }

  func forward(_ c: BlockContext) {
    withUnsafePointer(to: shape) {
      c.kernels.pointee.maxpool2d_forward($0, c.blockSize, c(input), c(output))
    }
  }

  func backward(_ c: BlockContext) {
    guard let outputGradient, let inputGradient else { return }
    withUnsafePointer(to: shape) {
      c.kernels.pointee.maxpool2d_backward(
        $0, c.blockSize, c(input), c(outputGradient), c(inputGradient))
    }
  }
}
