import CSupport

/// Batch normalisation with the moving statistics, applied by the layer before it to its sums while they are in registers:
/// the bits of `BatchNormalizationInferenceOperation`.
///
/// Shapes: gamma, beta, mean, variance [C].
public struct OutputNormalization: BitwiseCopyable, Sendable {
  public var channels: Int
  public var epsilon: Float
  public var gamma: SharedSlot
  public var beta: SharedSlot
  public var movingMean: SharedSlot
  public var movingVariance: SharedSlot
  /// gamma / sqrt(movingVariance + epsilon) [C], a copy per thread.
  public var scale: ThreadSlot

  public init(
    channels: Int, epsilon: Float, gamma: SharedSlot, beta: SharedSlot, movingMean: SharedSlot,
    movingVariance: SharedSlot, scale: ThreadSlot
  ) {
    self.channels = channels
    self.epsilon = epsilon
    self.gamma = gamma
    self.beta = beta
    self.movingMean = movingMean
    self.movingVariance = movingVariance
    self.scale = scale
  }

  func prepare(_ c: BatchContext) {
    c.kernels.pointee.batchnorm_scale(
      Int32(truncatingIfNeeded: channels), epsilon, c(gamma), c(movingVariance), c(scale))
  }

  /// What the kernels take, from channel `first` on.
  func values(from first: Int, _ c: BlockContext) -> cs_normalization {
    cs_normalization(
      mean: c(movingMean) + first, scale: c(scale) + first, shift: c(beta) + first)
  }
}

/// Calls `body` with what the kernels take: NULL where there is no normalisation.
@inline(__always)
func withNormalization(
  _ normalization: OutputNormalization?, from first: Int = 0, _ c: BlockContext,
  _ body: (UnsafePointer<cs_normalization>?) -> Void
) {
  guard let normalization else { return body(nil) }
  withUnsafePointer(to: normalization.values(from: first, c)) { body($0) }
}
