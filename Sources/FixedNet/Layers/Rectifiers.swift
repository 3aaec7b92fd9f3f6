import CSupport
import FixedNetCore

/// y = min(x > threshold ? x : negativeSlope (x - threshold), maxValue).
public struct ReLU: Layer {
  public static let className = "ReLU"

  public var name: String
  /// nil: no limit.
  public var maxValue: Double?
  public var negativeSlope: Double
  public var threshold: Double

  public init(
    name: String, maxValue: Double? = nil, negativeSlope: Double = 0, threshold: Double = 0
  ) {
    self.name = name
    self.maxValue = maxValue
    self.negativeSlope = negativeSlope
    self.threshold = threshold
  }

  public init(name: String, config: LayerConfig) throws(ModelError) {
    self.init(
      name: name, maxValue: try config.optionalNumber("max_value", in: 0...1e30),
      negativeSlope: try config.optionalNumber("negative_slope", in: 0...1e30) ?? 0,
      threshold: try config.optionalNumber("threshold", in: 0...1e30) ?? 0)
  }

  public var config: [String: JSONValue] {
    [
      "max_value": maxValue.map { .number($0) } ?? .null,
      "negative_slope": .number(negativeSlope), "threshold": .number(threshold),
    ]
  }

  /// Whether it is max(x, 0).
  var isPlain: Bool { maxValue == nil && negativeSlope == 0 && threshold == 0 }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape { input }

  public func plan(_ input: PlannedValue, in plan: PlanBuilder) -> any PlannedLayer {
    let rectifier = cs_rectifier(
      negativeSlope: Float(negativeSlope), threshold: Float(threshold),
      maxValue: maxValue.map { Float($0) } ?? .infinity)
    return PlannedElementwise(rectifier, name: name, input, plan)
  }
}

/// y = x > 0 ? x : slope x.
public struct LeakyReLU: Layer {
  public static let className = "LeakyReLU"

  public var name: String
  /// Keras 2's alpha, Keras 3's negative_slope.
  public var slope: Double

  public init(name: String, slope: Double = 0.3) {
    self.name = name
    self.slope = slope
  }

  public init(name: String, config: LayerConfig) throws(ModelError) {
    let key = config.members["negative_slope"] != nil ? "negative_slope" : "alpha"
    self.init(name: name, slope: try config.number(key, in: 0...1e30, default: 0.3))
  }

  /// "alpha" is understood by Keras 2 and 3.
  public var config: [String: JSONValue] { ["alpha": .number(slope)] }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape { input }

  public func plan(_ input: PlannedValue, in plan: PlanBuilder) -> any PlannedLayer {
    let rectifier = cs_rectifier(
      negativeSlope: Float(slope), threshold: 0, maxValue: .infinity)
    return PlannedElementwise(rectifier, name: name, input, plan)
  }
}

extension PlannedElementwise {
  fileprivate convenience init(
    _ rectifier: cs_rectifier, name: String, _ input: PlannedValue, _ plan: PlanBuilder
  ) {
    let count = input.shape.elementCount
    self.init(name, input, plan, remembers: .input) { input, output, gradient, _ in
      RectifierOperation(
        rectifier: rectifier, count: count, input: input, output: output, gradient: gradient)
    }
  }
}
