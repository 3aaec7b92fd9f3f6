/// A network as it is described: an input shape and layers in a row. Its JSON is Keras' `model_config`.
public struct SequentialModel: Sendable {
  public var name: String
  public var input: Shape
  public var layers: [any Layer]
  /// Layers that the file says are not to be trained.
  public var frozenLayers: Set<String> = []
  /// Keras' name of the input layer.
  public var inputName: String
  /// What Keras turns samples into before the first layer sees them.
  public var inputType = InputType.float32
  /// The types other than float32 that the file asks to compute in, such as mixed_float16: everything is float32 here.
  public var otherPrecisions: [String] = []

  public static let layerLimit = 1024

  public init(name: String, input: Shape, layers: [any Layer], inputName: String = "image") {
    self.name = name
    self.input = input
    self.layers = layers
    self.inputName = inputName
  }

  /// The shape in front of every layer, and after the last.
  /// Throws: `ModelError.shape` where two layers do not fit together; and as `check`.
  public func shapes() throws(ModelError) -> [Shape] {
    try check()
    var shapes = [input]
    for layer in layers {
      let output = try layer.outputShape(for: shapes[shapes.count - 1])
      guard output.isUsable else {
        throw .config(
          layer: layer.name, key: "its output",
          expected: "at most 2^24 wide in each dimension and 2^31 - 1 elements",
          found: "\(output)")
      }
      for weight in layer.weights(for: shapes[shapes.count - 1])
      where Shape.product(weight.shape) > Shape.elementLimit {
        throw .config(
          layer: layer.name, key: weight.name, expected: "at most 2^31 - 1 values",
          found: weight.shape.map(String.init).joined(separator: "x"))
      }
      shapes.append(output)
    }
    return shapes
  }

  /// The layers' weights, one entry per layer, in Keras' order.
  public func weightDescriptions() throws(ModelError) -> [[WeightDescription]] {
    let shapes = try shapes()
    return layers.indices.map { layers[$0].weights(for: shapes[$0]) }
  }

  /// Trainable values.
  public func parameterCount() throws(ModelError) -> Int {
    try weightDescriptions().joined().filter(\.isTrainable)
      .reduce(0) { $0 + $1.shape.reduce(1, *) }
  }

  /// Multiply-adds of one image's forward pass.
  public func multiplyAdds() throws(ModelError) -> Int {
    let shapes = try shapes()
    return layers.indices.reduce(0) { $0 + layers[$1].multiplyAdds(for: shapes[$1]) }
  }

  /// Fresh weights: every layer's initialisers, each weight on a stream of its own.
  public func initialWeights(seed: UInt64) throws(ModelError) -> [LayerWeights] {
    var stream: UInt64 = 0
    var result: [LayerWeights] = []
    for (layer, descriptions) in zip(layers, try weightDescriptions()) {
      var tensors: [Tensor] = []
      for description in descriptions {
        stream += 1
        if let name = description.initializer.unsupportedName {
          throw .config(
            layer: layer.name, key: "\(description.name)_initializer",
            expected: "one of Keras' Glorot, He, Lecun, VarianceScaling, Random, Constant, Zeros "
              + "or Ones (--initializer gives another one to all kernels)",
            found: OneLine.short(name))
        }
        let count = description.shape.reduce(1, *)
        tensors.append(
          Tensor(
            shape: description.shape,
            values: description.initializer.values(
              count: count, fanIn: description.fanIn, fanOut: description.fanOut, seed: seed,
              stream: stream)))
      }
      result.append(LayerWeights(layer: layer.name, tensors: tensors))
    }
    return result
  }
}

// MARK: - Keras' model_config

extension SequentialModel {
  /// `model_config` in the dialect that Keras 2 and Keras 3 both load.
  public var json: JSONValue {
    let inputConfig: [String: JSONValue] = [
      "name": .string(inputName), "dtype": .string(inputType.rawValue),
      "batch_input_shape": .array([.null] + input.dimensions.map { .integer($0) }),
    ]
    var entries: [JSONValue] = [
      .object(["class_name": "InputLayer", "config": .object(inputConfig)])
    ]
    for layer in kerasLayers {
      var config = layer.config
      config["name"] = .string(layer.name)
      config["dtype"] = "float32"
      config["trainable"] = .bool(!frozenLayers.contains(layer.name))
      entries.append(
        .object([
          "class_name": .string(type(of: layer).className), "config": .object(config),
        ]))
    }
    return .object([
      "class_name": "Sequential",
      "config": .object(["name": .string(name), "layers": .array(entries)]),
    ])
  }
}
