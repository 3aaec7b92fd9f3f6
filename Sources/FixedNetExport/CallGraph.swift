/// Which functions of a file call which, and the stack that each one takes: what GCC writes with -fcallgraph-info=su.
struct CallGraph {
  /// Bytes of each function that was compiled.
  private var frames: [String: Int] = [:]
  private var calls: [String: Set<String>] = [:]

  /// What a function of the C library or of the compiler's may take: memcpy and memset of newlib take 24 at most, and the
  /// compiler's arithmetic for doubles 60.
  static let foreignStack = 64

  /// nil where the text says of no function what it takes, or of one that nobody knows it.
  init?(_ text: String) {
    for line in text.split(separator: "\n") {
      if line.hasPrefix("node:"), let title = CallGraph.field("title", of: line) {
        guard let label = CallGraph.field("label", of: line), label.contains(" bytes (") else {
          continue
        }
        guard label.contains(" bytes (static)"), let bytes = CallGraph.bytes(label) else {
          return nil
        }
        frames[CallGraph.name(title)] = bytes
      } else if line.hasPrefix("edge:"), let from = CallGraph.field("sourcename", of: line),
        let to = CallGraph.field("targetname", of: line)
      {
        calls[CallGraph.name(from), default: []].insert(CallGraph.name(to))
      }
    }
    guard !frames.isEmpty else { return nil }
  }

  /// The text between the quotes behind a name; GCC has no quotes in it.
  private static func field(_ name: String, of line: Substring) -> Substring? {
    guard let start = line.firstRange(of: "\(name): \"")?.upperBound else { return nil }
    return line[start...].prefix { $0 != "\"" }
  }

  /// "net.c:forward" is "forward".
  private static func name(_ title: Substring) -> String {
    String(title.split(separator: ":").last ?? title)
  }

  private static func bytes(_ label: Substring) -> Int? {
    let digits = label[..<(label.firstRange(of: " bytes (")?.lowerBound ?? label.startIndex)]
    return Int(String(digits.reversed().prefix { $0.isNumber }.reversed()))
  }

  /// The functions that these call, however indirectly, and themselves, in no order.
  func reached(from names: [String]) -> Set<String> {
    var reached: Set<String> = []
    var open = names.filter { frames[$0] != nil }
    while let name = open.popLast() {
      guard reached.insert(name).inserted else { continue }
      open += (calls[name] ?? []).filter { frames[$0] != nil }
    }
    return reached
  }

  /// Bytes of the deepest chain of calls from a function; what the user's functions take that the library is handed is not in
  /// it. nil for a function that was not compiled, or that can call itself.
  func depth(of name: String) -> Int? {
    guard frames[name] != nil else { return nil }
    var known: [String: Int] = [:]
    func depth(_ name: String, above: Set<String>) -> Int? {
      if name == "__indirect_call" { return 0 }
      guard let frame = frames[name] else { return CallGraph.foreignStack }
      if let found = known[name] { return found }
      guard !above.contains(name) else { return nil }
      var deepest = 0
      for callee in calls[name] ?? [] {
        guard let bytes = depth(callee, above: above.union([name])) else { return nil }
        deepest = max(deepest, bytes)
      }
      known[name] = frame + deepest
      return frame + deepest
    }
    return depth(name, above: [])
  }
}
