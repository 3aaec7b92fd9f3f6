import FixedNetCore

/// A number of an optimiser's configuration, by Keras' key.
package enum OptimizerNumber: String, CaseIterable, Sendable {
  case momentum
  case rho
  case beta1 = "beta_1"
  case beta2 = "beta_2"
  case epsilon
  case initialAccumulator = "initial_accumulator_value"
  /// Every optimiser has it.
  case weightDecay = "weight_decay"

  /// What it may be.
  var range: ClosedRange<Double> {
    switch self {
    case .momentum, .rho, .epsilon: 0...1
    case .beta1, .beta2: 0...Double(Float(1).nextDown)
    case .initialAccumulator, .weightDecay: 0...1e6
    }
  }
}

/// Something that an optimiser does or does not, by Keras' key.
package enum OptimizerFlag: String, CaseIterable, Sendable {
  case nesterov
  case centered
}

extension Optimizer {
  package subscript(_ number: OptimizerNumber) -> Double {
    get { self[keyPath: Optimizer.path(of: number)] }
    set { self[keyPath: Optimizer.path(of: number)] = newValue }
  }

  private static func path(of number: OptimizerNumber) -> WritableKeyPath<Optimizer, Double> {
    switch number {
    case .momentum: \.momentum
    case .rho: \.rho
    case .beta1: \.beta1
    case .beta2: \.beta2
    case .epsilon: \.epsilon
    case .initialAccumulator: \.initialAccumulator
    case .weightDecay: \.weightDecay
    }
  }

  subscript(_ flag: OptimizerFlag) -> Bool {
    get { self[keyPath: Optimizer.path(of: flag)] }
    set { self[keyPath: Optimizer.path(of: flag)] = newValue }
  }

  private static func path(of flag: OptimizerFlag) -> WritableKeyPath<Optimizer, Bool> {
    switch flag {
    case .nesterov: \.isNesterov
    case .centered: \.isCentered
    }
  }
}

/// What files and tools need to know of a method, one row each. A new method has its row here, its formula in
/// `Optimizer` and `UpdateRule`, and its name in `OptimizerName`; nothing else lists the methods.
extension Optimizer.Method {
  private struct Row {
    var className: String
    /// Keras' default rate.
    var learningRate = 0.001
    var numbers: [OptimizerNumber]
    var flags: [OptimizerFlag] = []
    var slots: [Slot]
    var layout: Layout
    /// Whether Keras has `amsgrad`, which is not supported.
    var knowsAMSGrad = false
    var legacy = Legacy.same
  }

  private enum Slot {
    case always(String)
    case withMomentum(String)
    case centered(String)
  }

  /// How Keras 3 and the new optimisers of TF-Keras lay out what is kept.
  package enum Layout: Sendable {
    case slotBySlot
    /// A weight's slots side by side.
    case weightByWeight
    /// The same, and behind them one value for all: the product of Nadam's momenta.
    case weightByWeightThenProduct
  }

  /// What TF-Keras 2 makes of the class.
  enum Legacy {
    /// The legacy optimiser has the formula of Keras 3.
    case same
    /// It has another one, which `Optimizer.isLegacy` asks for.
    case followed
    /// It has another one.
    case refused
    /// So has TF-Keras' new one.
    case allRefused
  }

  private var row: Row {
    let adam: [OptimizerNumber] = [.beta1, .beta2, .epsilon]
    let means: [Slot] = [.always("momentum"), .always("velocity")]
    switch self {
    case .sgd:
      return Row(
        className: "SGD", learningRate: 0.01, numbers: [.momentum], flags: [.nesterov],
        slots: [.withMomentum("momentum")], layout: .slotBySlot)
    case .rmsprop:
      return Row(
        className: "RMSprop", numbers: [.rho, .momentum, .epsilon], flags: [.centered],
        slots: [
          .always("velocity"), .withMomentum("momentum"), .centered("average_gradient"),
        ], layout: .slotBySlot, legacy: .followed)
    case .adam:
      return Row(
        className: "Adam", numbers: adam, slots: means, layout: .weightByWeight,
        knowsAMSGrad: true)
    case .adamw:
      return Row(
        className: "AdamW", numbers: adam + [.weightDecay], slots: means, layout: .weightByWeight,
        knowsAMSGrad: true)
    case .nadam:
      return Row(
        className: "Nadam", numbers: adam, slots: means, layout: .weightByWeightThenProduct,
        legacy: .allRefused)
    case .adagrad:
      return Row(
        className: "Adagrad", numbers: [.initialAccumulator, .epsilon],
        slots: [.always("accumulator")], layout: .slotBySlot, legacy: .refused)
    }
  }

  /// Keras' name of the class.
  package var className: String { row.className }

  /// Every method: each has a name.
  package static let all: [Optimizer.Method] = OptimizerName.allCases.reduce(into: []) {
    all, name in
    let method = name.optimizer().method
    if !all.contains(method) { all.append(method) }
  }

  /// Keras takes its own classes in any case.
  package init?(className: String) {
    let name = className.lowercased()
    guard let method = Optimizer.Method.all.first(where: { $0.className.lowercased() == name })
    else { return nil }
    self = method
  }

  /// "SGD, RMSprop and Adam"; `word`: and, or.
  package static func classNames(joinedBy word: String) -> String {
    let names = all.map(\.className)
    return names.dropLast().joined(separator: ", ") + " \(word) \(names.last ?? "")"
  }

  /// Keras' default rate.
  package var defaultLearningRate: Double { row.learningRate }

  /// Its own numbers: those that Keras always writes.
  package var numbers: [OptimizerNumber] { row.numbers }

  var flags: [OptimizerFlag] { row.flags }

  package var knowsAMSGrad: Bool { row.knowsAMSGrad }

  package var layout: Layout { row.layout }

  var legacy: Legacy { row.legacy }

  /// Keras' names of what it keeps per weight, in the order in which Keras builds it.
  package func slotNames(hasMomentum: Bool, isCentered: Bool) -> [String] {
    row.slots.compactMap { slot in
      switch slot {
      case .always(let name): name
      case .withMomentum(let name): hasMomentum ? name : nil
      case .centered(let name): isCentered ? name : nil
      }
    }
  }
}

extension Optimizer {
  /// Keras' names of what the optimiser keeps per weight, in the order in which Keras builds it.
  package var slotNames: [String] {
    method.slotNames(hasMomentum: hasMomentum, isCentered: isCentered)
  }

  /// What a slot holds before the first step.
  package func startValue(of slot: String) -> Float {
    slot == "accumulator" ? Float(initialAccumulator) : 0
  }
}

extension Optimizer: CustomStringConvertible {
  /// "Adam, beta_1 0.9, beta_2 0.999, epsilon 1e-07"
  public var description: String {
    var parts = [method.className + (isLegacy ? " of Keras 2" : "")]
    let others = OptimizerNumber.allCases.filter { !method.numbers.contains($0) && self[$0] != 0 }
    let shown = method.numbers + others.filter { $0 == .weightDecay }
    parts += shown.map { "\($0.rawValue) \(self[$0])" }
    parts += method.flags.filter { self[$0] }.map(\.rawValue)
    return parts.joined(separator: ", ")
  }
}
