/// What a description must be whoever made it: a program is held to what a file is held to.
extension Model {
  /// Refuses a description that no file could hold: an input without extent, no layers, names that are empty, used twice
  /// or of no use in files, numbers out of a layer's range, frozen layers that there are not.
  /// Throws: `ModelError`.
  func check() throws(ModelError) {
    guard input.isUsable else {
      throw .malformed(
        "its input is \(input); extents go from 1 to 2^24, with at most 2^31 - 1 elements")
    }
    guard (1...Model.layerLimit).contains(layers.count) else {
      throw .malformed("it has \(layers.count) layers; it needs 1 to \(Model.layerLimit)")
    }
    for layer in layers {
      guard Model.isUsable(layer.name) else {
        throw .malformed(
          "a \(type(of: layer).className) has the unusable name '\(OneLine.short(layer.name))'; "
            + "use letters, digits, '_' and '-'")
      }
      _ = try Model.reread(layer)
    }
    let names = layers.map(\.name)
    try Model.checkNames(names)
    for name in frozenLayers.sorted() where !names.contains(name) {
      throw .unknownLayer(what: "frozenLayers", name, layers: names)
    }
  }

  /// The layer as a file with its config would describe it: a config's checks are a program's checks.
  /// Throws: `ModelError.config` for numbers out of range.
  static func reread(_ layer: any Layer) throws(ModelError) -> any PlannedLayer {
    var members = layer.config
    // Files have the scaled sigmoid as two layers, see `kerasForm`.
    let ownNames = [ActivationFunction.scaledSigmoid, .hardSigmoid2].map {
      JSONValue.string($0.name)
    }
    if let name = members["activation"], ownNames.contains(name) {
      members["activation"] = .string(ActivationFunction.sigmoid.name)
    }
    return try type(of: known(layer)).init(
      name: layer.name, config: LayerConfig(layer: layer.name, members: members))
  }

  /// Throws: `ModelError.unsupportedLayer` for a type that another module has made a layer.
  static func known(_ layer: any Layer) throws(ModelError) -> any PlannedLayer {
    guard let planned = layer.planned else {
      throw .unsupportedLayer(
        className: type(of: layer).className, layer: layer.name)
    }
    return planned
  }
}

extension Initializer {
  /// What cannot be drawn from: a file's initialiser that this program does not have, or numbers that are none.
  var unsupportedName: String? {
    if case .unsupported(let name) = self { return name }
    guard case .unsupported(let name) = Initializer(json: json, default: self) else { return nil }
    return name
  }
}
