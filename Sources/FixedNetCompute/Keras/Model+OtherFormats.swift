/// Descriptions that are no Sequential model of Keras 2 or 3: what they are, and what to do with them.
extension Model {
  /// nil for what may be Keras' JSON.
  static func otherFormat(_ json: JSONValue) -> String? {
    if json["modelTopology"] != nil || json["weightsManifest"] != nil {
      let format = json["format"].map { " (format \($0.summary))" } ?? ""
      return
        "it is TensorFlow.js' model.json\(format), whose weights are in files of their own; convert "
        + "it with tensorflowjs_converter --input_format=tfjs_layers_model --output_format=keras, "
        + "or give the Keras file that it was made from"
    }
    if case .string(let version)? = json["keras_version"], version.hasPrefix("1.") {
      return kerasOne("keras_version \(OneLine.short(version))")
    }
    if json["class_name"] == "Sequential", case .array(let layers)? = json["config"],
      let old = layers.first(where: isKerasOne)
    {
      return kerasOne("a layer \(old["class_name"]?.summary ?? "") with its options")
    }
    if json["tfjsVersion"] != nil || json["tmVersion"] != nil {
      return "it is Teachable Machine's metadata; export the model as Keras there"
    }
    return nil
  }

  private static func kerasOne(_ sign: String) -> String {
    "Keras 1 wrote it (\(sign)), whose layers have other options; Keras 2.0 to 2.3 read them: load "
      + "and save it there once"
  }

  private static func isKerasOne(_ layer: JSONValue) -> Bool {
    ["output_dim", "nb_filter", "border_mode", "subsample"].contains {
      layer["config"]?[$0] != nil
    }
  }

  /// What a model of a class that is none of Keras' own is.
  static func otherClass(_ className: String) -> String {
    "class \(OneLine.short(className)) is not supported; save the network as a Keras Sequential or "
      + "Functional model"
  }
}

extension LayerRegistry {
  /// Layers that do nothing outside training; no class of Keras has a longer name.
  private static func isForTrainingOnly(_ className: String) -> Bool {
    guard className.utf8.count <= 40 else { return false }
    return className.hasPrefix("Random") || className.hasPrefix("SpatialDropout")
      || [
        "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization", "RandAugment",
        "AugMix", "CutMix", "MixUp",
      ].contains(className)
  }

  /// What to do about a layer of a class that does not exist here. `others`: further ones, the class first.
  static func advice(for className: String, others: [String]) -> String {
    if className.contains(">") {
      return "it is a class of somebody's own, which no other program has"
    }
    if isForTrainingOnly(className) {
      var names = [className]
      for name in others.compactMap({ $0.split(separator: " ").first.map(String.init) })
      where isForTrainingOnly(name) && !names.contains(name) {
        names.append(name)
      }
      let list = names.map { "\"\($0)\"" }.joined(separator: ", ")
      return "such layers do nothing outside training: save the model without them, in Keras "
        + "keras.Sequential([keras.Input(model.input_shape[1:])] + [l for l in model.layers if "
        + "type(l).__name__ not in [\(list)]]).save(\"plain.keras\")"
    }
    return "supported are \(shortList(of: classNames))"
  }

  /// Names that differ in their dimensions alone become one: "Conv1D and 2D"; so do those of what only training does,
  /// "Random...".
  private static func shortList(of names: [String]) -> String {
    var parts: [String] = []
    for name in names {
      if name.hasSuffix("2D"), parts.last == "\(name.dropLast(2))1D" {
        parts[parts.count - 1] += " and 2D"
      } else if name.hasPrefix("Random") {
        if parts.last != "Random..." { parts.append("Random...") }
      } else {
        parts.append(name)
      }
    }
    return parts.joined(separator: ", ")
  }
}
