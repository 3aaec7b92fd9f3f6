import CSupport

/// p_i = exp(z_i) / sum_j exp(z_j) over the features of each image.
///
/// Shapes: z, p [classes][B] per block.
package struct SoftmaxOperation: OperationDescription {
  package var classCount: Int32
  package var input: BlockSlot
  package var output: BlockSlot
  /// dP on entry, dZ afterwards.
  package var gradient: BlockSlot?

  package static func operation(at place: UnsafePointer<SoftmaxOperation>) -> Operation {
    .softmax(place)
  }

  package init(classCount: Int32, input: BlockSlot, output: BlockSlot, gradient: BlockSlot?) {
    self.classCount = classCount
    self.input = input
    self.output = output
    self.gradient = gradient
  }

  func forward(_ c: BlockContext) {
    c.kernels.pointee.softmax(classCount, c.blockSize, c(input), c(output))
  }

  func backward(_ c: BlockContext) {
    guard let gradient else { return }
    c.kernels.pointee.softmax_backward(
      classCount, c.blockSize, c(output), c(gradient), c(gradient))
  }
}
