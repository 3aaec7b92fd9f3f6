import FixedNetCore

/// The slots of a dense layer's R-operator. Its gradient's tangent stands behind the layer: the next layer's R{dX}, or
/// the loss's.
struct PlannedDenseTangent {
  private let layer: Dense
  private let input: Value
  private let factor: Float
  private let sum: Slot
  /// R{y}
  let output: Slot
  /// R{dY}, which the layer behind fills.
  let outputGradient: Slot
  /// R{dY} of the layer in front.
  private let inputGradient: Slot?
  private let scratch: Slot

  init(
    _ layer: Dense, _ input: Value, _ output: Value, factor: Float,
    _ plan: Planner
  ) {
    self.layer = layer
    self.input = input
    self.factor = factor
    plan.keep(input.slot)
    plan.keep(output.slot)
    let shape = Shape.vector(layer.units)
    sum = plan.reserveTangent("\(layer.name)/sum tangent", shape: shape)
    self.output =
      layer.activation == .linear
      ? sum : plan.reserveTangent("\(layer.name)/output tangent", shape: shape)
    outputGradient = plan.reserveTangent("\(layer.name)/gradient tangent", shape: shape)
    plan.gradientTangents[self.output] = outputGradient
    inputGradient = input.tangent.flatMap { plan.gradientTangents[$0] }
    scratch = plan.reserve(
      "\(layer.name)/tangent scratch",
      shape: [max(input.shape.elementCount, layer.units), plan.blockSize], region: .scratch,
      scope: .thread, lasting: true)
  }

  func planBackward(leading: Int, _ plan: Planner) -> DenseTangent {
    let transposed =
      plan.blockSize == 1
      ? outputGradient
      : plan.reserve(
        "\(layer.name)/transposed gradient tangent", shape: [plan.blockSize, leading],
        region: .activations, scope: .block, lasting: true)
    return DenseTangent(
      input: input.tangent?.block, sum: sum.block, output: output.block,
      outputGradient: outputGradient.block, inputGradient: inputGradient?.block,
      transposed: transposed.block, scratch: scratch.thread, factor: factor)
  }
}
