import CSupport

/// y = min(x > threshold ? x : negativeSlope (x - threshold), maxValue), element by element: ReLU in all its forms, and
/// the leaky one.
package struct RectifierOperation: OperationDescription {
  package var rectifier: cs_rectifier
  /// Elements of one image.
  package var count: Int
  package var input: BlockSlot
  package var output: BlockSlot
  /// dY on entry, dX afterwards.
  package var gradient: BlockSlot?

  package static func operation(at place: UnsafePointer<RectifierOperation>) -> Operation {
    .rectifier(place)
  }

  package init(
    rectifier: cs_rectifier, count: Int, input: BlockSlot, output: BlockSlot,
    gradient: BlockSlot?
  ) {
    self.rectifier = rectifier
    self.count = count
    self.input = input
    self.output = output
    self.gradient = gradient
  }

  func forward(_ c: BlockContext) {
    let own = c.elements(count)
    let (x, y) = (c(input) + own.lowerBound, c(output) + own.lowerBound)
    withUnsafePointer(to: rectifier) {
      c.kernels.pointee.rectifier_forward(own.count, $0, x, y)
    }
  }

  func backward(_ c: BlockContext) {
    guard let gradient else { return }
    let own = c.elements(count)
    let (x, dx) = (c(input) + own.lowerBound, c(gradient) + own.lowerBound)
    withUnsafePointer(to: rectifier) {
      c.kernels.pointee.rectifier_backward(own.count, $0, x, dx, dx)
    }
  }
}
