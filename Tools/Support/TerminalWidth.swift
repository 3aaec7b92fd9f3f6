import Foundation

/// How wide a terminal is, and how wide a text is on it.
public enum TerminalWidth {
  /// Of a terminal that does not say.
  public static let usual = 80

  /// Columns that a line may have so that it is redrawn in place: all but the last, behind which some terminals have
  /// begun the next line. Asked anew each time, as windows change. Allocates nothing.
  public static func room(of descriptor: Int32) -> Int {
    var size = winsize()
    let isKnown = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return (isKnown ? Int(size.ws_col) : usual) - 1
  }

  /// The beginning of a text that has at most `room` columns.
  public static func beginning(of text: String, room: Int) -> String {
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
  public static func columns(of text: String) -> Int {
    text.unicodeScalars.reduce(0) { $0 + columns(of: $1) }
  }

  /// 2 for the characters of East Asia and for pictures, 0 for marks on other characters, else 1.
  /// Source: Unicode Standard Annex 11, the blocks whose East Asian width is wide or full.
  private static func columns(of scalar: Unicode.Scalar) -> Int {
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
