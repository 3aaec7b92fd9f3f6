// Keras' model_config, written.

extension Model {
  /// `model_config` in the dialect that Keras 2 and Keras 3 both load.
  public var json: JSONValue {
    let inputConfig: [String: JSONValue] = [
      "name": .string(inputName), "dtype": .string(inputType.rawValue),
      "batch_input_shape": .array([.null] + input.dimensions.map { .integer($0) }),
    ]
    let form = kerasForm
    var entries: [JSONValue] = [
      entry("InputLayer", name: inputName, .object(inputConfig), readings: [])
    ]
    for layer in form.layers {
      var config = layer.config
      config["name"] = .string(layer.name)
      config["dtype"] = "float32"
      config["trainable"] = .bool(!frozenLayers.contains(layer.name))
      entries.append(
        entry(
          type(of: layer).className, name: layer.name, .object(config),
          readings: form.connections?[layer.name] ?? []))
    }
    var config: [String: JSONValue] = ["name": .string(name), "layers": .array(entries)]
    if connections != nil, let last = form.layers.last {
      config["input_layers"] = [[.string(inputName), 0, 0]]
      config["output_layers"] = [[.string(last.name), 0, 0]]
    }
    return .object([
      "class_name": connections == nil ? "Sequential" : "Functional", "config": .object(config),
    ])
  }

  /// `readings`: the layers that a layer of a Functional model reads.
  private func entry(
    _ className: String, name: String, _ config: JSONValue, readings: [String]
  ) -> JSONValue {
    var entry: [String: JSONValue] = ["class_name": .string(className), "config": config]
    if connections != nil {
      entry["name"] = .string(name)
      let node = readings.map { JSONValue.array([.string($0), 0, 0, .object([:])]) }
      entry["inbound_nodes"] = readings.isEmpty ? [] : [.array(node)]
    }
    return .object(entry)
  }
}
