/// Texts for terminals and error messages, and the ground of all other forms (`MarkupText`, JSON, CSV, gnuplot).
package enum OneLine {
  /// `text` with line breaks, control and invisible characters written as JSON escapes: names come from files that anybody may
  /// have made, and must neither break a line, steer a terminal nor hide or turn around what is beside them.
  package static func text(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isHidden) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if isHidden(scalar) {
        result += escape(scalar)
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Whether `text` has none of those.
  package static func isOne(_ text: String) -> Bool {
    !text.unicodeScalars.contains(where: isHidden)
  }

  /// At most 120 characters of `text(_:)`.
  package static func short(_ text: String) -> String { short(text, limit: 120) }

  /// At most `limit` characters of `text(_:)`, counted as code points: a letter may have thousands of accents.
  package static func short(_ text: String, limit: Int) -> String {
    // What is cut off is not looked at: it may be megabytes.
    let line = OneLine.text(String(text.unicodeScalars.prefix(limit + 1)))
    let scalars = line.unicodeScalars
    return scalars.count > limit ? String(scalars.prefix(limit - 3)) + "..." : line
  }

  /// "x, 'y, z'", cut off where it gets long; "nothing". A name with a comma in it is quoted: it is one name.
  package static func list(_ names: [String]) -> String {
    let quoted = names.map { $0.contains(",") ? "'\($0)'" : $0 }
    return names.isEmpty ? "nothing" : short(quoted.joined(separator: ", "))
  }

  /// Whether a character does something else than to stand there: controls (C0, DEL, C1), formats (directions and their
  /// isolates, joiners, tags), separators of lines, and all that is drawn as nothing.
  /// Source: Unicode Standard, chapter 23; Default_Ignorable_Code_Point of its DerivedCoreProperties.
  package static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= 0x7F else { return scalar.value < 0x20 }
    let properties = scalar.properties
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: return true
    default: return properties.isDefaultIgnorableCodePoint || properties.isNoncharacterCodePoint
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
