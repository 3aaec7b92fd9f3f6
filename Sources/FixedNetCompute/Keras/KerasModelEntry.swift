/// One layer of a Keras model_config.
struct KerasModelEntry {
  var className: String
  var name: String
  var config: LayerConfig
  /// The shape of its input that Keras has noted beside the config; nil where it has not.
  var buildShape: JSONValue?

  /// Class names of older versions for layers that exist.
  private static let olderNames = [
    "BatchNormalizationV1": "BatchNormalization", "BatchNormalizationV2": "BatchNormalization",
    "Convolution2D": "Conv2D", "MaxPool2D": "MaxPooling2D", "AvgPool2D": "AveragePooling2D",
  ]

  /// Entries of every layer's config: what is read elsewhere, and what says nothing about the result.
  private static let commonKeys: Set = [
    "name", "trainable", "dtype", "batch_input_shape", "batch_shape", "input_shape", "input_dim",
    "input_dtype", "dynamic",
  ]
  private static let inputKeys: Set = ["sparse", "ragged", "optional"]

  /// Reads the entries of a Sequential model.
  /// Throws: `ModelError`.
  static func read(_ entries: [JSONValue]) throws(ModelError) -> [KerasModelEntry] {
    var result: [KerasModelEntry] = []
    for (index, entry) in entries.enumerated() {
      result.append(try KerasModelEntry(entry, index: index))
    }
    try nameUnnamed(&result)
    try Model.checkNames(result.map(\.name))
    let missing = result.filter {
      $0.className != "InputLayer" && LayerRegistry.layerType($0.className) == nil
    }
    if let first = missing.first {
      throw .unsupportedLayer(
        className: first.className, layer: first.name,
        others: missing.dropFirst().map { "\($0.className) ('\($0.name)')" })
    }
    return result
  }

  private init(_ entry: JSONValue, index: Int) throws(ModelError) {
    guard case .string(let given)? = entry["class_name"],
      case .object(let members)? = entry["config"]
    else { throw .malformed("layer \(index) has no class_name and config") }
    className = KerasModelEntry.olderNames[given] ?? given
    switch members["name"] {
    case .string(let text)? where !text.isEmpty: name = text
    case nil, .null: name = ""
    default: throw .malformed("layer \(index) (\(OneLine.short(given))) has no name")
    }
    guard name.isEmpty || Model.isUsable(name) else {
      throw .malformed(
        "layer \(index) (\(OneLine.short(given))) has an unusable name; use letters, digits, '_' "
          + "and '-'")
    }
    if case .string(let registered)? = entry["registered_name"], registered.contains(">"),
      !registered.hasPrefix("Keras>")
    {
      throw .unsupportedLayer(className: registered, layer: name)
    }
    config = LayerConfig(layer: name, members: members)
    buildShape = entry["build_config"]?["input_shape"]
  }

  /// Names as Keras gives them: the class, then the class_1, ...
  private static func nameUnnamed(_ entries: inout [KerasModelEntry]) throws(ModelError) {
    try Model.checkLength(of: entries.map(\.name))
    var names = Set(entries.map(\.name))
    for index in entries.indices where entries[index].name.isEmpty {
      // No class of Keras has as long a name, and one in a file may be megabytes.
      let base = SnakeCase.text(String(entries[index].className.unicodeScalars.prefix(200)))
      guard Model.isUsable(base) else {
        throw .malformed("layer \(index) has no name")
      }
      let name = KerasDefaultName.next(base, besides: &names)
      entries[index].name = name
      entries[index].config = LayerConfig(layer: name, members: entries[index].config.members)
    }
  }

  /// Refuses what no layer of this class knows: Keras would refuse it too, or it asks for something that is not done here.
  func checkKeys(_ known: Set<String>) throws(ModelError) {
    let isInput = className == "InputLayer"
    for (key, value) in config.members.sorted(by: { $0.key < $1.key }) where value != .null {
      if KerasModelEntry.commonKeys.contains(key) || known.contains(key) { continue }
      if isInput, KerasModelEntry.inputKeys.contains(key) { continue }
      throw config.fail(key, "left out or null: it is nothing that \(className) follows here")
    }
  }
}
