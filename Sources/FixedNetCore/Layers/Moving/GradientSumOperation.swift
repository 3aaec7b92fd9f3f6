import CSupport

/// Where several layers read one value: the gradient that one of them leaves is added to the sum. Only in the backward
/// pass, before that of the layer whose output the value is.
package struct GradientSumOperation: OperationDescription {
  /// Elements of one image.
  package var count: Int
  package var sum: BlockSlot
  package var addend: BlockSlot

  package static func operation(at place: UnsafePointer<GradientSumOperation>) -> Operation {
    .gradientSum(place)
  }

  package init(count: Int, sum: BlockSlot, addend: BlockSlot) {
    self.count = count
    self.sum = sum
    self.addend = addend
  }

  func backward(_ c: BlockContext) {
    let own = c.elements(count)
    c.kernels.pointee.add_scaled(
      own.count, 1, c(addend) + own.lowerBound, c(sum) + own.lowerBound)
  }
}
