import FixedNet
import Testing

@Suite("JSON in messages")
struct JSONMessageTests {
  @Test("the summary of a text is one line of JSON, and short")
  func summary() throws {
    #expect(try JSONValue(parsing: "\"a\\nb\"").summary == #""a\nb""#)
    #expect(JSONValue.string("\u{1B}[2J\r\n\"\\").summary == #""\u001b[2J\r\n\"\\""#)
    #expect(JSONValue.string("\u{2028}\u{85}\u{202E}").summary == #""\u2028\u0085\u202e""#)
    #expect(
      JSONValue.string(String(repeating: "é", count: 41)).summary
        == "\"" + String(repeating: "é", count: 40) + "...\"")
    #expect(JSONValue.string(String(repeating: "é", count: 40)).summary.hasSuffix("é\""))
    // One character of a thousand scalars.
    #expect(
      JSONValue.string("e" + String(repeating: "\u{301}", count: 1_000)).summary.utf8.count < 100)
  }

  @Test("a model that is a text is refused in one line")
  func refused() throws {
    let error = try #require(throws: ModelError.self) {
      try SequentialModel(json: JSONValue(parsing: "\"a\\nb\""))
    }
    #expect(error.description.contains(#""a\nb""#))
    #expect(!error.description.unicodeScalars.contains("\n"))
  }

  @Test(
    "a number that no float64 holds is called so",
    arguments: [
      ("[1e999]", "1e999"), ("{\"a\": -1e400, \"b\": [1]}", "-1e400"),
      ("[\"1e999\", \"\\\"\", 2e308]", "2e308"),
      ("[NaN, 1E+999]", "1E+999"),
      (
        "[1" + String(repeating: "0", count: 400) + "]",
        "1" + String(repeating: "0", count: 39) + "..."
      ),
    ])
  func outOfRange(text: String, digits: String) throws {
    let error = try #require(throws: JSONError.self) { try JSONValue(parsing: text) }
    #expect(error.description == "a number beyond float64: \(digits)")
  }

  @Test("numbers in texts and of large size are no obstacle")
  func inRange() throws {
    #expect(try JSONValue(parsing: "[\"1e999\", 1e308]") == ["1e999", 1e308])
    let error = try #require(throws: JSONError.self) { try JSONValue(parsing: "[\"1e999\" 1]") }
    #expect(error.description.hasPrefix("not JSON: "))
  }
}
