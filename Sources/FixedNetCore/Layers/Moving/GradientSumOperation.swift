import CSupport

/// Where several layers read one value: the gradient that one of them leaves is added to the sum. Only in the backward
/// pass, before that of the layer whose output the value is.
public struct GradientSumOperation: OperationDescription {
  /// Elements of one image.
  public var count: Int
  public var sum: BlockSlot
  public var addend: BlockSlot

  public static func operation(at place: UnsafePointer<GradientSumOperation>) -> Operation {
    .gradientSum(place)
  }

  public init(count: Int, sum: BlockSlot, addend: BlockSlot) {
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
