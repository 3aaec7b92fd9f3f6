import FixedNetCore

@testable import FixedNetCompute

/// Placement problems whose answers are known, and what is said of a placement without the planner's code.
enum PlacementProblems {
  /// Numbers by counter: the same problem for the same seed.
  struct Draw {
    private var reader: Philox.Reader

    init(seed: UInt64) { reader = Philox(seed: seed, stream: 17).reader() }

    mutating func callAsFunction(_ range: ClosedRange<Int>) -> Int {
      range.lowerBound + min(Int(reader.nextUnit() * Float(range.count)), range.count - 1)
    }
  }

  /// A rectangle of steps and bytes, cut into pieces that fill it: they fit into its height, and into nothing less.
  static func perfect(pieces: Int, steps: Int, units: Int, seed: UInt64) -> [Placement.Buffer] {
    var draw = Draw(seed: seed)
    var rectangles = [Rectangle(steps: 0..<steps, units: 0..<units)]
    while rectangles.count < pieces {
      // The largest of three, so that no piece stays much larger than the others.
      let index = (0..<3).map { _ in draw(0...(rectangles.count - 1)) }
        .max { rectangles[$0].area < rectangles[$1].area }!
      let rectangle = rectangles.remove(at: index)
      rectangles += draw(0...3) == 0 ? rectangle.pinwheel(&draw) : rectangle.halves(&draw)
    }
    var buffers = rectangles.map {
      Placement.Buffer(
        firstStep: $0.steps.lowerBound, lastStep: $0.steps.upperBound - 1,
        byteCount: $0.units.count * 1024)
    }
    // No order of the list may give the answer away.
    for index in buffers.indices.reversed() { buffers.swapAt(index, draw(0...index)) }
    return buffers
  }

  /// Pieces of a rectangle, some of which go on in another piece of their size that begins where they end: every step
  /// stays full, but what fitted may fit no longer.
  static func glued(pieces: Int, steps: Int, units: Int, seed: UInt64) -> [Placement.Buffer] {
    var buffers = perfect(pieces: pieces, steps: steps, units: units, seed: seed)
    var index = 0
    while index < buffers.count {
      let next = buffers.firstIndex {
        $0.firstStep == buffers[index].lastStep + 1 && $0.byteCount == buffers[index].byteCount
      }
      if let next {
        buffers[index].lastStep = buffers[next].lastStep
        buffers.remove(at: next)
        index = 0
      } else {
        index += 1
      }
    }
    return buffers
  }

  private struct Rectangle {
    var steps: Range<Int>
    var units: Range<Int>
    var area: Int { steps.count * units.count }

    func halves(_ draw: inout Draw) -> [Rectangle] {
      if units.count > 1 && (steps.count == 1 || draw(0...1) == 0) {
        let cut = draw((units.lowerBound + 1)...(units.upperBound - 1))
        return [
          Rectangle(steps: steps, units: units.lowerBound..<cut),
          Rectangle(steps: steps, units: cut..<units.upperBound),
        ]
      }
      guard steps.count > 1 else { return [self] }
      let cut = draw((steps.lowerBound + 1)...(steps.upperBound - 1))
      return [
        Rectangle(steps: steps.lowerBound..<cut, units: units),
        Rectangle(steps: cut..<steps.upperBound, units: units),
      ]
    }

    /// Four pieces around a fifth: no straight cut parts them.
    func pinwheel(_ draw: inout Draw) -> [Rectangle] {
      guard steps.count > 2, units.count > 2 else { return halves(&draw) }
      let (left, low) = (draw(1...(steps.count - 2)), draw(1...(units.count - 2)))
      let (a, b) = (steps.lowerBound + left, units.lowerBound + low)
      let c = draw((a + 1)...(steps.upperBound - 1))
      let d = draw((b + 1)...(units.upperBound - 1))
      return [
        Rectangle(steps: steps.lowerBound..<c, units: units.lowerBound..<b),
        Rectangle(steps: c..<steps.upperBound, units: units.lowerBound..<d),
        Rectangle(steps: a..<steps.upperBound, units: d..<units.upperBound),
        Rectangle(steps: steps.lowerBound..<a, units: b..<units.upperBound),
        Rectangle(steps: a..<c, units: b..<d),
      ]
    }
  }

  /// A training step of a network with skips: each output is kept until its gradient, each gradient until the step that
  /// reads it, scratch for a step; sums over a fork keep two gradients alive.
  static func network(layers: Int, seed: UInt64) -> [Placement.Buffer] {
    var draw = Draw(seed: seed)
    let end = 2 * layers
    var buffers: [Placement.Buffer] = []
    for layer in 0..<layers {
      let bytes = 64 * draw(1...(16 + 2000 / (layer + 1)))
      let skip = draw(0...3) == 0 ? draw(1...4) : 0
      buffers += [
        Placement.Buffer(firstStep: layer, lastStep: end - layer, byteCount: bytes),
        Placement.Buffer(
          firstStep: max(0, end - layer - 1 - skip), lastStep: end - layer, byteCount: bytes),
        Placement.Buffer(firstStep: layer, lastStep: layer, byteCount: 64 * draw(1...400)),
        Placement.Buffer(
          firstStep: end - layer, lastStep: end - layer, byteCount: 64 * draw(1...800)),
      ]
    }
    return buffers
  }

  // MARK: - Answers

  /// What is wrong with a placement; nil for a right one. Walks through time and keeps what is alive by offset.
  static func fault(_ buffers: [Placement.Buffer], _ solution: Placement.Solution) -> String? {
    guard solution.offsets.count == buffers.count else { return "not every buffer has an offset" }
    var used = 0
    for step in Set(buffers.map(\.firstStep)) {
      var end = 0
      let alive = buffers.indices.filter {
        buffers[$0].firstStep <= step && step <= buffers[$0].lastStep && buffers[$0].byteCount > 0
      }
      for index in alive.sorted(by: { solution.offsets[$0] < solution.offsets[$1] }) {
        if solution.offsets[index] < end { return "buffer \(index) overlaps at step \(step)" }
        end = solution.offsets[index] + buffers[index].byteCount
      }
      used = max(used, end)
    }
    return used == solution.byteCount ? nil : "\(used) bytes are used, not \(solution.byteCount)"
  }

  /// The least bytes, from every order in which buffers can be put to the lowest place that is free: in the order of the
  /// offsets of a best placement none comes to lie higher than there.
  /// `limit`, if fewer bytes than that do not suffice.
  static func leastByteCount(_ buffers: [Placement.Buffer], limit: Int = .max) -> Int {
    var best = limit
    var placed: [(buffer: Placement.Buffer, offset: Int)] = []
    func add(_ rest: [Placement.Buffer], _ top: Int) {
      if top >= best { return }
      if rest.isEmpty { best = top }
      for index in rest.indices {
        let buffer = rest[index]
        let meeting = placed.filter {
          $0.buffer.firstStep <= buffer.lastStep && buffer.firstStep <= $0.buffer.lastStep
        }
        let heights = [0] + meeting.map { $0.offset + $0.buffer.byteCount }
        let offset = heights.filter { height in
          meeting.allSatisfy {
            height + buffer.byteCount <= $0.offset || $0.offset + $0.buffer.byteCount <= height
          }
        }.min()!
        placed.append((buffer, offset))
        add(
          rest.enumerated().filter { $0.offset != index }.map(\.element),
          max(top, offset + buffer.byteCount))
        placed.removeLast()
      }
    }
    add(buffers, 0)
    return best
  }
}
