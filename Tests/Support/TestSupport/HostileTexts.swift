import Foundation

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// Texts that a file may hold, and the readers of other formats that must take them as texts.
public enum HostileTexts {
  /// Of all kinds: quotes, marks of every language that is written here, controls, what is hidden or turned around.
  public static let all: [String] = visible + hidden

  /// Nothing in these is invisible.
  public static let visible = [
    "it's \"quoted\" `id` $(id) ${HOME} %s %n", "a|b,c;d \\| e\\", "\"", "'; system 'id' #",
    "<script>alert(1)</script>&amp;&#60;<!-- ]]> -->",
    "](javascript:x) ![a](b) **bold** __x__ ~~s~~ # h", "=HYPERLINK(\"x\",\"y\")",
    "+1+cmd|' /C x'!A0",
    "@SUM(A1)", "-2+3", "{/=40 x}_a^b @macro \\n", "e\u{301} 数据集 😀",
    "x" + String(repeating: "y", count: 180),
  ]

  /// Every character of the last parts does something else than to stand there.
  public static let hidden = [
    "a\u{9B}31m\u{85}b\u{9D}0;t\u{9C}", "a\u{202E}gpj.exe\u{202C}\u{2066}x\u{2069}\u{200F}",
    "a\u{200B}\u{200D}\u{FEFF}\u{2060}b\u{AD}\u{34F}\u{115F}\u{3164}\u{FFA0}",
    "a\u{2028}plan: all is well\u{2029}b", "a\u{E0001}\u{E0041}\u{E007F}b\u{FE0F}\u{E0100}",
    "a\u{FFFE}\u{FFFF}\u{FFF9}b\u{1FFFE}",
  ]

  /// These too where a text need not be a name.
  public static let controls = [
    "a\nb: all is well\r\nc\u{B}\u{C}", "a\u{1B}[31m\u{1B}]0;t\u{7}\u{8}\u{7F}b\t\u{1}",
  ]

  /// The characters of a text that steer a terminal, break a line or are drawn as nothing; written down apart from the
  /// program's own rule.
  public static func hiddenCharacters(of text: String) -> [String] {
    let ranges: [ClosedRange<UInt32>] = [
      0x00...0x1F, 0x7F...0x9F, 0xAD...0xAD, 0x34F...0x34F, 0x61C...0x61C, 0x115F...0x1160,
      0x17B4...0x17B5, 0x180B...0x180F, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F,
      0x3164...0x3164, 0xFE00...0xFE0F, 0xFEFF...0xFEFF, 0xFFA0...0xFFA0, 0xFFF0...0xFFFB,
      0xFFFE...0xFFFF, 0x1FFFE...0x1FFFF, 0xE0000...0xE0FFF,
    ]
    return text.unicodeScalars.filter { scalar in ranges.contains { $0.contains(scalar.value) } }
      .map { String($0.value, radix: 16) }
  }

  /// The records of comma-separated values as RFC 4180 has them; nil where a quote is out of place.
  public static func csv(_ text: String) -> [[String]]? {
    var rows: [[String]] = [[]]
    var cell = ""
    var (isQuoted, wasQuoted) = (false, false)
    for scalar in text.unicodeScalars {
      if isQuoted, scalar == "\"" {
        (isQuoted, wasQuoted) = (false, true)
      } else if isQuoted {
        cell.unicodeScalars.append(scalar)
      } else if scalar == "\"" {
        guard cell.isEmpty || wasQuoted else { return nil }
        if wasQuoted { cell += "\"" }
        isQuoted = true
      } else if scalar == "," || scalar == "\n" {
        rows[rows.count - 1].append(cell)
        (cell, wasQuoted) = ("", false)
        if scalar == "\n" { rows.append([]) }
      } else {
        guard !wasQuoted else { return nil }
        cell.unicodeScalars.append(scalar)
      }
    }
    guard !isQuoted, cell.isEmpty, rows.removeLast().isEmpty else { return nil }
    return rows
  }

  /// The texts and the elements' names of XML; nil where it is not well-formed.
  public static func xml(_ data: Data) -> (texts: [String], elements: Set<String>)? {
    let reader = XMLTexts()
    let parser = XMLParser(data: data)
    parser.delegate = reader
    return parser.parse() ? (reader.texts, reader.elements) : nil
  }
}

private final class XMLTexts: NSObject, XMLParserDelegate {
  var texts: [String] = []
  var elements: Set<String> = []
  private var current = ""

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    elements.insert(name)
    current = ""
  }

  func parser(_ parser: XMLParser, foundCharacters text: String) { current += text }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) {
    if !current.isEmpty { texts.append(current) }
    current = ""
  }
}
