import CSupport
import FixedNetCore

/// y = activation(x W + b) on vectors.
public struct Dense: Layer {
  public static let className = "Dense"
  public static let configKeys = WeightOptions.configKeys.union(["units", "use_bias", "activation"])

  public var name: String
  public var units: Int
  public var usesBias: Bool
  public var activation: ActivationFunction
  public var options: WeightOptions

  public init(
    name: String, units: Int, usesBias: Bool = true, activation: ActivationFunction = .linear,
    options: WeightOptions = WeightOptions()
  ) {
    self.name = name
    self.units = units
    self.usesBias = usesBias
    self.activation = activation
    self.options = options
  }

  public init(name: String, config: LayerConfig) throws(ModelError) {
    self.init(
      name: name, units: try config.integer("units", in: 1...Shape.extentLimit),
      usesBias: try config.bool("use_bias", default: true), activation: try config.activation(),
      options: WeightOptions(config))
  }

  public var config: [String: JSONValue] {
    options.config.merging([
      "units": .integer(units), "use_bias": .bool(usesBias),
      "activation": activation.json,
    ]) { $1 }
  }

  public var trainingObstacle: String? { options.obstacle }
  public var lossObstacle: String? { options.lossObstacle }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    guard case .vector = input else {
      throw .shape(
        layer: name, expected: "a vector (put a Flatten layer in front)", found: "\(input)")
    }
    return .vector(units)
  }

  public func weights(for input: Shape) -> [WeightDescription] {
    options.weights(
      shape: [input.elementCount, units], fanIn: input.elementCount, fanOut: units,
      usesBias: usesBias)
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
  private let derivative: cs_activation
  private var tangent: PlannedDenseTangent?
  private var pieces: (slot: SlotID, rowCount: Int)?
  private var stripes: (layout: StripeLayout, partial: SlotID, stride: Int)?
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
    weight = plan.reserveParameter(
      layer: layer.name, descriptions[0], layout: layout, inPieces: true)
    bias =
      layer.usesBias
      ? plan.reserveParameter(
        layer: layer.name, descriptions[1], layout: .plain, inPieces: true) : nil
    plan.use(input.slot)
    var output = PlannedValue(
      slot: plan.reserveActivation("\(layer.name)/output", shape: .vector(layer.units)),
      shape: .vector(layer.units))
    // The notebook that the perceptron comes from leaves the 2 out of the scaled sigmoid's derivative.
    let isHalved = plan.options.usesReferenceGradient && layer.activation == .scaledSigmoid
    derivative = isHalved ? CS_SIGMOID : layer.activation.kernelCode
    if plan.isTraining, plan.options.isSecondOrder {
      let tangent = PlannedDenseTangent(
        layer, input, output, factor: isHalved ? 0.5 : 1, plan)
      output.tangent = tangent.output
      self.tangent = tangent
    }
    self.output = output
  }

  func planBackward(outputGradient: SlotID, needsInputGradient: Bool, in plan: PlanBuilder)
    -> SlotID?
  {
    plan.use(outputGradient)
    plan.use(output.slot)
    self.outputGradient = outputGradient
    let updatesInBackward = plan.options.updatesInBackward
    func keep(_ slot: SlotID) {
      if updatesInBackward { plan.use(slot) } else { plan.keepUntilUpdate(slot) }
    }
    if !weight.isTrained {
      // Frozen: nothing is learned from dZ.
      leading = layer.units
      transposed = outputGradient
    } else if plan.blockSize == 1 || plan.stripes != nil {
      // One image per block: dZ is its own transpose. Stripes read it as it is.
      leading = layer.units
      keep(input.slot)
      keep(outputGradient)
      transposed = outputGradient
    } else {
      leading = (layer.units + 15) / 16 * 16
      keep(input.slot)
      let slot = plan.reserve(
        "\(layer.name)/transposed gradient", shape: [plan.blockSize, leading],
        region: .activations, scope: .block)
      keep(slot)
      transposed = slot
    }
    if weight.isTrained, updatesInBackward {
      // About 512 floats, in whole tiles of the kernels.
      let rowCount = min(max(512 / layer.units / 6, 1) * 6, input.shape.elementCount)
      let slot = plan.reservePieces(
        layer: layer.name, rowCount: rowCount, columnCount: layer.units, bias: bias != nil)
      pieces = (slot, rowCount)
    }
    if weight.isTrained, let layout = plan.stripes {
      let (partial, stride) = plan.reserveParts(
        layout, layer: layer.name,
        count: (input.shape.elementCount + (bias == nil ? 0 : 1)) * layer.units)
      stripes = (layout, partial, stride)
    }
    if needsInputGradient {
      inputGradient = plan.reserveActivation("\(layer.name)/input gradient", shape: input.shape)
    }
    if let tangent, let transposed {
      plan.keep(outputGradient)
      plan.keep(transposed)
      tangent.planBackward(leading: leading, plan)
    }
    return inputGradient
  }

  func operation(in places: SlotPlaces) -> (any OperationDescription)? {
    var training: DenseOperation.Training?
    if let outputGradient, let transposed {
      training = DenseOperation.Training(
        outputGradient: places.block(outputGradient),
        inputGradient: inputGradient.map(places.block), transposed: places.block(transposed),
        leading: leading, weight: places.parameter(weight), bias: bias.flatMap(places.parameter),
        derivative: derivative, tangent: tangent?.tangent(in: places),
        pieces: pieces.map {
          GradientPieces(slot: places.thread($0.slot), rowCount: $0.rowCount)
        },
        stripes: stripes.map {
          GradientStripes(
            layout: $0.layout, partial: places.shared($0.partial), stride: $0.stride)
        })
    }
    return DenseOperation(
      inputCount: input.shape.elementCount, outputCount: layer.units,
      activation: layer.activation.kernelCode, input: places.block(input.slot),
      output: places.block(output.slot), weight: places.shared(weight.weight),
      bias: bias.map { places.shared($0.weight) }, training: training)
  }
}
