/// The order in which the layers' backward steps run: each after those of all layers that read it, and of those that may
/// run the one that leaves least behind it, so that a small gradient waits and not a large one. The last layer of equals.
struct BackwardOrder {
  private let sources: [[Int]?]
  private let positions: [Int: Int]
  /// How many readings of each layer have not gone back.
  private var readings: [Int]
  private var ready: Set<Int>

  /// `sources`: the layers, by their numbers, that each reads; nil for one that nothing flows back to.
  /// `positions`: of the layers, by their numbers.
  init(_ sources: [[Int]?], _ positions: [Int: Int]) {
    self.sources = sources
    self.positions = positions
    readings = [Int](repeating: 0, count: sources.count)
    for source in sources.compactMap(\.self).joined() {
      if let position = positions[source] { readings[position] += 1 }
    }
    ready = Set(sources.indices.filter { [readings] in sources[$0] != nil && readings[$0] == 0 })
  }

  /// `growth`: how much more waits after a layer's step than before.
  mutating func next(_ growth: (Int) -> Int) -> Int? {
    guard let next = ready.min(by: { (growth($0), -$0) < (growth($1), -$1) }) else { return nil }
    ready.remove(next)
    for source in sources[next] ?? [] {
      guard let position = positions[source] else { continue }
      readings[position] -= 1
      if readings[position] == 0, sources[position] != nil { ready.insert(position) }
    }
    return next
  }
}
