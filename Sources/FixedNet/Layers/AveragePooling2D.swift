import CSupport
import FixedNetCore

/// The mean of each window; cells outside the image do not count.
public struct AveragePooling2D: Layer {
  public static let className = "AveragePooling2D"

  public var name: String
  public var poolSize: (height: Int, width: Int)
  public var strides: (height: Int, width: Int)
  public var padding: Padding

  public init(
    name: String, poolSize: (Int, Int), strides: (Int, Int)? = nil, padding: Padding = .valid
  ) {
    self.name = name
    self.poolSize = poolSize
    self.strides = strides ?? poolSize
    self.padding = padding
  }

  public init(name: String, config: LayerConfig) throws(ModelError) {
    try config.require("data_format", oneOf: ["channels_last", .null])
    let poolSize = try config.pair("pool_size", in: 1...4096, default: (2, 2))
    self.init(
      name: name, poolSize: poolSize,
      strides: try config.pair("strides", in: 1...4096, default: poolSize),
      padding: try Padding(config))
  }

  public var config: [String: JSONValue] {
    [
      "pool_size": [.integer(poolSize.height), .integer(poolSize.width)],
      "strides": [.integer(strides.height), .integer(strides.width)],
      "padding": .string(padding.rawValue), "data_format": "channels_last",
    ]
  }

  private var window: Window { Window(size: poolSize, strides: strides, padding: padding) }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    let axes = try window.axes(over: input, layer: name)
    return .image(height: axes.rows.output, width: axes.columns.output, channels: axes.channels)
  }

  public func plan(_ input: PlannedValue, in plan: PlanBuilder) -> any PlannedLayer {
    PlannedAveragePooling2D(self, input, plan)
  }

  /// The kernels' description of the pooling of an `input` image.
  func kernelShape(for input: Shape) -> cs_pool2d {
    let (axes, height, width) = window.checkedAxes(over: input)
    let (rows, columns, channels) = axes
    return cs_pool2d(
      channels: Int32(channels), inHeight: Int32(height), inWidth: Int32(width),
      outHeight: Int32(rows.output), outWidth: Int32(columns.output),
      poolHeight: Int32(poolSize.height), poolWidth: Int32(poolSize.width),
      strideHeight: Int32(strides.height), strideWidth: Int32(strides.width),
      padTop: Int32(rows.before), padLeft: Int32(columns.before))
  }
}

final class PlannedAveragePooling2D: PlannedLayer {
  private let layer: AveragePooling2D
  private let shape: cs_pool2d
  private let input: PlannedValue
  private var outputGradient: SlotID?
  private var inputGradient: SlotID?
  let output: PlannedValue

  init(_ layer: AveragePooling2D, _ input: PlannedValue, _ plan: PlanBuilder) {
    self.layer = layer
    self.input = input
    shape = layer.kernelShape(for: input.shape)
    plan.use(input.slot)
    let outputShape = Shape.image(
      height: Int(shape.outHeight), width: Int(shape.outWidth), channels: Int(shape.channels))
    output = PlannedValue(
      slot: plan.reserveActivation("\(layer.name)/output", shape: outputShape),
      shape: outputShape)
  }

  func planBackward(outputGradient: SlotID, needsInputGradient: Bool, in plan: PlanBuilder)
    -> SlotID?
  {
    guard needsInputGradient else { return nil }
    plan.use(outputGradient)
    self.outputGradient = outputGradient
    inputGradient = plan.reserveActivation("\(layer.name)/input gradient", shape: input.shape)
    return inputGradient
  }

  func operation(in places: SlotPlaces) -> Operation? {
    .averagePooling(
      AveragePoolingOperation(
        shape: shape, input: places.block(input.slot), output: places.block(output.slot),
        outputGradient: outputGradient.map(places.block),
        inputGradient: inputGradient.map(places.block)))
  }
}
