/// Keras' model_config, read.
extension Model {
  /// Reads the JSON that Keras 2 and 3 write for a Sequential model (`model_config`, `to_json`, `config.json`).
  /// Throws: `ModelError`.
  public init(json: JSONValue) throws(ModelError) {
    guard case .object = json else {
      throw .malformed("expected a JSON object, found \(json.summary)")
    }
    if let other = Model.otherFormat(json) { throw .malformed(other) }
    guard case .string(let className)? = json["class_name"] else {
      throw .malformed("it has no class_name; it must be what Keras' model.to_json() writes")
    }
    guard KerasModelGraph.isModel(className) else {
      throw .malformed(Model.otherClass(className))
    }
    var name = className == "Sequential" ? "sequential" : "model"
    if case .string(let given)? = json["config"]?["name"] { name = given }
    guard name.utf8.count <= Model.nameLimit else {
      throw .malformed(
        "its name has \(name.utf8.count) bytes; at most \(Model.nameLimit) are supported")
    }
    let graph = try KerasModelGraph(json)
    let built = json["config"]?["build_input_shape"] ?? json["build_config"]?["input_shape"]
    try self.init(
      name: name, graph, isSequential: className == "Sequential", buildShape: built)
    if case .string(let version)? = json["keras_version"], version.hasPrefix("2") {
      self = asKeras2
    }
  }

  /// `isSequential`: whether it stays a row of layers where it is one.
  /// `buildShape`: the shape of the input that Keras has noted for the whole model.
  private init(
    name: String, _ graph: KerasModelGraph, isSequential: Bool, buildShape: JSONValue?
  ) throws(ModelError) {
    let inputEntries = graph.inputEntry.map { [$0] } ?? []
    let entries = try KerasModelEntry.read(inputEntries + graph.parts.map(\.entry))
    var layers: [any Layer] = []
    var frozen: Set<String> = []
    var inputName = "image"
    var inputType = InputType.float32
    var precisions: [String] = []
    func note(_ precision: String?) {
      if let precision, !precisions.contains(precision) { precisions.append(precision) }
    }
    for (index, entry) in entries.enumerated() {
      guard let type = LayerRegistry.layerType(entry.className) else {
        guard index == 0, !inputEntries.isEmpty else {
          throw .malformed(
            "layer '\(OneLine.short(entry.name))': an InputLayer must come first")
        }
        try entry.checkKeys([])
        inputName = entry.name
        inputType = try entry.config.inputType()
        if inputType == .float32 { note(try entry.config.otherPrecision()) }
        continue
      }
      note(try entry.config.otherPrecision())
      try entry.checkKeys(type.configKeys)
      try entry.config.checkObjects()
      if try !entry.config.bool("trainable", default: true) { frozen.insert(entry.name) }
      layers.append(try type.init(name: entry.name, config: entry.config))
    }
    guard !layers.isEmpty else { throw .malformed("it has no layers") }
    let input = try Model.inputShape(entries[0], buildShape: buildShape)
    while layers.contains(where: { $0.name == inputName }) {
      inputName += "_input"
    }
    self.init(name: name, input: input, layers: layers, inputName: inputName)
    if !isSequential || !graph.isRow {
      connections = [:]
      for (layer, part) in zip(layers, graph.parts) {
        connections?[layer.name] = part.readings.map { $0 < 0 ? inputName : layers[$0].name }
      }
    }
    if graph.isNested { fileItems = graph.items }
    self = inKerasOrder
    inferenceLayers = zip(layers, graph.parts).filter(\.1.isForInference).map(\.0.name)
    frozenLayers = frozen
    self.inputType = inputType
    otherPrecisions = precisions
    try checkInputType()
    _ = try shapes()
  }

  /// Bytes that a name may have: two of them are in a dataset's path.
  static let nameLimit = 30_000
  /// Bytes that the names of all layers may have: they are in every table of a plan.
  private static let namesLimit = 1 << 17

  /// Throws: `ModelError.malformed` where the names are too long together, `ModelError.duplicateName`.
  static func checkNames(_ names: [String]) throws(ModelError) {
    try checkLength(of: names)
    var known: Set<String> = []
    for name in names where !known.insert(name).inserted { throw .duplicateName(name) }
  }

  /// Throws: `ModelError.malformed` where the names are too long together.
  static func checkLength(of names: [String]) throws(ModelError) {
    let byteCount = names.reduce(0) { $0 + $1.utf8.count }
    guard byteCount <= namesLimit else {
      throw .malformed(
        "the names of its layers have \(byteCount) bytes together; at most \(namesLimit) are "
          + "supported")
    }
  }

  /// Names become paths in files: at most `nameLimit` bytes, no control characters, no empty, "." or ".." component. Paths
  /// are bytes: a "/" parts them also where an accent makes it another letter.
  static func isUsable(_ name: String) -> Bool {
    name.utf8.count <= nameLimit
      && name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
      && name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        .allSatisfy { part in ["", ".", ".."].allSatisfy { !part.elementsEqual($0.utf8) } }
  }

  // MARK: - The input

  /// The input's shape: what the first layer says, else what Keras has noted when it built the model.
  private static func inputShape(_ first: KerasModelEntry, buildShape: JSONValue?)
    throws(ModelError) -> Shape
  {
    let config = first.config
    try config.require("sparse", oneOf: [false, .null])
    try config.require("ragged", oneOf: [false, .null])
    var stated: Shape?
    for key in ["batch_shape", "batch_input_shape", "input_shape", "input_dim"] {
      guard let value = config.members[key], value != .null else { continue }
      var whole = value
      switch (key, value) {
      case ("input_shape", .array(let dimensions)): whole = .array([.null] + dimensions)
      case ("input_dim", .integer): whole = [.null, value]
      default: break
      }
      let shape = try shape(whole, key, config)
      guard stated == nil || stated == shape else {
        throw config.fail(key, "\(stated.map { "\($0)" } ?? ""), as its other shape says")
      }
      stated = shape
    }
    if let stated { return stated }
    for noted in [buildShape, first.buildShape] {
      if let noted, noted != .null { return try shape(noted, "the shape of its input", config) }
    }
    throw .malformed(
      "it has no input shape, neither in its first layer '\(OneLine.short(first.name))' nor noted "
        + "beside it; call the model on data once in Keras, or put an Input layer in front, and "
        + "save it again")
  }

  private static func shape(_ value: JSONValue, _ key: String, _ config: LayerConfig)
    throws(ModelError) -> Shape
  {
    let refusal = ModelError.config(
      layer: config.layer, key: key,
      expected: "[null, height, width, channels], [null, rows, columns] or [null, features]",
      found: value.summary)
    guard case .array(let dimensions) = value, let batch = dimensions.first else { throw refusal }
    // A fixed batch is one that Keras does not insist on either.
    switch batch {
    case .null: break
    case .integer(let count) where count > 0: break
    default: throw refusal
    }
    var extents: [Int] = []
    for dimension in dimensions.dropFirst() {
      guard case .integer(let extent) = dimension, (1...Shape.extentLimit).contains(extent) else {
        throw refusal
      }
      extents.append(extent)
    }
    guard let shape = Shape(dimensions: extents) else { throw refusal }
    return shape
  }
}

// MARK: - Types

extension LayerConfig {
  /// The name of `dtype`: its own, or its policy's. nil where there is none.
  private var typeName: String? {
    var type = members["dtype"]
    if case .object(let policy)? = type {
      let config = policy["config"]
      let mode = config?["mode"].flatMap { if case .string(let mode) = $0 { mode } else { nil } }
      if let mode { return "\(mode) (quantised)" }
      type = config?["name"] ?? policy["class_name"]
    }
    if case .string(let name)? = type { return name }
    return nil
  }

  /// A type other than float32 that a layer is to compute in, which is done in float32 here; nil for float32 itself.
  func otherPrecision() throws(ModelError) -> String? {
    guard let value = members["dtype"], value != .null else { return nil }
    switch typeName {
    case "float32"?: return nil
    case "float16"?, "bfloat16"?, "float64"?, "mixed_float16"?, "mixed_bfloat16"?: return typeName
    default:
      throw .config(
        layer: layer, key: "dtype",
        expected: "float32, float64, float16, bfloat16, mixed_float16 or mixed_bfloat16",
        found: typeName.map { JSONValue.string($0).summary } ?? value.summary)
    }
  }

  /// The type of an input layer; float32 for every type of floating-point numbers.
  func inputType() throws(ModelError) -> InputType {
    if let name = typeName, let type = InputType(rawValue: name) { return type }
    _ = try otherPrecision()
    return .float32
  }
}
