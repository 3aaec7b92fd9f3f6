import FixedNetCore

/// y = scale x + offset.
public struct Rescaling: Layer {
  public static let className = "Rescaling"

  public var name: String
  public var scale: Double
  public var offset: Double

  public init(name: String, scale: Double, offset: Double = 0) {
    self.name = name
    self.scale = scale
    self.offset = offset
  }

  public init(name: String, config: LayerConfig) throws(ModelError) {
    guard config.members["scale"] != nil else { throw config.fail("scale", "a number") }
    self.init(
      name: name, scale: try config.number("scale", in: -1e30...1e30, default: 1),
      offset: try config.number("offset", in: -1e30...1e30, default: 0))
  }

  public var config: [String: JSONValue] { ["scale": .number(scale), "offset": .number(offset)] }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape { input }

  public func plan(_ input: PlannedValue, in plan: PlanBuilder) -> any PlannedLayer {
    let count = input.shape.elementCount
    return PlannedElementwise(name, input, plan, remembers: .nothing) {
      input, output, gradient, _ in
      RescalingOperation(
        scale: Float(self.scale), offset: Float(self.offset), count: count, input: input,
        output: output, gradient: gradient)
    }
  }
}
