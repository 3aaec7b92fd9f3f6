/// What the backward pass computes again, and when.
struct RecomputationSchedule {
  /// By the layer whose backward step comes next: the layers that run again before it, in their order. All by their
  /// positions in the walk.
  var again: [Int: [Int]] = [:]
  /// By the layer: those whose outputs its backward step reads.
  var reads: [Int: Set<Int>] = [:]
}

/// What a choice of outputs to compute again comes to.
struct RecomputationUsage {
  /// At every event: the steps of the forward pass, and of the backward pass with what runs again. Units: bytes, without
  /// what all threads share.
  var live: [Int] = []
  /// In multiply-adds for one image, see `DataFlow.Node.cost`.
  var cost = 0

  var peak: Int { live.max() ?? 0 }

  /// Bytes beyond `target`, added up over all events.
  func excess(over target: Int) -> Int { live.reduce(0) { $0 + max($1 - target, 0) } }
}

/// What is kept for the backward pass.
struct Retention {
  /// The level of an output that is never kept.
  static let never = Int.max

  /// For every layer, how many times its output is computed before it is kept: 0 keeps what the forward pass computes, 1
  /// what is computed again first, and so on. Before that it is computed whenever something needs it, and stays only until
  /// that is done.
  var levels: [Int]
  /// It stays, too, if one of so many steps that come next reads it. What a step reads itself stays until its last reader.
  var lookahead: Int
}

extension DataFlow {
  func schedule(_ retention: Retention) -> RecomputationSchedule {
    var run = ScheduleRun(self, retention)
    run.schedule = RecomputationSchedule()
    for step in backwardStart..<others.count { run.take(step) }
    return run.schedule ?? RecomputationSchedule()
  }

  /// What that schedule comes to.
  func usage(_ retention: Retention) -> RecomputationUsage {
    var run = ScheduleRun(self, retention)
    for step in backwardStart..<others.count { run.take(step) }
    return run.finished()
  }
}

/// The events of a training step, one after the other.
private struct ScheduleRun {
  private let flow: DataFlow
  private let levels: [Int]
  private let lookahead: Int
  /// How many steps that read anything there were.
  private var readerCount = 0
  /// nil where nobody asks for it.
  var schedule: RecomputationSchedule?
  private var usage = RecomputationUsage()
  private var isAvailable: [Bool]
  /// How many times each output was computed.
  private var counts: [Int]
  /// The events between which the last version of each output holds something.
  private var births: [Int]
  private var lastUses: [Int]
  private var versions: [(birth: Int, lastUse: Int, byteCount: Int)] = []

  init(_ flow: DataFlow, _ retention: Retention) {
    self.flow = flow
    levels = retention.levels
    lookahead = retention.lookahead
    isAvailable = zip(flow.nodes, levels).map { !$0.isDroppable || $1 == 0 }
    counts = [Int](repeating: 1, count: levels.count)
    births = flow.nodes.map(\.forwardStep)
    lastUses = births
    for node in flow.nodes {
      for source in node.sources { lastUses[source] = max(lastUses[source], node.forwardStep) }
    }
    usage.live = Array(flow.others[..<flow.backwardStart])
  }

  private var event: Int { usage.live.count }

  /// A step of the backward pass, and before it what it needs.
  mutating func take(_ step: Int) {
    guard let position = flow.backwardNodes[step] else {
      usage.live.append(flow.others[step])
      return
    }
    let reads = flow.nodes[position].reads
    var fresh: [Int] = []
    for read in reads { require(read, before: step, &fresh) }
    for read in reads { lastUses[read] = event }
    usage.live.append(flow.others[step])
    if schedule != nil {
      schedule?.reads[position] = Set(reads)
      schedule?.again[position] = fresh
    }
    for again in fresh
    where counts[again] <= levels[again] && !reads.contains(again) && !isReadSoon(again) {
      isAvailable[again] = false
    }
    if !reads.isEmpty { readerCount += 1 }
  }

  private func isReadSoon(_ position: Int) -> Bool {
    flow.nodes[position].readers.contains {
      $0 > readerCount && $0 <= readerCount + lookahead
    }
  }

  private mutating func require(_ position: Int, before step: Int, _ fresh: inout [Int]) {
    guard !isAvailable[position] else { return }
    let node = flow.nodes[position]
    for source in node.sources { require(source, before: step, &fresh) }
    for source in node.sources { lastUses[source] = event }
    versions.append((births[position], lastUses[position], node.byteCount))
    births[position] = event
    lastUses[position] = event
    usage.live.append(flow.across[step] + node.scratchByteCount)
    usage.cost += node.cost
    counts[position] += 1
    isAvailable[position] = true
    fresh.append(position)
  }

  mutating func finished() -> RecomputationUsage {
    for (position, node) in flow.nodes.enumerated() where node.isDroppable {
      let lastUse = node.staysForUpdate ? event - 1 : lastUses[position]
      versions.append((births[position], lastUse, node.byteCount))
    }
    var changes = [Int](repeating: 0, count: event + 1)
    for version in versions {
      changes[version.birth] += version.byteCount
      changes[version.lastUse + 1] -= version.byteCount
    }
    var sum = 0
    for index in usage.live.indices {
      sum += changes[index]
      usage.live[index] += sum
    }
    return usage
  }
}
