import FixedNetCore

/// An activation as a layer of its own.
public struct Activation: PlannedLayer {
  public static let className = "Activation"
  package static let configKeys: Set = ["activation"]

  public var name: String
  /// What is applied to every element, or over the last axis (softmax).
  public var function: ActivationFunction

  /// `name`: empty for Keras' default name.
  public init(name: String = "", function: ActivationFunction) {
    self.name = name
    self.function = function
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    guard config.members["activation"] != nil else {
      throw config.fail("activation", "the name of an activation")
    }
    self.init(name: name, function: try config.activation())
  }

  public var config: [String: JSONValue] { ["activation": function.json] }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape { input }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    if case .rectifier(let rectifier) = function {
      return plan.rectifier(rectifier, name: name, input)
    }
    if case .function(let function) = function {
      return plan.function(function, name: name, input)
    }
    let count = input.shape.elementCount
    let (function, shape) = (function, input.shape)
    return plan.elementwise(name, input, remembers: .output) { input, output, gradient in
      guard function == .softmax || function == .logSoftmax else {
        return ActivationOperation(
          activation: function.kernelCode, count: count, input: input, output: output,
          gradient: gradient)
      }
      if function == .softmax, case .vector = shape {
        return SoftmaxOperation(
          classCount: Int32(count), input: input, output: output, gradient: gradient)
      }
      return ColumnSoftmaxOperation(
        isLogarithm: function == .logSoftmax, classCount: Int32(shape.channels),
        pixels: shape.pixels, input: input, output: output, gradient: gradient)
    }
  }
}
