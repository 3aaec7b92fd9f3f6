import FixedNetCore

/// A depthwise convolution and a convolution of 1 x 1 over its channels, with an element-wise activation.
public struct SeparableConv2D: PlannedLayer {
  public static let className = "SeparableConv2D"
  package static let configKeys = Conv2D.configKeys.union(
    WeightOptions.configKeys(kernel: "depthwise")
  )
  .union(WeightOptions.configKeys(kernel: "pointwise")).union(["depth_multiplier"])

  private var depthwise: DepthwiseConv2D
  private var pointwise: Conv2D

  public var name: String {
    get { pointwise.name }
    set {
      pointwise.name = newValue
      depthwise.name = newValue
    }
  }

  /// With Keras' defaults. `depthwiseOptions`, `options`: of the depthwise kernel; of the pointwise one and the bias.
  /// `name`: empty for Keras' default name.
  public init(
    name: String = "", filters: Int, kernelSize: (Int, Int), strides: (Int, Int) = (1, 1),
    padding: Padding = .valid, multiplier: Int = 1, dilation: (Int, Int) = (1, 1),
    usesBias: Bool = true, activation: ActivationFunction = .linear,
    depthwiseOptions: WeightOptions = WeightOptions(), options: WeightOptions = WeightOptions()
  ) {
    depthwise = DepthwiseConv2D(
      name: name, kernelSize: kernelSize, strides: strides, padding: padding,
      multiplier: multiplier, dilation: dilation, usesBias: false, options: depthwiseOptions)
    pointwise = Conv2D(
      name: name, filters: filters, kernelSize: (1, 1), usesBias: usesBias, activation: activation,
      options: options)
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    depthwise = try DepthwiseConv2D(
      name: name, config: config.replacing("filters", by: .null))
    depthwise.usesBias = false
    depthwise.options.biasRegularizer = .none
    depthwise.activation = .linear
    pointwise = Conv2D(
      name: name, filters: try config.integer("filters", in: 1...Shape.extentLimit),
      kernelSize: (1, 1), usesBias: try config.bool("use_bias", default: true),
      activation: try config.activation(),
      options: WeightOptions(config, kernel: "pointwise"))
  }

  public var config: [String: JSONValue] {
    var config = depthwise.config.merging(pointwise.options.config(kernel: "pointwise")) { $1 }
    config["filters"] = .integer(pointwise.filters)
    config["use_bias"] = .bool(pointwise.usesBias)
    config["activation"] = pointwise.activation.json
    return config
  }

  package var trainingObstacle: String? { pointwise.trainingObstacle ?? depthwise.trainingObstacle }
  package var lossObstacle: String? { pointwise.lossObstacle ?? depthwise.lossObstacle }
  package var kernelActivation: ActivationFunction? {
    get { pointwise.kernelActivation }
    set { pointwise.kernelActivation = newValue }
  }
  /// The pointwise kernel's; what changes there changes for both kernels.
  package var weightOptions: WeightOptions? {
    get { pointwise.weightOptions }
    set {
      let old = pointwise.options
      pointwise.weightOptions = newValue
      let new = pointwise.options
      if new.kernelRegularizer != old.kernelRegularizer {
        depthwise.options.kernelRegularizer = new.kernelRegularizer
      }
      if new.kernelInitializer != old.kernelInitializer {
        depthwise.options.kernelInitializer = new.kernelInitializer
      }
    }
  }

  private func between(_ input: Shape) -> Shape {
    (try? depthwise.outputShape(for: input)) ?? input
  }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    let between = try depthwise.outputShape(for: input)
    guard between.isUsable else { return between }
    return try pointwise.outputShape(for: between)
  }

  public func weights(for input: Shape) -> [WeightDescription] {
    var weights = depthwise.weights(for: input) + pointwise.weights(for: between(input))
    weights[0].name = "depthwise_kernel"
    weights[1].name = "pointwise_kernel"
    return weights
  }

  public func multiplyAdds(for input: Shape) -> Int {
    depthwise.multiplyAdds(for: input) + pointwise.multiplyAdds(for: between(input))
  }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    self.plan(input, weights(for: input.shape), in: plan)
  }

  /// `descriptions`: of the two kernels and the bias.
  func plan(_ input: Value, _ descriptions: [WeightDescription], in plan: Planner) -> LayerPlan {
    let first = depthwise.plan(
      input, [descriptions[0]], part: "\(name)/depthwise", in: plan)
    let second = pointwise.plan(first.output, Array(descriptions.dropFirst()), in: plan)
    return LayerPlan(output: second.output) { backward in
      let isTrained = plan.isTraining && !plan.isFrozen(name)
      let last = second.finish(
        backward.map {
          LayerPlan.Backward(
            outputGradient: $0.outputGradient,
            needsInputGradients: [isTrained || $0.needsInputGradient])
        })
      var between: LayerPlan.Backward?
      if let backward, let gradient = last.inputGradients.first ?? nil {
        between = LayerPlan.Backward(
          outputGradient: gradient, needsInputGradients: backward.needsInputGradients)
      }
      let start = first.finish(between)
      return LayerPlan.Finished(
        start.operations + last.operations, inputGradients: start.inputGradients)
    }
  }
}
