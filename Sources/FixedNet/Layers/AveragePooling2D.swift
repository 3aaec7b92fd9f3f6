import CSupport

/// The mean of each window; cells outside the image do not count.
public struct AveragePooling2D: Layer {
  public static let className = "AveragePooling2D"

  public var name: String
  private let window: PoolingWindow

  public var poolSize: (height: Int, width: Int) { window.size }
  public var strides: (height: Int, width: Int) { window.strides }
  public var padding: Padding { window.padding }

  /// `strides`: nil is the window's size.
  public init(
    name: String, poolSize: (Int, Int), strides: (Int, Int)? = nil, padding: Padding = .valid
  ) {
    self.name = name
    window = PoolingWindow(size: poolSize, strides: strides, padding: padding)
  }

  public init(name: String, config: LayerConfig) throws(ModelError) {
    self.name = name
    window = try PoolingWindow(config)
  }

  public var config: [String: JSONValue] { window.config }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    try window.outputShape(for: input, layer: name)
  }

  public func plan(_ input: PlannedValue, in plan: PlanBuilder) -> any PlannedLayer {
    PlannedPooling2D(name, .average, window, input, plan)
  }
}
