/// Chooses what the backward pass computes again, so that a step fits into a number of bytes at little cost.
///
/// Two ways are tried, and the cheaper result is taken. One drops outputs from everything kept on, those first that free
/// most bytes for their cost; the other keeps outputs from nothing kept on, those first that spare most multiply-adds.
/// Source of the idea that an output may be computed several times and kept only the later ones: Griewank and Walther,
/// "Algorithm 799: revolve", ACM TOMS 26 (2000).
struct RecomputationSearch {
  private let flow: DataFlow

  /// What dropping and keeping try, in this order.
  private static let levels = [0, 1, 2, 3, 4, Retention.never]

  private typealias Choice = (retention: Retention, usage: RecomputationUsage)

  init(_ flow: DataFlow) { self.flow = flow }

  private func choice(_ levels: [Int], lookahead: Int) -> Choice {
    let retention = Retention(levels: levels, lookahead: lookahead)
    return (retention, flow.usage(retention))
  }

  private func choice(_ retention: Retention, _ position: Int, level: Int) -> Choice {
    var retention = retention
    retention.levels[position] = level
    return (retention, flow.usage(retention))
  }

  /// Everything that the backward pass reads is kept. What it does not read goes, and is not kept for being needed by
  /// something else that is computed again.
  private var everything: Choice {
    let read = Set(flow.nodes.flatMap(\.reads))
    return choice(
      flow.nodes.indices.map { read.contains($0) ? 0 : Retention.never }, lookahead: 1)
  }

  private func nothing(lookahead: Int) -> Choice {
    choice(flow.nodes.map { $0.isDroppable ? Retention.never : 0 }, lookahead: lookahead)
  }

  /// For at most `target` bytes besides what is shared; nil where nothing was found.
  func cheapest(_ target: Int) -> Retention? {
    // What fits into less may be cheaper once it has more room.
    let tight = best((target + nothing(lookahead: 0).usage.peak) / 2)
    let found =
      (tight.map { keeping(target, from: $0) } ?? []) + [best(target)].compactMap(\.self)
    return found.min { $0.usage.cost < $1.usage.cost }?.retention
  }

  private func best(_ target: Int) -> Choice? {
    let everything = everything
    if everything.usage.peak <= target { return everything }
    var found = dropping(target, from: everything)
    for lookahead in [1, 2, 0] where lookahead > 0 || found.isEmpty {
      found += keeping(target, from: nothing(lookahead: lookahead))
    }
    return found.min { $0.usage.cost < $1.usage.cost }
  }

  /// The fewest bytes. `costLimit`: of what is computed again, see `DataFlow.Node.cost`.
  func least(costLimit: Int = .max) -> Retention {
    var best = everything
    var least = min(nothing(lookahead: 0).usage.peak, best.usage.peak) - 1
    for _ in 0..<10 where best.usage.peak - least > best.usage.peak / 64 {
      let middle = (least + best.usage.peak) / 2
      if let found = self.best(middle), found.usage.cost <= costLimit {
        best = found
      } else {
        least = middle
      }
    }
    return best.retention
  }

  // MARK: - Dropping

  /// Keeps outputs later, one after the other, until the rest fits.
  private func dropping(_ target: Int, from start: Choice) -> [Choice] {
    var current = start
    while current.usage.peak > target {
      guard let next = bestDrop(current, target) else { return [] }
      current = next
    }
    return keeping(target, from: current)
  }

  /// Where no output saves any of the bytes beyond the target, one is taken that does so of those beyond a lower mark: it
  /// makes room for the others.
  private func bestDrop(_ current: Choice, _ target: Int) -> Choice? {
    let trials = flow.nodes.indices.compactMap { position -> Choice? in
      let level = current.retention.levels[position]
      guard let next = RecomputationSearch.levels.first(where: { $0 > level }),
        flow.nodes[position].isDroppable
      else { return nil }
      return choice(current.retention, position, level: next)
    }
    let excess = current.usage.excess(over: target)
    for eighths in [8, 6, 4, 2, 0] {
      let mark = target / 8 * eighths
      let marked = current.usage.excess(over: mark)
      var best: Choice?
      var bestScore = 0.0
      for trial in trials where trial.usage.excess(over: target) <= excess {
        let saved = marked - trial.usage.excess(over: mark)
        let score = Double(saved) / Double(max(trial.usage.cost - current.usage.cost, 1))
        if score > bestScore { (best, bestScore) = (trial, score) }
      }
      if best != nil { return best }
    }
    return nil
  }

  // MARK: - Keeping

  /// An output that might be kept, and what that spared when it was tried last.
  private struct Candidate {
    var position: Int
    var level: Int
    var spared: Int
  }

  /// What comes of keeping outputs, or keeping them earlier, as long as the whole fits: those first that spare most, and
  /// those that spare most for their bytes. Nothing where it does not fit from the start.
  private func keeping(_ target: Int, from start: Choice) -> [Choice] {
    guard start.usage.peak <= target else { return [] }
    let candidates = flow.nodes.indices.filter { flow.nodes[$0].isDroppable }.flatMap { position in
      RecomputationSearch.levels.dropLast().compactMap { level in
        tried(Candidate(position: position, level: level, spared: 0), start, target)?.candidate
      }
    }
    return [false, true].map { keeping(target, from: start, candidates, perByte: $0) }
  }

  /// nil where nothing is spared, or too much memory needed.
  private func tried(_ candidate: Candidate, _ current: Choice, _ target: Int) -> (
    candidate: Candidate, choice: Choice
  )? {
    guard candidate.level < current.retention.levels[candidate.position] else { return nil }
    let trial = choice(current.retention, candidate.position, level: candidate.level)
    var candidate = candidate
    candidate.spared = current.usage.cost - trial.usage.cost
    guard trial.usage.peak <= target, candidate.spared > 0 else { return nil }
    return (candidate, trial)
  }

  /// What an output spares falls as others are kept, mostly: only the candidate that was best when it was tried is tried
  /// again (Minoux 1978, the accelerated greedy algorithm).
  private func keeping(
    _ target: Int, from start: Choice, _ candidates: [Candidate], perByte: Bool
  ) -> Choice {
    var (current, candidates) = (start, candidates)
    func score(_ candidate: Candidate) -> Double {
      Double(candidate.spared)
        / (perByte ? Double(flow.nodes[candidate.position].byteCount) : 1)
    }
    while let top = candidates.indices.max(by: { score(candidates[$0]) < score(candidates[$1]) }) {
      let candidate = candidates.remove(at: top)
      guard let (again, trial) = tried(candidate, current, target) else { continue }
      if score(again) >= candidates.map(score).max() ?? 0 {
        current = trial
      } else {
        candidates.append(again)
      }
    }
    return current
  }
}
