import FixedNet
import FixedNetFiles
import ToolSupport

extension TrainingSetup {
  /// The plan for the whole mini-batch, or for the largest part of it that the budget allows. Parts have whole blocks of
  /// the batch's own size, so that the sums, and with them the weights, are those of the whole. A mini-batch of one block
  /// that does not fit is updated in the backward pass.
  /// Throws: `ModelError`, `ToolError` where nothing fits.
  func plan(threads: Int, budget: ByteCount?, recomputes: Bool) throws -> NetworkPlan {
    // A resumed run keeps its blocks: the order of the sums depends on them.
    var wanted = options(batch: state.batch, threads: threads, recomputes: recomputes)
    if state.step > 0 { wanted.blockSize = state.blockSize }
    let whole = try NetworkPlan(model, options: wanted.asTrained).checkingRecomputation()
    guard let budget else {
      if let file { try MemoryLimit.check(whole, of: file, budget: nil) }
      return whole
    }
    guard whole.memory.byteCount > budget.bytes else { return whole }
    let early = try planUpdatingInBackward(wanted)
    if let early, early.memory.byteCount <= budget.bytes { return early }
    if let layer = whole.couplingLayer {
      let least = min(whole.memory.byteCount, early?.memory.byteCount ?? .max)
      throw ToolError(
        "--memory-budget: \(budget.bytes) bytes are too few; a batch of \(state.batch) needs "
          + "\(least), and '\(layer)' normalises over the whole batch, so it cannot be run in parts"
      )
    }
    wanted.blockSize = wanted.resolvedBlockSize
    func part(blocks: Int) throws(ModelError) -> NetworkPlan {
      var options = wanted
      options.batch = min(blocks * wanted.resolvedBlockSize, state.batch)
      return try NetworkPlan(model, options: options)
    }
    let smallest = try early ?? part(blocks: 1)
    let threadsUsed = smallest.options.threads
    guard smallest.memory.byteCount <= budget.bytes else {
      throw ToolError(
        "--memory-budget: \(budget.bytes) bytes are too few; \(threadsUsed) "
          + "thread\(threadsUsed == 1 ? "" : "s") with one block of \(wanted.resolvedBlockSize) need \(smallest.memory.byteCount)"
          + (try advice(below: smallest.memory.byteCount)))
    }
    // More blocks need more memory: bisect.
    var (fits, tooMany) = (1, wanted.blockCount)
    while tooMany - fits > 1 {
      let middle = (fits + tooMany) / 2
      if try part(blocks: middle).memory.byteCount <= budget.bytes {
        fits = middle
      } else {
        tooMany = middle
      }
    }
    return try part(blocks: fits)
  }

  private func options(batch: Int, threads: Int, recomputes: Bool) -> PlanOptions {
    var options = PlanOptions(
      batch: batch, isTraining: true, threads: threads, loss: loss,
      optimizer: configuration.optimizer, clipping: clipping)
    options.recomputes = recomputes
    if let augmentation { options.augmentation = augmentation }
    return options
  }

  /// nil where the mini-batch has several blocks, or something needs the whole gradient.
  private func planUpdatingInBackward(_ options: PlanOptions) throws(ModelError) -> NetworkPlan? {
    guard options.updateObstacle == nil else { return nil }
    var options = options
    options.updatesInBackward = true
    return try NetworkPlan(model, options: options)
  }

  /// What needs less: one thread, batches of one image, and computing again.
  private func advice(below byteCount: Int) throws(ModelError) -> String {
    var least = byteCount
    var text = ""
    func offer(_ plan: NetworkPlan, _ how: String) {
      guard plan.memory.byteCount < least else { return }
      least = plan.memory.byteCount
      text += ", \(how) \(least)"
    }
    let again = try NetworkPlan(
      model, options: options(batch: 1, threads: 1, recomputes: true).asTrained)
    offer(
      try NetworkPlan(
        model, options: options(batch: 1, threads: 1, recomputes: false).asTrained),
      "--batch 1 --threads 1")
    offer(again, "--batch 1 --threads 1 --recompute")
    return text
  }
}
