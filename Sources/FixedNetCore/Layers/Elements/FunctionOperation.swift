import CSupport

/// y = f(x), element by element; the derivative is computed from x.
package struct FunctionOperation: OperationDescription {
  package var function: cs_function
  /// Elements of one image.
  package var count: Int
  package var input: BlockSlot
  package var output: BlockSlot
  /// dY on entry, dX afterwards.
  package var gradient: BlockSlot?

  package static func operation(at place: UnsafePointer<FunctionOperation>) -> Operation {
    .function(place)
  }

  package init(
    function: cs_function, count: Int, input: BlockSlot, output: BlockSlot, gradient: BlockSlot?
  ) {
    self.function = function
    self.count = count
    self.input = input
    self.output = output
    self.gradient = gradient
  }

  func forward(_ c: BlockContext) {
    let own = c.elements(count)
    let (x, y) = (c(input) + own.lowerBound, c(output) + own.lowerBound)
    withUnsafePointer(to: function) {
      c.kernels.pointee.function_forward(own.count, $0, x, y)
    }
  }

  func backward(_ c: BlockContext) {
    guard let gradient else { return }
    let own = c.elements(count)
    let (x, dx) = (c(input) + own.lowerBound, c(gradient) + own.lowerBound)
    withUnsafePointer(to: function) {
      c.kernels.pointee.function_backward(own.count, $0, x, dx, dx)
    }
  }
}
