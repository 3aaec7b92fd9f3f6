import FixedNetCore

/// Places buffers with lifetimes in as few bytes as it can: first fit in four orders, and, where the best of them needs
/// more than the lower bound, an exact search with a limit on its nodes.
/// Source: Pisarchyk and Lee, "Efficient memory management for deep neural net inference", arXiv 2001.03288
/// (greedy by size); `PlacementSearch` for the search.
package enum Placement {
  /// What is placed.
  package struct Buffer: Sendable {
    /// Steps between which the buffer holds something, both included.
    package var firstStep: Int
    package var lastStep: Int
    package var byteCount: Int

    package init(firstStep: Int, lastStep: Int, byteCount: Int) {
      self.firstStep = firstStep
      self.lastStep = lastStep
      self.byteCount = byteCount
    }
  }

  /// Where the buffers are, and how good that is.
  package struct Solution: Sendable {
    /// Bytes from the start, in the order of the buffers.
    package var offsets: [Int]
    package var byteCount: Int
    /// No placement needs less: the largest sum of live buffers, or more where a search showed that nothing smaller
    /// exists. Units: bytes.
    package var lowerBound: Int
    /// What the search tried: it depends on the buffers alone, not on the machine.
    package var nodeCount: Int

    package var isOptimal: Bool { byteCount == lowerBound }
  }

  /// Nodes for one plan: a few times what the networks of the field need, well under a second where none is found.
  package static let planNodeLimit = 20_000

  /// Nodes that take a release build some seconds: fewer, where a node meets more buffers.
  package static func thoroughNodeLimit(_ buffers: [Buffer]) -> Int {
    let spanned = PlacementSpans(buffers).spans.reduce(0) { $0 + $1.count }
    return 3_000_000_000 / max(spanned, 1000)
  }

  /// Sets the offsets of `slots`; returns the bytes used.
  static func place(_ slots: inout [PlannedSlot]) -> Int {
    let solution = solve(slots)
    for index in slots.indices { slots[index].byteOffset = solution.offsets[index] }
    return solution.byteCount
  }

  /// Places whole cache lines: offsets and `lowerBound` are multiples of the arena's alignment.
  static func solve(_ slots: [PlannedSlot], nodeLimit: Int = planNodeLimit) -> Solution {
    solve(
      slots.map {
        Buffer(firstStep: $0.firstStep, lastStep: $0.lastStep, byteCount: $0.alignedByteCount)
      }, nodeLimit: nodeLimit)
  }

  /// Tries `nodeLimit` placements of a buffer at most. The first fit's offsets stay unless others need fewer bytes.
  package static func solve(_ buffers: [Buffer], nodeLimit: Int = planNodeLimit) -> Solution {
    let greedy = firstFit(buffers)
    var solution = Solution(
      offsets: greedy.offsets, byteCount: greedy.byteCount,
      lowerBound: largestLiveByteCount(buffers), nodeCount: 0)
    if solution.isOptimal { return solution }
    let found = PlacementParts(buffers).improved(nodeLimit: nodeLimit)
    solution.lowerBound = found.lowerBound
    solution.nodeCount = found.nodeCount
    if found.byteCount < solution.byteCount {
      solution.offsets = found.offsets
      solution.byteCount = found.byteCount
    }
    return solution
  }

  /// The largest sum of live slots. Units: bytes.
  static func lowerBound(_ slots: [PlannedSlot]) -> Int {
    largestLiveByteCount(
      slots.map {
        Buffer(firstStep: $0.firstStep, lastStep: $0.lastStep, byteCount: $0.byteCount)
      })
  }

  /// The largest sum of live buffers. Units: bytes.
  static func largestLiveByteCount(_ buffers: [Buffer]) -> Int {
    var changes: [(step: Int, byteCount: Int)] = []
    for buffer in buffers {
      changes.append((buffer.firstStep, buffer.byteCount))
      changes.append((buffer.lastStep + 1, -buffer.byteCount))
    }
    // At one step what ends goes before what begins.
    changes.sort { ($0.step, $0.byteCount) < ($1.step, $1.byteCount) }
    var live = 0
    var largest = 0
    for change in changes {
      live += change.byteCount
      largest = max(largest, live)
    }
    return largest
  }

  // MARK: - First fit

  /// Every buffer at the lowest free offset, in several orders, the best of which is kept.
  static func firstFit(_ buffers: [Buffer]) -> (offsets: [Int], byteCount: Int) {
    let orders: [(Buffer, Buffer) -> Bool] = [
      { ($1.byteCount, $0.firstStep) < ($0.byteCount, $1.firstStep) },
      { ($0.firstStep, $1.byteCount) < ($1.firstStep, $0.byteCount) },
      { ($1.lastStep, $1.byteCount) < ($0.lastStep, $0.byteCount) },
      {
        ($1.lastStep - $1.firstStep, $1.byteCount) < ($0.lastStep - $0.firstStep, $0.byteCount)
      },
    ]
    var best: (offsets: [Int], byteCount: Int)?
    for order in orders {
      let sequence = buffers.indices.sorted {
        if order(buffers[$0], buffers[$1]) { return true }
        if order(buffers[$1], buffers[$0]) { return false }
        return $0 < $1
      }
      let trial = firstFit(buffers, in: sequence)
      if best == nil || trial.byteCount < best!.byteCount { best = trial }
    }
    return best ?? ([], 0)
  }

  private static func firstFit(_ buffers: [Buffer], in sequence: [Int])
    -> (offsets: [Int], byteCount: Int)
  {
    var offsets = [Int](repeating: 0, count: buffers.count)
    var placed: [Int] = []
    var byteCount = 0
    for index in sequence {
      let buffer = buffers[index]
      let obstacles = placed.filter { buffers[$0].overlapsInTime(buffer) }
        .sorted { offsets[$0] < offsets[$1] }
      var offset = 0
      for other in obstacles {
        if offset + buffer.byteCount <= offsets[other] { break }
        offset = max(offset, offsets[other] + buffers[other].byteCount)
      }
      offsets[index] = offset
      byteCount = max(byteCount, offset + buffer.byteCount)
      placed.append(index)
    }
    return (offsets, byteCount)
  }
}

extension Placement.Buffer {
  func overlapsInTime(_ other: Placement.Buffer) -> Bool {
    firstStep <= other.lastStep && other.firstStep <= lastStep
  }
}
