import FixedNetCore

/// Keras' regularisers in a file: null, a name, or an object {"class_name": "L2", "config": {"l2": 0.01}}, in Keras 3 with
/// a module.
extension Regularizer {
  /// Its class in Keras, by what it is for.
  private static let classes: [(name: String, l1: Double, l2: Double)] = [
    // What Keras 2 and 3 take for a number that is left out or null.
    ("L1", 0.01, 0), ("L2", 0, 0.01), ("L1L2", 0, 0),
  ]

  /// nil where it is another one, or has numbers that no regulariser has. "l1_l2" is one: Keras 2 reads 0.01 twice in it,
  /// Keras 3 does not know it.
  init?(json: JSONValue) {
    switch json {
    case .null: self = .none
    case .string(let name):
      let own = Regularizer.classes.first { $0.name == name || $0.name.lowercased() == name }
      guard let own else { return nil }
      self.init(l1: Float(own.l1), l2: Float(own.l2))
    case .object:
      guard case .string(let name)? = json["class_name"], Regularizer.isKeras(json, name),
        let own = Regularizer.classes.first(where: { $0.name == name })
      else { return nil }
      let config = json["config"]
      let (isL1, isL2) = (own.name != "L2", own.name != "L1")
      guard let l1 = Regularizer.factor(isL1 ? config?["l1"] : nil, default: own.l1),
        let l2 = Regularizer.factor(isL2 ? config?["l2"] : nil, default: own.l2)
      else { return nil }
      self.init(l1: l1, l2: l2)
    default: return nil
    }
  }

  /// Keras' object; nil for none.
  var json: JSONValue? {
    let (first, second) = (JSONValue.number(Double(l1)), JSONValue.number(Double(l2)))
    return switch (l1 != 0, l2 != 0) {
    case (false, false): nil
    case (true, false): ["class_name": "L1", "config": ["l1": first]]
    case (false, true): ["class_name": "L2", "config": ["l2": second]]
    case (true, true): ["class_name": "L1L2", "config": ["l1": first, "l2": second]]
    }
  }

  /// Whether it is Keras' own class of that name and not somebody's.
  private static func isKeras(_ json: JSONValue, _ name: String) -> Bool {
    if case .string(let module)? = json["module"] {
      guard ["keras", "tf_keras"].contains(module.split(separator: ".").first ?? "") else {
        return false
      }
    }
    if case .string(let registered)? = json["registered_name"] { return registered == name }
    return true
  }

  private static func factor(_ value: JSONValue?, default fallback: Double) -> Float? {
    let number: Double
    switch value {
    case nil, .null: number = fallback
    case .number(let value): number = value
    case .integer(let value): number = Double(value)
    default: return nil
    }
    return number >= 0 && Float(number).isFinite ? Float(number) : nil
  }
}

extension LayerConfig {
  /// What a key such as `kernel_regularizer` says; none without one, and where it says what is not supported: see
  /// `obstacle`.
  func regularizer(_ key: String) -> Regularizer {
    members[key].flatMap(Regularizer.init(json:)) ?? .none
  }

  /// A regulariser or constraint that this program would not follow in training.
  var obstacle: String? { lossObstacle ?? obstacle("_constraint") { $0 == .null } }

  /// A regulariser whose part of the loss is not computed here.
  var lossObstacle: String? {
    obstacle("activity_regularizer") { Regularizer(json: $0)?.isNone == true }
      ?? obstacle("_regularizer") { Regularizer(json: $0) != nil }
  }

  private func obstacle(_ suffix: String, _ isDone: (JSONValue) -> Bool) -> String? {
    for (key, value) in members.sorted(by: { $0.key < $1.key })
    where key.hasSuffix(suffix) && !isDone(value) {
      let kind =
        switch suffix {
        case "_constraint": "no constraint is"
        case "activity_regularizer": "no regulariser of activities is"
        default: "only L1, L2 and L1L2 with factors from 0 are"
        }
      return "layer '\(layer)' asks for \(key) \(value["class_name"]?.summary ?? value.summary); "
        + "\(kind) supported"
    }
    return nil
  }
}

/// What the loss says of the weights of a layer that has no kernel, by their names in Keras' `gamma_regularizer` and so on.
struct WeightRegularizers: Equatable, Sendable {
  private var named: [String: Regularizer] = [:]

  init() {}

  init(_ config: LayerConfig, of weights: [String]) {
    for weight in weights {
      let regularizer = config.regularizer("\(weight)_regularizer")
      if !regularizer.isNone { named[weight] = regularizer }
    }
  }

  subscript(weight: String) -> Regularizer { named[weight] ?? .none }

  /// Keras' entries.
  var config: [String: JSONValue] {
    var config: [String: JSONValue] = [:]
    for (weight, regularizer) in named { config["\(weight)_regularizer"] = regularizer.json }
    return config
  }
}
