import FixedNetCore

/// How a weight starts. The same (seed, stream) always gives the same values.
///
/// Source: Keras 3.15 `initializers/random_initializers.py`; Glorot and Bengio, AISTATS 2010; He et al., ICCV 2015.
public enum Initializer: Equatable, Sendable {
  /// All 0.
  case zeros
  /// All 1.
  case ones
  /// All of one value.
  case constant(Float)
  /// Uniform in +-sqrt(6 / (fanIn + fanOut)).
  case glorotUniform
  /// Normal of variance 2 / (fanIn + fanOut), truncated.
  case glorotNormal
  /// Uniform in +-sqrt(6 / fanIn).
  case heUniform
  /// Normal of variance 2 / fanIn, truncated.
  case heNormal
  /// Uniform in +-sqrt(3 / fanIn).
  case lecunUniform
  /// Normal of variance 1 / fanIn, truncated.
  case lecunNormal
  /// Normal, not truncated.
  case randomNormal(mean: Float = 0, deviation: Float = 0.05)
  /// Normal cut off at two deviations, which makes the values' own deviation smaller (0.88 of it).
  case truncatedNormal(mean: Float = 0, deviation: Float = 0.05)
  /// Uniform between `low` and `high`.
  case randomUniform(low: Float = -0.05, high: Float = 0.05)
  /// Of variance scale / fan, where none of the names above says the same.
  case varianceScaling(scale: Float, mode: FanMode, distribution: Distribution)
  /// What a file asks for and this program does not have: no obstacle to weights that are loaded.
  case unsupported(String)

  /// What the variance of `varianceScaling` is divided by.
  public enum FanMode: String, Sendable {
    /// Inputs that one output sees.
    case fanIn = "fan_in"
    /// Outputs that one input reaches.
    case fanOut = "fan_out"
    /// The mean of both.
    case fanAverage = "fan_avg"
  }

  /// What a scaled variance is drawn from.
  public enum Distribution: String, Sendable {
    /// Uniform.
    case uniform
    /// Normal, cut off at two deviations and scaled to the variance asked for.
    case truncatedNormal = "truncated_normal"
    /// Normal.
    case untruncatedNormal = "untruncated_normal"
  }

  /// What a truncated standard normal's deviation is: the factor that Keras divides by.
  private static let truncatedDeviation = 0.87962566103423978

  /// `count` values in Keras' order; `unsupported` gives zeros (`Model.initialWeights` refuses it before).
  public func values(count: Int, fanIn: Int, fanOut: Int, seed: UInt64, stream: UInt64) -> [Float] {
    var reader = Philox(seed: seed, stream: stream).reader()
    let (fanIn, fanOut) = (Float(max(1, fanIn)), Float(max(1, fanOut)))
    let count = max(0, count)
    func uniform(_ limit: Float) -> [Float] {
      (0..<count).map { _ in (2 * reader.nextUnit() - 1) * limit }
    }
    func truncated(variance: Float) -> [Float] {
      let deviation = Double(variance).squareRoot() / Initializer.truncatedDeviation
      return (0..<count).map { _ in Float(deviation * reader.nextTruncatedNormal()) }
    }
    switch self {
    case .zeros, .unsupported: return [Float](repeating: 0, count: count)
    case .ones: return [Float](repeating: 1, count: count)
    case .constant(let value): return [Float](repeating: value, count: count)
    case .glorotUniform: return uniform((6 / (fanIn + fanOut)).squareRoot())
    case .heUniform: return uniform((6 / fanIn).squareRoot())
    case .lecunUniform: return uniform((3 / fanIn).squareRoot())
    case .glorotNormal: return truncated(variance: 2 / (fanIn + fanOut))
    case .heNormal: return truncated(variance: 2 / fanIn)
    case .lecunNormal: return truncated(variance: 1 / fanIn)
    case .randomNormal(let mean, let deviation):
      return (0..<count).map { _ in mean + Float(Double(deviation) * reader.nextNormal()) }
    case .truncatedNormal(let mean, let deviation):
      return (0..<count).map { _ in mean + Float(Double(deviation) * reader.nextTruncatedNormal()) }
    case .randomUniform(let low, let high):
      return (0..<count).map { _ in low + (high - low) * reader.nextUnit() }
    case .varianceScaling(let scale, let mode, let distribution):
      let fan =
        switch mode {
        case .fanIn: fanIn
        case .fanOut: fanOut
        case .fanAverage: (fanIn + fanOut) / 2
        }
      let variance = scale / max(1, fan)
      switch distribution {
      case .uniform: return uniform((3 * variance).squareRoot())
      case .truncatedNormal: return truncated(variance: variance)
      case .untruncatedNormal:
        let deviation = Double(variance).squareRoot()
        return (0..<count).map { _ in Float(deviation * reader.nextNormal()) }
      }
    }
  }
}

extension Philox.Reader {
  /// The next word as a probability inside of 0 ... 1.
  private mutating func nextProbability() -> Double { (Double(next()) + 0.5) * 0x1p-32 }

  /// The next standard normal number.
  mutating func nextNormal() -> Double { Elementary.normalQuantile(nextProbability()) }

  /// The next standard normal number, given that it is within two deviations.
  mutating func nextTruncatedNormal() -> Double {
    let below = 0.022750131948179207  // the probability of less than -2
    return Elementary.normalQuantile(below + (1 - 2 * below) * nextProbability())
  }
}

// MARK: - Keras' form

extension Initializer {
  /// {"class_name": ..., "config": ...}, or nil for `unsupported`.
  var json: JSONValue? {
    func object(_ name: String, _ config: [String: JSONValue]) -> JSONValue {
      ["class_name": .string(name), "config": .object(config)]
    }
    func seeded(_ name: String, _ config: [String: JSONValue] = [:]) -> JSONValue {
      object(name, config.merging(["seed": .null]) { $1 })
    }
    switch self {
    case .zeros: return object("Zeros", [:])
    case .ones: return object("Ones", [:])
    case .constant(let value): return object("Constant", ["value": .number(Double(value))])
    case .glorotUniform: return seeded("GlorotUniform")
    case .glorotNormal: return seeded("GlorotNormal")
    case .heUniform: return seeded("HeUniform")
    case .heNormal: return seeded("HeNormal")
    case .lecunUniform: return seeded("LecunUniform")
    case .lecunNormal: return seeded("LecunNormal")
    case .randomNormal(let mean, let deviation):
      return seeded(
        "RandomNormal", ["mean": .number(Double(mean)), "stddev": .number(Double(deviation))])
    case .truncatedNormal(let mean, let deviation):
      return seeded(
        "TruncatedNormal", ["mean": .number(Double(mean)), "stddev": .number(Double(deviation))])
    case .randomUniform(let low, let high):
      return seeded(
        "RandomUniform", ["minval": .number(Double(low)), "maxval": .number(Double(high))])
    case .varianceScaling(let scale, let mode, let distribution):
      return seeded(
        "VarianceScaling",
        [
          "scale": .number(Double(scale)), "mode": .string(mode.rawValue),
          "distribution": .string(distribution.rawValue),
        ])
    case .unsupported: return nil
    }
  }

  /// Keras' VarianceScaling, by the name of the initialiser that is the same where there is one: Keras 2.0 to 2.2 wrote
  /// all of them so. nil for what it does not have. "normal" is truncated, as in every version.
  private init?(scale: Float, mode: JSONValue?, distribution: JSONValue?) {
    func text(_ value: JSONValue?, _ fallback: String) -> String? {
      switch value {
      case nil: fallback
      case .string(let text)?: text
      default: nil
      }
    }
    let shape = text(distribution, "truncated_normal").map {
      $0 == "normal" ? "truncated_normal" : $0
    }
    guard scale > 0, let mode = text(mode, "fan_in").flatMap(FanMode.init),
      let distribution = shape.flatMap(Distribution.init)
    else { return nil }
    switch (scale, mode, distribution) {
    case (1, .fanAverage, .uniform): self = .glorotUniform
    case (1, .fanAverage, .truncatedNormal): self = .glorotNormal
    case (2, .fanIn, .uniform): self = .heUniform
    case (2, .fanIn, .truncatedNormal): self = .heNormal
    case (1, .fanIn, .uniform): self = .lecunUniform
    case (1, .fanIn, .truncatedNormal): self = .lecunNormal
    default: self = .varianceScaling(scale: scale, mode: mode, distribution: distribution)
    }
  }

  /// Reads Keras' object, or its name alone ("glorot_uniform"). nil or null: `fallback`.
  init(json: JSONValue?, default fallback: Initializer) {
    guard let json, json != .null else {
      self = fallback
      return
    }
    var name = ""
    switch json {
    case .string(let text): name = text
    default: if case .string(let text)? = json["class_name"] { name = text }
    }
    let config = json["config"] ?? .object([:])
    // A number that is none makes the whole initialiser one that is not supported.
    var isReadable = true
    func number(_ key: String, _ fallback: Float) -> Float {
      switch config[key] {
      case nil, .null?: return fallback
      case .number(let value)? where Float(value).isFinite: return Float(value)
      case .integer(let value)?: return Float(value)
      default:
        isReadable = false
        return fallback
      }
    }
    // No name of Keras is as long, and one in a file may be megabytes.
    switch name.utf8.count > 40 ? "" : name.lowercased().replacing("_", with: "") {
    case "zeros": self = .zeros
    case "ones": self = .ones
    case "constant": self = .constant(number("value", 0))
    case "glorotuniform": self = .glorotUniform
    case "glorotnormal": self = .glorotNormal
    case "heuniform": self = .heUniform
    case "henormal": self = .heNormal
    case "lecununiform": self = .lecunUniform
    case "lecunnormal": self = .lecunNormal
    case "randomnormal":
      self = .randomNormal(mean: number("mean", 0), deviation: number("stddev", 0.05))
    case "truncatednormal":
      self = .truncatedNormal(mean: number("mean", 0), deviation: number("stddev", 0.05))
    case "randomuniform":
      self = .randomUniform(low: number("minval", -0.05), high: number("maxval", 0.05))
    case "variancescaling":
      self =
        Initializer(
          scale: number("scale", 1), mode: config["mode"], distribution: config["distribution"])
        ?? .unsupported(json.text)
    default: self = .unsupported(name.isEmpty ? json.text : name)
    }
    // Keras 3.15 can count a kernel's axes in another way.
    for key in ["input_axes", "output_axes"] where (config[key] ?? .null) != .null {
      isReadable = false
    }
    if !isReadable { self = .unsupported(json.text) }
  }
}
