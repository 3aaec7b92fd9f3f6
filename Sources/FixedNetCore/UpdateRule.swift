import CSupport

/// One step of an optimiser: the weight decay, then the formula with this step's rate.
public struct UpdateRule: BitwiseCopyable, Sendable {
  package enum Formula: BitwiseCopyable, Sendable {
    case sgd(learningRate: Float)
    /// State: momentum.
    case momentum(learningRate: Float, momentum: Float, isNesterov: Bool)
    /// State: velocity, then momentum where there is one, then the average gradient where it is centred.
    case rmsprop(cs_rmsprop, hasMomentum: Bool, isCentered: Bool)
    /// State: momentum, velocity.
    case adam(cs_adam)
    /// State: momentum, velocity.
    case nadam(cs_nadam)
    /// State: accumulator.
    case adagrad(learningRate: Float, epsilon: Float)
  }

  package var formula: Formula
  /// The part of each weight that is taken off before the step.
  package var decay: Float

  package init(_ formula: Formula, decay: Float = 0) {
    self.formula = formula
    self.decay = decay
  }

  /// Plain gradient descent.
  package static func sgd(learningRate: Float) -> UpdateRule {
    UpdateRule(.sgd(learningRate: learningRate))
  }

  /// Whether it is a step of this optimiser, whatever the rate, and has the slots that a plan for it has.
  package func isStep(of optimizer: Optimizer) -> Bool {
    let planned = optimizer.rule(at: 0, learningRate: 1).formula
    switch formula {
    case .sgd: if case .sgd = planned { return true }
    case .momentum: if case .momentum = planned { return true }
    case .rmsprop(_, let hasMomentum, let isCentered):
      if case .rmsprop(_, hasMomentum, isCentered) = planned { return true }
    case .adam: if case .adam = planned { return true }
    case .nadam: if case .nadam = planned { return true }
    case .adagrad: if case .adagrad = planned { return true }
    }
    return false
  }

  /// Updates the weights `share` of a parameter from their gradients, the first of which is at `gradient`.
  func apply(
    _ parameter: Parameter, _ share: Range<Int>, gradient: UnsafePointer<Float>, _ c: BatchContext
  ) {
    let kernels = c.kernels.pointee
    let first = share.lowerBound
    let weight = c(parameter.weight) + first
    func state(_ index: Int) -> UnsafeMutablePointer<Float> {
      c(parameter.stateSlot(index)) + first
    }
    if decay != 0 { kernels.decay(share.count, decay, weight) }
    switch formula {
    case .sgd(let learningRate):
      kernels.sgd_update(share.count, learningRate, gradient, weight)
    case .momentum(let learningRate, let momentum, let isNesterov):
      kernels.momentum_update(
        share.count, learningRate, momentum, isNesterov ? 1 : 0, gradient, state(0), weight)
    case .rmsprop(let rule, let hasMomentum, let isCentered):
      withUnsafePointer(to: rule) {
        kernels.rmsprop_update(
          share.count, $0, gradient, state(0),
          isCentered ? state(hasMomentum ? 2 : 1) : nil, hasMomentum ? state(1) : nil, weight)
      }
    case .adam(let rule):
      withUnsafePointer(to: rule) {
        kernels.adam_update(share.count, $0, gradient, state(0), state(1), weight)
      }
    case .nadam(let rule):
      withUnsafePointer(to: rule) {
        kernels.nadam_update(share.count, $0, gradient, state(0), state(1), weight)
      }
    case .adagrad(let learningRate, let epsilon):
      kernels.adagrad_update(share.count, learningRate, epsilon, gradient, state(0), weight)
    }
  }
}
