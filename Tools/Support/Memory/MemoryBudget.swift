import FixedNet

/// Plans of a training run that keep to a number of bytes, all with the same result.
package struct MemoryBudget {
  private let model: Model
  /// The whole mini-batch; its blocks and their order are kept to.
  private let wanted: PlanOptions
  private let budget: Int

  /// `options`: what would be planned without a budget.
  package init(_ model: Model, _ options: PlanOptions, _ budget: ByteCount) {
    self.model = model
    wanted = options
    self.budget = budget.bytes
  }

  /// The first of these that fits: the whole mini-batch; a mini-batch of one block that is updated in the backward pass; the
  /// largest part of it, in whole blocks, so that the sums, and with them the weights, are those of the whole; the least of
  /// these with outputs that are computed again.
  /// Throws: `ModelError`, `ToolError` where nothing fits.
  package func plan() throws -> NetworkPlan {
    let whole = try plan(wanted.asTrained)
    if fits(whole) { return whole }
    var least = wanted.asTrained
    if wanted.updateObstacle == nil {
      least.updatesInBackward = true
      let early = try plan(least)
      if fits(early) { return early }
    } else if whole.couplingLayer == nil {
      least = parts(1)
      if try fits(plan(least)) { return try plan(parts(mostBlocks())) }
    }
    least.recomputes = true
    let again = try plan(least)
    guard !fits(again) else { return again }
    throw ToolError(try refusal(again))
  }

  /// What fits, with as little as possible computed again.
  private func plan(_ options: PlanOptions) throws(ModelError) -> NetworkPlan {
    var options = options
    options.memoryBudget = options.recomputes ? budget : nil
    return try NetworkPlan(model, options: options)
  }

  private func fits(_ plan: NetworkPlan) -> Bool { plan.memory.byteCount <= budget }

  private func parts(_ blocks: Int) -> PlanOptions {
    var options = wanted
    options.blockSize = wanted.resolvedBlockSize
    options.batch = min(blocks * wanted.resolvedBlockSize, wanted.batch)
    return options
  }

  /// Of a part that fits: more blocks need more memory.
  private func mostBlocks() throws(ModelError) -> Int {
    var (fitting, tooMany) = (1, wanted.blockCount)
    while tooMany - fitting > 1 {
      let middle = (fitting + tooMany) / 2
      if try fits(plan(parts(middle))) {
        fitting = middle
      } else {
        tooMany = middle
      }
    }
    return fitting
  }

  /// `least`: the smallest plan there is for these batches.
  private func refusal(_ least: NetworkPlan) throws(ModelError) -> String {
    let needed = least.memory.byteCount
    let start = "--memory-budget: \(budget) bytes are too few; "
    let again = least.recomputedLayers.isEmpty ? "" : ", with outputs computed again"
    if let layer = least.couplingLayer, least.options.blockCount > 1 {
      return start
        + "a batch of \(wanted.batch) needs \(needed)\(again), and '\(layer)' "
        + "normalises over the whole batch, so it cannot be run in parts"
        + (try advice(below: needed))
    }
    let threads = least.options.threads
    return start
      + "\(threads) thread\(threads == 1 ? "" : "s") with one block of "
      + "\(least.options.resolvedBlockSize) need \(needed)\(again)"
      + (try advice(below: needed))
  }

  /// What needs less: one thread and batches of one image.
  private func advice(below byteCount: Int) throws(ModelError) -> String {
    var options = wanted
    (options.batch, options.threads, options.blockSize) = (1, 1, nil)
    options.recomputes = true
    let least = try plan(options.asTrained)
    guard least.memory.byteCount < byteCount else { return "" }
    return ", --batch 1 --threads 1 \(least.memory.byteCount)"
  }
}
