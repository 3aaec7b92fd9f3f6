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
      try Model(json: JSONValue(parsing: "\"a\\nb\""))
    }
    #expect(error.description.contains(#""a\nb""#))
    #expect(!error.description.unicodeScalars.contains("\n"))
  }

  @Test(
    "a number that no float64 holds is called so",
    arguments: [
      ("[1e999]", "1e999 (line 1, column 2)"),
      ("{\"a\": -1e400, \"b\": [1]}", "-1e400 (line 1, column 7)"),
      ("[\"1e999\", \"\\\"\",\n 2e308]", "2e308 (line 2, column 2)"),
      ("[NaN, 1E+999]", "1E+999 (line 1, column 7)"),
      (
        "[1" + String(repeating: "0", count: 400) + "]",
        "1" + String(repeating: "0", count: 39) + "... (line 1, column 2)"
      ),
    ])
  func outOfRange(text: String, digits: String) throws {
    let error = try #require(throws: JSONError.self) { try JSONValue(parsing: text) }
    #expect(error.description == "a number beyond float64: \(digits)")
  }

  @Test("what is written is JSON: control characters are escaped, NaN and infinity are Python's")
  func written() throws {
    let text = JSONValue.string("\u{1}\u{1F}\t\"\\é").text
    #expect(text == #""\u0001\u001f\t\"\\é""#)
    #expect(try JSONValue(parsing: text) == .string("\u{1}\u{1F}\t\"\\é"))
    #expect(
      JSONValue.array([.number(.nan), .number(.infinity), .number(-.infinity)]).text
        == "[NaN, Infinity, -Infinity]")
  }

  @Test(
    "names of classes become Keras' names of groups",
    arguments: [
      ("KLDivergence", "kl_divergence"), ("ReLU", "re_lu"), ("Conv2D", "conv2d"),
      ("AveragePooling2D", "average_pooling2d"), ("LSTMCell", "lstm_cell"),
    ])
  func snakeCase(name: String, expected: String) { #expect(SnakeCase.text(name) == expected) }

  @Test("numbers in texts and of large size are no obstacle")
  func inRange() throws {
    #expect(try JSONValue(parsing: "[\"1e999\", 1e308]") == ["1e999", 1e308])
    let error = try #require(throws: JSONError.self) { try JSONValue(parsing: "[\"1e999\" 1]") }
    #expect(error.description.hasPrefix("not JSON: "))
  }
}

extension JSONMessageTests {
  @Test("lists and objects show their values, shortened where they are long")
  func collections() throws {
    #expect(JSONValue.array([2, 2]).summary == "[2, 2]")
    #expect(try JSONValue(parsing: "[null, 28.5, \"a\\nb\"]").summary == #"[null, 28.5, "a\nb"]"#)
    #expect(JSONValue.object(["b": 1, "a": [true]]).summary == #"{"a": [true], "b": 1}"#)
    let long = JSONValue.array([JSONValue](repeating: 1, count: 5_000)).summary
    #expect(long.hasPrefix("a list of 5000: [1, 1, ") && long.hasSuffix("..."))
    #expect(long.utf8.count < 100)
    let members = (0..<50).map { ("key\($0)", JSONValue.integer($0)) }
    let object = JSONValue.object(Dictionary(uniqueKeysWithValues: members)).summary
    #expect(object.hasPrefix(#"{"key0": 0, "#) && object.utf8.count < 100)
    #expect(OneLine.isOne(JSONValue.object(["a\n": "\u{1B}[2J"]).summary))
  }
}
