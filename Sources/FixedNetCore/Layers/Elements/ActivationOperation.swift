import CSupport

/// y = activation(x), element by element, in a slot of its own.
package struct ActivationOperation: OperationDescription {
  package var activation: cs_activation
  /// Elements of one image.
  package var count: Int
  package var input: BlockSlot
  package var output: BlockSlot
  /// dY on entry, dX afterwards.
  package var gradient: BlockSlot?

  package static func operation(at place: UnsafePointer<ActivationOperation>) -> Operation {
    .activation(place)
  }

  package init(
    activation: cs_activation, count: Int, input: BlockSlot, output: BlockSlot,
    gradient: BlockSlot?
  ) {
    self.activation = activation
    self.count = count
    self.input = input
    self.output = output
    self.gradient = gradient
  }

  func forward(_ c: BlockContext) {
    let own = c.elements(count)
    c.kernels.pointee.activation_forward(
      own.count, activation, c(input) + own.lowerBound, c(output) + own.lowerBound)
  }

  func backward(_ c: BlockContext) {
    guard let gradient else { return }
    let own = c.elements(count)
    let dx = c(gradient) + own.lowerBound
    c.kernels.pointee.activation_backward(
      own.count, activation, c(output) + own.lowerBound, dx, dx)
  }
}
