/// The layers of a Keras model_config in one list, nested models spliced in, and what each of them reads.
package struct KerasModelGraph {
  /// An entry of the list: as in the file, but for the name in a nested model, which begins with that model's.
  struct Part {
    var entry: JSONValue
    /// Positions in the list; -1 is the model's input.
    var readings: [Int]
    /// Whether the file calls it, or a model that it is in, with training=False, which Keras 2 keeps to in training.
    var isForInference: Bool
  }

  /// What a file lists at one level: a layer of the model, or a nested model.
  package struct Item: Sendable {
    package var className: String
    package var name: String
    /// The name of the layer in the model; "" for a nested model.
    package var layer: String
    /// Of a nested model; nil for a layer.
    package var items: [Item]?
  }

  private(set) var parts: [Part] = []
  /// The top level; the file's order.
  private(set) var items: [Item] = []
  /// The InputLayer at the top, where there is one.
  private(set) var inputEntry: JSONValue?
  private var frozen = 0
  private var calledForInference = 0
  /// Names of layers at the top, and of those in nested models so far.
  private var names: Set<String> = []

  static func isModel(_ className: String) -> Bool {
    ["Sequential", "Functional", "Model"].contains(className)
  }

  /// Throws: `ModelError`.
  init(_ json: JSONValue) throws(ModelError) {
    var items: [Item] = []
    let output = try splice(json, path: [], input: -1, into: &items)
    self.items = items
    guard output == parts.count - 1 else {
      let name = parts.last.map { KerasModelGraph.name($0.entry) } ?? ""
      throw .connection(
        layer: name, expected: "a layer that reads it (one output is supported)", found: "none")
    }
  }

  /// Whether every layer reads the one before it.
  var isRow: Bool { parts.enumerated().allSatisfy { $1.readings == [$0 - 1] } }

  /// Whether any model is nested.
  var isNested: Bool { items.contains { $0.items != nil } }

  // MARK: - Splicing

  /// Takes in the layers of a model whose input is the output of the part `input`; returns the part that its output is.
  private mutating func splice(
    _ json: JSONValue, path: [String], input: Int, into items: inout [Item]
  ) throws(ModelError) -> Int {
    guard case .string(let className)? = json["class_name"] else {
      throw .malformed("it has no class_name; it must be what Keras' model.to_json() writes")
    }
    let entries: [JSONValue]
    switch json["config"] {
    case .array(let list)? where className == "Sequential": entries = list
    case .object(let config)?:
      guard case .array(let list)? = config["layers"] else {
        throw .malformed("its config has no list of layers")
      }
      entries = list
    default: throw .malformed("it has no config")
    }
    guard entries.count <= Model.layerLimit, parts.count <= Model.layerLimit
    else {
      throw .malformed(
        "\(max(entries.count, parts.count)) layers; at most \(Model.layerLimit) are "
          + "supported")
    }
    let isFrozen = json["config"]?["trainable"] == false && !path.isEmpty
    frozen += isFrozen ? 1 : 0
    defer { frozen -= isFrozen ? 1 : 0 }
    if path.isEmpty { names = Set(entries.map(KerasModelGraph.name)) }
    return className == "Sequential"
      ? try spliceRow(entries, path: path, input: input, into: &items)
      : try spliceGraph(json, entries, path: path, input: input, into: &items)
  }

  private mutating func spliceRow(
    _ entries: [JSONValue], path: [String], input: Int, into items: inout [Item]
  ) throws(ModelError) -> Int {
    var current = input
    for (index, entry) in entries.enumerated() {
      if entry["class_name"] == "InputLayer", index == 0 {
        if path.isEmpty { inputEntry = entry }
        continue
      }
      current = try add(entry, index: index, path: path, readings: [current], into: &items)
    }
    return current
  }

  private mutating func spliceGraph(
    _ json: JSONValue, _ entries: [JSONValue], path: [String], input: Int, into items: inout [Item]
  ) throws(ModelError) -> Int {
    let inputs = entries.filter { $0["class_name"] == "InputLayer" }
    let inputNames = try KerasModelGraph.ends(json["config"]?["input_layers"], "input_layers")
    let outputNames = try KerasModelGraph.ends(json["config"]?["output_layers"], "output_layers")
    let owner =
      path.isEmpty ? "it" : "the nested model '\(OneLine.short(path.joined(separator: "/")))'"
    let inputCount = max(inputs.count, inputNames.count)
    guard inputCount == 1, inputs.count == 1 else {
      throw .malformed(
        inputCount == 1
          ? "\(owner) has no InputLayer '\(OneLine.short(inputNames[0]))', which its input_layers name"
          : "\(owner) has \(inputCount) inputs (\(OneLine.list(inputNames))); one is supported")
    }
    guard inputNames == [KerasModelGraph.name(inputs[0])] else {
      throw .malformed(
        "\(owner) has an InputLayer '\(OneLine.short(KerasModelGraph.name(inputs[0])))', and its "
          + "input_layers name '\(OneLine.short(inputNames[0]))'")
    }
    guard outputNames.count == 1 else {
      throw .malformed(
        "\(owner) has \(outputNames.count) outputs (\(OneLine.list(outputNames))); one is supported"
      )
    }
    if path.isEmpty { inputEntry = inputs[0] }
    var places = [inputNames[0]: input]
    let others = entries.filter { $0["class_name"] != "InputLayer" }
    for (entry, readings) in try KerasModelGraph.sorted(others, after: inputNames[0]) {
      let name = KerasModelGraph.name(entry)
      guard places[name] == nil else { throw .duplicateName(name) }
      places[name] = try add(
        entry, index: parts.count, path: path, readings: readings.compactMap { places[$0] },
        into: &items)
    }
    guard let output = places[outputNames[0]] else {
      throw .malformed(
        "output_layers names '\(OneLine.short(outputNames[0]))', and no layer is called that")
    }
    return output
  }

  /// A layer, or the layers of a nested model.
  private mutating func add(
    _ entry: JSONValue, index: Int, path: [String], readings: [Int], into items: inout [Item]
  ) throws(ModelError) -> Int {
    guard case .string(let className)? = entry["class_name"],
      case .object(var config)? = entry["config"]
    else { throw .malformed("layer \(index) has no class_name and config") }
    let given = KerasModelGraph.name(entry)
    let own = given.isEmpty && !path.isEmpty ? "\(SnakeCase.text(className))_\(index)" : given
    if KerasModelGraph.isModel(className) {
      guard readings.count == 1 else {
        throw .connection(layer: own, expected: "one layer to read", found: "\(readings.count)")
      }
      let isForInference = KerasModelGraph.callsForInference(entry)
      calledForInference += isForInference ? 1 : 0
      defer { calledForInference -= isForInference ? 1 : 0 }
      var inner: [Item] = []
      let output = try splice(entry, path: path + [own], input: readings[0], into: &inner)
      items.append(Item(className: className, name: own, layer: "", items: inner))
      return output
    }
    // Keras takes no name with a slash.
    var name = (path + [own]).joined(separator: "_")
    while !path.isEmpty, !names.insert(name).inserted { name += "_" }
    var renamed = entry
    if !path.isEmpty || frozen > 0, case .object(var members) = entry {
      config["name"] = .string(name)
      if frozen > 0 { config["trainable"] = false }
      members["config"] = .object(config)
      renamed = .object(members)
    }
    parts.append(
      Part(
        entry: renamed, readings: readings,
        isForInference: calledForInference > 0 || KerasModelGraph.callsForInference(entry)))
    items.append(Item(className: className, name: own, layer: name, items: nil))
    return parts.count - 1
  }

  /// The name that an entry's config has, or the entry itself; "" without one.
  static func name(_ entry: JSONValue) -> String {
    for value in [entry["config"]?["name"], entry["name"]] {
      if case .string(let name)? = value { return name }
    }
    return ""
  }
}
