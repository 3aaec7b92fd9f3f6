/// The description in Keras' terms: what is one thing here and two in Keras' files.
extension SequentialModel {
  /// The layers as Keras knows them: a scaled sigmoid is Rescaling(2) and a sigmoid, called `<layer>_x2` and `<layer>_act`;
  /// a Normalization that is not adapted has a mean of 0 and a variance of 1.
  public var kerasLayers: [any Layer] {
    var names = Set(layers.map(\.name))
    func helper(_ base: String) -> String {
      var name = base
      while !names.insert(name).inserted { name += "_" }
      return name
    }
    let shapes = (try? shapes()) ?? []
    var result: [any Layer] = []
    for (index, layer) in layers.enumerated() {
      let doubled = { Rescaling(name: helper("\(layer.name)_x2"), scale: 2) }
      let sigmoid = { Activation(name: $0, function: .sigmoid) }
      switch layer {
      case var dense as Dense where dense.activation == .scaledSigmoid:
        dense.activation = .linear
        result += [dense, doubled(), sigmoid(helper("\(layer.name)_act"))]
      case var convolution as Conv2D where convolution.activation == .scaledSigmoid:
        convolution.activation = .linear
        result += [convolution, doubled(), sigmoid(helper("\(layer.name)_act"))]
      case let activation as Activation where activation.function == .scaledSigmoid:
        result += [doubled(), sigmoid(layer.name)]
      case let layer as Normalization where layer.mean == nil && index < shapes.count:
        let tensors = layer.fileWeights(for: shapes[index]).map { weight in
          let values = [Float](
            repeating: weight.initializer == .ones ? 1 : 0, count: weight.shape.reduce(1, *))
          return Tensor(shape: weight.shape, values: values)
        }
        result.append(layer.adopting(tensors).layer)
      default: result.append(layer)
      }
    }
    return result
  }

  /// The same with the weights, which belong to the first of the layers that one becomes.
  /// `weights`: one entry per layer of this model.
  public func kerasForm(_ weights: [LayerWeights]) -> (
    model: SequentialModel, weights: [LayerWeights]
  ) {
    var model = self
    model.layers = kerasLayers
    let given = Dictionary(weights.map { ($0.layer, $0.tensors) }) { first, _ in first }
    return (
      model, model.layers.map { LayerWeights(layer: $0.name, tensors: given[$0.name] ?? []) }
    )
  }
}
