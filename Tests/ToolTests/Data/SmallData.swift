import FixedNet
import FixedNetFiles
import TestSupport

/// Data files of a few samples, a function of nothing.
enum SmallData {
  static let count = 40
  static let width = 6

  /// The coefficients, then the constant, that `numbers` are made with.
  static let line: [Double] = [0.5, -1, 0.25, 0.75, -0.5, 1, 0.125]

  /// Values in -1 ..< 1: Knuth's linear congruential generator.
  static let inputs: [Float] = {
    var state: UInt64 = 3
    return (0..<count * width).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / Float(1 << 23) - 1
    }
  }()

  /// One number per sample: `line`, without noise.
  static let numbers: [Float] = (0..<count).map { sample in
    let values = inputs[sample * width..<(sample + 1) * width]
    return Float(zip(values, line).reduce(line[width]) { $0 + Double($1.0) * $1.1 })
  }

  /// Three classes, by the numbers.
  static let labels: [Float] = numbers.map { $0 < -0.25 ? 0 : $0 < 0.5 ? 1 : 2 }

  /// Writes x and y.
  static func write(_ y: [Float], shape: [Int] = [width], to path: String) throws {
    try HDF5Arrays.write(
      path: path,
      datasets: [
        (name: "x", shape: [count] + shape, values: inputs),
        (name: "y", shape: [count], values: y),
      ])
  }

  /// Writes a model's JSON.
  static func write(_ layers: [any Layer], input: Shape = .vector(width), to path: String) throws {
    let model = Model(name: "small", input: input, layers: layers)
    try AtomicFile.write(Array(model.json.text.utf8), to: path)
  }
}

extension Finished {
  /// The one JSON object that a tool printed.
  var report: JSONValue { get throws { try JSONValue(parsing: output) } }
}

extension JSONValue {
  var double: Double? {
    switch self {
    case .number(let value): value
    case .integer(let value): Double(value)
    default: nil
    }
  }

  var array: [JSONValue] { if case .array(let values) = self { values } else { [] } }
}
