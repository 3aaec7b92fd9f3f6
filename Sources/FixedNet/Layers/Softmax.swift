/// exp(x_i) / sum_j exp(x_j) over the features of a vector, as a layer of its own.
public struct Softmax: Layer {
  public static let className = "Softmax"
  public static let configKeys: Set = ["axis"]

  public var name: String

  public init(name: String) { self.name = name }

  public init(name: String, config: LayerConfig) throws(ModelError) {
    try config.require("axis", oneOf: [-1, 1, [-1], [1]])
    self.init(name: name)
  }

  public var config: [String: JSONValue] { ["axis": -1] }

  /// The same thing under Keras' other name.
  var activation: Activation { Activation(name: name, function: .softmax) }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    try activation.outputShape(for: input)
  }

  public func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    activation.plan(input, in: plan)
  }
}
