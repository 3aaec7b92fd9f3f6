import FixedNet
import FixedNetFiles
import ToolSupport

extension TrainingSetup {
  /// The plan for the whole mini-batch, or for the largest part of it that the budget allows. Parts have whole blocks of
  /// the batch's own size, so that the sums, and with them the weights, are those of the whole.
  /// Throws: `ModelError`, `ToolError` where no part fits.
  func plan(threads: Int, budget: ByteCount?) throws -> NetworkPlan {
    // A resumed run keeps its blocks: the order of the sums depends on them.
    let isResumed = state.step > 0
    func plan(_ batch: Int, blockSize: Int?) throws(ModelError) -> NetworkPlan {
      try NetworkPlan(
        model,
        options: PlanOptions(
          batch: batch, isTraining: true, threads: threads, blockSize: blockSize, loss: loss?.loss,
          optimizer: configuration.optimizer, clipping: clipping))
    }
    let whole = try plan(state.batch, blockSize: isResumed ? state.blockSize : nil)
    guard let budget, whole.memory.byteCount > budget.bytes else { return whole }
    if let layer = whole.couplingLayer {
      throw ToolError(
        "--memory-budget: \(budget.bytes) bytes are too few; a batch of \(state.batch) needs "
          + "\(whole.memory.byteCount), and '\(layer)' normalises over the whole batch, so it "
          + "cannot be run in parts")
    }
    let blockSize = whole.options.resolvedBlockSize
    let smallest = try plan(min(blockSize, state.batch), blockSize: blockSize)
    guard smallest.memory.byteCount <= budget.bytes else {
      let advice = blockSize > 1 ? "; batches below 8 run image by image and need less" : ""
      throw ToolError(
        "--memory-budget: \(budget.bytes) bytes are too few; \(threads) "
          + "thread\(threads == 1 ? "" : "s") with one block of \(blockSize) need "
          + "\(smallest.memory.byteCount)\(advice)")
    }
    // More blocks need more memory: bisect.
    var (fits, tooMany) = (1, whole.options.blockCount)
    while tooMany - fits > 1 {
      let middle = (fits + tooMany) / 2
      let byteCount = try plan(middle * blockSize, blockSize: blockSize).memory.byteCount
      if byteCount <= budget.bytes { fits = middle } else { tooMany = middle }
    }
    return try plan(min(fits * blockSize, state.batch), blockSize: blockSize)
  }
}
