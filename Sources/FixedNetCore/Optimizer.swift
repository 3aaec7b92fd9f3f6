import CSupport

/// How weights follow their gradients, with Keras' formulas. The learning rate is the schedule's.
///
/// Source: Keras 3.15 `optimizers/sgd.py`, `rmsprop.py`, `adam.py`; legacy RMSprop: TF-Keras 2 `optimizers.legacy`.
public enum Optimizer: BitwiseCopyable, Sendable, Equatable {
  /// w = w - rate dw
  case sgd
  /// m = momentum m - rate dw; w = w + m, or with Nesterov w = w + momentum m - rate dw
  case momentum(Float, isNesterov: Bool = false)
  /// v = rho v + (1 - rho) dw^2; w = w - rate dw / sqrt(v + epsilon).
  /// `momentum` > 0: the step goes through b = momentum b + step. `isCentered`: the variance takes the place of v.
  /// `isLegacy`: epsilon is added behind the root, as Keras 2 did.
  case rmsprop(
    rho: Double = 0.9, momentum: Float = 0, epsilon: Float = 1e-7, isCentered: Bool = false,
    isLegacy: Bool = false)
  /// m = m + (1 - beta1) (dw - m); v = v + (1 - beta2) (dw^2 - v);
  /// w = w - rate sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon), t from 1.
  case adam(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Float = 1e-7)

  /// Values that the optimiser keeps per weight.
  public var slotCount: Int {
    switch self {
    case .sgd: 0
    case .momentum: 1
    case .rmsprop(_, let momentum, _, let isCentered, _):
      1 + (momentum > 0 ? 1 : 0) + (isCentered ? 1 : 0)
    case .adam: 2
    }
  }

  /// The step number `step` (from 0) at this learning rate.
  public func rule(at step: Int, learningRate: Float) -> UpdateRule {
    switch self {
    case .sgd: return .sgd(learningRate: learningRate)
    case .momentum(let momentum, let isNesterov):
      return .momentum(learningRate: learningRate, momentum: momentum, isNesterov: isNesterov)
    case .rmsprop(let rho, let momentum, let epsilon, let isCentered, let isLegacy):
      // Keras' legacy optimiser adds epsilon inside the root where there is momentum.
      return .rmsprop(
        cs_rmsprop(
          learningRate: learningRate, rho: Float(rho), gradientShare: Float(1 - rho),
          momentum: momentum, epsilon: epsilon,
          isLegacy: isLegacy && momentum == 0 ? 1 : 0), isCentered: isCentered)
    case .adam(let beta1, let beta2, let epsilon):
      // Keras rounds the betas to float before it takes their powers.
      let first = 1 - Optimizer.power(Double(Float(beta1)), step + 1)
      let second = 1 - Optimizer.power(Double(Float(beta2)), step + 1)
      let rate = Double(learningRate) * second.squareRoot() / first
      return .adam(
        cs_adam(
          rate: Float(rate), gradientShare: Float(1 - beta1), squareShare: Float(1 - beta2),
          epsilon: epsilon))
    }
  }

  /// base^exponent by squaring: the same bits everywhere.
  static func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, factor, rest) = (1.0, base, exponent)
    while rest > 0 {
      if rest & 1 == 1 { result *= factor }
      factor *= factor
      rest >>= 1
    }
    return result
  }
}

/// One step of an optimiser: its formula and this step's rate.
public enum UpdateRule: BitwiseCopyable, Sendable {
  case sgd(learningRate: Float)
  /// State: momentum.
  case momentum(learningRate: Float, momentum: Float, isNesterov: Bool)
  /// State: velocity, then momentum where it is above 0, then the average gradient where it is centred.
  case rmsprop(cs_rmsprop, isCentered: Bool)
  /// State: momentum, velocity.
  case adam(cs_adam)

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
    switch self {
    case .sgd(let learningRate):
      kernels.sgd_update(share.count, learningRate, gradient, weight)
    case .momentum(let learningRate, let momentum, let isNesterov):
      kernels.momentum_update(
        share.count, learningRate, momentum, isNesterov ? 1 : 0, gradient, state(0), weight)
    case .rmsprop(let rule, let isCentered):
      let hasMomentum = rule.momentum > 0
      withUnsafePointer(to: rule) {
        kernels.rmsprop_update(
          share.count, $0, gradient, state(0),
          isCentered ? state(hasMomentum ? 2 : 1) : nil, hasMomentum ? state(1) : nil, weight)
      }
    case .adam(let rule):
      withUnsafePointer(to: rule) {
        kernels.adam_update(share.count, $0, gradient, state(0), state(1), weight)
      }
    }
  }
}

/// What is done to gradients that are too large, before the optimiser sees them.
public enum Clipping: BitwiseCopyable, Sendable, Equatable {
  case none
  /// Every value into -limit ... limit: Keras' clipvalue.
  case value(Float)
  /// Every weight's gradient to a norm of at most limit: Keras' clipnorm.
  case norm(Float)
  /// All gradients together to a norm of at most limit: Keras' global_clipnorm.
  case globalNorm(Float)

  /// Whether the sum over a gradient is needed before its first value can be used.
  public var needsNorms: Bool {
    switch self {
    case .none, .value: false
    case .norm, .globalNorm: true
    }
  }
}

/// A trainable parameter: where its values, their gradient and the optimiser's state live.
public struct Parameter: BitwiseCopyable, Sendable {
  public var weight: SharedSlot
  /// `weight` where the gradient is used in pieces and never kept whole.
  public var gradient: SharedSlot
  /// The optimiser's slots; those it does not have are `weight`.
  public var state: (SharedSlot, SharedSlot, SharedSlot)
  /// Values in each. Units: floats.
  public var count: Int
  /// The loss has a term `penalty` sum w^2, whose gradient is 2 penalty w.
  public var penalty: Float
  /// R-operator: the direction v, and the product H v. They are `weight` in a plan of first order.
  public var direction: SharedSlot
  public var product: SharedSlot

  public init(
    weight: SharedSlot, gradient: SharedSlot, count: Int,
    state: (SharedSlot, SharedSlot, SharedSlot)? = nil, penalty: Float = 0,
    direction: SharedSlot? = nil, product: SharedSlot? = nil
  ) {
    self.weight = weight
    self.gradient = gradient
    self.count = count
    self.state = state ?? (weight, weight, weight)
    self.penalty = penalty
    self.direction = direction ?? weight
    self.product = product ?? weight
  }

  func stateSlot(_ index: Int) -> SharedSlot {
    switch index {
    case 0: state.0
    case 1: state.1
    default: state.2
    }
  }

  /// Ends the gradient of elements `share`, whose sums over the batch are complete, with the penalty's part; and takes
  /// the optimiser's step where nothing needs to be known about the other elements first.
  func update(_ share: Range<Int>, _ c: BatchContext) {
    update(share, gradient: c(gradient) + share.lowerBound, c)
  }

  /// The same for gradients that are elsewhere: that of the first element of `share` is at `gradient`.
  func update(_ share: Range<Int>, gradient: UnsafeMutablePointer<Float>, _ c: BatchContext) {
    guard !share.isEmpty, c.isLastPart else { return }
    if penalty != 0 {
      c.kernels.pointee.add_scaled(
        share.count, 2 * penalty, c(weight) + share.lowerBound, gradient)
    }
    guard let rule = c.update, !c.clipping.needsNorms else { return }
    if case .value(let limit) = c.clipping {
      c.kernels.pointee.clip(share.count, limit, gradient)
    }
    rule.apply(self, share, gradient: gradient, c)
  }

  /// Ends the Hessian product of elements `share` with the penalty's part.
  func completeProduct(_ share: Range<Int>, _ c: BatchContext) {
    guard penalty != 0 else { return }
    c.kernels.pointee.add_scaled(
      share.count, 2 * penalty, c(direction) + share.lowerBound, c(product) + share.lowerBound)
  }

  /// The square of the gradient's norm.
  func squaredNorm(_ c: BatchContext) -> Double {
    let gradient = c(gradient)
    return c.kernels.pointee.dot(count, gradient, gradient)
  }

  /// Brings this thread's share of the gradient to a norm of at most `limit`, and steps. `squaredNorm`: of what the limit
  /// is for. A gradient that is short enough, or not finite, stays as it is.
  func clipAndUpdate(squaredNorm: Double, limit: Float, _ c: BatchContext) {
    guard let rule = c.update else { return }
    let share = c.share(of: count, granule: 16)
    guard !share.isEmpty else { return }
    let norm = squaredNorm.squareRoot()
    let gradient = c(gradient) + share.lowerBound
    if norm > Double(limit) {
      c.kernels.pointee.affine(
        share.count, Float(Double(limit) / norm), 0, gradient, gradient)
    }
    rule.apply(self, share, gradient: gradient, c)
  }
}

/// Where the gradient of a layer's weight is worked out a few rows at a time, each piece used and forgotten: the update
/// in the backward pass.
public struct GradientPieces: BitwiseCopyable, Sendable {
  /// `rowCount` rows of the weight's gradient, then the bias' gradient.
  public var slot: ThreadSlot
  public var rowCount: Int

  public init(slot: ThreadSlot, rowCount: Int) {
    self.slot = slot
    self.rowCount = rowCount
  }

  /// Calls `body` for every piece of 0 ..< count.
  func forEach(of count: Int, _ body: (Range<Int>) -> Void) {
    var first = 0
    while first < count {
      let end = min(first + rowCount, count)
      body(first..<end)
      first = end
    }
  }
}
