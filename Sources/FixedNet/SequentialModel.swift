/// A network as it is described: an input shape and layers in a row. Its JSON is Keras' `model_config`.
public struct SequentialModel: Sendable {
  public var name: String
  public var input: Shape
  public var layers: [any Layer]
  /// Layers that the file says are not to be trained.
  public var frozenLayers: Set<String> = []
  /// Keras' name of the input layer.
  public var inputName: String

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
            expected: "one of Keras' Glorot, He, Lecun, Random, Constant, Zeros or Ones",
            found: name)
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
      "name": .string(inputName), "dtype": "float32",
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

  /// Reads the JSON that Keras 1 to 3 write for a Sequential model (`model_config`, `to_json`, `config.json`).
  /// Throws: `ModelError`.
  public init(json: JSONValue) throws(ModelError) {
    guard case .object = json else {
      throw .malformed("expected a JSON object, found \(json.summary)")
    }
    guard case .string(let className)? = json["class_name"] else {
      throw .malformed("it has no class_name")
    }
    guard className == "Sequential" else {
      throw .malformed(
        "class \(className) is not supported; save the network as a Keras Sequential model")
    }
    let entries: [JSONValue]
    var name = "sequential"
    switch json["config"] {
    case .array(let list)?: entries = list
    case .object(let config)?:
      guard case .array(let list)? = config["layers"] else {
        throw .malformed("its config has no list of layers")
      }
      entries = list
      if case .string(let given)? = config["name"] { name = given }
    default: throw .malformed("it has no config")
    }
    guard entries.count <= SequentialModel.layerLimit else {
      throw .malformed(
        "\(entries.count) layers; at most \(SequentialModel.layerLimit) are supported")
    }
    try self.init(name: name, entries: entries)
  }

  private init(name: String, entries: [JSONValue]) throws(ModelError) {
    var input: Shape?
    var inputName = "image"
    var layers: [any Layer] = []
    var frozen: Set<String> = []
    var names: Set<String> = []
    for (index, entry) in entries.enumerated() {
      guard case .string(let className)? = entry["class_name"],
        case .object(let members)? = entry["config"]
      else { throw .malformed("layer \(index) has no class_name and config") }
      guard case .string(let layerName)? = members["name"], !layerName.isEmpty else {
        throw .malformed("layer \(index) (\(className)) has no name")
      }
      guard SequentialModel.isUsable(layerName) else {
        throw .malformed(
          "layer \(index) (\(className)) has an unusable name; use letters, digits, '_' and '-'")
      }
      guard names.insert(layerName).inserted else { throw .duplicateName(layerName) }
      let config = LayerConfig(layer: layerName, members: members)
      try SequentialModel.checkType(config)
      if className == "InputLayer" {
        guard index == 0 else {
          throw .malformed("layer '\(layerName)': an InputLayer must come first")
        }
        input = try SequentialModel.inputShape(config)
        inputName = layerName
        continue
      }
      guard let type = LayerRegistry.layerType(className) else {
        throw .unsupportedLayer(className: className, layer: layerName)
      }
      if layers.isEmpty, input == nil { input = try SequentialModel.inputShape(config) }
      if try !config.bool("trainable", default: true) { frozen.insert(layerName) }
      layers.append(try type.init(name: layerName, config: config))
    }
    guard let input else { throw .malformed("it has no input shape") }
    guard !layers.isEmpty else { throw .malformed("it has no layers") }
    while !layers.isEmpty, layers.contains(where: { $0.name == inputName }) {
      inputName += "_input"
    }
    self.init(name: name, input: input, layers: layers, inputName: inputName)
    frozenLayers = frozen
    _ = try shapes()
  }

  /// Names become paths in files: at most 200 bytes, no control characters, no empty, "." or ".." component.
  static func isUsable(_ name: String) -> Bool {
    name.utf8.count <= 200
      && name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
      && name.split(separator: "/", omittingEmptySubsequences: false)
        .allSatisfy { !["", ".", ".."].contains($0) }
  }

  /// float32 or float64 weights: anything else would compute something else.
  private static func checkType(_ config: LayerConfig) throws(ModelError) {
    var type = config.members["dtype"]
    if case .object(let policy)? = type, case .object(let inner)? = policy["config"] {
      type = inner["name"]
    }
    switch type {
    case nil, .null, "float32"?, "float64"?: return
    default: throw config.fail("dtype", "float32 or float64")
    }
  }

  private static func inputShape(_ config: LayerConfig) throws(ModelError) -> Shape {
    let key = config.members["batch_shape"] != nil ? "batch_shape" : "batch_input_shape"
    let expected = "[null, height, width, channels] or [null, features]"
    guard case .array(let dimensions)? = config.members[key] else {
      throw config.fail(key, expected)
    }
    try config.require("sparse", oneOf: [false, .null])
    try config.require("ragged", oneOf: [false, .null])
    var extents: [Int] = []
    for dimension in dimensions.dropFirst() {
      guard case .integer(let extent) = dimension, (1...Shape.extentLimit).contains(extent) else {
        throw .config(
          layer: config.layer, key: key, expected: expected,
          found: JSONValue.array(dimensions).text)
      }
      extents.append(extent)
    }
    switch extents.count {
    case 1: return .vector(extents[0])
    case 3: return .image(height: extents[0], width: extents[1], channels: extents[2])
    default:
      throw .config(
        layer: config.layer, key: key, expected: expected, found: JSONValue.array(dimensions).text)
    }
  }
}
