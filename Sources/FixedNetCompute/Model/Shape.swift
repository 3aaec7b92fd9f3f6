/// The extents of one sample between two layers, channels last, as Keras counts them.
public enum Shape: Equatable, Sendable {
  /// An image, channels last as Keras has it.
  case image(height: Int, width: Int, channels: Int)
  /// Rows of features: what Keras calls [rows, columns]. Only layers that look at single values or at the last axis take
  /// it, and Flatten.
  case matrix(rows: Int, columns: Int)
  /// A row of features.
  case vector(Int)

  /// The largest extent, and the largest number of elements, that a model may ask for.
  public static let extentLimit = 1 << 24
  /// The most elements that a value may have.
  public static let elementLimit = Int(Int32.max)

  /// Keras' dimensions without the batch: [H, W, C], [rows, columns] or [N].
  public var dimensions: [Int] {
    switch self {
    case .image(let height, let width, let channels): [height, width, channels]
    case .matrix(let rows, let columns): [rows, columns]
    case .vector(let count): [count]
    }
  }

  /// Int.max where it would be more. Allocates nothing.
  public var elementCount: Int { Shape.product(channels, pixels) }

  /// The last dimension: what BatchNormalization has one mean for, and Dense one weight.
  public var channels: Int {
    switch self {
    case .image(_, _, let channels): channels
    case .matrix(_, let columns): columns
    case .vector(let count): count
    }
  }

  /// Elements per channel: H x W, rows, or 1.
  public var pixels: Int {
    switch self {
    case .image(let height, let width, _): Shape.product(height, width)
    case .matrix(let rows, _): rows
    case .vector: 1
    }
  }

  /// The shape of Keras' dimensions without the batch; nil for other ranks than 1, 2 and 3.
  init?(dimensions: [Int]) {
    switch dimensions.count {
    case 1: self = .vector(dimensions[0])
    case 2: self = .matrix(rows: dimensions[0], columns: dimensions[1])
    case 3:
      self = .image(height: dimensions[0], width: dimensions[1], channels: dimensions[2])
    default: return nil
    }
  }

  /// Whether a model whose input this is takes samples of `other`: of the same dimensions, where a last one of 1 may be
  /// left out on either side, as Keras does it; and a vector takes whatever has as many values.
  package func takes(_ other: Shape) -> Bool {
    if self == other || self == .vector(other.elementCount) { return true }
    let (own, others) = (dimensions, other.dimensions)
    return own + [1] == others || own == others + [1]
  }

  /// Whether a model or an image set may have it: extents of at least 1, none of them and no product too large.
  public var isUsable: Bool {
    let extents = 1...Shape.extentLimit
    let areUsable =
      switch self {
      case .image(let height, let width, let channels):
        extents.contains(height) && extents.contains(width) && extents.contains(channels)
      case .matrix(let rows, let columns): extents.contains(rows) && extents.contains(columns)
      case .vector(let count): extents.contains(count)
      }
    return areUsable && elementCount <= Shape.elementLimit
  }

  /// The product; Int.max where it would be more.
  static func product(_ extents: [Int]) -> Int { extents.reduce(1) { product($0, $1) } }

  /// The same of two.
  static func product(_ left: Int, _ right: Int) -> Int {
    let (value, overflow) = left.multipliedReportingOverflow(by: right)
    return overflow ? Int.max : value
  }

  /// Refuses an axis, as a layer over the channels names it (the batch is 0), that is not the last one.
  /// Throws: `ModelError.config`.
  func checkLast(axis: Int, layer: String) throws(ModelError) {
    let last = dimensions.count
    guard axis != -1, axis != last else { return }
    throw .config(
      layer: layer, key: "axis", expected: "-1 or \(last), the channels", found: "\(axis)")
  }
}

extension Shape: CustomStringConvertible {
  public var description: String { dimensions.map(String.init).joined(separator: "x") }
}
