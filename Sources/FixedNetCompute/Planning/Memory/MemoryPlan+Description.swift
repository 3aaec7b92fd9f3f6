/// The plan as text: what `print(plan)` shows.
extension MemoryPlan: CustomStringConvertible {
  /// A line per slot, the totals, and the memory over time.
  public var description: String { text() }

  /// The same for a terminal of so many columns: copies are left out, names and bars become shorter where there is no
  /// room.
  package func text(columns: Int = .max) -> String {
    [table(columns: columns), totals, timeline(columns: columns)].joined(separator: "\n\n")
  }

  /// One line per slot in the order of the arena; lifetimes are step numbers, both included, as in `timeline`.
  /// Units: bytes.
  public var table: String { table(columns: .max) }

  private func table(columns: Int) -> String {
    var rows = [["offset", "bytes", "copies", "region", "scope", "steps", "name", "shape"]]
    for slot in slotsByOffset {
      rows.append([
        Format.grouped(arenaOffset(of: slot)), Format.grouped(slot.byteCount),
        copiesLabel(of: slot.scope),
        slot.region.rawValue, slot.scope.rawValue, lifetimeLabel(of: slot), slot.name,
        slot.shape.map(String.init).joined(separator: "x"),
      ])
    }
    guard MemoryPlan.width(rows) > columns else { return MemoryPlan.text(rows, right: [0, 1, 5]) }
    rows[0][3...4] = ["in", "of"]
    for (index, slot) in slotsByOffset.enumerated() {
      rows[index + 1][3...4] = [slot.region.letter, "\(slot.scope.rawValue.prefix(1))"]
    }
    for index in rows.indices { rows[index].remove(at: 2) }
    MemoryPlan.shorten(&rows, column: 5, by: MemoryPlan.width(rows) - columns)
    return MemoryPlan.text(rows, right: [0, 1, 4])
      + "\n(in: the region's letter, see below; of: s shared, t each thread, b each block)"
  }

  /// The bytes of every region, of the arena, and of the lower bound.
  public var totals: String {
    var rows: [[String]] = []
    for region in Region.allCases where byteCount(of: region) > 0 {
      rows.append([region.rawValue, Format.grouped(byteCount(of: region)), "bytes"])
    }
    let sum = Region.allCases.reduce(0) { $0 + byteCount(of: $1) }
    let above = 100 * (Double(byteCount) / Double(max(lowerBound, 1)) - 1)
    rows.append(["sum", Format.grouped(sum), "bytes, if no slot shared its place with another"])
    rows.append(["lower bound", Format.grouped(lowerBound), "bytes, the largest sum of live slots"])
    rows.append([
      "arena", Format.grouped(byteCount),
      "bytes (\(Format.binaryUnits(byteCount))), \(Format.fixed(above, 2)) % above the lower bound",
    ])
    return ["bytes by region, all copies:", MemoryPlan.text(rows, right: [1]), parts, placement]
      .compactMap { $0 }.joined(separator: "\n")
  }

  /// Whether a smaller arena is possible with these slots; nil where nobody asked.
  private var placement: String? {
    leastByteCount.map {
      "placement: " + MemoryPlan.verdict(byteCount: byteCount, leastByteCount: $0)
    }
  }

  /// How good a placement is, in words.
  package static func verdict(byteCount: Int, leastByteCount: Int) -> String {
    let gap = byteCount - leastByteCount
    if gap <= 0 { return "optimal" }
    let percent = 100 * Double(gap) / Double(max(leastByteCount, 1))
    return
      "at most \(Format.fixed(percent, 2)) % (\(Format.grouped(gap)) bytes) above the least possible"
  }

  /// The sum that the arena's size is.
  private var parts: String {
    let threads = "\(Format.grouped(layout.threadStride)) \(copiesLabel(of: .thread))"
    let blocks = "\(Format.grouped(layout.blockStride)) \(copiesLabel(of: .block))"
    return "arena = \(Format.grouped(layout.sharedByteCount)) shared + \(threads) + \(blocks)"
  }

  /// Parts between commas, on as many lines as they need with a bracket around them.
  private static func wrapped(_ parts: [String], _ columns: Int) -> String {
    var (lines, line) = ([String](), "")
    for part in parts {
      if !line.isEmpty, line.count + part.count + 5 > columns {
        lines.append(line + ",")
        line = part
      } else {
        line += (line.isEmpty ? "" : ", ") + part
      }
    }
    return (lines + [line]).joined(separator: "\n ")
  }

  /// Columns of the widest line of a table.
  private static func width(_ rows: [[String]]) -> Int {
    TextTable.lines(rows, right: []).map { TextWidth.columns(of: $0) }.max() ?? 0
  }

  /// Makes a column narrower, but not below 12: names lose their beginning, as the number of a layer and the weight are at
  /// their end; of a step it stays what it does.
  private static func shorten(_ rows: inout [[String]], column: Int, by excess: Int) {
    guard excess > 0 else { return }
    let room = max(12, (rows.map { $0[column].count }.max() ?? 0) - excess)
    for index in rows.indices where rows[index][column].count > room {
      let words = rows[index][column].split(separator: " ", maxSplits: 1)
      let verb = words.count > 1 && words[0].count < 9 ? "\(words[0]) " : ""
      let rest = rows[index][column].dropFirst(verb.count)
      rows[index][column] = "\(verb)..\(rest.suffix(max(4, room - verb.count - 2)))"
    }
  }

  /// The live bytes of every step as a bar, one letter per region, that a full arena would fill.
  public var timeline: String { timeline(columns: .max) }

  private func timeline(columns: Int) -> String {
    let widest = steps.map(\.count).max() ?? 0
    // The step's number, its name, the bar between two lines, the bytes.
    let others = "\(steps.count)".count + widest + Format.grouped(byteCount).count + 8
    let width = min(48, max(16, columns - min(others, columns)))
    let regions = Region.allCases.filter { byteCount(of: $0) > 0 }
    let live = regions.map { liveByteCounts(of: $0) }
    var rows = steps.enumerated().map { step, name in
      let counts = live.map { $0[step] }
      let bar = bar(Array(zip(regions, counts)), width: width)
      return ["\(step)", name, bar, Format.grouped(counts.reduce(0, +))]
    }
    MemoryPlan.shorten(&rows, column: 1, by: MemoryPlan.width(rows) - columns)
    let legend = MemoryPlan.wrapped(regions.map { "\($0.letter) \($0.rawValue)" }, columns)
    return "live bytes at every step, all copies; a full bar is the arena:\n(\(legend))\n"
      + MemoryPlan.text(rows, right: [0, 3])
  }

  private static func text(_ rows: [[String]], right: Set<Int>) -> String {
    TextTable.lines(rows, right: right).joined(separator: "\n")
  }

  /// The bytes of a region that hold something, all copies, step by step.
  private func liveByteCounts(of region: Region) -> [Int] {
    var change = [Int](repeating: 0, count: steps.count + 1)
    for slot in slots where slot.region == region {
      change[slot.firstStep] += slot.byteCount * copies(of: slot)
      change[slot.lastStep + 1] -= slot.byteCount * copies(of: slot)
    }
    var live = 0
    return change.dropLast().map { difference in
      live += difference
      return live
    }
  }

  private func bar(_ parts: [(region: Region, byteCount: Int)], width: Int) -> String {
    var text = ""
    var live = 0
    for part in parts {
      live += part.byteCount
      let end = (Double(live) * Double(width) / Double(max(byteCount, 1))).rounded()
      text += String(repeating: part.region.letter, count: max(0, Int(end) - text.count))
    }
    return "|" + text + String(repeating: " ", count: max(0, width - text.count)) + "|"
  }

  /// Slots as they lie in the arena, those that share a place in order of time.
  public var slotsByOffset: [PlannedSlot] {
    slots.sorted {
      (arenaOffset(of: $0), $0.firstStep, $0.name) < (arenaOffset(of: $1), $1.firstStep, $1.name)
    }
  }

  /// "x 8 blocks", or nothing for what exists once.
  func copiesLabel(of scope: Scope) -> String {
    switch scope {
    case .shared: ""
    case .thread: "x \(layout.threadCount) thread\(layout.threadCount == 1 ? "" : "s")"
    case .block: "x \(layout.blockCount) block\(layout.blockCount == 1 ? "" : "s")"
    }
  }

  private func lifetimeLabel(of slot: PlannedSlot) -> String {
    slot.firstStep == 0 && slot.lastStep == steps.count - 1
      ? "all" : "\(slot.firstStep)-\(slot.lastStep)"
  }
}

extension Region {
  /// What stands for the region in a bar of text.
  fileprivate var letter: String {
    switch self {
    case .parameters: "P"
    case .statistics: "S"
    case .constants: "C"
    case .gradients: "G"
    case .optimizer: "O"
    case .directions: "V"
    case .products: "H"
    case .activations: "a"
    case .scratch: "s"
    }
  }
}
