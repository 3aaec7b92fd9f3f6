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
    withUnsafePointer(to: function) {
      c.kernels.pointee.function_forward(count * Int(c.blockSize), $0, c(input), c(output))
    }
  }

  func backward(_ c: BlockContext) {
    guard let gradient else { return }
    withUnsafePointer(to: function) {
      c.kernels.pointee.function_backward(
        count * Int(c.blockSize), $0, c(input), c(gradient), c(gradient))
    }
  }
}
