// What cannot be trained, or not as it is asked.

extension NetworkPlan {
  /// Training needs a loss and something to train, and does only what it can do as the file asks.
  static func checkTrainable(
    _ model: Model, _ graph: Graph, _ loss: Loss?
  ) throws(ModelError) {
    guard let loss else {
      throw .notTrainable(
        "it ends in no softmax over at most \(Loss.classLimit) classes (cross-entropy) and no sigmoid "
          + "(binary cross-entropy); say which loss, such as mean_squared_error")
    }
    if try model.shapes().output.elementCount == 1 {
      let advice =
        ", so that nothing can be learned; end with a sigmoid for two classes, or without an "
        + "activation for numbers to predict"
      guard graph.end?.function != .softmax else {
        throw .notTrainable("softmax over the model's one output is always 1" + advice)
      }
      let losses: [Loss.Function] = [.sparseCategoricalCrossEntropy, .categoricalCrossEntropy]
      guard !losses.contains(loss.function) else {
        throw .notTrainable("\(loss.name) over one output is always 0" + advice)
      }
    }
    guard try model.parameterCount() > 0 else {
      throw .notTrainable("none of its layers has weights")
    }
    let trained = zip(model.layers, try model.weightDescriptions()).filter {
      $0.1.contains(where: \.isTrainable)
    }
    guard trained.contains(where: { !model.frozenLayers.contains($0.0.name) }) else {
      throw .notTrainable("all of its layers are frozen (trainable: false)")
    }
    if let layer = model.inferenceLayers.first {
      throw .notTrainable(
        "the file calls layer '\(layer)' with training=False, and training it so is not done here")
    }
    for layer in model.layers
    where !model.frozenLayers.contains(layer.name) || layer is any TrainingOnlyLayer {
      let reread = try Model.reread(layer)
      if let obstacle = try Model.known(layer).trainingObstacle ?? reread.trainingObstacle {
        throw .notTrainable(obstacle)
      }
    }
  }

  /// The R-operator knows dense layers.
  static func checkTangents(
    _ model: Model, _ graph: Graph, _ head: LossHead?
  ) throws(ModelError) {
    if head?.hasTangent == false {
      throw .notTrainable(
        "products with the Hessian need cross-entropy of class numbers, binary cross-entropy without "
          + "smoothing or mean_squared_error; use lbfgs")
    }
    guard model.isChain else {
      throw .notTrainable(
        "products with the Hessian need layers in a row, and this model branches; use lbfgs")
    }
    let inside = head?.replacesLastLayer == true ? graph.nodes.dropLast() : graph.nodes[...]
    if let other = inside.first(where: { !($0.layer is Dense) && !($0.layer is Flatten) }) {
      throw .notTrainable(
        "products with the Hessian need dense layers only, and layer '\(other.origin)' is a "
          + "\(type(of: other.layer).className); use lbfgs")
    }
    for (layer, inputs) in zip(model.layers, try model.shapes().inputs) where layer is Dense {
      guard case .vector = inputs[0] else {
        throw .notTrainable(
          "products with the Hessian need dense layers over vectors, and layer '\(layer.name)' reads "
            + "\(inputs[0]); use lbfgs")
      }
    }
    if let frozen = model.frozenLayers.sorted().first {
      throw .notTrainable("layer '\(frozen)' is frozen; a full-batch solver trains every layer")
    }
  }
}
