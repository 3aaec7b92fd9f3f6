/// Why a model description was refused.
public enum ModelError: Error, Equatable {
  /// The description is not the JSON of a Keras model.
  case malformed(String)
  /// A layer class that this program does not have. `others`: further ones, each with its layer.
  case unsupportedLayer(className: String, layer: String, others: [String] = [])
  /// A config entry of a layer that is missing, of another type, or outside what is supported.
  case config(layer: String, key: String, expected: String, found: String)
  /// Two layers of one name.
  case duplicateName(String)
  /// A layer that cannot take what the one before it gives.
  case shape(layer: String, expected: String, found: String)
  /// A layer that reads what it cannot read.
  case connection(layer: String, expected: String, found: String)
  /// Weights that do not belong to the model.
  case weights(layer: String, weight: String, expected: String, found: String)
  /// A model that can be evaluated but not trained.
  case notTrainable(String)
  /// Weights that cannot be updated in the backward pass.
  case updateInBackward(String)
  /// A number of the plan's options that cannot be used; `key`: as the API calls it.
  case option(key: String, expected: String, found: String)
  /// A layer is named that the model does not have; `what` names it.
  case unknownLayer(what: String, String, layers: [String])
  /// An optimiser, a schedule or one of their numbers that is not supported.
  case optimizer(key: String, expected: String, found: String)
  /// A loss that is not computed as it is described, or not for this model.
  case loss(name: String, reason: String)
  /// No built-in model of that name.
  case unknownModel(String)
}

extension ModelError: CustomStringConvertible {
  /// Whatever the description holds, at most 2,000 characters.
  public var description: String { OneLine.short(text, limit: 2_000) }

  private var text: String {
    switch self {
    case .malformed(let reason): "the model description is unusable: \(reason)"
    case .unsupportedLayer(let className, let layer, let others):
      "layer '\(OneLine.short(layer))': class \(OneLine.short(className, limit: 80)) is not supported"
        + (others.isEmpty ? "" : " (and further: \(OneLine.list(others)))") + "; "
        + LayerRegistry.advice(for: className, others: others)
    case .config(let layer, let key, let expected, let found):
      "layer '\(OneLine.short(layer))': \(OneLine.short(key)) must be \(expected), found \(found)"
    case .duplicateName(let name): "two layers are called '\(OneLine.short(name))'; rename one"
    case .shape(let layer, let expected, let found):
      "layer '\(OneLine.short(layer))': expects \(expected), but its input is \(found)"
    case .connection(let layer, let expected, let found):
      "layer '\(OneLine.short(layer))': expects \(expected), found \(found)"
    case .weights(let layer, let weight, let expected, let found):
      "layer '\(OneLine.short(layer))': weight \(weight) must be \(expected), found \(found)"
    case .notTrainable(let reason): "this model cannot be trained: \(reason)"
    case .updateInBackward(let reason):
      "the weights cannot be updated in the backward pass: \(reason)"
    case .unknownLayer(let what, let name, let layers):
      "\(what) has '\(OneLine.short(name))', but no layer is called that; the model has "
        + OneLine.short(layers.joined(separator: ", "), limit: 1_000)
    case .option(let key, let expected, let found), .optimizer(let key, let expected, let found):
      "\(OneLine.short(key)) must be \(expected), found \(found)"
    case .loss(let name, let reason): "loss '\(OneLine.short(name))': \(reason)"
    case .unknownModel(let name):
      "no built-in model is called '\(OneLine.short(name))'; built in are "
        + BuiltInModel.allCases.map(\.rawValue).joined(separator: ", ")
    }
  }
}
