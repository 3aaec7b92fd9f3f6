import FixedNetCore

/// Numbers that one layer holds for several features, in the shape in which Keras lines them up with a sample's axes.
struct BroadcastValues: Equatable, Sendable {
  /// Row-major; [] is one number.
  var shape: [Int]
  var values: [Double]

  init(_ value: Double) { self.init(shape: [], values: [value]) }

  init(shape: [Int], values: [Double]) {
    self.shape = shape
    self.values = values
  }

  /// A number, or lists of numbers of equal lengths, nested. nil for anything else, and for numbers that are not finite.
  init?(json: JSONValue) {
    switch json {
    case .number(let value) where value.isFinite: self.init(value)
    case .integer(let value): self.init(Double(value))
    case .array(let elements) where !elements.isEmpty:
      var parts: [BroadcastValues] = []
      for element in elements {
        guard let part = BroadcastValues(json: element) else { return nil }
        parts.append(part)
      }
      guard parts.allSatisfy({ $0.shape == parts[0].shape }) else { return nil }
      self.init(shape: [parts.count] + parts[0].shape, values: parts.flatMap(\.values))
    default: return nil
    }
  }

  var json: JSONValue {
    guard let count = shape.first else { return .number(values[0]) }
    guard count > 0 else { return [] }
    let rest = Array(shape.dropFirst())
    let size = values.count / count
    return .array(
      (0..<count).map {
        BroadcastValues(shape: rest, values: Array(values[$0 * size..<($0 + 1) * size])).json
      })
  }

  /// The same without the axes of 1 in front.
  var trimmed: BroadcastValues {
    BroadcastValues(shape: Array(shape.drop { $0 == 1 }), values: values)
  }

  /// The values for every place of `extents`, row-major: the last axes are lined up, and an extent of 1 stands for all.
  /// nil where they do not fit.
  func spread(over extents: [Int]) -> [Double]? {
    let own = [Int](repeating: 1, count: max(0, extents.count - shape.count)) + shape
    guard own.count == extents.count, zip(own, extents).allSatisfy({ $0 == 1 || $0 == $1 }) else {
      return nil
    }
    var result = values
    var inner = 1
    // From the last axis on: `result` has the extents of the axes behind, and its own in front.
    for (extent, size) in zip(extents, own).reversed() {
      if size == 1, extent > 1 {
        var wider: [Double] = []
        for start in stride(from: 0, to: result.count, by: inner) {
          for _ in 0..<extent { wider += result[start..<start + inner] }
        }
        result = wider
      }
      inner *= extent
    }
    return result
  }
}
