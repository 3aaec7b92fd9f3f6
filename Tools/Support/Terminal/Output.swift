import FixedNet
import Foundation

// What a tool says goes through these functions and no others: names come from files that anybody may have made.

/// Prints one line on standard output, whatever texts it holds.
package func printLine(_ text: String = "") { print(OneLine.text(text)) }

/// Prints text of several lines, such as a table. The lines' own texts must have gone through `OneLine` or `TextTable`,
/// or a name could pass for a line; what would steer a terminal is escaped here too.
package func printLines(_ text: String) {
  for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
    printLine(String(line))
  }
}

/// Prints one object on one line, as strict JSON: numbers that are not finite are the strings "NaN", "Infinity" and
/// "-Infinity".
/// Source: ProtoJSON, which writes them like that.
package func printJSON(_ value: JSONValue) { print(value.strict.text) }

/// Draws a line of the terminal anew, as much of the text as there is room for; nothing: clears it.
package func redrawLine(_ text: String) {
  let room = TerminalWidth.room(of: STDOUT_FILENO)
  print("\r\(TextWidth.beginning(of: OneLine.text(text), room: room))\u{1B}[K", terminator: "")
  fflush(nil)
}

/// Prints the running tool's error, warning or note as one line on standard error, whatever it holds.
package func printError(_ text: String) {
  fflush(nil)
  writeError("\(RunningTool.name): \(OneLine.text(text))\n")
}

/// Prints one line on standard error that does not name the tool.
package func printNotice(_ text: String) { writeError("\(OneLine.text(text))\n") }

/// Writes to standard error as it is. Where that cannot be written nobody can be told.
private func writeError(_ text: String) {
  var rest = Array(text.utf8)[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    if count < 0, errno == EINTR { continue }
    guard count > 0 else { return }
    rest = rest.dropFirst(count)
  }
}

extension JSONValue {
  /// Without numbers that JSON does not have.
  fileprivate var strict: JSONValue {
    switch self {
    case .number(let value) where value.isNaN: .string("NaN")
    case .number(let value) where value.isInfinite: .string(value > 0 ? "Infinity" : "-Infinity")
    case .array(let values): .array(values.map(\.strict))
    case .object(let members): .object(members.mapValues(\.strict))
    default: self
    }
  }
}
