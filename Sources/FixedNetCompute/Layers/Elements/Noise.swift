import FixedNetCore

/// Dropout of whole channels; at inference nothing happens. Everything but their names.
package protocol SpatialDropout: PlannedLayer {
  static var rank: Int { get }
  /// 0 ..< 1.
  var rate: Double { get }
  init(name: String, rate: Double)
}

extension SpatialDropout {
  package static var configKeys: Set<String> { Dropout.configKeys.union(["data_format"]) }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    try config.require("data_format", oneOf: ["channels_last", .null])
    self.init(name: name, rate: try Dropout(name: name, config: config).rate)
  }

  public var config: [String: JSONValue] { ["rate": .number(rate)] }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    guard input.dimensions.count == Self.rank + 1 else {
      throw .shape(
        layer: name,
        expected: Self.rank == 2
          ? "an image (height x width x channels)" : "rows of features (rows x features)",
        found: "\(input)")
    }
    return input
  }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    guard plan.isTraining, rate > 0 else { return plan.renamed(input) }
    let stream = plan.nextDropoutStream()
    let (channels, pixels) = (input.shape.channels, input.shape.pixels)
    let mask = plan.reserve(
      "\(name)/mask", shape: [channels, plan.blockSize], region: .scratch, scope: .thread,
      lasting: true
    ).thread
    let dropout = Dropout(name: name, rate: rate)
    return plan.elementwise(name, input, remembers: .nothing) { input, output, gradient in
      SpatialDropoutOperation(
        dropout: dropout.operation(
          stream: stream, count: channels, input: input, output: output, gradient: gradient),
        channels: channels, pixels: pixels, mask: mask)
    }
  }
}

/// Dropout of whole features of rows.
public struct SpatialDropout1D: SpatialDropout {
  public static let className = "SpatialDropout1D"
  package static let rank = 1
  public var name: String
  public let rate: Double
  /// `rate`: the part of the features that training puts to 0; 0 ..< 1. `name`: empty for Keras' default name.
  public init(name: String = "", rate: Double) { (self.name, self.rate) = (name, rate) }
}

/// Dropout of whole channels of images.
public struct SpatialDropout2D: SpatialDropout {
  public static let className = "SpatialDropout2D"
  package static let rank = 2
  public var name: String
  public let rate: Double
  /// `rate`: the part of the channels that training puts to 0; 0 ..< 1. `name`: empty for Keras' default name.
  public init(name: String = "", rate: Double) { (self.name, self.rate) = (name, rate) }
}

/// In training a normal number of mean 0 is added to every element; at inference nothing happens.
public struct GaussianNoise: PlannedLayer {
  public static let className = "GaussianNoise"
  package static let configKeys: Set = ["stddev", "seed"]

  public var name: String
  /// The numbers' standard deviation.
  public var deviation: Double

  /// `deviation`: the noise's standard deviation, from 0. `name`: empty for Keras' default name.
  public init(name: String = "", deviation: Double) {
    self.name = name
    self.deviation = deviation
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    guard config.members["stddev"] != nil else { throw config.fail("stddev", "a number from 0") }
    self.init(name: name, deviation: try config.number("stddev", in: 0...1e30, default: 0))
  }

  public var config: [String: JSONValue] { ["stddev": .number(deviation)] }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape { input }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    plan.noise(name, input, deviation: deviation, multiplies: false)
  }
}

/// In training every element is multiplied by a normal number of mean 1 and deviation sqrt(rate / (1 - rate)); at
/// inference nothing happens.
public struct GaussianDropout: PlannedLayer {
  public static let className = "GaussianDropout"
  package static let configKeys: Set = ["rate", "seed"]

  public var name: String
  /// 0 ..< 1.
  public var rate: Double

  /// `rate`: 0 ..< 1. `name`: empty for Keras' default name.
  public init(name: String = "", rate: Double) {
    self.name = name
    self.rate = rate
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    self.init(name: name, rate: try Dropout(name: name, config: config).rate)
  }

  public var config: [String: JSONValue] { ["rate": .number(rate)] }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape { input }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    plan.noise(
      name, input, deviation: (rate / (1 - rate)).squareRoot(), multiplies: true)
  }
}

extension Planner {
  fileprivate func noise(
    _ name: String, _ input: Value, deviation: Double, multiplies: Bool
  ) -> LayerPlan {
    guard isTraining, deviation > 0 else { return renamed(input) }
    let stream = nextDropoutStream()
    let count = input.shape.elementCount
    return elementwise(name, input, remembers: .nothing) { input, output, gradient in
      GaussianNoiseOperation(
        deviation: Float(deviation), multiplies: multiplies, stream: stream, count: count,
        input: input, output: output, gradient: gradient)
    }
  }
}
