import FixedNetCompute
import FixedNetCore

/// What a C library is to do, beside predicting.
package struct ExportOptions: Sendable {
  /// How the device trains.
  package struct Training: Sendable {
    package var optimizer: Optimizer
    package var clipping: Clipping
    /// nil: what the model's end asks for.
    package var loss: Loss?
    /// Samples of a mini-batch; 1 updates the weights layer by layer on the way back and keeps no gradient.
    package var batch: Int
    /// Of dropout.
    package var seed: UInt64
    /// Whether outputs may be computed again instead of kept.
    package var recomputes: Bool
    /// With `recomputes`: bytes that the working memory should fit into.
    package var memoryBudget: Int?

    package init(
      _ optimizer: Optimizer = .sgd, clipping: Clipping = .none, loss: Loss? = nil, batch: Int = 1,
      seed: UInt64 = 0, recomputes: Bool = false, memoryBudget: Int? = nil
    ) {
      (self.optimizer, self.clipping, self.loss) = (optimizer, clipping, loss)
      (self.batch, self.seed) = (batch, seed)
      (self.recomputes, self.memoryBudget) = (recomputes, memoryBudget)
    }
  }

  /// What the files and all names of the library begin with: a C identifier.
  package var name: String
  /// nil: the library only predicts.
  package var training: Training?
  /// What becomes of numbers below the smallest normal one; `keep` for processors that cannot flush them.
  package var subnormals: Subnormals

  package init(name: String, training: Training? = nil, subnormals: Subnormals = .flush) {
    self.name = name
    self.training = training
    self.subnormals = subnormals
  }
}
