import FixedNet

/// An optimiser as Keras describes it, and how Keras lays its memory out.
/// Source: Keras 3.15 `optimizers/{sgd,rmsprop,adam}.py`, `build`; TF-Keras 2.21 `optimizers/` and
/// `optimizers/legacy/`.
struct KerasOptimizer: Equatable {
  enum Kind: String, CaseIterable {
    case sgd = "SGD"
    case rmsProp = "RMSprop"
    case adam = "Adam"
  }

  var kind: Kind
  /// What it remembers of each trainable weight, in the order in which Keras 3 builds it.
  var slots: [String]
  /// The class was called "Custom>...": TF-Keras' name of its new optimisers.
  var isCustom = false

  /// Where the values of the slots stand behind each other.
  enum Order {
    /// As Keras 3 and the new optimisers of TF-Keras build them: Adam's momentum and velocity side by side, weight by
    /// weight; all else slot by slot.
    case built
    /// As the legacy optimisers of TF-Keras do: slot by slot.
    case slotBySlot
  }

  init(kind: Kind, slots: [String]) {
    self.kind = kind
    self.slots = slots
  }

  /// Reads {"class_name": ..., "config": {...}}, or a name alone. Nil where it is none of those that are known here.
  init?(json: JSONValue?) {
    var name: String
    switch (json, json?["class_name"]) {
    case (.string(let text)?, _), (_, .string(let text)?): name = text
    default: return nil
    }
    let prefix = "Custom>"
    if name.hasPrefix(prefix) {
      name.removeFirst(prefix.count)
      isCustom = true
    }
    let kinds = Kind.allCases.filter { $0.rawValue.lowercased() == name.lowercased() }
    guard let kind = kinds.first else { return nil }
    let config = json?["config"]
    self.kind = kind
    switch kind {
    case .sgd:
      slots = KerasOptimizer.isZero(config?["momentum"]) ? [] : ["momentum"]
    case .rmsProp:
      slots = ["velocity"]
      if !KerasOptimizer.isZero(config?["momentum"]) { slots.append("momentum") }
      if config?["centered"] == true { slots.append("average_gradient") }
    case .adam:
      slots = ["momentum", "velocity"]
      if config?["amsgrad"] == true { slots.append("velocity_hat") }
    }
  }

  /// The optimiser that remembers `slots`: no two have the same. Nil where its name and their number do not tell.
  init?(slots: [String]) {
    let known = Kind.allCases.compactMap {
      KerasOptimizer(name: KerasNames.snakeCase($0.rawValue), slotCount: slots.count)
    }
    guard let optimizer = known.first(where: { $0.slots == slots }) else { return nil }
    self = optimizer
  }

  /// From what a `.weights.h5` tells: the optimiser's name ("adam", "adam_1"), and how many values it has for each
  /// weight. Nil where that does not say which slots they are.
  init?(name: String, slotCount: Int) {
    let name = name.replacing(/_[0-9]+$/, with: "")
    let kinds = Kind.allCases.filter { KerasNames.snakeCase($0.rawValue) == name }
    guard let kind = kinds.first else { return nil }
    switch (kind, slotCount) {
    case (.sgd, 0): self.init(kind: kind, slots: [])
    case (.sgd, 1): self.init(kind: kind, slots: ["momentum"])
    case (.rmsProp, 1): self.init(kind: kind, slots: ["velocity"])
    case (.rmsProp, 3):
      self.init(kind: kind, slots: ["velocity", "momentum", "average_gradient"])
    case (.adam, 2): self.init(kind: kind, slots: ["momentum", "velocity"])
    case (.adam, 3): self.init(kind: kind, slots: ["momentum", "velocity", "velocity_hat"])
    default: return nil
    }
  }

  private static func isZero(_ value: JSONValue?) -> Bool {
    switch value {
    case .number(let value): value == 0
    case .integer(let value): value == 0
    default: true
    }
  }

  /// The name that Keras gives an optimiser of this class.
  var name: String { KerasNames.snakeCase(kind.rawValue) }

  /// (slot, weight) of every value, as they follow iteration and learning rate.
  func places(weightCount: Int, _ order: Order = .built) -> [(slot: Int, weight: Int)] {
    var places: [(slot: Int, weight: Int)] = []
    var first = 0
    if kind == .adam, order == .built {
      for weight in 0..<weightCount { places += [(0, weight), (1, weight)] }
      first = 2
    }
    for slot in first..<slots.count {
      for weight in 0..<weightCount { places.append((slot, weight)) }
    }
    return places
  }
}

extension SequentialModel {
  /// The shapes of what an optimiser changes: layers in order, without those that are frozen.
  func trainableShapes() throws(ModelError) -> [[Int]] {
    zip(layers, try weightDescriptions()).flatMap { layer, descriptions in
      frozenLayers.contains(layer.name)
        ? [] : descriptions.filter(\.isTrainable).map(\.shape)
    }
  }
}
