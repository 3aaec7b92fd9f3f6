import CSupport
import FixedNetCore

/// y = min(x > threshold ? x : negativeSlope (x - threshold), maxValue).
public struct ReLU: PlannedLayer {
  public static let className = "ReLU"
  package static let configKeys: Set = ["max_value", "negative_slope", "threshold"]

  public var name: String
  /// Its slope, threshold and largest value.
  public var rectifier: Rectifier

  /// With Keras' numbers: a plain ReLU unless others are given. `name`: empty for Keras' default name.
  public init(
    name: String = "", maxValue: Double? = nil, negativeSlope: Double = 0, threshold: Double = 0
  ) {
    self.name = name
    rectifier = Rectifier(
      negativeSlope: negativeSlope, threshold: threshold, maxValue: maxValue)
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    self.init(
      name: name, maxValue: try config.optionalNumber("max_value", in: 0...1e30),
      negativeSlope: try config.number("negative_slope", in: 0...1e30, default: 0),
      threshold: try config.number("threshold", in: 0...1e30, default: 0))
  }

  public var config: [String: JSONValue] { rectifier.config }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape { input }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    plan.rectifier(rectifier, name: name, input)
  }
}

/// y = x > 0 ? x : slope x.
public struct LeakyReLU: PlannedLayer {
  public static let className = "LeakyReLU"
  package static let configKeys: Set = ["alpha", "negative_slope"]

  public var name: String
  /// Keras 2's alpha, Keras 3's negative_slope.
  public var slope: Double

  /// `slope`: of values below 0. `name`: empty for Keras' default name.
  public init(name: String = "", slope: Double = 0.3) {
    self.name = name
    self.slope = slope
  }

  /// Where a config has both names, Keras 3 takes alpha.
  package init(name: String, config: LayerConfig) throws(ModelError) {
    let key = config.members["alpha"] != nil ? "alpha" : "negative_slope"
    self.init(name: name, slope: try config.number(key, in: 0...1e30, default: 0.3))
  }

  /// "alpha" is understood by Keras 2 and 3.
  public var config: [String: JSONValue] { ["alpha": .number(slope)] }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape { input }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    plan.rectifier(Rectifier(negativeSlope: slope), name: name, input)
  }
}

/// y = x > 0 ? x : alpha (exp(x) - 1).
public struct ELU: PlannedLayer {
  public static let className = "ELU"
  package static let configKeys: Set = ["alpha"]

  public var name: String
  /// What exp(x) - 1 is multiplied by for x below 0.
  public var alpha: Double

  /// `alpha`: what exp(x) - 1 is multiplied by for x below 0. `name`: empty for Keras' default name.
  public init(name: String = "", alpha: Double = 1) {
    self.name = name
    self.alpha = alpha
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    self.init(name: name, alpha: try config.number("alpha", in: 0...1e30, default: 1))
  }

  public var config: [String: JSONValue] { ["alpha": .number(alpha)] }

  var function: ElementFunction { ElementFunction(.elu, parameter: alpha) }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape { input }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    plan.function(function, name: name, input)
  }
}

/// y = x > theta ? x : 0. Keras 2 has it.
public struct ThresholdedReLU: PlannedLayer {
  public static let className = "ThresholdedReLU"
  package static let configKeys: Set = ["theta"]

  public var name: String
  /// Values up to it become 0.
  public var theta: Double

  /// `theta`: values up to it become 0. `name`: empty for Keras' default name.
  public init(name: String = "", theta: Double = 1) {
    self.name = name
    self.theta = theta
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    self.init(name: name, theta: try config.number("theta", in: 0...1e30, default: 1))
  }

  public var config: [String: JSONValue] { ["theta": .number(theta)] }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape { input }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    plan.function(ElementFunction(.threshold, parameter: theta), name: name, input)
  }
}
