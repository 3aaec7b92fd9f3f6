import FixedNetCore

/// An activation as a layer of its own.
public struct Activation: Layer {
  public static let className = "Activation"

  public var name: String
  public var function: ActivationFunction

  public init(name: String, function: ActivationFunction) {
    self.name = name
    self.function = function
  }

  public init(name: String, config: LayerConfig) throws(ModelError) {
    guard config.members["activation"] != nil else {
      throw config.fail("activation", "the name of an activation")
    }
    self.init(name: name, function: try config.activation())
  }

  public var config: [String: JSONValue] { ["activation": .string(function.rawValue)] }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    if function == .softmax, case .image = input {
      throw .shape(
        layer: name, expected: "a vector for softmax (put a Flatten layer in front)",
        found: "\(input)")
    }
    return input
  }

  public func plan(_ input: PlannedValue, in plan: PlanBuilder) -> any PlannedLayer {
    PlannedActivation(self, input, plan)
  }
}

final class PlannedActivation: PlannedLayer {
  private let layer: Activation
  private let input: PlannedValue
  private var gradient: SlotID?
  let output: PlannedValue

  init(_ layer: Activation, _ input: PlannedValue, _ plan: PlanBuilder) {
    self.layer = layer
    self.input = input
    plan.use(input.slot)
    output = PlannedValue(
      slot: plan.reserveActivation("\(layer.name)/output", shape: input.shape),
      shape: input.shape, flattened: input.flattened)
  }

  /// In place: dX takes the place of dY.
  func planBackward(outputGradient: SlotID, needsInputGradient: Bool, in plan: PlanBuilder)
    -> SlotID?
  {
    guard needsInputGradient else { return nil }
    plan.use(outputGradient)
    plan.use(output.slot)
    gradient = outputGradient
    return outputGradient
  }

  func operation(in places: SlotPlaces) -> Operation? {
    let gradient = gradient.map(places.block)
    let (input, output) = (places.block(input.slot), places.block(output.slot))
    if layer.function == .softmax {
      return .softmax(
        SoftmaxOperation(
          classCount: Int32(self.output.shape.elementCount), input: input, output: output,
          gradient: gradient))
    }
    return .activation(
      ActivationOperation(
        activation: layer.function.kernelCode, count: self.output.shape.elementCount,
        input: input, output: output, gradient: gradient))
  }
}
