/// The description in Keras' terms: what is one thing here and two in Keras' files.
extension Model {
  /// The model as Keras knows it: a scaled sigmoid is Rescaling(2) and a sigmoid, called `<layer>_x2` and `<layer>_act`, a
  /// hard sigmoid Rescaling and ReLU;
  /// a Normalization that is not adapted has a mean of 0 and a variance of 1.
  package var kerasForm: Model {
    var names = Set(layers.map(\.name))
    func helper(_ base: String) -> String {
      var name = base
      while !names.insert(name).inserted { name += "_" }
      return name
    }
    func hard(_ slope: Double, _ name: String, end: String) -> [any PlannedLayer] {
      [
        Rescaling(name: helper("\(name)_scaled"), scale: slope, offset: 0.5),
        ReLU(name: end, maxValue: 1),
      ]
    }
    let shapes = try? shapes()
    var result = self
    result.layers = []
    /// The layer that a reader of `layer` reads then.
    var ends: [String: String] = [:]
    for (index, layer) in layers.enumerated() {
      guard let layer = layer.planned else {
        result.layers.append(layer)
        continue
      }
      var parts = [layer]
      let doubled = { Rescaling(name: helper("\(layer.name)_x2"), scale: 2) }
      let sigmoid = { Activation(name: $0, function: .sigmoid) }
      if layer.kernelActivation == .scaledSigmoid {
        parts[0].kernelActivation = .linear
        parts += [doubled(), sigmoid(helper("\(layer.name)_act"))]
      } else if (layer as? Activation)?.function == .scaledSigmoid {
        parts = [doubled(), sigmoid(layer.name)]
      } else if let slope = layer.kernelActivation?.hardSlope {
        parts[0].kernelActivation = .linear
        parts += hard(slope, layer.name, end: helper("\(layer.name)_act"))
      } else if let slope = (layer as? Activation)?.function.hardSlope {
        parts = hard(slope, layer.name, end: layer.name)
      } else if let normalization = layer as? Normalization, normalization.mean == nil, let shapes {
        parts = [normalization.unitNormalization(for: shapes.inputs[index][0])]
      }
      result.layers += parts
      ends[layer.name] = parts.last?.name
      guard let readings = connections?[layer.name] else { continue }
      result.connections?[parts[0].name] = readings.map { ends[$0] ?? $0 }
      for (part, next) in zip(parts, parts.dropFirst()) {
        result.connections?[next.name] = [part.name]
      }
    }
    return result.inKerasOrder
  }

  /// The same with the weights, which belong to the first of the layers that one becomes.
  /// `weights`: one entry per layer of this model.
  package func kerasForm(_ weights: [LayerWeights]) -> (
    model: Model, weights: [LayerWeights]
  ) {
    let model = kerasForm
    let given = Dictionary(weights.map { ($0.layer, $0.tensors) }) { first, _ in first }
    return (
      model, model.layers.map { LayerWeights(layer: $0.name, tensors: given[$0.name] ?? []) }
    )
  }
}

extension Model {
  /// The same with what Keras 2 means by names that Keras 3 has for something else.
  package var asKeras2: Model {
    var model = self
    for index in model.layers.indices {
      if var layer = model.layers[index].planned, layer.kernelActivation == .hardSigmoid {
        layer.kernelActivation = .hardSigmoid2
        model.layers[index] = layer
      } else if var activation = model.layers[index] as? Activation,
        activation.function == .hardSigmoid
      {
        activation.function = .hardSigmoid2
        model.layers[index] = activation
      }
    }
    return model
  }
}

extension ActivationFunction {
  /// Of min(max(slope x + 1/2, 0), 1), a name that Keras 2 and 3 have for different slopes: their files have Rescaling and
  /// ReLU here, which mean the same in both.
  var hardSlope: Double? {
    switch self {
    case .hardSigmoid: 1.0 / 6
    case .hardSigmoid2: 0.2
    default: nil
    }
  }

  static let hardSigmoid = ActivationFunction.function(ElementFunction(.hardSigmoid))
  static let hardSigmoid2 = ActivationFunction.function(ElementFunction(.hardSigmoid2))
}

extension Normalization {
  /// The same with a mean of 0 and a variance of 1, for one that is not adapted.
  fileprivate func unitNormalization(for input: Shape) -> any PlannedLayer {
    let tensors = fileWeights(for: input).map { weight in
      let values = [Float](
        repeating: weight.initializer == .ones ? 1 : 0, count: weight.shape.reduce(1, *))
      return Tensor(shape: weight.shape, values: values)
    }
    return adopting(tensors).layer
  }
}
