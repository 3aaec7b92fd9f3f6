import FixedNetCore

/// An image as a vector, in Keras' order (height, width, channel). Costs nothing: the engine keeps its own order and
/// the weights of the layers behind it are permuted at the file boundary.
public struct Flatten: Layer {
  public static let className = "Flatten"
  public static let configKeys: Set = ["data_format"]

  public var name: String

  public init(name: String) { self.name = name }

  public init(name: String, config: LayerConfig) throws(ModelError) {
    try config.require("data_format", oneOf: ["channels_last", .null])
    self.init(name: name)
  }

  public var config: [String: JSONValue] { ["data_format": "channels_last"] }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    .vector(input.elementCount)
  }

  public func plan(_ input: PlannedValue, in plan: PlanBuilder) -> any PlannedLayer {
    plan.use(input.slot)
    return PlannedFlatten(input)
  }
}

final class PlannedFlatten: PlannedLayer {
  let output: PlannedValue

  init(_ input: PlannedValue) {
    var flattened = input.flattened
    if input.shape.channels > 1, input.shape.pixels > 1 {
      flattened = (input.shape.channels, input.shape.pixels)
    }
    var output = PlannedValue(
      slot: input.slot, shape: .vector(input.shape.elementCount), flattened: flattened)
    output.tangent = input.tangent
    self.output = output
  }

  func planBackward(outputGradient: SlotID, needsInputGradient: Bool, in plan: PlanBuilder)
    -> SlotID?
  {
    needsInputGradient ? outputGradient : nil
  }

  func operation(in places: SlotPlaces) -> (any OperationDescription)? { nil }
}
