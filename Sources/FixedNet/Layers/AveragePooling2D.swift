import FixedNetCore

/// The mean of each window; cells outside the image do not count.
public struct AveragePooling2D: PoolingLayer {
  public static let className = "AveragePooling2D"
  static let kind = PoolingOperation.Kind.average

  public var name: String
  let window: PoolingWindow
}
