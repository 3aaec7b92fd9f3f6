import FixedNet
import ToolSupport

extension TrainingSetup {
  /// The plan for the whole mini-batch, or what of it the budget allows.
  /// Throws: `ModelError`, `ToolError` where nothing fits.
  func plan(threads: Int, budget: ByteCount?, recomputes: Bool) throws -> NetworkPlan {
    var wanted = PlanOptions(
      batch: state.batch, isTraining: true, threads: threads, loss: loss,
      optimizer: configuration.optimizer, clipping: clipping)
    wanted.recomputes = recomputes
    wanted.subnormals = state.subnormals
    if let augmentation { wanted.augmentation = augmentation }
    // A resumed run keeps its blocks: the order of the sums depends on them.
    if state.step > 0 { wanted.blockSize = state.blockSize }
    if let budget { return try MemoryBudget(model, wanted, budget).plan() }
    let plan = try NetworkPlan(model, options: wanted.asTrained).checkingRecomputation()
    if let file { try MemoryLimit.check(plan, of: file, budget: nil) }
    return plan
  }
}
