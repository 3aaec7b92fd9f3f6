import FixedNetCore

/// The mean of each window; cells outside the image do not count.
public struct AveragePooling2D: PoolingLayer {
  public static let className = "AveragePooling2D"
  public static let kind = PoolingOperation.Kind.average

  public var name: String
  public let window: PoolingWindow

  public init(name: String = "", window: PoolingWindow) {
    self.name = name
    self.window = window
  }
}
