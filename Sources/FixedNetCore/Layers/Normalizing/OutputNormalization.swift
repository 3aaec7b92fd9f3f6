import CSupport

/// Batch normalisation with the moving statistics, applied by the layer before it to its sums while they are in registers:
/// the bits of `BatchNormalizationInferenceOperation`.
///
/// Shapes: gamma, beta, mean, variance [C].
package struct OutputNormalization: BitwiseCopyable, Sendable {
  package var channels: Int
  package var epsilon: Float
  package var gamma: SharedSlot
  package var beta: SharedSlot
  package var movingMean: SharedSlot
  package var movingVariance: SharedSlot
  /// gamma / sqrt(movingVariance + epsilon) [C], a copy per thread.
  package var scale: ThreadSlot

  package init(
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
