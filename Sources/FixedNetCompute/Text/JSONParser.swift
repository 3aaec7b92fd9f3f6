/// Reads JSON as RFC 8259 has it, and the three words that Python's json module writes for numbers that are not finite:
/// NaN, Infinity and -Infinity. The text may be anybody's: every byte is looked at once, nothing is tried twice, and what
/// the value takes is bounded by `JSONValue`'s limits.
struct JSONParser {
  /// The text and a NUL, which ends it: JSON has none.
  private let bytes: [UInt8]
  private var position = 0
  private var depth = 0
  /// Values and keys so far, and the most there may be.
  private var count = 0
  private let countLimit: Int

  /// `factor`: of the limits of size and count.
  /// Throws: `JSONError.tooLarge`.
  init(_ text: String, factor: Int = 1) throws(JSONError) {
    guard text.utf8.count <= JSONValue.sizeLimit * factor else {
      throw .tooLarge(what: "bytes of text", limit: JSONValue.sizeLimit * factor, at: nil)
    }
    countLimit = JSONValue.countLimit * factor
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count + 1)
    bytes.append(contentsOf: text.utf8)
    bytes.append(0)
    self.bytes = bytes
  }

  /// The value that is the whole text.
  mutating func parse() throws(JSONError) -> JSONValue {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
      throw .malformed(
        expected: "UTF-8 without a byte order mark", found: "one at the start", at: place(0))
    }
    let value = try value()
    skipSpace()
    guard isAtEnd else { throw unexpected("the end of the text") }
    return value
  }

  private mutating func value() throws(JSONError) -> JSONValue {
    skipSpace()
    try countOne()
    switch bytes[position] {
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "["): return try array()
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: return try word()
    }
  }

  // MARK: - Lists and objects

  private mutating func array() throws(JSONError) -> JSONValue {
    try enter()
    defer { depth -= 1 }
    var values: [JSONValue] = []
    skipSpace()
    if take("]") { return .array(values) }
    repeat { values.append(try value()) } while try goesOn(until: "]")
    return .array(values)
  }

  private mutating func object() throws(JSONError) -> JSONValue {
    try enter()
    defer { depth -= 1 }
    var members: [(key: String, value: JSONValue, start: Int)] = []
    skipSpace()
    if take("}") { return .object([:]) }
    repeat {
      skipSpace()
      let start = position
      guard bytes[start] == UInt8(ascii: "\"") else { throw unexpected("a key in double quotes") }
      try countOne()
      let key = try string()
      guard key.utf8.count <= JSONValue.keyLimit else {
        throw .tooLarge(what: "bytes in a key", limit: JSONValue.keyLimit, at: place(start))
      }
      skipSpace()
      guard take(":") else { throw unexpected("':'") }
      members.append((key, try value(), start))
    } while try goesOn(until: "}")
    // Once all are known: a dictionary that grows hashes its keys again.
    var object = [String: JSONValue](minimumCapacity: members.count)
    for (key, value, start) in members {
      // Swift takes keys that differ only in how an accent is composed for equal: neither may be lost.
      guard object.updateValue(value, forKey: key) == nil else {
        throw .duplicateKey(key, at: place(start))
      }
    }
    return .object(object)
  }

  private mutating func enter() throws(JSONError) {
    depth += 1
    guard depth <= JSONValue.depthLimit else {
      throw .tooDeep(limit: JSONValue.depthLimit, at: place(position))
    }
    position += 1
  }

  /// Whether a comma follows, and not `end`.
  private mutating func goesOn(until end: Unicode.Scalar) throws(JSONError) -> Bool {
    skipSpace()
    if take(",") { return true }
    if take(end) { return false }
    throw unexpected("',' or '\(end)'")
  }

  // MARK: - Texts

  private mutating func string() throws(JSONError) -> String {
    let start = position
    position += 1
    skipPlain()
    if take("\"") { return try checked(bytes[(start + 1)..<(position - 1)], start) }
    var unescaped = Array(bytes[(start + 1)..<position])
    while !take("\"") {
      guard take("\\") else {
        throw unexpected(
          isAtEnd ? "'\"' at the end of a string" : "no control character in a string")
      }
      try escape(into: &unescaped)
      let plain = position
      skipPlain()
      unescaped.append(contentsOf: bytes[plain..<position])
    }
    return try checked(unescaped[...], start)
  }

  /// Skips what stands for itself in a text.
  private mutating func skipPlain() {
    while bytes[position] >= 0x20, bytes[position] != UInt8(ascii: "\""),
      bytes[position] != UInt8(ascii: "\\")
    { position += 1 }
  }

  /// Swift compares texts in their normal form, and sorts the marks on a letter for it in time of their number squared:
  /// there may be as many as in Unicode's stream-safe text.
  private func checked(_ bytes: ArraySlice<UInt8>, _ start: Int) throws(JSONError) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    guard !bytes.allSatisfy({ $0 < 0x80 }) else { return text }
    var markCount = 0
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .nonspacingMark, .spacingMark, .enclosingMark: markCount += 1
      default: markCount = 0
      }
      guard markCount <= JSONValue.markLimit else {
        throw .tooLarge(
          what: "combining marks in a row", limit: JSONValue.markLimit, at: place(start))
      }
    }
    return text
  }

  /// What follows a backslash.
  private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
    let byte = bytes[position]
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      text.append(contentsOf: try escapedScalar().utf8)
      return
    default: throw unexpected("one of \" \\ / b f n r t u after a backslash")
    }
    position += 1
  }

  /// The code point of one \uXXXX, or of two that are a pair.
  private mutating func escapedScalar() throws(JSONError) -> Unicode.Scalar {
    let start = position - 1
    let unit = try hexadecimal()
    if let scalar = Unicode.Scalar(unit) { return scalar }
    let end = position
    if unit < 0xDC00, take("\\"), bytes[position] == UInt8(ascii: "u") {
      let low = try hexadecimal()
      if (0xDC00...0xDFFF).contains(low),
        let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
      {
        return scalar
      }
    }
    throw .malformed(
      expected: "both halves of a surrogate pair", found: "\(text(start..<end)) alone",
      at: place(start))
  }

  /// The four digits after the u at `position`.
  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      position += 1
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 + UInt32(byte & 0xF)
      case UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "a")...UInt8(ascii: "f"):
        value = value << 4 + UInt32(byte & 0xF) + 9
      default: throw unexpected("four hexadecimal digits after \\u")
      }
    }
    position += 1
    return value
  }

  // MARK: - Numbers and words

  /// A whole number that an `Int` can be is one, however it is written, as far as a float64 tells it from its
  /// neighbours: 2.0 is 2. But -0.0 keeps its sign.
  private mutating func number() throws(JSONError) -> JSONValue {
    let start = position
    var isWhole = true
    if take("-"), isLetter {
      skipLetters()
      if text(start..<position) == "-Infinity" { return .number(-.infinity) }
      position = start + 1
    }
    if take("0") {
      guard !isDigit else { throw unexpected("no digit after a leading 0") }
    } else {
      try digits(after: "'-'")
    }
    if take(".") {
      isWhole = false
      try digits(after: "'.'")
    }
    if take("e") || take("E") {
      isWhole = false
      if !take("+") { _ = take("-") }
      try digits(after: "'e'")
    }
    guard position - start <= JSONValue.numberLimit else {
      throw .tooLarge(
        what: "characters in a number", limit: JSONValue.numberLimit, at: place(start))
    }
    let text = text(start..<position)
    if isWhole, let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else {
      throw .number(text.prefix(40) + (text.utf8.count > 40 ? "..." : ""), at: place(start))
    }
    guard abs(value) < 0x1p53, let whole = Int(exactly: value),
      value != 0 || value.sign == .plus
    else { return .number(value) }
    return .integer(whole)
  }

  /// At least one digit.
  private mutating func digits(after before: String) throws(JSONError) {
    guard isDigit else { throw unexpected("a digit after \(before)") }
    while isDigit { position += 1 }
  }

  private mutating func word() throws(JSONError) -> JSONValue {
    let start = position
    skipLetters()
    switch text(start..<position) {
    case "null": return .null
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "NaN": return .number(.nan)
    case "Infinity": return .number(.infinity)
    default:
      position = start
      throw unexpected("a value")
    }
  }

  // MARK: - Bytes

  private var isAtEnd: Bool { position == bytes.count - 1 }

  private var isDigit: Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position])
  }

  private var isLetter: Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(bytes[position] | 0x20)
  }

  private mutating func skipLetters() {
    while isLetter { position += 1 }
  }

  private mutating func skipSpace() {
    while true {
      switch bytes[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  /// Skips the character where it is the next one.
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func countOne() throws(JSONError) {
    count += 1
    guard count <= countLimit else {
      throw .tooLarge(what: "values and keys", limit: countLimit, at: place(position))
    }
  }

  private func text(_ range: Range<Int>) -> String {
    String(decoding: bytes[range], as: UTF8.self)
  }

  // MARK: - Errors

  /// What is at `position` is not what must be there.
  private func unexpected(_ expected: String) -> JSONError {
    .malformed(expected: expected, found: found, at: place(position))
  }

  /// What is at `position`: a word as far as it goes, else one character.
  private var found: String {
    guard !isAtEnd else { return "the end of the text" }
    let byte = bytes[position]
    if byte < 0x20 || byte == 0x7F {
      return "control character U+00" + (byte < 0x10 ? "0" : "")
        + String(byte, radix: 16, uppercase: true)
    }
    var word = self
    word.skipLetters()
    if word.position > position {
      let end = min(word.position, position + 20)
      return "'\(text(position..<end))\(end < word.position ? "..." : "")'"
    }
    let start = text(position..<min(position + 4, bytes.count - 1))
    return "'\(start.unicodeScalars.first ?? "?")'"
  }

  /// Looks at the whole text before `offset`: for errors alone.
  private func place(_ offset: Int) -> JSONPlace {
    let line = bytes[..<offset].count { $0 == 0x0A } + 1
    let start = bytes[..<offset].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    // The first byte of a code point is none of those that go on.
    return JSONPlace(
      line: line, column: bytes[start..<offset].count { $0 & 0xC0 != 0x80 } + 1)
  }
}
