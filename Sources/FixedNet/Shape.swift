/// The extents of one sample between two layers, channels last, as Keras counts them.
public enum Shape: Equatable, Sendable {
  case image(height: Int, width: Int, channels: Int)
  case vector(Int)

  /// The largest extent, and the largest number of elements, that a model may ask for.
  public static let extentLimit = 1 << 24
  public static let elementLimit = Int(Int32.max)

  /// Keras' dimensions without the batch: [H, W, C] or [N].
  public var dimensions: [Int] {
    switch self {
    case .image(let height, let width, let channels): [height, width, channels]
    case .vector(let count): [count]
    }
  }

  public var elementCount: Int { dimensions.reduce(1, *) }

  /// The last dimension: what BatchNormalization has one mean for, and Dense one weight.
  public var channels: Int {
    switch self {
    case .image(_, _, let channels): channels
    case .vector(let count): count
    }
  }

  /// Elements per channel: H x W, or 1.
  public var pixels: Int {
    switch self {
    case .image(let height, let width, _): height * width
    case .vector: 1
    }
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
