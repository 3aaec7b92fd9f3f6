import FixedNetCompute
import FixedNetCore

/// An optimiser as Keras describes it, and how Keras lays its memory out.
/// Source: Keras 3.15 `optimizers/base_optimizer.py`, `add_optimizer_variables`, and each optimiser's `build`; TF-Keras 2.21
/// `optimizers/` and `optimizers/legacy/`.
struct KerasOptimizer: Equatable {
  var method: Optimizer.Method
  /// What it remembers of each trainable weight, in the order in which Keras 3 builds it.
  var slots: [String]
  /// The class was called "Custom>...": TF-Keras' name of its new optimisers.
  var isCustom = false

  /// Where the values of the slots stand behind each other.
  enum Order {
    /// As Keras 3 and the new optimisers of TF-Keras build them: momentum and velocity of Adam and those like it side by
    /// side, weight by weight; all else slot by slot.
    case built
    /// As the legacy optimisers of TF-Keras do: slot by slot.
    case slotBySlot
  }

  private init(method: Optimizer.Method, slots: [String]) {
    self.method = method
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
    guard let method = Optimizer.Method(className: name) else { return nil }
    let config = json?["config"]
    self.method = method
    slots = method.slotNames(
      hasMomentum: !KerasOptimizer.isZero(config?["momentum"]),
      isCentered: config?["centered"] == true)
    if method.knowsAMSGrad, config?["amsgrad"] == true { slots.append("velocity_hat") }
  }

  /// The optimiser that has what a file without a description remembers: of those with the same slots the one of the
  /// file's name, else the first. Nil where none has.
  init?(memoryOf file: KerasModelFile) {
    let slots = (file.optimizerState?.slots ?? []).map(\.name)
    let fitting = Optimizer.Method.all.flatMap(KerasOptimizer.forms).filter {
      $0.slots == slots && $0.hasProduct == (file.momentumProduct != nil)
    }
    guard let optimizer = fitting.first(where: { $0.name == file.optimizerName }) ?? fitting.first
    else { return nil }
    self = optimizer
  }

  /// From what a `.weights.h5` tells: the optimiser's name ("adam", "adam_w_1"), and how many values it has for all
  /// weights. Nil where that does not say which slots they are.
  init?(name: String, valueCount: Int, weightCount: Int) {
    let name = name.replacing(/_[0-9]+$/, with: "")
    let methods = Optimizer.Method.all.filter { KerasNames.snakeCase($0.className) == name }
    let fitting = methods.flatMap(KerasOptimizer.forms).filter {
      $0.slots.count * weightCount + ($0.hasProduct ? 1 : 0) == valueCount
    }
    guard fitting.count == 1 else { return nil }
    self = fitting[0]
  }

  /// Everything that Keras may build for a method.
  private static func forms(_ method: Optimizer.Method) -> [KerasOptimizer] {
    var forms: [KerasOptimizer] = []
    for (hasMomentum, isCentered) in [(false, false), (true, false), (false, true), (true, true)] {
      let slots = method.slotNames(hasMomentum: hasMomentum, isCentered: isCentered)
      if !forms.contains(where: { $0.slots == slots }) {
        forms.append(KerasOptimizer(method: method, slots: slots))
      }
    }
    if method.knowsAMSGrad {
      forms += forms.map { KerasOptimizer(method: method, slots: $0.slots + ["velocity_hat"]) }
    }
    return forms
  }

  private static func isZero(_ value: JSONValue?) -> Bool {
    switch value {
    case .number(let value): value == 0
    case .integer(let value): value == 0
    default: true
    }
  }

  /// The name that Keras gives an optimiser of this class.
  var name: String { KerasNames.snakeCase(method.className) }

  /// Whether the product of its momenta follows the slots: a single value.
  var hasProduct: Bool { method.layout == .weightByWeightThenProduct }

  /// The product of the momenta of an optimiser that is described; nil where it has none.
  func product(_ json: JSONValue?, iterations: Int) -> Double? {
    guard hasProduct, let json, let described = try? OptimizerConfiguration.parse(json) else {
      return nil
    }
    return described.optimizer.momentumProduct(steps: iterations)
  }

  /// (slot, weight) of every value, as they follow iteration and learning rate.
  func places(weightCount: Int, _ order: Order = .built) -> [(slot: Int, weight: Int)] {
    // Keras builds amsgrad's by itself.
    let first = order == .slotBySlot || method.layout == .slotBySlot ? 0 : min(2, slots.count)
    var places: [(slot: Int, weight: Int)] = []
    for weight in 0..<weightCount { places += (0..<first).map { ($0, weight) } }
    for slot in first..<slots.count {
      for weight in 0..<weightCount { places.append((slot, weight)) }
    }
    return places
  }

  /// The optimisers whose memory is read and written, for messages.
  static let known = Optimizer.Method.classNames(joinedBy: "or")
}

extension Model {
  /// The names of what an optimiser changes, in the order of `trainableShapes`.
  func trainableNames() throws(ModelError) -> [String] {
    zip(layers, try weightDescriptions()).flatMap { layer, descriptions in
      frozenLayers.contains(layer.name)
        ? [] : descriptions.filter(\.isTrainable).map { "\(layer.name)/\($0.name)" }
    }
  }

  /// The shapes of what an optimiser changes: layers in order, without those that are frozen.
  func trainableShapes() throws(ModelError) -> [[Int]] {
    zip(layers, try weightDescriptions()).flatMap { layer, descriptions in
      frozenLayers.contains(layer.name)
        ? [] : descriptions.filter(\.isTrainable).map(\.shape)
    }
  }
}
