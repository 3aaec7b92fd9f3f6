import FixedNetCore

/// How a weight starts. The same (seed, stream) always gives the same values.
///
/// Source: Keras 3.15 `initializers/random_initializers.py`; Glorot and Bengio, AISTATS 2010; He et al., ICCV 2015.
public enum Initializer: Equatable, Sendable {
  case zeros
  case ones
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
  case randomUniform(low: Float = -0.05, high: Float = 0.05)
  /// What a file asks for and this program does not have: no obstacle to weights that are loaded.
  case unsupported(String)

  /// What a truncated standard normal's deviation is: the factor that Keras divides by.
  private static let truncatedDeviation = 0.87962566103423978

  /// `count` values in Keras' order; `unsupported` gives zeros (`SequentialModel.initialWeights` refuses it before).
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
    case .unsupported: return nil
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
    switch name.lowercased().replacing("_", with: "") {
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
    default: self = .unsupported(name)
    }
    if !isReadable { self = .unsupported(json.text) }
  }
}
