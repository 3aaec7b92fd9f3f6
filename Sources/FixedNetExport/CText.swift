/// Pieces of C.
enum CText {
  /// The same bits in C: the shortest decimal that is read back as this number.
  static func literal(_ value: Float) -> String {
    if value == .infinity { return "__builtin_inff()" }
    if value == -.infinity { return "-__builtin_inff()" }
    let text = "\(value)"
    return text + "f"
  }

  static func literal(_ value: Double) -> String { "\(value)" }

  /// `text` as a part of an identifier.
  static func identifier(_ text: String) -> String {
    let letters = text.unicodeScalars.map { scalar -> Character in
      let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9") ~= scalar)
      return isPlain ? Character(scalar) : "_"
    }
    let name = String(letters)
    return name.first?.isNumber ?? true ? "_" + name : name
  }

  /// Text that may stand behind //: a layer's name may be anything.
  static func comment(_ text: String) -> String {
    String(text.unicodeScalars.map { $0.value < 32 || $0 == "\\" ? " " : Character($0) })
  }

  /// Numbers in lines of at most 100 columns.
  static func rows(_ numbers: [String], indent: String = "    ") -> String {
    var lines: [String] = []
    var line = indent
    for number in numbers {
      if line.count + number.count + 2 > 99, line != indent {
        lines.append(line)
        line = indent
      }
      line += (line == indent ? "" : " ") + number + ","
    }
    return (lines + [line]).joined(separator: "\n")
  }

  /// The words of a text that could be C identifiers, but for those in comments.
  static func words(_ text: some StringProtocol) -> Set<String> {
    var words: Set<String> = []
    var word: [UInt8] = []
    let code = text.split(separator: "\n").map { line in
      String(line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line[...])
    }
    for byte in Array(code.joined(separator: "\n").utf8) + [0] {
      let isPart =
        byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte)
        || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      if isPart {
        word.append(byte)
      } else if !word.isEmpty {
        words.insert(String(decoding: word, as: UTF8.self))
        word = []
      }
    }
    return words
  }

  /// `code` behind a place, in floats; 0 is left out.
  static func place(_ base: String, _ offset: Int) -> String {
    offset == 0 ? base : "\(base) + \(offset)"
  }
}
