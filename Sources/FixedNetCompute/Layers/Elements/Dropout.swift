import FixedNetCore

/// In training each element is kept with probability 1 - rate and divided by it, else 0; at inference nothing happens.
public struct Dropout: PlannedLayer {
  public static let className = "Dropout"
  /// `seed`: of Keras' own stream of numbers, which nobody else has.
  package static let configKeys: Set = ["rate", "noise_shape", "seed"]

  public var name: String
  /// 0 ..< 1.
  public var rate: Double

  /// `rate`: the part of the elements that training puts to 0; 0 ..< 1. `name`: empty for Keras' default name.
  public init(name: String = "", rate: Double) {
    self.name = name
    self.rate = rate
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    try config.require("noise_shape", oneOf: [.null])
    guard config.members["rate"] != nil else { throw config.fail("rate", "a number from 0 to 1") }
    let rate = try config.number("rate", in: 0...1, default: 0)
    guard rate < 1 else { throw config.fail("rate", "a number from 0 to less than 1") }
    self.init(name: name, rate: rate)
  }

  public var config: [String: JSONValue] {
    ["rate": .number(rate), "noise_shape": .null, "seed": .null]
  }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape { input }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    guard plan.isTraining, rate > 0 else { return plan.renamed(input) }
    let stream = plan.nextDropoutStream()
    let count = input.shape.elementCount
    let isMaskInOutput = input.isRectified
    return plan.elementwise(name, input, remembers: isMaskInOutput ? .output : .nothing) {
      input, output, gradient in
      var operation = operation(
        stream: stream, count: count, input: input, output: output, gradient: gradient)
      operation.isMaskInOutput = isMaskInOutput
      return operation
    }
  }

  func operation(
    stream: UInt32, count: Int, input: BlockSlot, output: BlockSlot, gradient: BlockSlot?
  ) -> DropoutOperation {
    DropoutOperation(
      threshold: UInt32(min((rate * 0x1p32).rounded(), 0x1p32 - 1)), scale: Float(1 / (1 - rate)),
      stream: stream, count: count, input: input, output: output, gradient: gradient)
  }
}
