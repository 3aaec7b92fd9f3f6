extension KerasModelGraph {
  /// The names in input_layers or output_layers: [name, node, tensor], or a list of these.
  static func ends(_ value: JSONValue?, _ key: String) throws(ModelError) -> [String] {
    guard case .array(let list)? = value, !list.isEmpty else {
      throw .malformed("its config has no \(key)")
    }
    var names: [String] = []
    for end in list.first?.isString == true ? [.array(list)] : list {
      guard let name = try name(ofTensor: end, read: key) else {
        throw .malformed("its \(key) are not lists of layers: \(end.summary)")
      }
      names.append(name)
    }
    return names
  }

  /// The entries in an order in which each comes after those that it reads, as near to the file's as can be, and what
  /// each one reads.
  static func sorted(_ entries: [JSONValue], after input: String) throws(ModelError)
    -> [(entry: JSONValue, readings: [String])]
  {
    let known = Set(entries.map(name) + [input])
    var waiting: [(entry: JSONValue, readings: [String])] = []
    for entry in entries {
      let readings = try readings(of: entry)
      if let other = readings.first(where: { !known.contains($0) }) {
        throw .connection(
          layer: name(entry), expected: "layers of the model to read",
          found: "'\(OneLine.short(other))', which it does not have")
      }
      waiting.append((entry, readings))
    }
    var result: [(entry: JSONValue, readings: [String])] = []
    var placed: Set<String> = [input]
    while !waiting.isEmpty {
      var rest: [(entry: JSONValue, readings: [String])] = []
      for node in waiting {
        if node.readings.allSatisfy(placed.contains) {
          placed.insert(name(node.entry))
          result.append(node)
        } else {
          rest.append(node)
        }
      }
      guard rest.count < waiting.count else {
        throw .connection(
          layer: name(rest[0].entry), expected: "layers that can run before it",
          found:
            "a cycle through '\(OneLine.short(rest[0].readings.first { !placed.contains($0) } ?? ""))'"
        )
      }
      waiting = rest
    }
    return result
  }

  /// The layers that an entry reads, in the order of its inputs.
  static func readings(of entry: JSONValue) throws(ModelError) -> [String] {
    let layer = name(entry)
    guard case .array(let nodes)? = entry["inbound_nodes"], let node = nodes.first else {
      throw .connection(layer: layer, expected: "the layers that it reads", found: "none")
    }
    guard nodes.count == 1 else {
      throw .connection(
        layer: layer, expected: "one place in the model",
        found: "\(nodes.count): shared layers are not supported")
    }
    switch node {
    case .array(let tensors):  // Keras 2
      return try names(tensors.first?.isString == true ? [node] : tensors, layer)
    case .object(let members):  // Keras 3
      // What a call says of training is overruled by fit and predict (operation_fn in Keras 3.15's functional.py).
      try checkArguments(members["kwargs"], layer, known: ["training"])
      guard case .array(let arguments)? = members["args"] else { break }
      return try names(arguments, layer)
    default: break
    }
    throw .connection(layer: layer, expected: "the layers that it reads", found: node.summary)
  }

  private static func names(_ tensors: [JSONValue], _ layer: String) throws(ModelError)
    -> [String]
  {
    var names: [String] = []
    for tensor in tensors {
      if let name = try name(ofTensor: tensor, read: layer) {
        names.append(name)
      } else if case .array(let list) = tensor, !list.isEmpty {
        names += try self.names(list, layer)
      } else {
        throw .connection(
          layer: layer, expected: "outputs of layers to read", found: tensor.summary)
      }
    }
    guard !names.isEmpty else {
      throw .connection(layer: layer, expected: "the layers that it reads", found: "none")
    }
    return names
  }

  /// The layer whose output a tensor is: [name, node, tensor], with Keras 2 its arguments behind them, or Keras 3's
  /// __keras_tensor__. nil for anything else.
  private static func name(ofTensor value: JSONValue, read layer: String) throws(ModelError)
    -> String?
  {
    var history = value
    if case .object = value {
      guard value["class_name"] == "__keras_tensor__", let own = value["config"]?["keras_history"]
      else { return nil }
      history = own
    }
    guard case .array(let items) = history, items.count >= 3, case .string(let name) = items[0],
      case .integer(let node) = items[1], case .integer(let tensor) = items[2]
    else { return nil }
    guard node == 0, tensor == 0 else {
      throw .connection(
        layer: layer, expected: "the first output of a layer's first call",
        found: "output \(tensor) of call \(node) of '\(OneLine.short(name))': shared layers and "
          + "layers with several outputs are not supported")
    }
    if items.count > 3 {
      // With false the layer trains as at inference, see `callsForInference`.
      let isInference = items[3]["training"] == false
      try checkArguments(items[3], layer, known: isInference ? ["training"] : [])
    }
    return name
  }

  /// Whether Keras 2 calls a layer with training=False, so that fit runs it as predict does.
  static func callsForInference(_ entry: JSONValue) -> Bool {
    guard case .array(let nodes)? = entry["inbound_nodes"], case .array(let tensors)? = nodes.first
    else { return false }
    let calls = tensors.first?.isString == true ? [.array(tensors)] : tensors
    return calls.contains { call in
      guard case .array(let items) = call, items.count > 3 else { return false }
      return items[3]["training"] == false
    }
  }

  /// Arguments of a call besides what it reads: none of them is followed here.
  private static func checkArguments(
    _ value: JSONValue?, _ layer: String, known: Set<String>
  ) throws(ModelError) {
    guard case .object(let arguments)? = value else { return }
    for (key, value) in arguments.sorted(by: { $0.key < $1.key })
    where value != .null && !known.contains(key) {
      throw .config(
        layer: layer, key: "the argument \(key) of its call",
        expected: "left out or null", found: value.summary)
    }
  }
}

extension JSONValue {
  fileprivate var isString: Bool {
    if case .string = self { true } else { false }
  }
}
