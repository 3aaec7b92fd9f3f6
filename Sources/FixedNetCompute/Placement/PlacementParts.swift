/// A placement problem cut into parts that do not touch each other, each of which is searched on its own.
///
/// Buffers whose lifetimes never meet, not even through others, are parts of their own. A buffer that is alive whenever
/// its part is lies at the bottom and leaves a smaller problem, which may fall apart again.
struct PlacementParts {
  private let offsets: [Int]
  private let byteCountBelow: Int
  private let parts: [PlacementPart]

  init(_ buffers: [Placement.Buffer]) {
    var offsets = [Int](repeating: 0, count: buffers.count)
    var byteCountBelow = 0
    var parts: [PlacementPart] = []
    let all = buffers.indices.filter { buffers[$0].byteCount > 0 }
    var pending = [(indices: all, base: 0)]
    while let (indices, base) = pending.popLast() {
      for group in Self.groups(indices, of: buffers) {
        let spans = PlacementSpans(group.map { buffers[$0] })
        var (rest, top) = ([Int](), base)
        for (index, span) in zip(group, spans.spans) {
          if span.count == spans.sectionCount {
            offsets[index] = top
            top += buffers[index].byteCount
          } else {
            rest.append(index)
          }
        }
        byteCountBelow = max(byteCountBelow, top)
        if rest.count == group.count {
          parts.append(PlacementPart(buffers, group, spans, base: base))
        } else if !rest.isEmpty {
          pending.append((rest, top))
        }
      }
    }
    self.offsets = offsets
    self.byteCountBelow = byteCountBelow
    self.parts = parts
  }

  /// Indices of buffers that are connected through time, in order of time.
  private static func groups(_ indices: [Int], of buffers: [Placement.Buffer]) -> [[Int]] {
    var groups: [[Int]] = []
    var end = Int.min
    for index in indices.sorted(by: { (buffers[$0].firstStep, $0) < (buffers[$1].firstStep, $1) }) {
      if groups.isEmpty || buffers[index].firstStep > end { groups.append([]) }
      groups[groups.count - 1].append(index)
      end = max(end, buffers[index].lastStep)
    }
    return groups
  }

  /// Searches until every part is at the bound, or until all nodes are used: rounds with more and more nodes for an
  /// attempt, in each of which the part that needs most is improved.
  func improved(nodeLimit: Int) -> Placement.Solution {
    func bound() -> Int { parts.map { $0.base + $0.lowerBound }.reduce(byteCountBelow, max) }
    var nodeCount = 0
    var growth = 1
    while nodeCount < nodeLimit {
      var isDone = true
      for part in parts where part.base + part.byteCount > bound() {
        nodeCount += part.improve(
          to: bound() - part.base, growth: growth, nodeLimit: nodeLimit - nodeCount)
        isDone = isDone && part.base + part.byteCount <= bound()
      }
      if isDone { break }
      growth *= 8
    }
    var solution = Placement.Solution(
      offsets: offsets, byteCount: byteCountBelow, lowerBound: bound(), nodeCount: nodeCount)
    for part in parts {
      for (index, offset) in zip(part.indices, part.offsets) {
        solution.offsets[index] = part.base + offset
      }
      solution.byteCount = max(solution.byteCount, part.base + part.byteCount)
    }
    return solution
  }
}

/// Lifetimes as ranges of sections. A section is a set of buffers that are alive together and that no larger such set
/// contains: two buffers meet in time just if they share a section.
struct PlacementSpans {
  let spans: [Range<Int>]
  let sectionCount: Int

  init(_ buffers: [Placement.Buffer]) {
    // A section lies at the last step of a buffer before which, since the section before, another began.
    let starts = buffers.map(\.firstStep).sorted()
    var sections: [Int] = []
    var next = 0
    for step in Set(buffers.map(\.lastStep)).sorted() {
      let begun = next
      while next < starts.count && starts[next] <= step { next += 1 }
      if next > begun { sections.append(step) }
    }
    spans = buffers.map { buffer in
      let first = sections.firstIndex { $0 >= buffer.firstStep }!
      return first..<(sections.lastIndex { $0 <= buffer.lastStep }! + 1)
    }
    sectionCount = sections.count
  }
}

/// One part: the best placement found, and the bound that is proven.
final class PlacementPart {
  /// The part's buffers among all, and where it begins. Units of `base`: bytes.
  let indices: [Int]
  let base: Int
  /// From the part's base. Units: bytes.
  private(set) var offsets: [Int]
  private(set) var byteCount: Int
  private(set) var lowerBound: Int
  private let buffers: [Placement.Buffer]
  private let spans: PlacementSpans
  /// Every height is a multiple of it.
  private let unit: Int
  private lazy var search = PlacementSearch(spans, byteCounts: buffers.map(\.byteCount))
  private lazy var orders = PlacementOrder.allCases.map { $0.sequence(buffers, spans) }

  init(_ all: [Placement.Buffer], _ indices: [Int], _ spans: PlacementSpans, base: Int) {
    self.indices = indices
    self.base = base
    self.spans = spans
    buffers = indices.map { all[$0] }
    unit = buffers.reduce(0) { Self.commonDivisor($0, $1.byteCount) }
    (offsets, byteCount) = Placement.firstFit(buffers)
    lowerBound = Placement.largestLiveByteCount(buffers)
  }

  private static func commonDivisor(_ a: Int, _ b: Int) -> Int {
    b == 0 ? a : commonDivisor(b, a % b)
  }

  /// Looks for a placement in `needed` bytes, then, halving the distance, for the smallest that one round finds: as
  /// many nodes for each attempt as `growth` times four for every buffer. Returns the nodes used.
  func improve(to needed: Int, growth: Int, nodeLimit: Int) -> Int {
    var used = 0
    /// Below it nothing was found in this round.
    var missed = max(lowerBound, needed)
    var target = missed
    var missesLeft = 2
    while target < byteCount && used < nodeLimit && missesLeft > 0 {
      let limit = 4 * growth * buffers.count
      let isDecided = attempt(target, limit: limit, nodeLimit: nodeLimit, used: &used)
      missesLeft = isDecided ? 2 : missesLeft - 1
      if !isDecided { missed = target }
      missed = max(missed, lowerBound)
      if byteCount <= missed { break }
      // The bound itself, where a proof raised it; else half of the distance.
      let step = (byteCount - missed) / 2 / unit * unit
      if isDecided && missed == lowerBound && target < missed {
        target = missed
      } else if step > 0 {
        target = missed + step
      } else {
        break
      }
    }
    return used
  }

  /// Whether a placement in `target` bytes was found or shown not to exist.
  private func attempt(_ target: Int, limit: Int, nodeLimit: Int, used: inout Int) -> Bool {
    for strategy in PlacementStrategy.all where used < nodeLimit {
      let order = orders[PlacementOrder.allCases.firstIndex(of: strategy.order)!]
      let outcome = search.run(
        target, order: order, choice: strategy.choice, nodeLimit: min(limit, nodeLimit - used))
      used += search.nodeCount
      switch outcome {
      case .found:
        offsets = search.offsets
        byteCount = zip(offsets, buffers).map { $0 + $1.byteCount }.max() ?? 0
        return true
      case .impossible:
        lowerBound = target + unit
        return true
      case .undecided: continue
      }
    }
    return false
  }
}

/// Which of several buffers is tried first: larger values first, in the order of the letters.
enum PlacementOrder: CaseIterable {
  case totalWidthArea, areaWidthTotal, sectionsSizeTotal, sizeWidthTotal, totalAreaWidth

  func sequence(_ buffers: [Placement.Buffer], _ spans: PlacementSpans) -> [Int] {
    var live = [Int](repeating: 0, count: spans.sectionCount)
    for (buffer, span) in zip(buffers, spans.spans) {
      for section in span { live[section] += buffer.byteCount }
    }
    let keys = zip(buffers, spans.spans).map { buffer, span in
      let total = span.map { live[$0] }.max() ?? 0
      let width = buffer.lastStep - buffer.firstStep + 1
      let size = buffer.byteCount
      let area = width.multipliedReportingOverflow(by: size).partialValue
      return switch self {
      case .totalWidthArea: (total, width, area)
      case .areaWidthTotal: (area, width, total)
      case .sectionsSizeTotal: (span.count, size, total)
      case .sizeWidthTotal: (size, width, total)
      case .totalAreaWidth: (total, area, width)
      }
    }
    return buffers.indices.sorted { keys[$0] == keys[$1] ? $0 < $1 : keys[$0] > keys[$1] }
  }
}

/// How a search goes about it. No strategy is good at all problems; those that are tried first solve most.
struct PlacementStrategy {
  var choice: PlacementSearch.Choice
  var order: PlacementOrder

  static let all: [PlacementStrategy] = [
    PlacementStrategy(choice: .fewestCandidates, order: .totalWidthArea),
    PlacementStrategy(choice: .fewestCandidates, order: .sectionsSizeTotal),
    PlacementStrategy(choice: .leastSlack, order: .sectionsSizeTotal),
    PlacementStrategy(choice: .fewestCandidates, order: .areaWidthTotal),
    PlacementStrategy(choice: .leastSlack, order: .totalAreaWidth),
    PlacementStrategy(choice: .lowest, order: .sizeWidthTotal),
  ]
}
