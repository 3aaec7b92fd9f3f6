/// Texts for error messages.
package enum OneLine {
  /// `text` with line breaks, control and invisible formatting characters written as JSON escapes: names come from files that
  /// anybody may have made, and must neither break a line nor steer a terminal.
  package static func text(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if isControl(scalar) {
        result += escape(scalar)
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Whether `text` has none of those.
  package static func isOne(_ text: String) -> Bool {
    !text.unicodeScalars.contains(where: isControl)
  }

  /// At most 120 characters of `text(_:)`, which counts them as code points: a letter may have thousands of accents.
  package static func short(_ text: String) -> String {
    let line = OneLine.text(text)
    let scalars = line.unicodeScalars
    return scalars.count > 120 ? String(scalars.prefix(117)) + "..." : line
  }

  /// "x, y, z", cut off where it gets long; "nothing".
  package static func list(_ names: [String]) -> String {
    names.isEmpty ? "nothing" : short(names.joined(separator: ", "))
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }

  private static func escape(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\n": return "\\n"
    case "\r": return "\\r"
    case "\t": return "\\t"
    default:
      return String(scalar).utf16.map { unit in
        let hex = String(unit, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      }.joined()
    }
  }
}
