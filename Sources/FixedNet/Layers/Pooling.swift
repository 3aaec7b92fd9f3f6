import CSupport
import FixedNetCore

/// What the pooling layers share: a window, and how Keras writes it down.
public struct PoolingWindow: Sendable {
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
public protocol PoolingLayer: Layer {
  static var kind: PoolingOperation.Kind { get }
  var window: PoolingWindow { get }
  init(name: String, window: PoolingWindow)
}

extension PoolingLayer {
  public static var configKeys: Set<String> {
    ["pool_size", "strides", "padding", "data_format"]
  }

  public var poolSize: (height: Int, width: Int) { window.size }
  public var strides: (height: Int, width: Int) { window.strides }
  public var padding: Padding { window.padding }

  /// `strides`: nil is the window's size.
  public init(
    name: String, poolSize: (Int, Int), strides: (Int, Int)? = nil, padding: Padding = .valid
  ) {
    self.init(
      name: name, window: PoolingWindow(size: poolSize, strides: strides, padding: padding))
  }

  public init(name: String, config: LayerConfig) throws(ModelError) {
    self.init(name: name, window: try PoolingWindow(config))
  }

  public var config: [String: JSONValue] { window.config }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    try window.outputShape(for: input, layer: name)
  }

  public func plan(_ input: PlannedValue, in plan: PlanBuilder) -> any PlannedLayer {
    PlannedPooling2D(name, Self.kind, window, input, plan)
  }
}

/// A pooling layer with its slots.
final class PlannedPooling2D: PlannedLayer {
  private let name: String
  private let kind: PoolingOperation.Kind
  private let shape: cs_pool2d
  private let input: PlannedValue
  private var outputGradient: SlotID?
  private var inputGradient: SlotID?
  /// dX of one channel, where dZ of the convolution in front takes the place of its output.
  private var deltaScratch: SlotID?
  let output: PlannedValue

  init(
    _ name: String, _ kind: PoolingOperation.Kind, _ window: PoolingWindow,
    _ input: PlannedValue, _ plan: PlanBuilder
  ) {
    self.name = name
    self.kind = kind
    self.input = input
    shape = window.kernelShape(for: input.shape)
    plan.use(input.slot)
    let outputShape = Shape.image(
      height: Int(shape.outHeight), width: Int(shape.outWidth), channels: Int(shape.channels))
    output = PlannedValue(
      slot: plan.reserveActivation("\(name)/output", shape: outputShape), shape: outputShape)
  }

  func planBackward(outputGradient: SlotID, needsInputGradient: Bool, in plan: PlanBuilder)
    -> SlotID?
  {
    guard needsInputGradient else { return nil }
    plan.use(outputGradient)
    self.outputGradient = outputGradient
    if let convolution = input.convolution {
      let slot = convolution.planDelta(plan)
      deltaScratch = plan.reserve(
        "\(name)/channel gradient", shape: [input.shape.pixels, plan.blockSize], region: .scratch,
        scope: .thread)
      inputGradient = slot
      return slot
    }
    // Where the largest cell was is found again in the input.
    if kind == .max { plan.use(input.slot) }
    inputGradient = plan.reserveActivation("\(name)/input gradient", shape: input.shape)
    return inputGradient
  }

  func operation(in places: SlotPlaces) -> (any OperationDescription)? {
    var delta: PoolingOperation.Delta?
    if let deltaScratch, let convolution = input.convolution {
      delta = PoolingOperation.Delta(
        activation: convolution.activation, scratch: places.thread(deltaScratch),
        recomputed: convolution.recomputation(in: places))
    }
    return PoolingOperation(
      kind: kind, shape: shape, input: places.block(input.slot),
      output: places.block(output.slot), outputGradient: outputGradient.map(places.block),
      inputGradient: inputGradient.map(places.block), delta: delta)
  }
}
