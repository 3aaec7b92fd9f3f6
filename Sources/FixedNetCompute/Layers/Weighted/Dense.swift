import CSupport
import FixedNetCore

/// y = activation(x W + b) over the last axis: of a vector, of every row or every pixel.
public struct Dense: PlannedLayer {
  public static let className = "Dense"
  package static let configKeys = WeightOptions.configKeys.union([
    "units", "use_bias", "activation",
  ])

  public var name: String
  /// Features of the output.
  public var units: Int
  /// Whether there is a bias, one value per unit.
  public var usesBias: Bool
  /// What is applied to the sums.
  public var activation: ActivationFunction
  /// How kernel and bias start, and what the loss says of them.
  public var options: WeightOptions

  /// With Keras' defaults. `name`: empty for Keras' default name.
  public init(
    name: String = "", units: Int, usesBias: Bool = true, activation: ActivationFunction = .linear,
    options: WeightOptions = WeightOptions()
  ) {
    self.name = name
    self.units = units
    self.usesBias = usesBias
    self.activation = activation
    self.options = options
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
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

  package var trainingObstacle: String? { options.obstacle }
  package var lossObstacle: String? { options.lossObstacle }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    switch input {
    case .vector: .vector(units)
    case .matrix(let rows, _): .matrix(rows: rows, columns: units)
    case .image(let height, let width, _): .image(height: height, width: width, channels: units)
    }
  }

  public func weights(for input: Shape) -> [WeightDescription] {
    options.weights(
      shape: [input.channels, units], fanIn: input.channels, fanOut: units,
      usesBias: usesBias)
  }

  public func multiplyAdds(for input: Shape) -> Int { input.elementCount * units }

  package var kernelActivation: ActivationFunction? {
    get { activation }
    set { activation = newValue ?? .linear }
  }
  package var weightOptions: WeightOptions? {
    get { options }
    set { options = newValue ?? WeightOptions() }
  }

  /// Rows and pixels as a convolution of 1 x 1.
  private func planPixels(_ input: Value, in plan: Planner) -> LayerPlan {
    var image = input
    if case .matrix(let rows, let columns) = input.shape {
      image.shape = .image(height: rows, width: 1, channels: columns)
    }
    let convolution = Conv2D(
      name: name, filters: units, kernelSize: (1, 1), usesBias: usesBias, activation: activation,
      options: options)
    var planned = convolution.plan(image, weights(for: input.shape), in: plan)
    planned.output.shape = (try? outputShape(for: input.shape)) ?? input.shape
    return planned
  }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    guard case .vector = input.shape else { return planPixels(input, in: plan) }
    let descriptions = weights(for: input.shape)
    let layout: ParameterLayout =
      if let flattened = input.flattened {
        .flattenedRows(channels: flattened.channels, pixels: flattened.pixels, columns: units)
      } else {
        .plain
      }
    let (weight, bias) = plan.reserveKernel(layer: name, descriptions, layout: layout)
    plan.use(input.slot)
    var output = plan.reserveOutput(name, shape: .vector(units))
    // The notebook that the perceptron comes from leaves the 2 out of the scaled sigmoid's derivative.
    let isHalved = plan.options.usesReferenceGradient && activation == .scaledSigmoid
    let tangent =
      plan.isTraining && plan.options.isSecondOrder
      ? PlannedDenseTangent(self, input, output, factor: isHalved ? 0.5 : 1, plan) : nil
    output.tangent = tangent?.output
    let stage = OutputStage(activation, output.shape, plan)
    output.stage = stage
    return LayerPlan(output: output) { [output] backward in
      var operation = DenseOperation(
        inputCount: input.shape.elementCount, outputCount: units,
        activation: activation.kernelCode, input: input.slot.block, output: output.slot.block,
        weight: weight.weight, bias: bias?.weight, training: nil)
      operation.normalization = stage?.normalization
      if stage?.rectifies == true { operation.activation = CS_RELU }
      guard let backward else { return LayerPlan.Finished(operation) }
      if activation != .linear || tangent != nil { plan.use(output.slot) }
      var training = planGradients(backward.outputGradient, input, weight, bias, plan)
      training.derivative = isHalved ? CS_SIGMOID : activation.kernelCode
      var gradient: Slot?
      if backward.needsInputGradient {
        gradient = plan.reserveActivation("\(name)/input gradient", shape: input.shape)
      }
      training.inputGradient = gradient?.block
      training.tangent = tangent?.planBackward(leading: training.leading, plan)
      operation.training = training
      return LayerPlan.Finished(operation, inputGradients: [gradient])
    }
  }

  /// The slots of dZ and of the weights' gradients.
  private func planGradients(
    _ outputGradient: Slot, _ input: Value, _ weight: PlacedParameter, _ bias: PlacedParameter?,
    _ plan: Planner
  ) -> DenseOperation.Training {
    plan.use(outputGradient)
    var (leading, transposed) = (units, outputGradient)
    if weight.isTrained {
      plan.keepForUpdate(input.slot)
      if plan.blockSize == 1 || plan.stripes != nil {
        // One image per block: dZ is its own transpose. Stripes read it as it is.
        plan.keepForUpdate(outputGradient)
      } else {
        leading = (units + 15) / 16 * 16
        transposed = plan.reserve(
          "\(name)/transposed gradient", shape: [plan.blockSize, leading], region: .activations,
          scope: .block)
        plan.keepForUpdate(transposed)
      }
    }
    var training = DenseOperation.Training(
      outputGradient: outputGradient.block, inputGradient: nil, transposed: transposed.block,
      leading: leading, weight: weight.trained, bias: bias?.trained,
      derivative: activation.kernelCode)
    let inputCount = input.shape.elementCount
    if weight.isTrained, plan.options.updatesInBackward {
      // About 512 floats, in whole tiles of the kernels.
      let rowCount = min(max(512 / units / 6, 1) * 6, inputCount)
      training.pieces = plan.reservePieces(
        layer: name, rowCount: rowCount, columnCount: units, bias: bias != nil)
    }
    if weight.isTrained, let layout = plan.stripes {
      training.stripes = plan.reserveParts(
        layout, layer: name, count: (inputCount + (bias == nil ? 0 : 1)) * units)
    }
    if plan.options.isSecondOrder {
      plan.keep(outputGradient)
      plan.keep(transposed)
    }
    return training
  }
}
