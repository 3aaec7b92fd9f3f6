import FixedNetCompute
import FixedNetCore

/// What a C library is to do, beside predicting.
public struct ExportOptions: Sendable {
  /// How the device trains.
  public struct Training: Sendable {
    public var optimizer: Optimizer
    public var clipping: Clipping
    /// nil: what the model's end asks for.
    public var loss: Loss?
    /// Samples of a mini-batch; 1 updates the weights layer by layer on the way back and keeps no gradient.
    public var batch: Int
    /// Of dropout.
    public var seed: UInt64
    /// Whether outputs may be computed again instead of kept.
    public var recomputes: Bool
    /// With `recomputes`: bytes that the working memory should fit into.
    public var memoryBudget: Int?

    public init(
      _ optimizer: Optimizer = .sgd, clipping: Clipping = .none, loss: Loss? = nil, batch: Int = 1,
      seed: UInt64 = 0, recomputes: Bool = false, memoryBudget: Int? = nil
    ) {
      (self.optimizer, self.clipping, self.loss) = (optimizer, clipping, loss)
      (self.batch, self.seed) = (batch, seed)
      (self.recomputes, self.memoryBudget) = (recomputes, memoryBudget)
    }
  }

  /// What the files and all names of the library begin with: a C identifier.
  public var name: String
  /// nil: the library only predicts.
  public var training: Training?
  /// What becomes of numbers below the smallest normal one; `keep` for processors that cannot flush them.
  public var subnormals: Subnormals

  public init(name: String, training: Training? = nil, subnormals: Subnormals = .flush) {
    self.name = name
    self.training = training
    self.subnormals = subnormals
  }
}
