import FixedNetCore

/// How a weight starts.
public enum Initializer: Equatable, Sendable {
  case zeros
  case ones
  /// Uniform in +-sqrt(6 / (fanIn + fanOut)).
  /// Source: Glorot and Bengio, AISTATS 2010.
  case glorotUniform(fanIn: Int, fanOut: Int)

  /// Values in Keras' order. The same (seed, stream) always gives the same values; `stream` tells weights apart.
  public func values(count: Int, seed: UInt64, stream: UInt64) -> [Float] {
    switch self {
    case .zeros: return [Float](repeating: 0, count: count)
    case .ones: return [Float](repeating: 1, count: count)
    case .glorotUniform(let fanIn, let fanOut):
      let limit = (6 / Float(fanIn + fanOut)).squareRoot()
      let random = Philox(seed: seed, stream: stream)
      var reader = random.reader()
      return (0..<count).map { _ in (2 * reader.nextUnit() - 1) * limit }
    }
  }
}
