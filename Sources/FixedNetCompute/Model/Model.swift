/// A network as it is described: an input shape and layers, in the order in which they run. Its JSON is Keras'
/// `model_config`.
public struct Model: Sendable {
  /// Keras' name of the model.
  public var name: String
  /// The extents of a sample.
  public var input: Shape
  /// In the order in which they run.
  public var layers: [any Layer]
  /// The names of the layers that each layer reads, in the order of its inputs, by its own name; `inputName` is the model's
  /// input, and the last layer's output the model's. nil: each layer reads the one before it (Keras' Sequential model).
  public var connections: [String: [String]]?
  /// Layers that the file says are not to be trained.
  public var frozenLayers: Set<String> = []
  /// Keras' name of the input layer.
  public var inputName: String
  /// What Keras turns samples into before the first layer sees them.
  public var inputType = InputType.float32
  /// The types other than float32 that the file asks to compute in, such as mixed_float16: everything is float32 here.
  public var otherPrecisions: [String] = []

  /// Layers that the file calls with training=False: training runs them as inference does.
  var inferenceLayers: [String] = []
  /// How the file that it comes from lists layers and nested models, where it nests any: that is where its weights are.
  package var fileItems: [KerasModelGraph.Item]?

  /// The most layers that a model may have.
  public static let layerLimit = 1024

  /// Layers without a name get Keras' default names: dense, dense_1, .... `connections`: nil for layers in a row; else the
  /// layers are put into Keras' order.
  public init(
    name: String = "model", input: Shape, layers: [any Layer],
    connections: [String: [String]]? = nil, inputName: String = "image"
  ) {
    self.name = name
    self.input = input
    self.layers = layers.named
    self.connections = connections
    self.inputName = inputName
    if connections != nil { self = inKerasOrder }
  }

  /// What the layers read and write.
  /// Throws: `ModelError.shape` where layers do not fit together; and as `check` and `sources`.
  public func shapes() throws(ModelError) -> ModelShapes {
    try check()
    var shapes = ModelShapes(inputs: [], outputs: [], output: input)
    for (layer, sources) in zip(layers, try sources()) {
      let inputs = sources.map { $0 < 0 ? input : shapes.outputs[$0] }
      let output = try layer.outputShape(of: inputs)
      guard output.isUsable else {
        throw .config(
          layer: layer.name, key: "its output",
          expected: "at most 2^24 wide in each dimension and 2^31 - 1 elements",
          found: "\(output)")
      }
      for weight in layer.weights(for: inputs[0])
      where Shape.product(weight.shape) > Shape.elementLimit {
        throw .config(
          layer: layer.name, key: weight.name, expected: "at most 2^31 - 1 values",
          found: weight.shape.map(String.init).joined(separator: "x"))
      }
      shapes.inputs.append(inputs)
      shapes.outputs.append(output)
      shapes.output = output
    }
    return shapes
  }

  /// The layers' weights, one entry per layer, in Keras' order.
  public func weightDescriptions() throws(ModelError) -> [[WeightDescription]] {
    zip(layers, try shapes().inputs).map { $0.weights(for: $1[0]) }
  }

  /// Trainable values.
  public func parameterCount() throws(ModelError) -> Int {
    try weightDescriptions().joined().filter(\.isTrainable)
      .reduce(0) { $0 + $1.shape.reduce(1, *) }
  }

  /// Multiply-adds of one image's forward pass.
  public func multiplyAdds() throws(ModelError) -> Int {
    zip(layers, try shapes().inputs).reduce(0) { $0 + $1.0.multiplyAdds(for: $1.1[0]) }
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
