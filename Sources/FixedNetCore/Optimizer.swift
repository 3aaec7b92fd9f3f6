import CSupport

/// How weights follow their gradients, with Keras' formulas: a method and its numbers. The learning rate is the schedule's.
///
/// Source: Keras 3.15 `optimizers/{sgd,rmsprop,adam,adamw,nadam,adagrad}.py`, `base_optimizer.py`; legacy RMSprop: TF-Keras 2
/// `optimizers.legacy`.
public struct Optimizer: BitwiseCopyable, Sendable, Equatable {
  /// Keras' classes.
  public enum Method: UInt8, BitwiseCopyable, Sendable {
    /// w = w - rate dw. With `momentum`: m = momentum m - rate dw; w = w + m, or `isNesterov`:
    /// w = w + momentum m - rate dw.
    case sgd
    /// v = rho v + (1 - rho) dw^2; w = w - rate dw / sqrt(v + epsilon). `momentum`: the step goes through
    /// b = momentum b + step. `isCentered`: the variance takes the place of v. `isLegacy`: epsilon is added behind the
    /// root, as Keras 2 did.
    case rmsprop
    /// m = m + (1 - beta1) (dw - m); v = v + (1 - beta2) (dw^2 - v);
    /// w = w - rate sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon), t from 1.
    case adam
    /// Adam under another name, with a weight decay of 0.004 by default.
    case adamw
    /// m and v as Adam's; with u(t) = beta1 (1 - 0.96^t / 2) and U(t) = u(1) ... u(t):
    /// w = w - rate (u(t+1) m / (1 - U(t+1)) + (1 - u(t)) dw / (1 - U(t))) / (sqrt(v / (1 - beta2^t)) + epsilon).
    case nadam
    /// a = a + dw^2, from `initialAccumulator`; w = w - rate dw / sqrt(a + epsilon).
    case adagrad
  }

  /// Keras' class.
  public var method: Method
  /// What is left of the last step in the next one; 0 ... 1.
  public var momentum = 0.0
  /// Whether the gradient counts twice, as Nesterov has it.
  public var isNesterov = false
  /// What is left of the mean of squares from step to step; 0 ... 1.
  public var rho = 0.9
  /// What is left of the mean of gradients from step to step; 0 ..< 1.
  public var beta1 = 0.9
  /// What is left of the mean of squares from step to step; 0 ..< 1.
  public var beta2 = 0.999
  /// What keeps a division from 0.
  public var epsilon = 1e-7
  /// Whether the variance takes the place of the mean of squares.
  public var isCentered = false
  /// Whether the formula is that of Keras 2.
  public var isLegacy = false
  /// What the sum of squares starts from.
  public var initialAccumulator = 0.1
  /// Decoupled: rate weightDecay w is taken off every trainable weight w, biases and scales too, before the step.
  public var weightDecay: Double

  /// With Keras' numbers.
  public init(_ method: Method) {
    self.method = method
    weightDecay = method == .adamw ? 0.004 : 0
  }

  /// Whether there is a momentum to remember.
  public var hasMomentum: Bool { momentum != 0 }

  /// The step number `step` (from 0) at this learning rate.
  public func rule(at step: Int, learningRate: Float) -> UpdateRule {
    UpdateRule(
      formula(at: step, learningRate: learningRate),
      decay: Float(Double(learningRate) * Double(Float(weightDecay))))
  }

  private func formula(at step: Int, learningRate: Float) -> UpdateRule.Formula {
    switch method {
    case .sgd:
      guard hasMomentum else { return .sgd(learningRate: learningRate) }
      return .momentum(
        learningRate: learningRate, momentum: Float(momentum), isNesterov: isNesterov)
    case .rmsprop:
      // Keras' legacy optimiser adds epsilon inside the root where there is momentum.
      return .rmsprop(
        cs_rmsprop(
          learningRate: learningRate, rho: Float(rho), gradientShare: Float(1 - rho),
          momentum: Float(momentum), epsilon: Float(epsilon),
          isLegacy: isLegacy && !hasMomentum ? 1 : 0),
        hasMomentum: hasMomentum, isCentered: isCentered)
    case .adam, .adamw:
      // Keras rounds the betas to float before it takes their powers.
      let first = 1 - Optimizer.power(Double(Float(beta1)), step + 1)
      let second = 1 - Optimizer.power(Double(Float(beta2)), step + 1)
      let rate = Double(learningRate) * second.squareRoot() / first
      return .adam(
        cs_adam(
          rate: Float(rate), gradientShare: Float(1 - beta1), squareShare: Float(1 - beta2),
          epsilon: Float(epsilon)))
    case .nadam: return .nadam(nadam(at: step, Double(learningRate)))
    case .adagrad: return .adagrad(learningRate: learningRate, epsilon: Float(epsilon))
    }
  }

  private func nadam(at step: Int, _ rate: Double) -> cs_nadam {
    // Here Keras rounds the betas to float before everything else.
    let (now, next) = (nadamMomentum(step + 1), nadamMomentum(step + 2))
    let product = momentumProduct(steps: step + 1)
    let second = 1 - Optimizer.power(Double(Float(beta2)), step + 1)
    return cs_nadam(
      momentumRate: Float(rate * next / (1 - product * next)),
      gradientRate: Float(rate * (1 - now) / (1 - product)), gradientShare: 1 - Float(beta1),
      squareShare: 1 - Float(beta2), squareScale: Float(1 / second), epsilon: Float(epsilon))
  }

  /// Nadam's u(t).
  private func nadamMomentum(_ t: Int) -> Double {
    Double(Float(beta1)) * (1 - Optimizer.power(0.96, t) / 2)
  }

  /// Nadam's U(t), the product of the momenta of steps 1 ... `steps`: Keras' u_product.
  package func momentumProduct(steps: Int) -> Double {
    // After 1000 steps 1 - 0.96^t / 2 is 1.
    let beta = Double(Float(beta1))
    var (product, fading) = (1.0, 1.0)
    for _ in 0..<min(steps, 1000) {
      fading *= 0.96
      product *= beta * (1 - fading / 2)
    }
    return product * Optimizer.power(beta, max(0, steps - 1000))
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

extension Optimizer {
  /// w = w - rate dw
  public static var sgd: Optimizer { Optimizer(.sgd) }

  /// Gradient descent with a momentum. `isNesterov`: whether the gradient counts twice.
  public static func momentum(_ momentum: Double, isNesterov: Bool = false) -> Optimizer {
    var optimizer = Optimizer(.sgd)
    (optimizer.momentum, optimizer.isNesterov) = (momentum, isNesterov)
    return optimizer
  }

  /// With Keras' numbers. `isLegacy`: whether the formula is that of Keras 2.
  public static func rmsprop(
    rho: Double = 0.9, momentum: Double = 0, epsilon: Double = 1e-7, isCentered: Bool = false,
    isLegacy: Bool = false
  ) -> Optimizer {
    var optimizer = Optimizer(.rmsprop)
    (optimizer.rho, optimizer.momentum, optimizer.epsilon) = (rho, momentum, epsilon)
    (optimizer.isCentered, optimizer.isLegacy) = (isCentered, isLegacy)
    return optimizer
  }

  /// `method`: Adam or one that has its numbers.
  public static func adam(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7, method: Method = .adam
  ) -> Optimizer {
    var optimizer = Optimizer(method)
    (optimizer.beta1, optimizer.beta2, optimizer.epsilon) = (beta1, beta2, epsilon)
    return optimizer
  }

  /// With Keras' numbers.
  public static func adagrad(
    initialAccumulator: Double = 0.1, epsilon: Double = 1e-7
  ) -> Optimizer {
    var optimizer = Optimizer(.adagrad)
    (optimizer.initialAccumulator, optimizer.epsilon) = (initialAccumulator, epsilon)
    return optimizer
  }

  /// The same with a weight decay.
  public func decaying(_ weightDecay: Double) -> Optimizer {
    var optimizer = self
    optimizer.weightDecay = weightDecay
    return optimizer
  }
}

/// What is done to gradients that are too large, before the optimiser sees them.
public enum Clipping: BitwiseCopyable, Sendable, Equatable {
  /// Nothing.
  case none
  /// Every value into -limit ... limit: Keras' clipvalue.
  case value(Float)
  /// Every weight's gradient to a norm of at most limit: Keras' clipnorm.
  case norm(Float)
  /// All gradients together to a norm of at most limit: Keras' global_clipnorm.
  case globalNorm(Float)

  /// Whether the sum over a gradient is needed before its first value can be used.
  package var needsNorms: Bool {
    switch self {
    case .none, .value: false
    case .norm, .globalNorm: true
    }
  }
}

/// A trainable parameter: where its values, their gradient and the optimiser's state live.
package struct Parameter: BitwiseCopyable, Sendable {
  package var weight: SharedSlot
  /// `weight` where the gradient is used in pieces and never kept whole.
  package var gradient: SharedSlot
  /// The optimiser's slots; those it does not have are `weight`.
  package var state: (SharedSlot, SharedSlot, SharedSlot)
  /// Values in each. Units: floats.
  package var count: Int
  /// What the loss says of its values.
  package var regularizer: Regularizer
  /// R-operator: the direction v, and the product H v. They are `weight` in a plan of first order.
  package var direction: SharedSlot
  package var product: SharedSlot

  package init(
    weight: SharedSlot, gradient: SharedSlot, count: Int,
    state: (SharedSlot, SharedSlot, SharedSlot)? = nil, regularizer: Regularizer = .none,
    direction: SharedSlot? = nil, product: SharedSlot? = nil
  ) {
    self.weight = weight
    self.gradient = gradient
    self.count = count
    self.state = state ?? (weight, weight, weight)
    self.regularizer = regularizer
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

  /// Ends the gradient of elements `share`, whose sums over the batch are complete, with the regulariser's part; and takes
  /// the optimiser's step where nothing needs to be known about the other elements first.
  func update(_ share: Range<Int>, _ c: BatchContext) {
    update(share, gradient: c(gradient) + share.lowerBound, c)
  }

  /// The same for gradients that are elsewhere: that of the first element of `share` is at `gradient`.
  func update(_ share: Range<Int>, gradient: UnsafeMutablePointer<Float>, _ c: BatchContext) {
    guard !share.isEmpty, c.isLastPart else { return }
    regularizer.addGradient(
      share.count, c(weight) + share.lowerBound, c.kernels, to: gradient)
    guard let rule = c.update, !c.clipping.needsNorms else { return }
    if case .value(let limit) = c.clipping {
      c.kernels.pointee.clip(share.count, limit, gradient)
    }
    rule.apply(self, share, gradient: gradient, c)
  }

  /// Ends the Hessian product of elements `share` with the regulariser's part.
  func completeProduct(_ share: Range<Int>, _ c: BatchContext) {
    regularizer.addProduct(
      share.count, direction: c(direction) + share.lowerBound, c.kernels,
      to: c(product) + share.lowerBound)
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
package struct GradientPieces: BitwiseCopyable, Sendable {
  /// `rowCount` rows of the weight's gradient, then the bias' gradient.
  package var slot: ThreadSlot
  package var rowCount: Int

  package init(slot: ThreadSlot, rowCount: Int) {
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
