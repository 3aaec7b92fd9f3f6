/// How wide a text is where all characters have the same width, as on a terminal.
package enum TextWidth {
  /// The beginning of a text that has at most `room` columns.
  package static func beginning(of text: String, room: Int) -> String {
    var result = String.UnicodeScalarView()
    var used = 0
    for scalar in text.unicodeScalars {
      used += columns(of: scalar)
      guard used <= room else { break }
      result.append(scalar)
    }
    return String(result)
  }

  /// Columns of a text on one line.
  package static func columns(of text: String) -> Int {
    text.unicodeScalars.reduce(0) { $0 + columns(of: $1) }
  }

  /// 2 for the characters of East Asia and for pictures, 0 for marks on other characters, else 1.
  /// Source: Unicode Standard Annex 11, the blocks whose East Asian width is wide or full.
  private static func columns(of scalar: Unicode.Scalar) -> Int {
    if (0x20..<0x7F).contains(scalar.value) { return 1 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return 0
    default: break
    }
    return wide.contains { $0.contains(scalar.value) } ? 2 : 1
  }

  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x231A...0x231B, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F,
    0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
    0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF, 0x20000...0x3FFFD,
  ]
}

/// Tables of texts.
package enum TextTable {
  /// Rows as lines, the columns two spaces apart, those in `right` aligned to the right. Cells are names from files too: each
  /// stays on its line, and is cut off where it gets long.
  package static func lines(_ rows: [[String]], right: Set<Int>) -> [String] {
    let rows = rows.map { $0.map(OneLine.short) }
    let widths = (rows.first ?? []).indices.map { column in
      rows.map { TextWidth.columns(of: $0[column]) }.max() ?? 0
    }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let space = String(repeating: " ", count: widths[column] - TextWidth.columns(of: cell))
        line += (column > 0 ? "  " : "") + (right.contains(column) ? space + cell : cell + space)
      }
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}
