/// How a layer is read from a file, and how it asks the plan for slots. Adding one: a file in Layers, its operation in
/// FixedNetCore/Layers, a line in `LayerRegistry`.
package protocol PlannedLayer: Layer {
  /// Entries of Keras' config that the layer follows, or that cannot change what it does here; any other one is refused.
  static var configKeys: Set<String> { get }

  /// Reads Keras' config.
  /// Throws: `ModelError.config`.
  init(name: String, config: LayerConfig) throws(ModelError)

  /// What a file may hold for the layer instead of `weights`, in Keras' order.
  func fileWeights(for input: Shape) -> [WeightDescription]

  /// The layer that a file with these weights describes, and its weights. `tensors`: as `fileWeights` says.
  func adopting(_ tensors: [Tensor]) -> (layer: any PlannedLayer, weights: [Tensor])

  /// Why the layer cannot be trained as its file asks; nil where it can.
  var trainingObstacle: String? { get }

  /// What its file adds to the loss and is not computed here; nil where there is nothing.
  var lossObstacle: String? { get }

  /// The activation that the layer's kernels apply to its output; nil for a class that has none.
  var kernelActivation: ActivationFunction? { get set }

  /// What the layer says of its kernel and bias; nil for a class that has none.
  var weightOptions: WeightOptions? { get set }

  /// Whether flattened images must be put into Keras' order first.
  func needsPlainOrder(of inputs: [Value]) -> Bool

  /// Reserves what the layer needs for its forward pass; the result does the same for the backward pass.
  func plan(_ input: Value, in plan: Planner) -> LayerPlan

  /// The same for a layer that reads several others.
  func plan(_ inputs: [Value], in plan: Planner) -> LayerPlan
}

extension PlannedLayer {
  package func fileWeights(for input: Shape) -> [WeightDescription] { weights(for: input) }
  package func adopting(_ tensors: [Tensor]) -> (layer: any PlannedLayer, weights: [Tensor]) {
    (self, tensors)
  }
  package var trainingObstacle: String? { nil }
  package var lossObstacle: String? { nil }
  package var kernelActivation: ActivationFunction? {
    get { nil }
    set {}
  }
  package var weightOptions: WeightOptions? {
    get { nil }
    set {}
  }

  package func needsPlainOrder(of inputs: [Value]) -> Bool { false }

  package func plan(_ inputs: [Value], in plan: Planner) -> LayerPlan {
    self.plan(inputs[0], in: plan)
  }
}
