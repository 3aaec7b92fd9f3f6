import FixedNetCore

/// A layer whose output has its input's shape, and whose gradient is worked out in place: dX takes the place of dY.
final class PlannedElementwise: PlannedLayer {
  /// What the backward pass reads besides dY.
  enum Memory { case nothing, input, output }

  private let input: PlannedValue
  private let memory: Memory
  private let make: (BlockSlot, BlockSlot, BlockSlot?, SlotPlaces) -> any OperationDescription
  private var gradient: SlotID?
  let output: PlannedValue

  /// `make`: the operation from its input, its output and dY.
  init(
    _ name: String, _ input: PlannedValue, _ plan: PlanBuilder, remembers memory: Memory,
    make: @escaping (BlockSlot, BlockSlot, BlockSlot?, SlotPlaces) -> any OperationDescription
  ) {
    self.input = input
    self.memory = memory
    self.make = make
    plan.use(input.slot)
    output = PlannedValue(
      slot: plan.reserveActivation("\(name)/output", shape: input.shape), shape: input.shape,
      flattened: input.flattened)
  }

  func planBackward(outputGradient: SlotID, needsInputGradient: Bool, in plan: PlanBuilder)
    -> SlotID?
  {
    guard needsInputGradient else { return nil }
    plan.use(outputGradient)
    switch memory {
    case .nothing: break
    case .input: plan.use(input.slot)
    case .output: plan.use(output.slot)
    }
    gradient = outputGradient
    return outputGradient
  }

  func operation(in places: SlotPlaces) -> (any OperationDescription)? {
    make(
      places.block(input.slot), places.block(output.slot), gradient.map(places.block), places)
  }
}

/// A layer that passes its input on: nothing is computed and nothing is kept.
final class PlannedIdentity: PlannedLayer {
  let output: PlannedValue

  init(_ input: PlannedValue, _ plan: PlanBuilder) {
    plan.use(input.slot)
    output = input
  }

  func planBackward(outputGradient: SlotID, needsInputGradient: Bool, in plan: PlanBuilder)
    -> SlotID?
  {
    needsInputGradient ? outputGradient : nil
  }

  func operation(in places: SlotPlaces) -> (any OperationDescription)? { nil }
}
