import CSupport

/// y = f(x), element by element; the derivative is computed from x.
public struct FunctionOperation: OperationDescription {
  public var function: cs_function
  /// Elements of one image.
  public var count: Int
  public var input: BlockSlot
  public var output: BlockSlot
  /// dY on entry, dX afterwards.
  public var gradient: BlockSlot?

  public static func operation(at place: UnsafePointer<FunctionOperation>) -> Operation {
    .function(place)
  }

  public init(
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
