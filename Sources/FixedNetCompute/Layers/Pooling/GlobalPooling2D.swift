import FixedNetCore

/// The mean, or the largest, of every channel of an image: everything but their names.
package protocol GlobalPoolingLayer: PlannedLayer {
  static var kind: PoolingOperation.Kind { get }
  /// Whether the output is an image of one pixel, not a vector.
  var keepsExtents: Bool { get }
  init(name: String, keepsExtents: Bool)
}

extension GlobalPoolingLayer {
  package static var configKeys: Set<String> { ["data_format", "keepdims"] }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    try config.require("data_format", oneOf: ["channels_last", .null])
    self.init(name: name, keepsExtents: try config.bool("keepdims", default: false))
  }

  public var config: [String: JSONValue] {
    ["data_format": "channels_last", "keepdims": .bool(keepsExtents)]
  }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    guard case .image(_, _, let channels) = input else {
      throw .shape(
        layer: name, expected: "an image (height x width x channels)", found: "\(input)")
    }
    return keepsExtents ? .image(height: 1, width: 1, channels: channels) : .vector(channels)
  }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    guard case .image(let height, let width, let channels) = input.shape else {
      preconditionFailure("outputShape has accepted the input")
    }
    var planned = PoolingWindow(size: (height, width), strides: nil, padding: .valid)
      .plan(name, Self.kind, input, plan)
    if !keepsExtents { planned.output.shape = .vector(channels) }
    return planned
  }
}

/// The mean of every channel of an image.
public struct GlobalAveragePooling2D: GlobalPoolingLayer {
  public static let className = "GlobalAveragePooling2D"
  package static let kind = PoolingOperation.Kind.average
  public var name: String
  public var keepsExtents: Bool
  /// `keepsExtents`: whether the output is an image of one pixel, not a vector. `name`: empty for Keras' default name.
  public init(name: String = "", keepsExtents: Bool = false) {
    (self.name, self.keepsExtents) = (name, keepsExtents)
  }
}

/// The largest value of every channel of an image.
public struct GlobalMaxPooling2D: GlobalPoolingLayer {
  public static let className = "GlobalMaxPooling2D"
  package static let kind = PoolingOperation.Kind.max
  public var name: String
  public var keepsExtents: Bool
  /// `keepsExtents`: whether the output is an image of one pixel, not a vector. `name`: empty for Keras' default name.
  public init(name: String = "", keepsExtents: Bool = false) {
    (self.name, self.keepsExtents) = (name, keepsExtents)
  }
}
