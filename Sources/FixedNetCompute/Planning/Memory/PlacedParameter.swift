import FixedNetCore

/// A parameter with its offset: where the file boundary reads and writes it.
package struct PlacedParameter {
  package let layerName: String
  package let description: WeightDescription
  package let layout: ParameterLayout
  package let weight: SharedSlot
  /// False for moving statistics, in frozen layers and in inference plans.
  package let isTrained: Bool
  /// nil for what is not trained, and where the gradient is never kept whole.
  package internal(set) var gradient: SharedSlot?
  /// The optimiser's slots, as many as it has.
  package internal(set) var state: [SharedSlot] = []
  /// R-operator: the direction and the product; nil in plans of first order.
  var direction: SharedSlot?
  var product: SharedSlot?

  init(
    layerName: String, description: WeightDescription, layout: ParameterLayout, weight: SharedSlot,
    isTrained: Bool
  ) {
    self.layerName = layerName
    self.description = description
    self.layout = layout
    self.weight = weight
    self.isTrained = isTrained
  }

  /// Values of the weight.
  package var count: Int { description.shape.reduce(1, *) }

  /// What the optimiser updates; nil for what is not trained.
  var trained: Parameter? {
    guard isTrained else { return nil }
    func state(_ index: Int) -> SharedSlot { index < self.state.count ? self.state[index] : weight }
    return Parameter(
      weight: weight, gradient: gradient ?? weight, count: count,
      state: (state(0), state(1), state(2)), regularizer: description.regularizer,
      direction: direction,
      product: product)
  }
}
