import FixedNetCore

/// The slots of a dense layer's R-operator. Its gradient's tangent stands behind the layer: the next layer's R{dX}, or
/// the loss's.
final class PlannedDenseTangent {
  private let layer: Dense
  private let input: PlannedValue
  private let factor: Float
  private let sum: SlotID
  /// R{y}
  let output: SlotID
  /// R{dY}, which the layer behind fills.
  let outputGradient: SlotID
  /// R{dY} of the layer in front.
  private let inputGradient: SlotID?
  private let scratch: SlotID
  private var transposed: SlotID?

  init(
    _ layer: Dense, _ input: PlannedValue, _ output: PlannedValue, factor: Float,
    _ plan: PlanBuilder
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

  func planBackward(leading: Int, _ plan: PlanBuilder) {
    guard plan.blockSize > 1 else {
      transposed = outputGradient
      return
    }
    let slot = plan.reserve(
      "\(layer.name)/transposed gradient tangent", shape: [plan.blockSize, leading],
      region: .activations, scope: .block, lasting: true)
    transposed = slot
  }

  func tangent(in places: SlotPlaces) -> DenseTangent? {
    guard let transposed else { return nil }
    return DenseTangent(
      input: input.tangent.map(places.block), sum: places.block(sum),
      output: places.block(output), outputGradient: places.block(outputGradient),
      inputGradient: inputGradient.map(places.block), transposed: places.block(transposed),
      scratch: places.thread(scratch), factor: factor)
  }
}
