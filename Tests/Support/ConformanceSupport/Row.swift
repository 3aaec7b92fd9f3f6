import Foundation

/// What became of one case.
public enum Outcome: Sendable {
  /// The largest error, in the unit of its row.
  case passed(error: Double)
  /// The program said in a line that it does not do this. No failure, but no pass either.
  case refused
  /// `reason`: one line.
  case failed(reason: String)
}

/// A row of the table: one source of expected values.
public struct Row: Sendable {
  public var group: String
  public var passed = 0
  public var refused = 0
  public var failed = 0
  /// Cases of the source that say nothing about this program.
  public var skipped = 0
  /// Of the cases that passed.
  public var largestError = 0.0
  public var unit: String
  public var seconds = 0.0
  /// One line per case that failed.
  public var failures: [String] = []

  public init(_ group: String, unit: String = "", skipped: Int = 0) {
    self.group = group
    self.unit = unit
    self.skipped = skipped
  }

  public var cases: Int { passed + refused + failed }

  public mutating func add(_ name: String, _ outcome: Outcome) {
    switch outcome {
    case .passed(let error):
      passed += 1
      largestError = max(largestError, error)
    case .refused:
      refused += 1
    case .failed(let reason):
      failed += 1
      failures.append("\(group)/\(name): \(reason)")
    }
  }

  /// A row from what `run` adds to it, with the time that this took.
  public static func timed(_ row: Row, _ run: (inout Row) throws -> Void) rethrows -> Row {
    var row = row
    let start = Date()
    try run(&row)
    row.seconds = Date().timeIntervalSince(start)
    return row
  }
}

/// All rows, and how many cases of each must pass.
public struct Table: Sendable {
  public var rows: [Row]

  public init(_ rows: [Row]) { self.rows = rows }

  public var text: String {
    func right(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(1, width - text.count)) + text
    }
    func line(_ group: String, _ cells: [String], _ error: String, _ seconds: String) -> String {
      group.padding(toLength: 28, withPad: " ", startingAt: 0)
        + cells.map { right($0, 9) }.joined() + right(error, 15) + right(seconds, 9)
    }
    let head = line(
      "group", ["cases", "passed", "refused", "failed", "skipped"], "largest error", "seconds")
    let lines = rows.map { row in
      let cells = [row.cases, row.passed, row.refused, row.failed, row.skipped].map(String.init)
      let error =
        row.unit.isEmpty
        ? String(format: "%.1e", row.largestError)
        : String(format: "%.3g ", row.largestError) + row.unit
      return line(row.group, cells, error, String(format: "%.1f", row.seconds))
    }
    return ([head] + lines).joined(separator: "\n")
  }

  /// Every case that failed, and every row with fewer passes than `minimum` says. Empty: all is well.
  public func complaints(minimum: [String: Int]) -> [String] {
    rows.flatMap { row in
      let least = minimum[row.group]
      let missing =
        least == nil
        ? ["\(row.group): no count in the list of minimum counts"]
        : row.passed < least!
          ? ["\(row.group): \(row.passed) passed, at least \(least!) must"] : []
      return row.failures + missing
    }
  }

  /// The counts below which no row may fall: lines of group, tab, count; # begins a comment.
  public static func minimum(path: String) throws -> [String: Int] {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    var counts: [String: Int] = [:]
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let parts = line.split(separator: "\t")
      guard parts.count == 2, let count = Int(parts[1]), counts[String(parts[0])] == nil else {
        throw ConformanceError("\(path): a line must be a group, a tab and a count: \(line)")
      }
      counts[String(parts[0])] = count
    }
    return counts
  }
}

public struct ConformanceError: Error, CustomStringConvertible {
  public var description: String

  public init(_ description: String) { self.description = description }
}
