import CSupport
import FixedNetCore

/// What the pooling layers share: a window, and how Keras writes it down.
package struct PoolingWindow: Sendable {
  var size: (height: Int, width: Int)
  var strides: (height: Int, width: Int)
  var padding: Padding

  init(size: (Int, Int), strides: (Int, Int)?, padding: Padding) {
    self.size = size
    self.strides = strides ?? size
    self.padding = padding
  }

  init(_ config: LayerConfig) throws(ModelError) {
    try config.require("data_format", oneOf: ["channels_last", .null])
    let size = try config.pair("pool_size", in: 1...4096, default: (2, 2))
    let areStridesNull = config.members["strides"] == .null  // as many as the window has
    self.init(
      size: size,
      strides: areStridesNull ? size : try config.pair("strides", in: 1...4096, default: size),
      padding: try Padding(config))
  }

  var config: [String: JSONValue] {
    [
      "pool_size": [.integer(size.height), .integer(size.width)],
      "strides": [.integer(strides.height), .integer(strides.width)],
      "padding": .string(padding.rawValue), "data_format": "channels_last",
    ]
  }

  private var window: Window { Window(size: size, strides: strides, padding: padding) }

  func outputShape(for input: Shape, layer: String) throws(ModelError) -> Shape {
    let axes = try window.axes(over: input, layer: layer)
    return .image(height: axes.rows.output, width: axes.columns.output, channels: axes.channels)
  }

  /// The kernels' description of the pooling of an `input` image.
  func kernelShape(for input: Shape) -> cs_pool2d {
    let (axes, height, width) = window.checkedAxes(over: input)
    let (rows, columns, channels) = axes
    return cs_pool2d(
      channels: Int32(channels), inHeight: Int32(height), inWidth: Int32(width),
      outHeight: Int32(rows.output), outWidth: Int32(columns.output),
      poolHeight: Int32(size.height), poolWidth: Int32(size.width),
      strideHeight: Int32(strides.height), strideWidth: Int32(strides.width),
      padTop: Int32(rows.before), padLeft: Int32(columns.before))
  }
}

/// The pooling layers: everything but their names and what they make of a window.
package protocol PoolingLayer: PlannedLayer {
  static var kind: PoolingOperation.Kind { get }
  var window: PoolingWindow { get }
  init(name: String, window: PoolingWindow)
}

extension PoolingLayer {
  package static var configKeys: Set<String> {
    ["pool_size", "strides", "padding", "data_format"]
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    self.init(name: name, window: try PoolingWindow(config))
  }

  public var config: [String: JSONValue] { window.config }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    try window.outputShape(for: input, layer: name)
  }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    window.plan(name, Self.kind, input, plan)
  }
}

extension PoolingWindow {
  func plan(
    _ name: String, _ kind: PoolingOperation.Kind, _ input: Value, _ plan: Planner
  ) -> LayerPlan {
    let shape = kernelShape(for: input.shape)
    plan.use(input.slot)
    let output = plan.reserveOutput(
      name,
      shape: .image(
        height: Int(shape.outHeight), width: Int(shape.outWidth), channels: Int(shape.channels)))
    return LayerPlan(output: output) { backward in
      var operation = PoolingOperation(
        kind: kind, shape: shape, input: input.slot.block, output: output.slot.block,
        outputGradient: nil, inputGradient: nil)
      guard let backward, backward.needsInputGradient else {
        return LayerPlan.Finished(operation, inputGradients: [nil])
      }
      plan.use(backward.outputGradient)
      let gradient: Slot
      if let convolution = input.convolution {
        let delta = convolution.planDelta(plan)
        gradient = delta.slot
        // dX of one channel.
        let scratch = plan.reserve(
          "\(name)/channel gradient", shape: [input.shape.pixels, plan.blockSize],
          region: .scratch, scope: .thread)
        operation.delta = PoolingOperation.Delta(
          activation: convolution.activation, scratch: scratch.thread,
          recomputed: delta.recomputed)
      } else {
        // Where the largest cell was is found again in the input.
        if kind == .max { plan.use(input.slot) }
        gradient = plan.reserveActivation("\(name)/input gradient", shape: input.shape)
      }
      operation.outputGradient = backward.outputGradient.block
      operation.inputGradient = gradient.block
      return LayerPlan.Finished(operation, inputGradients: [gradient])
    }
  }
}
