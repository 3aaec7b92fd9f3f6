import FixedNetCore

/// y = scale x + offset.
public struct Rescaling: PlannedLayer {
  public static let className = "Rescaling"
  package static let configKeys: Set = ["scale", "offset"]

  public var name: String
  /// What every element is multiplied by.
  public var scale: Double
  /// What is added to every product.
  public var offset: Double
  /// Where scale or offset is a list, lined up with a sample's last axes: both of them. Else nil.
  private var lists: (scale: BroadcastValues, offset: BroadcastValues)?

  /// y = x scale + offset. `name`: empty for Keras' default name.
  public init(name: String = "", scale: Double, offset: Double = 0) {
    self.name = name
    self.scale = scale
    self.offset = offset
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    guard config.members["scale"] != nil else { throw config.fail("scale", "a number") }
    let scale = try Rescaling.values("scale", config)
    let offset = try Rescaling.values("offset", config)
    self.init(name: name, scale: scale.values[0], offset: offset.values[0])
    if scale.values.count > 1 || offset.values.count > 1 { lists = (scale, offset) }
  }

  private static func values(_ key: String, _ config: LayerConfig) throws(ModelError)
    -> BroadcastValues
  {
    guard let json = config.members[key] else { return BroadcastValues(0) }
    guard let values = BroadcastValues(json: json),
      values.values.allSatisfy({ abs($0) <= 1e30 })
    else { throw config.fail(key, "a number from -1e30 to 1e30, or a list of them") }
    return values.trimmed
  }

  public var config: [String: JSONValue] {
    [
      "scale": lists?.scale.json ?? .number(scale), "offset": lists?.offset.json ?? .number(offset),
    ]
  }

  /// Whether it does the same to every value.
  var isUniform: Bool { lists == nil }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    guard let lists else { return input }
    for (key, values) in [("scale", lists.scale), ("offset", lists.offset)]
    where values.spread(over: input.dimensions) == nil {
      throw .config(
        layer: name, key: key,
        expected: "a number, or a list that lines up with the last axes of \(input)",
        found: values.json.summary)
    }
    return input
  }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    if let lists { return planLists(lists.scale, lists.offset, input, plan) }
    let count = input.shape.elementCount
    return plan.elementwise(name, input, remembers: .nothing) { input, output, gradient in
      RescalingOperation(
        scale: Float(self.scale), offset: Float(self.offset), count: count, input: input,
        output: output, gradient: gradient)
    }
  }

  private func planLists(
    _ scale: BroadcastValues, _ offset: BroadcastValues, _ input: Value, _ plan: Planner
  ) -> LayerPlan {
    let isPerChannel = scale.shape.count <= 1 && offset.shape.count <= 1
    let extents = isPerChannel ? [input.shape.channels] : input.shape.dimensions
    func spread(_ values: BroadcastValues) -> [Float] {
      guard let all = values.spread(over: extents) else {
        preconditionFailure("outputShape has accepted the input")
      }
      return all.map { Float($0) }
    }
    return plan.affine(name, input, mean: nil, scale: spread(scale), shift: spread(offset))
  }
}
