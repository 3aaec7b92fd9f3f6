import FixedNetCore

/// The largest cell of each window; cells outside the image do not count.
public struct MaxPooling2D: PoolingLayer {
  public static let className = "MaxPooling2D"
  public static let kind = PoolingOperation.Kind.max

  public var name: String
  public let window: PoolingWindow

  public init(name: String = "", window: PoolingWindow) {
    self.name = name
    self.window = window
  }
}
