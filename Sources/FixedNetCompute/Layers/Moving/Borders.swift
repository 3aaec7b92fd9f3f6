/// Layers that change an image's or a row's extents without computing: padding with zeros, cropping, repeating.
/// Everything but their names, and how Keras writes the amounts.
package protocol BorderLayer: PlannedLayer {
  /// Keras' key of the amounts.
  static var key: String { get }
  /// 2 for images, 1 for rows.
  static var rank: Int { get }
  /// Before and after each axis; for upsampling the factor twice.
  var amounts: [(before: Int, after: Int)] { get }
  init(name: String, amounts: [(before: Int, after: Int)])

  func outputExtent(_ extent: Int, _ amount: (before: Int, after: Int)) -> Int
  /// The input's place for the output's; outside the input there are zeros.
  func source(_ place: Int, _ amount: (before: Int, after: Int)) -> Int
}

extension BorderLayer {
  package static var configKeys: Set<String> {
    [key, "data_format"]
  }

  /// One number, one for each axis, or two for each axis.
  static func amounts(_ config: LayerConfig, default fallback: Int, isPair: Bool)
    throws(ModelError) -> [(before: Int, after: Int)]
  {
    try config.require("data_format", oneOf: ["channels_last", .null])
    let expected =
      isPair
      ? "a number, or numbers for each axis, two for what is before and after"
      : "a number, or one for each axis"
    func number(_ value: JSONValue) throws(ModelError) -> Int {
      guard case .integer(let value) = value, (isPair ? 0 : 1)...4096 ~= value else {
        throw config.fail(key, expected)
      }
      return value
    }
    switch config.members[key] {
    case nil: return [(before: Int, after: Int)](repeating: (fallback, fallback), count: rank)
    case .integer?:
      let value = try number(config.members[key] ?? .null)
      return [(before: Int, after: Int)](repeating: (value, value), count: rank)
    case .array(let values)?:
      // ZeroPadding1D and Cropping1D: before and after.
      if rank == 1, isPair, values.count == 2, case .integer = values[0] {
        return [(try number(values[0]), try number(values[1]))]
      }
      guard values.count == rank else { throw config.fail(key, expected) }
      var amounts: [(before: Int, after: Int)] = []
      for value in values {
        if case .array(let pair) = value, pair.count == 2, isPair {
          amounts.append((try number(pair[0]), try number(pair[1])))
        } else {
          let amount = try number(value)
          amounts.append((amount, amount))
        }
      }
      return amounts
    default: throw config.fail(key, expected)
    }
  }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    let extents = input.dimensions
    guard extents.count == Self.rank + 1 else {
      throw .shape(
        layer: name,
        expected: Self.rank == 2
          ? "an image (height x width x channels)" : "rows of features (rows x features)",
        found: "\(input)")
    }
    let outputs = zip(extents, amounts).map { outputExtent($0, $1) }
    guard outputs.allSatisfy({ $0 > 0 }),
      let shape = Shape(dimensions: outputs + [extents.last ?? 1])
    else {
      throw .shape(
        layer: name, expected: "more rows and columns than it takes away", found: "\(input)")
    }
    return shape
  }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    let shape = (try? outputShape(for: input.shape)) ?? input.shape
    let (from, to) = (Strides(input.shape.dimensions), Strides(shape.dimensions))
    return plan.gather(name, input, shape: shape) { index in
      var place = to.place(index)
      for (axis, amount) in amounts.enumerated() { place[axis] = source(place[axis], amount) }
      return from.index(place)
    }
  }
}

package protocol ZeroPadding: BorderLayer {}
extension ZeroPadding {
  package static var key: String { "padding" }
  package init(name: String, config: LayerConfig) throws(ModelError) {
    self.init(name: name, amounts: try Self.amounts(config, default: 1, isPair: true))
  }
  public var config: [String: JSONValue] { pairs }
  package func outputExtent(_ extent: Int, _ amount: (before: Int, after: Int)) -> Int {
    extent + amount.before + amount.after
  }
  package func source(_ place: Int, _ amount: (before: Int, after: Int)) -> Int {
    place - amount.before
  }
}

package protocol Cropping: BorderLayer {}
extension Cropping {
  package static var key: String { "cropping" }
  package init(name: String, config: LayerConfig) throws(ModelError) {
    self.init(name: name, amounts: try Self.amounts(config, default: 1, isPair: true))
  }
  public var config: [String: JSONValue] { pairs }
  package func outputExtent(_ extent: Int, _ amount: (before: Int, after: Int)) -> Int {
    extent - amount.before - amount.after
  }
  package func source(_ place: Int, _ amount: (before: Int, after: Int)) -> Int {
    place + amount.before
  }
}

extension BorderLayer {
  fileprivate var pairs: [String: JSONValue] {
    let pairs = amounts.map { JSONValue.array([.integer($0.before), .integer($0.after)]) }
    return [Self.key: Self.rank == 1 ? pairs[0] : .array(pairs)]
      .merging(Self.rank == 2 ? ["data_format": "channels_last"] : [:]) { $1 }
  }
}

/// Each value as often as `size` says, in each axis: the nearest neighbour.
package protocol UpSampling: BorderLayer {}
extension UpSampling {
  package static var key: String { "size" }
  package init(name: String, config: LayerConfig) throws(ModelError) {
    try config.require("interpolation", oneOf: ["nearest"])
    self.init(name: name, amounts: try Self.amounts(config, default: 2, isPair: false))
  }
  package static var configKeys: Set<String> { ["size", "data_format", "interpolation"] }
  package func outputExtent(_ extent: Int, _ amount: (before: Int, after: Int)) -> Int {
    extent * amount.before
  }
  package func source(_ place: Int, _ amount: (before: Int, after: Int)) -> Int {
    place / amount.before
  }
}

/// Zeros around an image.
public struct ZeroPadding2D: ZeroPadding {
  public static let className = "ZeroPadding2D"
  package static let rank = 2
  public var name: String
  package let amounts: [(before: Int, after: Int)]
  /// `amounts`: zeros put before and after the rows, then the columns.
  public init(name: String = "", amounts: [(before: Int, after: Int)]) {
    (self.name, self.amounts) = (name, amounts)
  }
}

/// Zeros before and after rows.
public struct ZeroPadding1D: ZeroPadding {
  public static let className = "ZeroPadding1D"
  package static let rank = 1
  public var name: String
  package let amounts: [(before: Int, after: Int)]
  /// `amounts`: zeros put before and after the rows.
  public init(name: String = "", amounts: [(before: Int, after: Int)]) {
    (self.name, self.amounts) = (name, amounts)
  }
}

/// An image without its outermost rows and columns.
public struct Cropping2D: Cropping {
  public static let className = "Cropping2D"
  package static let rank = 2
  public var name: String
  package let amounts: [(before: Int, after: Int)]
  /// `amounts`: cells taken away before and after the rows, then the columns.
  public init(name: String = "", amounts: [(before: Int, after: Int)]) {
    (self.name, self.amounts) = (name, amounts)
  }
}

/// Rows without the first and the last ones.
public struct Cropping1D: Cropping {
  public static let className = "Cropping1D"
  package static let rank = 1
  public var name: String
  package let amounts: [(before: Int, after: Int)]
  /// `amounts`: cells taken away before and after the rows.
  public init(name: String = "", amounts: [(before: Int, after: Int)]) {
    (self.name, self.amounts) = (name, amounts)
  }
}

/// An image whose pixels are repeated: the nearest neighbour.
public struct UpSampling2D: UpSampling {
  public static let className = "UpSampling2D"
  package static let rank = 2
  public var name: String
  package let amounts: [(before: Int, after: Int)]
  /// How often each row and each column is repeated.
  public init(name: String = "", size: (Int, Int) = (2, 2)) {
    self.init(name: name, amounts: [(size.0, size.0), (size.1, size.1)])
  }

  package init(name: String, amounts: [(before: Int, after: Int)]) {
    (self.name, self.amounts) = (name, amounts)
  }
  public var config: [String: JSONValue] {
    [
      "size": .array(amounts.map { .integer($0.before) }), "data_format": "channels_last",
      "interpolation": "nearest",
    ]
  }
}

/// Rows that are repeated.
public struct UpSampling1D: UpSampling {
  public static let className = "UpSampling1D"
  package static let rank = 1
  public var name: String
  package let amounts: [(before: Int, after: Int)]
  /// How often each row is repeated.
  public init(name: String = "", size: Int = 2) {
    self.init(name: name, amounts: [(size, size)])
  }

  package init(name: String, amounts: [(before: Int, after: Int)]) {
    (self.name, self.amounts) = (name, amounts)
  }
  public var config: [String: JSONValue] { ["size": .integer(amounts[0].before)] }
}
