import FixedNet
import Testing

@Suite("JSON written and read")
struct JSONRoundTripTests {
  /// Values that a writer or a reader may get wrong.
  static let hard: [JSONValue] = [
    .integer(.min), .integer(.max), .integer(0), .integer(-1), .integer(1 << 53 + 1),
    .number(-0.0), .number(0.1), .number(1e-7), .number(1e16), .number(0x1p53), .number(-0x1p63),
    .number(.leastNonzeroMagnitude), .number(.leastNormalMagnitude), .number(1e22),
    .number(.greatestFiniteMagnitude), .number(-.greatestFiniteMagnitude), .number(.pi),
    .number(.infinity), .number(-.infinity), .number(.nan), .null, .bool(true), .bool(false), [],
    [:],
    .string(""), .string("\0\u{1}\u{1F} \"\\/\u{7F}\u{85}\u{A0}"), .string("\r\n\u{2028}\u{2029}"),
    .string("\u{FEFF}\u{FFFE}\u{FFFF}\u{10FFFF}\u{D7FF}\u{E000}"), .string("e\u{301}\u{E9}"),
    .string("\\u0041\\ud800"), .string("\u{202E}\u{1F468}\u{200D}\u{1F469}"), .string("NaN"),
  ]

  /// To the code point of a text, the sign of a zero, and NaN.
  private func isSame(_ a: JSONValue, _ b: JSONValue) -> Bool {
    switch (a, b) {
    case (.number(let a), .number(let b)):
      a.bitPattern == b.bitPattern || (a.isNaN && b.isNaN)
    case (.string(let a), .string(let b)): Array(a.utf8) == Array(b.utf8)
    case (.array(let a), .array(let b)):
      a.count == b.count && zip(a, b).allSatisfy { isSame($0, $1) }
    case (.object(let a), .object(let b)):
      a.count == b.count
        && a.allSatisfy { key, value in b[key].map { isSame(value, $0) } ?? false }
    default: a == b
    }
  }

  @Test("what is written is read as the same value", arguments: hard)
  func hardValues(value: JSONValue) throws {
    for whole in [value, [value, value], ["a": [value]]] {
      #expect(isSame(try JSONValue(parsing: whole.text), whole), "\(whole.text)")
    }
    if case .string(let text) = value {
      let object = JSONValue.object([text: 1])
      #expect(isSame(try JSONValue(parsing: object.text), object))
    }
  }

  @Test("a whole number that is written as a float is read as a whole one")
  func wholeNumbers() throws {
    for value in [0.0, 1, -2, 9_007_199_254_740_991] {
      #expect(JSONValue.number(value).text == "\(value)")
      #expect(try JSONValue(parsing: JSONValue.number(value).text) == .integer(Int(value)))
    }
  }

  @Test("random values are read as they were written")
  func random() throws {
    var generator = Generator(state: 16)
    for _ in 1...2_000 {
      let value = JSONRoundTripTests.value(&generator, depth: 0)
      let text = value.text
      let read = try JSONValue(parsing: text)
      #expect(isSame(read, value), "\(text)")
      #expect(read.text == text)
    }
  }

  private static func value(_ generator: inout Generator, depth: Int) -> JSONValue {
    switch Int.random(in: 0..<(depth < 5 ? 9 : 6), using: &generator) {
    case 0: return [.null, .bool(true), .bool(false)].randomElement(using: &generator) ?? .null
    case 1:
      return .integer(
        Int(truncatingIfNeeded: generator.next()) >> Int.random(in: 0..<64, using: &generator))
    case 2:
      let number = Double(bitPattern: generator.next())
      // A whole one is read as an integer.
      return Int(exactly: number) == nil && number.isFinite ? .number(number) : .number(0.5)
    case 3: return hard.randomElement(using: &generator) ?? .null
    case 4, 5: return .string(text(&generator))
    case 6: return .array((0..<4).map { _ in value(&generator, depth: depth + 1) })
    default:
      let members = (0..<4).map { _ in
        (text(&generator), value(&generator, depth: depth + 1))
      }
      return .object(Dictionary(members) { first, _ in first })
    }
  }

  /// Of code points that are escaped, hidden, combining or plain.
  private static func text(_ generator: inout Generator) -> String {
    var text = String.UnicodeScalarView()
    for _ in 0..<Int.random(in: 0..<12, using: &generator) {
      let limit: UInt32 =
        [0x20, 0x80, 0x800, 0x10000, 0x110000].randomElement(using: &generator) ?? 1
      if let scalar = Unicode.Scalar(UInt32.random(in: 0..<limit, using: &generator)) {
        text.append(scalar)
      }
    }
    return String(text)
  }

  /// SplitMix64.
  private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var word = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
      return word ^ (word >> 31)
    }
  }
}
