import FixedNetCore

/// What an optimiser remembers between two steps: for each of its slots one tensor per trainable weight, in file order
/// and in Keras' layout.
public struct OptimizerState: Equatable, Sendable {
  /// What an optimiser remembers of every weight: a momentum or a velocity.
  public struct Slot: Equatable, Sendable {
    /// Keras' name: "momentum", "velocity", "average_gradient".
    public var name: String
    /// One per trainable weight: layers in order, each layer's trainable weights in Keras' order.
    public var tensors: [Tensor]

    /// `tensors`: one per trained weight, in the order of the file.
    public init(name: String, tensors: [Tensor]) {
      self.name = name
      self.tensors = tensors
    }
  }

  /// In the order in which Keras builds them; empty for plain gradient descent.
  public var slots: [Slot]

  /// `slots`: none for an optimiser that remembers nothing.
  public init(slots: [Slot] = []) { self.slots = slots }
}

extension Network {
  /// What the optimiser remembers before its first step, as Keras builds it.
  func startOptimizer() {
    let optimizer = plan.options.optimizer
    for (index, name) in optimizer.slotNames.enumerated() {
      let value = optimizer.startValue(of: name)
      // The arena is zero.
      for parameter in plan.parameters where parameter.isTrained && value != 0 {
        pointer(parameter.state[index]).update(repeating: value, count: parameter.count)
      }
    }
  }
}
