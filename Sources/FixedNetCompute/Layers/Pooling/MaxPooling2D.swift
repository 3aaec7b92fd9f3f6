import FixedNetCore

/// The largest cell of each window; cells outside the image do not count.
public struct MaxPooling2D: PoolingLayer {
  public static let className = "MaxPooling2D"
  package static let kind = PoolingOperation.Kind.max

  public var name: String
  package let window: PoolingWindow

  /// `poolSize`, `strides`: height and width; nil for strides of the window's size.
  public init(
    name: String = "", poolSize: (Int, Int) = (2, 2), strides: (Int, Int)? = nil,
    padding: Padding = .valid
  ) {
    self.init(
      name: name, window: PoolingWindow(size: poolSize, strides: strides, padding: padding))
  }

  package init(name: String, window: PoolingWindow) {
    self.name = name
    self.window = window
  }
}
