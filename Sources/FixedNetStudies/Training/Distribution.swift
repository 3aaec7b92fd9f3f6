import FixedNet

/// Many values of a layer, thinned out to what a violin shows, with the deviation of all of them.
struct Distribution: Equatable {
  /// "conv1", or with what the values are: "bn1/gamma".
  var name: String
  /// In ascending order.
  var values: [Float]
  /// Root of the mean square: of gradients, their size.
  var rootMeanSquare: Double

  /// Values that a violin is drawn from, at most.
  static let valueCount = 1_001

  /// Keeps `valueCount` values, at evenly spaced ranks from the smallest to the largest.
  init(_ name: String, of all: [Float]) {
    self.name = name
    let sorted = all.sorted()
    let sum = all.reduce(0.0) { $0 + Double($1) * Double($1) }
    rootMeanSquare = all.isEmpty ? 0 : (sum / Double(all.count)).squareRoot()
    let count = min(sorted.count, Distribution.valueCount)
    values = (0..<count).map { rank in
      sorted[count > 1 ? rank * (sorted.count - 1) / (count - 1) : 0]
    }
  }

  var json: JSONValue {
    [
      "name": .string(name), "values": .string(FloatText.text(values)),
      "root_mean_square": .string("\(rootMeanSquare)"),
    ]
  }

  init?(_ json: JSONValue) {
    guard KeptFile.hasMembers(json, ["name", "values", "root_mean_square"]),
      let name = KeptFile.text(json["name"], limit: 200),
      let values = FloatText.values(json["values"]), values.count <= Distribution.valueCount,
      case .string(let text)? = json["root_mean_square"], let rootMeanSquare = Double(text),
      !(rootMeanSquare < 0)
    else { return nil }
    (self.name, self.values, self.rootMeanSquare) = (name, values, rootMeanSquare)
  }
}

/// Mean and deviation of a figure over the seeds.
struct SeedSpread {
  var values: [Double]

  init(_ values: [Double]) { self.values = values }

  var mean: Double { values.reduce(0, +) / Double(values.count) }

  /// The sample's standard deviation; 0 of one value.
  var deviation: Double {
    guard values.count > 1 else { return 0 }
    let mean = mean
    let sum = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (sum / Double(values.count - 1)).squareRoot()
  }

  /// "0.2700 +- 0.0012", or "0.2700" of one seed; "not finite" where a run broke.
  func text(_ digits: Int) -> String {
    guard values.allSatisfy(\.isFinite) else { return "not finite" }
    let mean = Format.fixed(mean, digits)
    return values.count > 1 ? "\(mean) +- \(Format.fixed(deviation, digits))" : mean
  }

  /// Fractions as "98.51 % +- 0.06".
  var percent: String {
    guard values.allSatisfy(\.isFinite) else { return "not finite" }
    let mean = Format.percent(mean)
    return values.count > 1 ? "\(mean) +- \(Format.fixed(100 * deviation, 2))" : mean
  }
}
