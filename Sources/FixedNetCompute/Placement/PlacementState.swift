/// A placement that grows from the bottom, and can be taken back step by step.
///
/// Every section has a floor: nothing more will lie below it there. Between `base`, the top of what was placed last, and
/// the floor is a void. Every buffer that is not yet placed has a least offset, the highest floor of its sections or
/// more. All memory is allocated once; a change costs the buffers that it meets.
final class PlacementState {
  let bufferCount: Int
  let sectionCount: Int
  let firstSection: Cells<Int>
  let endSection: Cells<Int>
  let byteCount: Cells<Int>
  /// The buffers of section s in order of preference: `members[memberStart[s]..<memberStart[s + 1]]`.
  let memberStart: Cells<Int>
  let members: Cells<Int>
  /// The buffers that share a section with buffer b: `neighbours[neighbourStart[b]..<neighbourStart[b + 1]]`.
  private let neighbourStart: Cells<Int>
  private let neighbours: Cells<Int>
  /// Buffers in the order of their first sections; those of section s begin at `begunBefore[s]`.
  private let begunBefore: Cells<Int>
  private let byFirstSection: Cells<Int>
  /// Random bits of every buffer, for `key`.
  private let bits: Cells<UInt64>

  let floor: Cells<Int>
  private let base: Cells<Int>
  /// Bytes of what is not yet placed, and the exclusive or of its bits.
  let remaining: Cells<Int>
  private let remainingBits: Cells<UInt64>
  /// Buffers not yet placed that section s shares with s + 1.
  let crossing: Cells<Int>
  let leastOffset: Cells<Int>
  let isPlaced: Cells<Bool>
  let offset: Cells<Int>
  /// Bytes that are to suffice.
  private(set) var capacity = 0

  private enum Change {
    case floor(section: Int, Int)
    case base(section: Int, Int)
    case leastOffset(buffer: Int, Int)
    case placed(buffer: Int)
  }
  private var trail: ContiguousArray<Change> = []
  /// Sections that the current change touches have its number.
  private let touched: Cells<Int>
  private var changeNumber = 0
  /// For `fitsWithReleases`.
  private let releases: Cells<Int>
  private let releasedByteCounts: Cells<Int>

  init(_ spans: PlacementSpans, byteCounts: [Int]) {
    let spans = (spans: spans.spans, sectionCount: spans.sectionCount)
    bufferCount = byteCounts.count
    sectionCount = spans.sectionCount
    firstSection = Cells(spans.spans.map(\.lowerBound))
    endSection = Cells(spans.spans.map(\.upperBound))
    byteCount = Cells(byteCounts)
    var starts = [Int](repeating: 0, count: sectionCount + 1)
    for span in spans.spans { for section in span { starts[section + 1] += 1 } }
    for section in 0..<sectionCount { starts[section + 1] += starts[section] }
    memberStart = Cells(starts)
    members = Cells([Int](repeating: 0, count: starts[sectionCount]))
    let meeting = spans.spans.map { span in
      spans.spans.indices.filter { spans.spans[$0].overlaps(span) && spans.spans[$0] != span }
        + spans.spans.indices.filter { spans.spans[$0] == span }
    }
    neighbourStart = Cells(meeting.reduce(into: [0]) { $0.append($0.last! + $1.count) })
    neighbours = Cells(meeting.flatMap { $0 })
    let firsts = spans.spans.map(\.lowerBound)
    byFirstSection = Cells(firsts.indices.sorted { (firsts[$0], $0) < (firsts[$1], $1) })
    begunBefore = Cells((0...sectionCount).map { section in firsts.count { $0 < section } })
    bits = Cells((1...bufferCount).map { mixed(UInt64($0) &* 0x9E37_79B9_7F4A_7C15) })
    let sections = [Int](repeating: 0, count: sectionCount)
    let buffers = [Int](repeating: 0, count: bufferCount)
    (floor, base, remaining, crossing) = (
      Cells(sections), Cells(sections), Cells(sections), Cells(sections)
    )
    remainingBits = Cells(sections.map { _ in 0 })
    touched = Cells(sections)
    (leastOffset, offset, releases, releasedByteCounts) = (
      Cells(buffers), Cells(buffers), Cells(buffers), Cells(buffers)
    )
    isPlaced = Cells(buffers.map { _ in false })
  }

  /// Takes everything away. Whether the sections' sums fit.
  func start(capacity: Int, order: [Int]) -> Bool {
    self.capacity = capacity
    trail.removeAll(keepingCapacity: true)
    for section in 0..<sectionCount {
      (floor[section], base[section], remaining[section], crossing[section]) = (0, 0, 0, 0)
      remainingBits[section] = 0
    }
    var next = (0..<sectionCount).map { memberStart[$0] }
    for buffer in order {
      (leastOffset[buffer], offset[buffer], isPlaced[buffer]) = (0, 0, true)
      takeAway(buffer)
      for section in firstSection[buffer]..<endSection[buffer] {
        members[next[section]] = buffer
        next[section] += 1
      }
    }
    return (0..<sectionCount).allSatisfy { remaining[$0] <= capacity }
  }

  // MARK: - Changes

  /// How many changes there are to take back.
  var changeCount: Int { trail.count }

  func undo(to count: Int) {
    while trail.count > count {
      switch trail.removeLast() {
      case .floor(let section, let value): floor[section] = value
      case .base(let section, let value): base[section] = value
      case .leastOffset(let buffer, let value): leastOffset[buffer] = value
      case .placed(let buffer): takeAway(buffer)
      }
    }
  }

  private func takeAway(_ buffer: Int) {
    isPlaced[buffer] = false
    for section in firstSection[buffer]..<endSection[buffer] {
      remaining[section] += byteCount[buffer]
      remainingBits[section] ^= bits[buffer]
      if section + 1 < endSection[buffer] { crossing[section] += 1 }
    }
  }

  /// Puts a buffer at `height`, the floor of all its sections. False if the rest then cannot fit.
  func place(_ buffer: Int, at height: Int, within sections: Range<Int>) -> Bool {
    changeNumber += 1
    let top = height + byteCount[buffer]
    trail.append(.placed(buffer: buffer))
    isPlaced[buffer] = true
    offset[buffer] = height
    for section in firstSection[buffer]..<endSection[buffer] {
      trail.append(.floor(section: section, floor[section]))
      trail.append(.base(section: section, base[section]))
      (floor[section], base[section]) = (top, top)
      remaining[section] -= byteCount[buffer]
      remainingBits[section] ^= bits[buffer]
      if section + 1 < endSection[buffer] { crossing[section] -= 1 }
      touched[section] = changeNumber
    }
    for index in neighbourStart[buffer]..<neighbourStart[buffer + 1] {
      lift(neighbours[index], to: top)
    }
    return settles(within: sections)
  }

  /// Leaves a section empty up to `height`. False if the rest then cannot fit.
  func leaveEmpty(_ section: Int, to height: Int, within sections: Range<Int>) -> Bool {
    changeNumber += 1
    for index in memberStart[section]..<memberStart[section + 1] {
      lift(members[index], to: height)
    }
    return settles(within: sections)
  }

  private func lift(_ buffer: Int, to height: Int) {
    if isPlaced[buffer] || leastOffset[buffer] >= height { return }
    trail.append(.leastOffset(buffer: buffer, leastOffset[buffer]))
    leastOffset[buffer] = height
    for section in firstSection[buffer]..<endSection[buffer] { touched[section] = changeNumber }
  }

  // MARK: - Bounds

  /// Raises the floors of the sections that a change touched to the lowest of their buffers. False if a section
  /// overflows, or if a void that arose could hold a buffer: the placement with that buffer moved there is tried
  /// elsewhere.
  private func settles(within sections: Range<Int>) -> Bool {
    var raised: Range<Int>?
    let highest = sections.reduce(0) { max($0, floor[$1]) }
    for section in sections where touched[section] == changeNumber && remaining[section] > 0 {
      let least = lowestOffset(in: section)
      if least > floor[section] {
        trail.append(.floor(section: section, floor[section]))
        floor[section] = least
        raised = (raised?.lowerBound ?? section)..<(section + 1)
      }
      let slack = capacity - floor[section] - remaining[section]
      if slack < 0 { return false }
      // Only a buffer that lies higher than the slack can push others over the top.
      if highest - floor[section] > slack && !fitsWithReleases(section) { return false }
    }
    return raised.map { !hasFittingVoid(in: $0) } ?? true
  }

  /// The least offset of a section's buffers.
  private func lowestOffset(in section: Int) -> Int {
    var least = Int.max
    for index in memberStart[section]..<memberStart[section + 1] {
      let buffer = members[index]
      if isPlaced[buffer] || leastOffset[buffer] >= least { continue }
      least = leastOffset[buffer]
      if least == floor[section] { break }
    }
    return least
  }

  /// Jackson's bound for one machine: buffers that lie at h or higher need their sum above h.
  private func fitsWithReleases(_ section: Int) -> Bool {
    var count = 0
    for index in memberStart[section]..<memberStart[section + 1] {
      let buffer = members[index]
      if isPlaced[buffer] || leastOffset[buffer] == floor[section] { continue }
      var place = count
      while place > 0 && releases[place - 1] > leastOffset[buffer] {
        releases[place] = releases[place - 1]
        releasedByteCounts[place] = releasedByteCounts[place - 1]
        place -= 1
      }
      releases[place] = leastOffset[buffer]
      releasedByteCounts[place] = byteCount[buffer]
      count += 1
    }
    var sum = 0
    while count > 0 {
      count -= 1
      sum += releasedByteCounts[count]
      if releases[count] + sum > capacity { return false }
    }
    return true
  }

  private func hasFittingVoid(in sections: Range<Int>) -> Bool {
    for section in sections where touched[section] == changeNumber {
      let height = floor[section] - base[section]
      if height == 0 || remaining[section] == 0 { continue }
      for index in memberStart[section]..<memberStart[section + 1] {
        let buffer = members[index]
        if !isPlaced[buffer] && byteCount[buffer] <= height && fitsIntoVoid(buffer) { return true }
      }
    }
    return false
  }

  private func fitsIntoVoid(_ buffer: Int) -> Bool {
    var (low, high) = (0, Int.max)
    for section in firstSection[buffer]..<endSection[buffer] {
      low = max(low, base[section])
      high = min(high, floor[section])
      if high - low < byteCount[buffer] { return false }
    }
    return true
  }

  // MARK: - States

  /// 128 bits that say what is to be placed in some sections, and above what.
  func key(of sections: Range<Int>) -> PlacementKey {
    var key = PlacementKey(
      high: mixed(UInt64(sections.lowerBound) << 32 | UInt64(sections.upperBound)), low: 1)
    for section in sections {
      key.add(remainingBits[section])
      key.add(UInt64(floor[section]))
      key.add(UInt64(floor[section] - base[section]))
      for index in begunBefore[section]..<begunBefore[section + 1] {
        let buffer = byFirstSection[index]
        if !isPlaced[buffer] { key.add(UInt64(leastOffset[buffer])) }
      }
    }
    return key
  }
}

/// Two hashes of one sequence.
struct PlacementKey: Equatable {
  var high: UInt64
  var low: UInt64

  mutating func add(_ value: UInt64) {
    high = mixed(high ^ value)
    low = (low ^ value) &* 0xD6E8_FEB8_6659_FD93
    low ^= low >> 32
  }
}

/// The finaliser of SplitMix64.
private func mixed(_ value: UInt64) -> UInt64 {
  var bits = value
  bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
  bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
  return bits ^ (bits >> 31)
}

/// Values of a fixed number that are read and written without checks.
final class Cells<Value> {
  private let values: UnsafeMutablePointer<Value>
  let count: Int

  init(_ values: [Value]) {
    count = values.count
    self.values = .allocate(capacity: max(count, 1))
    for index in values.indices { (self.values + index).initialize(to: values[index]) }
  }

  deinit {
    values.deinitialize(count: count)
    values.deallocate()
  }

  subscript(index: Int) -> Value {
    get { values[index] }
    set { values[index] = newValue }
  }
}
