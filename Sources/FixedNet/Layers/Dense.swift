import FixedNetCore

/// y = activation(x W + b) on vectors.
public struct Dense: Layer {
  public static let className = "Dense"

  public var name: String
  public var units: Int
  public var usesBias: Bool
  public var activation: ActivationFunction

  public init(
    name: String, units: Int, usesBias: Bool = true, activation: ActivationFunction = .linear
  ) {
    self.name = name
    self.units = units
    self.usesBias = usesBias
    self.activation = activation
  }

  public init(name: String, config: LayerConfig) throws(ModelError) {
    self.init(
      name: name, units: try config.integer("units", in: 1...Shape.extentLimit),
      usesBias: try config.bool("use_bias", default: true), activation: try config.activation())
  }

  public var config: [String: JSONValue] {
    [
      "units": .integer(units), "use_bias": .bool(usesBias),
      "activation": .string(activation.rawValue),
    ]
  }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    guard case .vector = input else {
      throw .shape(
        layer: name, expected: "a vector (put a Flatten layer in front)", found: "\(input)")
    }
    return .vector(units)
  }

  public func weights(for input: Shape) -> [WeightDescription] {
    let inputs = input.elementCount
    let kernel = WeightDescription(
      name: "kernel", shape: [inputs, units], isTrainable: true,
      initializer: .glorotUniform(fanIn: inputs, fanOut: units))
    let bias = WeightDescription(
      name: "bias", shape: [units], isTrainable: true, initializer: .zeros)
    return usesBias ? [kernel, bias] : [kernel]
  }

  public func multiplyAdds(for input: Shape) -> Int { input.elementCount * units }

  public func plan(_ input: PlannedValue, in plan: PlanBuilder) -> any PlannedLayer {
    PlannedDense(self, input, plan)
  }
}

final class PlannedDense: PlannedLayer {
  private let layer: Dense
  private let input: PlannedValue
  private let weight: PlannedParameter
  private let bias: PlannedParameter?
  private var outputGradient: SlotID?
  private var inputGradient: SlotID?
  private var transposed: SlotID?
  private var leading = 0
  let output: PlannedValue

  init(_ layer: Dense, _ input: PlannedValue, _ plan: PlanBuilder) {
    self.layer = layer
    self.input = input
    let descriptions = layer.weights(for: input.shape)
    let layout: ParameterLayout =
      if let flattened = input.flattened {
        .flattenedRows(
          channels: flattened.channels, pixels: flattened.pixels, columns: layer.units)
      } else {
        .plain
      }
    weight = plan.reserveParameter(layer: layer.name, descriptions[0], layout: layout)
    bias =
      layer.usesBias
      ? plan.reserveParameter(layer: layer.name, descriptions[1], layout: .plain) : nil
    plan.use(input.slot)
    output = PlannedValue(
      slot: plan.reserveActivation("\(layer.name)/output", shape: .vector(layer.units)),
      shape: .vector(layer.units))
  }

  func planBackward(outputGradient: SlotID, needsInputGradient: Bool, in plan: PlanBuilder)
    -> SlotID?
  {
    plan.use(outputGradient)
    plan.use(output.slot)
    plan.keepUntilUpdate(input.slot)
    self.outputGradient = outputGradient
    if plan.blockSize == 1 {
      // One image per block: dZ is its own transpose.
      leading = layer.units
      plan.keepUntilUpdate(outputGradient)
      transposed = outputGradient
    } else {
      leading = (layer.units + 15) / 16 * 16
      let slot = plan.reserve(
        "\(layer.name)/transposed gradient", shape: [plan.blockSize, leading],
        region: .activations, scope: .block)
      plan.keepUntilUpdate(slot)
      transposed = slot
    }
    if needsInputGradient {
      inputGradient = plan.reserveActivation("\(layer.name)/input gradient", shape: input.shape)
    }
    return inputGradient
  }

  func operation(in places: SlotPlaces) -> Operation? {
    var training: DenseOperation.Training?
    if let outputGradient, let transposed, let weight = places.parameter(weight) {
      training = DenseOperation.Training(
        outputGradient: places.block(outputGradient),
        inputGradient: inputGradient.map(places.block), transposed: places.block(transposed),
        leading: leading, weight: weight, bias: bias.flatMap(places.parameter))
    }
    return .dense(
      DenseOperation(
        inputCount: input.shape.elementCount, outputCount: layer.units,
        activation: layer.activation.kernelCode, input: places.block(input.slot),
        output: places.block(output.slot), weight: places.shared(weight.weight),
        bias: bias.map { places.shared($0.weight) }, training: training))
  }
}
