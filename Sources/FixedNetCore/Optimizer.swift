import CSupport

/// One step of an optimiser: its formula and this step's rate.
public enum UpdateRule: BitwiseCopyable, Sendable {
  /// w = w - learningRate dw
  case sgd(learningRate: Float)

  /// Updates `count` weights from their gradients.
  func apply(
    _ kernels: UnsafePointer<cs_kernels>, count: Int, gradient: UnsafePointer<Float>,
    weight: UnsafeMutablePointer<Float>
  ) {
    switch self {
    case .sgd(let learningRate):
      kernels.pointee.sgd_update(count, learningRate, gradient, weight)
    }
  }
}

/// The learning rate as a function of the step (iterations since the start of training).
public enum Schedule: BitwiseCopyable, Sendable, Equatable {
  case constant(Float)

  public func rate(at step: Int) -> Float {
    switch self {
    case .constant(let rate): rate
    }
  }
}

/// A trainable parameter: where its values and their gradient live.
public struct Parameter: BitwiseCopyable, Sendable {
  public var weight: SharedSlot
  public var gradient: SharedSlot
  /// Values in each. Units: floats.
  public var count: Int

  public init(weight: SharedSlot, gradient: SharedSlot, count: Int) {
    self.weight = weight
    self.gradient = gradient
    self.count = count
  }

  /// The optimiser's step for elements `share`, whose gradients are complete.
  func update(_ share: Range<Int>, _ c: BatchContext) {
    guard let rule = c.update, !share.isEmpty else { return }
    rule.apply(
      c.kernels, count: share.count, gradient: c(gradient) + share.lowerBound,
      weight: c(weight) + share.lowerBound)
  }
}
