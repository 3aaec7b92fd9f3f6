import FixedNetCore

/// An image as a vector, in Keras' order (height, width, channel). Costs nothing: the engine keeps its own order and
/// the weights of the layers behind it are permuted at the file boundary.
public struct Flatten: PlannedLayer {
  public static let className = "Flatten"
  package static let configKeys: Set = ["data_format"]

  public var name: String

  /// `name`: empty for Keras' default name.
  public init(name: String = "") { self.name = name }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    try config.require("data_format", oneOf: ["channels_last", .null])
    self.init(name: name)
  }

  public var config: [String: JSONValue] { ["data_format": "channels_last"] }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    .vector(input.elementCount)
  }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    var output = Value(
      slot: input.slot, shape: .vector(input.shape.elementCount), flattened: input.flattened)
    if input.shape.channels > 1, input.shape.pixels > 1 {
      output.flattened = (input.shape.channels, input.shape.pixels)
    }
    output.tangent = input.tangent
    return plan.renamed(input, as: output)
  }
}
