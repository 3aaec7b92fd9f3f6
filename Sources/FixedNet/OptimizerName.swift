import FixedNetCore

/// The optimisers that the tools know by name, with Keras' defaults.
public enum OptimizerName: String, CaseIterable, Sendable {
  case sgd
  case momentum
  case nesterov
  case rmsprop
  /// Keras 2's: epsilon behind the root.
  case rmspropLegacy = "rmsprop-legacy"
  case adam

  /// Keras' default rate.
  public var defaultLearningRate: Double {
    switch self {
    case .sgd, .momentum, .nesterov: 0.01
    case .rmsprop, .rmspropLegacy, .adam: 0.001
    }
  }

  /// The name of an optimiser, whatever its numbers.
  public init(_ optimizer: Optimizer) {
    switch optimizer {
    case .sgd: self = .sgd
    case .momentum(_, let isNesterov): self = isNesterov ? .nesterov : .momentum
    case .rmsprop(_, _, _, _, let isLegacy): self = isLegacy ? .rmspropLegacy : .rmsprop
    case .adam: self = .adam
    }
  }

  /// `momentum`: of momentum and nesterov, 0.9 by default.
  public func optimizer(momentum: Float? = nil) -> Optimizer {
    switch self {
    case .sgd: .sgd
    case .momentum: .momentum(momentum ?? 0.9)
    case .nesterov: .momentum(momentum ?? 0.9, isNesterov: true)
    case .rmsprop: .rmsprop(momentum: momentum ?? 0)
    case .rmspropLegacy: .rmsprop(momentum: momentum ?? 0, isLegacy: true)
    case .adam: .adam()
    }
  }
}
