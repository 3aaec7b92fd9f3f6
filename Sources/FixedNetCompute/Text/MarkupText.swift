/// Texts as other languages take them literally: nothing in a name from a file is read as a command, a mark or an end.
package enum MarkupText {
  /// Between the tags of XML and HTML, and in double quotes there. What XML 1.0 forbids is written as JSON writes it, like all that
  /// is hidden (`OneLine`).
  package static func xml(_ text: String) -> String {
    var result = ""
    for scalar in OneLine.text(text).unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Rows of comma-separated values, a line each. Cells with commas or quotes are quoted (RFC 4180, line ends as on Unix).
  /// Line breaks and hidden characters are written as JSON writes them, so that a row is a line. A text that begins like a
  /// formula gets an apostrophe, or a spreadsheet would calculate it.
  package static func csv(_ rows: [[String]]) -> String {
    rows.map { $0.map(csvCell).joined(separator: ",") + "\n" }.joined()
  }

  private static func csvCell(_ text: String) -> String {
    var cell = OneLine.text(text)
    if let first = cell.unicodeScalars.first,
      "=+-@\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}"
        .unicodeScalars.contains(first), Double(cell) == nil
    {
      cell = "'" + cell
    }
    guard cell.unicodeScalars.contains(where: { $0 == "," || $0 == "\"" }) else { return cell }
    return "\"" + cell.replacing("\"", with: "\"\"") + "\""
  }

  /// Markdown that shows the text and nothing else, on one line.
  package static func markdown(_ text: String) -> String {
    var result = ""
    for scalar in OneLine.text(text).unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\\", "[", "]", "`", "*", "_", "|", "~", "$": result += "\\\(scalar)"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The text as Markdown's code: between more backticks than there are in it one after the other.
  package static func markdownCode(_ text: String) -> String {
    let text = OneLine.text(text)
    let longest = text.split(whereSeparator: { $0 != "`" }).map(\.utf8.count).max() ?? 0
    let fence = String(repeating: "`", count: longest + 1)
    let space = longest > 0 ? " " : ""
    return fence + space + text + space + fence
  }

  /// A row of Markdown's table from cells of Markdown: a bar in one does not end it.
  package static func markdownRow(_ cells: [String]) -> String {
    "| " + cells.map(markdownCell).joined(separator: " | ") + " |"
  }

  /// On one line, with every bar behind a backslash of its own.
  private static func markdownCell(_ cell: String) -> String {
    var result = ""
    var isEscaped = false
    for scalar in cell.unicodeScalars {
      if scalar == "|", !isEscaped { result += "\\" }
      isEscaped = scalar == "\\" && !isEscaped
      if OneLine.isHidden(scalar) {
        result += scalar == "\n" ? " " : OneLine.text(String(scalar))
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
