import FixedNet
import Foundation

/// A help text as it fits on the terminal: the parser breaks descriptions, but neither the line of usage nor a long list
/// without spaces.
enum HelpText {
  /// `columns`: of the terminal.
  static func wrapped(_ text: String, columns: Int) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { wrapped(line: $0, columns: max(20, columns)) }.joined(separator: "\n")
  }

  /// Breaks behind spaces and commas; what follows stands below the text: behind "USAGE: ", or as deep as the line.
  private static func wrapped(line: Substring, columns: Int) -> String {
    guard line.count > columns else { return String(line) }
    let depth = line.hasPrefix("USAGE: ") ? 7 : line.prefix { $0 == " " }.count
    let indentation = String(repeating: " ", count: min(depth, columns / 2))
    var (lines, current) = ([String](), "")
    for piece in pieces(of: line) {
      let width = current.count + piece.trimmingSuffix(" ").count
      if width > columns, !current.allSatisfy({ $0 == " " }) {
        lines.append(String(current.trimmingSuffix(" ")))
        current = indentation
      }
      current += piece
    }
    return (lines + [String(current.trimmingSuffix(" "))]).joined(separator: "\n")
  }

  /// The words with what may stand at a line's end: a space, or a comma. An option in brackets stays with its value.
  private static func pieces(of line: Substring) -> [Substring] {
    var pieces: [Substring] = []
    var (start, isInBrackets) = (line.startIndex, false)
    for index in line.indices {
      let character = line[index]
      if character == "[" { isInBrackets = true }
      if character == "]" { isInBrackets = false }
      guard character == "," || character == " ", !isInBrackets else { continue }
      pieces.append(line[start...index])
      start = line.index(after: index)
    }
    return pieces + [line[start...]]
  }
}

extension Substring {
  fileprivate func trimmingSuffix(_ character: Character) -> Substring {
    var rest = self
    while rest.last == character { rest.removeLast() }
    return rest
  }
}

extension String {
  fileprivate func trimmingSuffix(_ character: Character) -> Substring {
    self[...].trimmingSuffix(character)
  }
}
