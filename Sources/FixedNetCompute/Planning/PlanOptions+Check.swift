import FixedNetCore

extension PlanOptions {
  /// The most threads that a plan may have.
  public static let threadLimit = 256

  /// Refuses numbers that no plan can have.
  /// Throws: `ModelError.option`, `.optimizer`.
  func check() throws(ModelError) {
    func check(_ key: String, _ value: Int, in range: ClosedRange<Int>) throws(ModelError) {
      guard range.contains(value) else {
        throw .option(
          key: key, expected: "from \(range.lowerBound) to \(range.upperBound)", found: "\(value)")
      }
    }
    try check("batch", batch, in: 1...Shape.elementLimit)
    try check("threads", threads, in: 1...PlanOptions.threadLimit)
    try check("workspaceCount", workspaceCount, in: 0...1 << 40)
    if let blockSize, ![1, 16].contains(blockSize) {
      throw .option(key: "blockSize", expected: "16 or 1", found: "\(blockSize)")
    }
    if let memoryBudget {
      try check("memoryBudget", memoryBudget, in: 1...1 << 47)
      guard recomputes else {
        throw .option(
          key: "memoryBudget", expected: "nil, or outputs that may be computed again (recomputes)",
          found: "\(memoryBudget)")
      }
    }
    if recomputes, !computesAgain {
      throw .option(
        key: "recomputes", expected: "false for inference and for a full-batch solver",
        found: "true")
    }
    guard isTraining else { return }
    try OptimizerConfiguration(optimizer: optimizer).check(clipping)
  }
}

extension OptimizerConfiguration {
  /// Refuses numbers that Keras refuses, and a schedule that has no rate: programs are held to what files are held to.
  /// Throws: `ModelError.optimizer`.
  func check(_ clipping: Clipping = .none) throws(ModelError) {
    let read = try OptimizerConfiguration.parse(
      OptimizerConfiguration.json(optimizer, learningRate: 1, clipping: clipping))
    guard read.clipping == clipping else {
      throw .optimizer(key: "clipping", expected: "a limit above 0, or none", found: "\(clipping)")
    }
    guard customRate == nil else { return }
    guard let rate = schedule.rate(ofChecked: 0), rate.isFinite, rate >= 0 else {
      throw .optimizer(
        key: "the schedule", expected: "rates of at least 0 over counts of at least 1",
        found: "\(schedule)")
    }
  }
}

extension Schedule {
  /// The rate of a step; nil for a schedule that a file would not be read with.
  fileprivate func rate(ofChecked step: Int) -> Double? {
    // A program may ask for a rate that breaks everything, and for none at all.
    if case .constant(let rate) = self { return rate }
    return Schedule(json: json, learningRate: .nan) == self ? rate(at: step) : nil
  }
}

extension ArenaLayout {
  /// Bytes that a processor has addresses for.
  private static let byteLimit = 1 << 47

  /// Refuses a memory whose size no processor has, before it is computed.
  /// Throws: `ModelError.option`.
  func check() throws(ModelError) {
    let parts = [(1, sharedByteCount), (threadCount, threadStride), (blockCount, blockStride)]
    for (count, stride) in parts where Shape.product([count, stride]) > ArenaLayout.byteLimit {
      throw .option(
        key: "the plan's memory", expected: "at most 2^47 bytes; plan a smaller batch or model",
        found: "\(count) times \(stride) bytes")
    }
  }
}
