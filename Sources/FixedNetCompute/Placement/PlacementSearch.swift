/// Whether buffers fit into a number of bytes: a depth-first search that fills the lowest gaps.
///
/// Only placements in which every buffer lies on the ground or on another one matter, and in which none could move into a
/// void below it. A niche is a run of sections at one height between higher ones; in one section of a niche either a
/// buffer that fits between the walls comes next, or nothing does up to the height at which something could. The
/// search chooses the niche and the section, and tries all of these. Sections that no buffer connects any more are
/// searched apart: if one side fails, so did the choice that separated them. States that failed are kept in a table.
/// Source: Moffitt, "MiniMalloc: A Lightweight Memory Allocator for Hardware-Accelerated Machine Learning", ASPLOS
/// 2023 (canonical placements, bounds per section, dominance, decomposition); the choice of a section by its
/// candidates, Jackson's bound and the table are additions.
final class PlacementSearch {
  enum Outcome { case found, impossible, undecided }

  /// Which section of all niches is filled next.
  enum Choice {
    /// The one with the fewest buffers to try.
    case fewestCandidates
    /// The one with the fewest bytes that may stay empty.
    case leastSlack
    case lowest
  }

  /// Sections that are still to be filled, in a list.
  private struct Task {
    var sections: Range<Int>
    /// The frame that separated them; -1 if none did.
    var parent: Int
    var next: Int
  }

  /// A choice, and what is tried for it.
  private struct Frame {
    var sections: Range<Int>
    var parent: Int
    var key: PlacementKey
    var section: Int
    var height: Int
    /// The height up to which nothing may follow.
    var emptyHeight: Int
    var nextOption: Int
    var optionEnd: Int
    var changeCount: Int
    var taskCount: Int
    /// The tasks after this one.
    var nextTask: Int
  }

  private static let leaveEmpty = -1

  private let state: PlacementState
  private var frames: ContiguousArray<Frame> = []
  private var tasks: ContiguousArray<Task> = []
  private var options: ContiguousArray<Int> = []
  private var failed: ContiguousArray<PlacementKey?> = []
  private(set) var nodeCount = 0

  init(_ spans: PlacementSpans, byteCounts: [Int]) {
    state = PlacementState(spans, byteCounts: byteCounts)
  }

  /// After `.found`. Units: bytes.
  var offsets: [Int] { (0..<state.bufferCount).map { state.offset[$0] } }

  /// Tries at most `nodeLimit` choices. `order`: all buffers, those first that are to be tried first.
  func run(_ capacity: Int, order: [Int], choice: Choice, nodeLimit: Int) -> Outcome {
    nodeCount = 0
    frames.removeAll(keepingCapacity: true)
    tasks.removeAll(keepingCapacity: true)
    options.removeAll(keepingCapacity: true)
    forgetFailures(nodeLimit: nodeLimit)
    if !state.start(capacity: capacity, order: order) { return .impossible }
    var task = separate(0..<state.sectionCount, parent: -1, next: -1)
    while task >= 0 {
      let (sections, parent, next) = (tasks[task].sections, tasks[task].parent, tasks[task].next)
      let key = state.key(of: sections)
      var frame = parent
      if failed[slot(of: key)] != key {
        open(sections, choice, key: key, parent: parent, nextTask: next)
        frame = frames.count - 1
      }
      switch advance(frame, nodeLimit: nodeLimit) {
      case .task(let next): task = next
      case .impossible: return .impossible
      case .undecided: return .undecided
      }
    }
    return .found
  }

  // MARK: - Steps

  private enum Step {
    case task(Int)
    case impossible, undecided
  }

  /// Goes back to a frame and takes its next option; without one, to the frame that depends on it.
  private func advance(_ from: Int, nodeLimit: Int) -> Step {
    var index = from
    while index >= 0 {
      frames.removeLast(frames.count - 1 - index)
      let frame = frames[index]
      state.undo(to: frame.changeCount)
      tasks.removeLast(tasks.count - frame.taskCount)
      options.removeLast(options.count - frame.optionEnd)
      if frame.nextOption == frame.optionEnd {
        failed[slot(of: frame.key)] = frame.key
        index = frame.parent
        continue
      }
      if nodeCount == nodeLimit { return .undecided }
      nodeCount += 1
      frames[index].nextOption += 1
      let option = options[frame.nextOption]
      let fits =
        option == Self.leaveEmpty
        ? state.leaveEmpty(frame.section, to: frame.emptyHeight, within: frame.sections)
        : state.place(option, at: frame.height, within: frame.sections)
      if fits { return .task(separate(frame.sections, parent: index, next: frame.nextTask)) }
    }
    return .impossible
  }

  /// Puts the runs of sections that buffers connect before the tasks from `next` on.
  private func separate(_ sections: Range<Int>, parent: Int, next: Int) -> Int {
    var first = next
    var end = sections.upperBound
    for section in sections.reversed()
    where section == sections.lowerBound || state.crossing[section - 1] == 0 {
      if state.remaining[section] > 0 {
        tasks.append(Task(sections: section..<end, parent: parent, next: first))
        first = tasks.count - 1
      }
      end = section
    }
    return first
  }

  /// Chooses a section and lists what may come next there.
  private func open(
    _ sections: Range<Int>, _ choice: Choice, key: PlacementKey, parent: Int, nextTask: Int
  ) {
    let (section, emptyHeight) = chooseSection(sections, choice)
    let height = state.floor[section]
    let firstOption = options.count
    for index in state.memberStart[section]..<state.memberStart[section + 1] {
      let buffer = state.members[index]
      if state.isPlaced[buffer] || state.leastOffset[buffer] != height { continue }
      if !options[firstOption...].contains(where: { isTwin($0, buffer) }) { options.append(buffer) }
    }
    if emptyHeight <= state.capacity - state.remaining[section] { options.append(Self.leaveEmpty) }
    frames.append(
      Frame(
        sections: sections, parent: parent, key: key, section: section, height: height,
        emptyHeight: emptyHeight, nextOption: firstOption, optionEnd: options.count,
        changeCount: state.changeCount, taskCount: tasks.count, nextTask: nextTask))
  }

  /// Whether two buffers can change places without a difference.
  private func isTwin(_ a: Int, _ b: Int) -> Bool {
    state.firstSection[a] == state.firstSection[b] && state.endSection[a] == state.endSection[b]
      && state.byteCount[a] == state.byteCount[b]
  }

  // MARK: - Choice

  /// The best section of all niches, and the height up to which it stays empty if nothing comes next.
  private func chooseSection(_ sections: Range<Int>, _ choice: Choice)
    -> (section: Int, emptyHeight: Int)
  {
    var best = (section: sections.lowerBound, niche: sections, wall: Int.max)
    var bestScore = (Int.max, Int.max, Int.max)
    var start = sections.lowerBound
    while start < sections.upperBound {
      let height = state.floor[start]
      var end = start + 1
      while end < sections.upperBound && state.floor[end] == height { end += 1 }
      let left = start == sections.lowerBound ? Int.max : state.floor[start - 1]
      let right = end == sections.upperBound ? Int.max : state.floor[end]
      if left > height && right > height {
        for section in start..<end {
          let score = score(section, height: height, choice, best: bestScore)
          if score < bestScore {
            bestScore = score
            best = (section, start..<end, min(left, right))
          }
        }
      }
      start = end
    }
    // The lowest that anything could come to lie on: a wall, or a buffer that is still to come.
    let smallest = smallestCandidate(in: best.niche, at: state.floor[best.section])
    return (best.section, min(best.wall, state.floor[best.section] + smallest))
  }

  private func score(
    _ section: Int, height: Int, _ choice: Choice, best: (Int, Int, Int)
  ) -> (Int, Int, Int) {
    let slack = state.capacity - height - state.remaining[section]
    func optionCount(limit: Int) -> Int {
      countCandidates(section, at: height, limit: limit) + (slack > 0 ? 1 : 0)
    }
    switch choice {
    case .fewestCandidates: return (optionCount(limit: best.0), slack, height)
    case .leastSlack:
      return (slack, slack > best.0 ? 0 : optionCount(limit: Int.max), height)
    case .lowest:
      return (height, slack, (height, slack) > (best.0, best.1) ? 0 : optionCount(limit: Int.max))
    }
  }

  /// The buffers that may lie at a section's floor; more than `limit` are not counted to the end.
  private func countCandidates(_ section: Int, at height: Int, limit: Int) -> Int {
    var count = 0
    for index in state.memberStart[section]..<state.memberStart[section + 1] {
      let buffer = state.members[index]
      if state.isPlaced[buffer] || state.leastOffset[buffer] != height { continue }
      count += 1
      if count > limit { break }
    }
    return count
  }

  /// The fewest bytes of a buffer that may lie at the floor of a niche.
  private func smallestCandidate(in niche: Range<Int>, at height: Int) -> Int {
    var smallest = Int.max - height
    for section in niche {
      for index in state.memberStart[section]..<state.memberStart[section + 1] {
        let buffer = state.members[index]
        if state.isPlaced[buffer] || state.leastOffset[buffer] != height { continue }
        smallest = min(smallest, state.byteCount[buffer])
      }
    }
    return smallest
  }

  // MARK: - Failures

  /// A table with room for the states of so many nodes, up to a megabyte or two.
  private func forgetFailures(nodeLimit: Int) {
    var count = 256
    while count < 65_536 && count < nodeLimit { count *= 2 }
    failed = ContiguousArray(repeating: nil, count: count)
  }

  private func slot(of key: PlacementKey) -> Int { Int(key.high >> 40) & (failed.count - 1) }
}
