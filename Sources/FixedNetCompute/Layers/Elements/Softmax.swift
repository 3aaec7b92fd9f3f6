/// exp(x_i) / sum_j exp(x_j) over the last axis, as a layer of its own.
public struct Softmax: PlannedLayer {
  public static let className = "Softmax"
  package static let configKeys: Set = ["axis"]

  public var name: String
  /// As Keras counts (the batch is 0); it must be the last one.
  private var axis = -1

  /// `name`: empty for Keras' default name.
  public init(name: String = "") { self.name = name }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    self.name = name
    axis = try config.channelAxis()
  }

  public var config: [String: JSONValue] { ["axis": -1] }

  /// The same thing under Keras' other name.
  var activation: Activation { Activation(name: name, function: .softmax) }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    try input.checkLast(axis: axis, layer: name)
    return input
  }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    activation.plan(input, in: plan)
  }
}
