import FixedNetCore

/// The optimisers that the tools know by name, with Keras' defaults.
package enum OptimizerName: String, CaseIterable, Sendable {
  case sgd
  case momentum
  case nesterov
  case rmsprop
  /// Keras 2's: epsilon behind the root.
  case rmspropLegacy = "rmsprop-legacy"
  case adam
  case adamw
  case nadam
  case adagrad

  /// Keras' default rate.
  package var defaultLearningRate: Double { optimizer().method.defaultLearningRate }

  /// The name of an optimiser, whatever its numbers.
  package init(_ optimizer: Optimizer) {
    switch optimizer.method {
    case .sgd:
      self = !optimizer.hasMomentum ? .sgd : optimizer.isNesterov ? .nesterov : .momentum
    case .rmsprop: self = optimizer.isLegacy ? .rmspropLegacy : .rmsprop
    case .adam: self = .adam
    case .adamw: self = .adamw
    case .nadam: self = .nadam
    case .adagrad: self = .adagrad
    }
  }

  /// With Keras' numbers, and for momentum and nesterov a momentum of 0.9.
  package func optimizer() -> Optimizer {
    switch self {
    case .sgd: .sgd
    case .momentum: .momentum(0.9)
    case .nesterov: .momentum(0.9, isNesterov: true)
    case .rmsprop: .rmsprop()
    case .rmspropLegacy: .rmsprop(isLegacy: true)
    case .adam: Optimizer(.adam)
    case .adamw: Optimizer(.adamw)
    case .nadam: Optimizer(.nadam)
    case .adagrad: Optimizer(.adagrad)
    }
  }

  /// The numbers that may be given for it.
  package var numbers: [OptimizerNumber] {
    let own = optimizer().method.numbers
    let given = own.contains(.weightDecay) ? own : own + [.weightDecay]
    // Plain gradient descent is the one without.
    return self == .sgd ? given.filter { $0 != .momentum } : given
  }
}
