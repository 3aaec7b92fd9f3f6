import FixedNet
import Testing

/// What is JSON and what is not. The kinds of cases are those of the public JSON test suites (RFC 8259), written by hand.
@Suite("JSON parser")
struct JSONParserTests {
  static let values: [(String, JSONValue)] = [
    // Structure.
    ("[]", []), (" [] ", []), ("[\n1\r\n\t]\n", [1]), ("[[]   ]", [[]]), ("{}", [:]),
    ("{\"\":0}", ["": 0]), ("[null, 1, \"1\", {}]", [nil, 1, "1", [:]]), ("false", false),
    ("null", nil), ("true", true), ("\"\"", ""), (" 42 ", 42),
    ("{\"a\":[{\"b\":{}}],\n\"c\" : null}", ["a": [["b": [:]]], "c": nil]),
    // Whole numbers.
    ("0", 0), ("-0", 0), ("-1", -1), ("123456", 123_456),
    ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
    // Whole numbers beyond Int are the nearest float64.
    ("9223372036854775808", .number(0x1p63)), ("-9223372036854775809", .number(-0x1p63)),
    ("123456789012345678901234567890", .number(1.2345678901234568e29)),
    // Numbers with a fraction or an exponent, whole ones as whole numbers.
    ("1.5", 1.5), ("-0.1", -0.1), ("2.0", 2), ("0.0", 0), ("0e0", 0), ("0E+1", 0), ("1e3", 1_000),
    ("1E3", 1_000), ("20e1", 200), ("1.5e1", 15), ("1e-2", 0.01), ("1E+2", 100),
    ("123.456e78", 1.23456e80), ("1E22", .number(1e22)), ("100e-2", 1),
    ("9007199254740991.0", .integer(9_007_199_254_740_991)),
    ("9007199254740993.0", .number(0x1p53)), ("1e18", .number(1e18)),
    ("1.7976931348623157e308", .number(.greatestFiniteMagnitude)),
    ("-1.7976931348623157E+308", .number(-.greatestFiniteMagnitude)),
    // Rounded to nearest, ties to even; below the least one, 0.
    ("5e-324", .number(5e-324)), ("2.4703282292062328e-324", .number(5e-324)), ("2e-324", 0),
    ("1e-999999999999999999999", 0), ("0e999999999999999999999", 0),
    ("0.1000000000000000055511151231257827021181583404541015625", 0.1),
    ("1.00000000000000011102230246251565404236316680908203125", 1),
    ("1.00000000000000011102230246251565404236316680908203126", .number(1.0.nextUp)),
    ("-0.0", .number(-0.0)), ("-1e-400", .number(-0.0)),
    // Texts.
    (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
    (#""\u0060\u012a\u12AB""#, "`\u{12A}\u{12AB}"),
    (#""\u0000""#, "\0"), (#""\\u0000""#, "\\u0000"), (#""\\""#, "\\"),
    (#""a/*b*/c//d""#, "a/*b*/c//d"),
    (#""\ud83d\ude39\uD83D\uDC8D""#, "\u{1F639}\u{1F48D}"), (#""\uDBFF\uDFFF""#, "\u{10FFFF}"),
    (#""\ud800\udc00x""#, "\u{10000}x"),
    (#""\uFFFF\uD7FF\uE000""#, "\u{FFFF}\u{D7FF}\u{E000}"),
    (
      "\"\u{7F}\u{A0}\u{2028}\u{2029}\u{FEFF}\u{1BFFF}\u{10FFFF}\"",
      "\u{7F}\u{A0}\u{2028}\u{2029}\u{FEFF}\u{1BFFF}\u{10FFFF}"
    ),
    (#""\u0065\u0301é日本""#, "e\u{301}é日本"), ("{\"a\\nb\\u0000\": \"'\"}", ["a\nb\0": "'"]),
    // Python's words.
    ("Infinity", .number(.infinity)), ("[-Infinity ]", [.number(-.infinity)]),
  ]

  @Test("reads what is JSON", arguments: values)
  func reads(text: String, value: JSONValue) throws {
    let read = try JSONValue(parsing: text)
    #expect(read == value)
    // To the sign of a zero, and to the code point of a text.
    #expect(Array(read.text.utf8) == Array(value.text.utf8))
  }

  @Test("reads Python's NaN")
  func notANumber() throws {
    guard case .array(let values) = try JSONValue(parsing: "[NaN,\nNaN]") else {
      Issue.record("no list")
      return
    }
    #expect(values.count == 2)
    for case .number(let value) in values { #expect(value.isNaN) }
  }

  static let end = "found the end of the text"

  static let refusals: [(String, String)] = [
    ("", "a value, \(end) (line 1, column 1)"), (" ", "a value, \(end) (line 1, column 2)"),
    // Lists.
    ("[", "a value, \(end) (line 1, column 2)"), ("[1", "',' or ']', \(end) (line 1, column 3)"),
    ("[\"a\",\n4\n,1,", "a value, \(end) (line 3, column 4)"),
    ("[1 2]", "',' or ']', found '2' (line 1, column 4)"),
    ("[1,]", "a value, found ']' (line 1, column 4)"),
    ("[,1]", "a value, found ',' (line 1, column 2)"),
    ("[1,,2]", "a value, found ',' (line 1, column 4)"),
    ("]", "a value, found ']' (line 1, column 1)"),
    ("[1}", "',' or ']', found '}' (line 1, column 3)"),
    // Objects.
    ("{", "a key in double quotes, \(end) (line 1, column 2)"),
    ("{\"a\"", "':', \(end) (line 1, column 5)"), ("{\"a\":", "a value, \(end) (line 1, column 6)"),
    ("{\"a\":1", "',' or '}', \(end) (line 1, column 7)"),
    ("{\"a\":1,}", "a key in double quotes, found '}' (line 1, column 8)"),
    ("{,}", "a key in double quotes, found ',' (line 1, column 2)"),
    ("{a:1}", "a key in double quotes, found 'a' (line 1, column 2)"),
    ("{'a':1}", "a key in double quotes, found ''' (line 1, column 2)"),
    ("{1:1}", "a key in double quotes, found '1' (line 1, column 2)"),
    ("{\"a\" 1}", "':', found '1' (line 1, column 6)"),
    ("{\"a\"::1}", "a value, found ':' (line 1, column 6)"),
    ("{\"a\":1 \"b\":2}", "',' or '}', found '\"' (line 1, column 8)"),
    // After the value.
    ("[]]", "the end of the text, found ']' (line 1, column 3)"),
    ("{}#", "the end of the text, found '#' (line 1, column 3)"),
    ("1 2", "the end of the text, found '2' (line 1, column 3)"),
    ("[1]\0", "the end of the text, found control character U+0000 (line 1, column 4)"),
    ("[1]\u{200B}", "the end of the text, found '\\u200b' (line 1, column 4)"),
    // Words.
    ("[nul]", "a value, found 'nul' (line 1, column 2)"),
    ("[nullx]", "a value, found 'nullx' (line 1, column 2)"),
    ("[True, None]", "a value, found 'True' (line 1, column 2)"),
    ("nan", "a value, found 'nan' (line 1, column 1)"),
    ("[Infinit]", "a value, found 'Infinit' (line 1, column 2)"),
    ("[-NaN]", "a digit after '-', found 'NaN' (line 1, column 3)"),
    ("[-Inf]", "a digit after '-', found 'Inf' (line 1, column 3)"),
    ("[+Infinity]", "a value, found '+' (line 1, column 2)"),
    ("abcdefghijklmnopqrstuvwxyz", "a value, found 'abcdefghijklmnopqrst...' (line 1, column 1)"),
    // Numbers.
    ("[-]", "a digit after '-', found ']' (line 1, column 3)"),
    ("[- 1]", "a digit after '-', found ' ' (line 1, column 3)"),
    ("[+1]", "a value, found '+' (line 1, column 2)"),
    ("[.5]", "a value, found '.' (line 1, column 2)"),
    ("[1.]", "a digit after '.', found ']' (line 1, column 4)"),
    ("[1.e3]", "a digit after '.', found 'e' (line 1, column 4)"),
    ("1e", "a digit after 'e', \(end) (line 1, column 3)"),
    ("[1E+]", "a digit after 'e', found ']' (line 1, column 5)"),
    ("[01]", "no digit after a leading 0, found '1' (line 1, column 3)"),
    ("[-00]", "no digit after a leading 0, found '0' (line 1, column 4)"),
    ("[0x1F]", "',' or ']', found 'x' (line 1, column 3)"),
    ("[1_0]", "',' or ']', found '_' (line 1, column 3)"),
    ("[1.2.3]", "',' or ']', found '.' (line 1, column 5)"),
    ("[\u{FF11}]", "a value, found '１' (line 1, column 2)"),
    // Comments.
    ("// c\n1", "a value, found '/' (line 1, column 1)"),
    ("[1/*c*/]", "',' or ']', found '/' (line 1, column 3)"),
    ("# c\n1", "a value, found '#' (line 1, column 1)"),
    // Texts.
    ("\"a", "'\"' at the end of a string, \(end) (line 1, column 3)"),
    (
      "[\"a\nb\"]",
      "no control character in a string, found control character U+000A (line 1, column 4)"
    ),
    (
      "\"\t\"",
      "no control character in a string, found control character U+0009 (line 1, column 2)"
    ),
    (
      "\"a\0b\"",
      "no control character in a string, found control character U+0000 (line 1, column 3)"
    ),
    (
      "\"\\n\u{1F}\"",
      "no control character in a string, found control character U+001F (line 1, column 4)"
    ),
    ("'a'", "a value, found ''' (line 1, column 1)"),
    ("\"\\x41\"", "one of \" \\ / b f n r t u after a backslash, found 'x' (line 1, column 3)"),
    ("\"\\'\"", "one of \" \\ / b f n r t u after a backslash, found ''' (line 1, column 3)"),
    ("\"\\", "one of \" \\ / b f n r t u after a backslash, \(end) (line 1, column 3)"),
    ("\"\\u00", "four hexadecimal digits after \\u, \(end) (line 1, column 6)"),
    ("\"\\u12G4\"", "four hexadecimal digits after \\u, found 'G' (line 1, column 6)"),
    ("\"\\u+123\"", "four hexadecimal digits after \\u, found '+' (line 1, column 4)"),
    ("\"\\ud800\"", "both halves of a surrogate pair, found \\ud800 alone (line 1, column 2)"),
    ("\"a\\uD800\\n\"", "both halves of a surrogate pair, found \\uD800 alone (line 1, column 3)"),
    (
      "\"\\ud800\\ud800\"",
      "both halves of a surrogate pair, found \\ud800 alone (line 1, column 2)"
    ),
    ("\"\\udc00\"", "both halves of a surrogate pair, found \\udc00 alone (line 1, column 2)"),
    ("\"\\ud800\\u12\"", "four hexadecimal digits after \\u, found '\"' (line 1, column 12)"),
    // Other characters, and places behind them.
    ("\u{FEFF}[1]", "UTF-8 without a byte order mark, found one at the start (line 1, column 1)"),
    ("[\u{FEFF}1]", "a value, found '\\ufeff' (line 1, column 2)"),
    ("[\u{A0}1]", "a value, found '\u{A0}' (line 1, column 2)"),
    ("\u{C}[]", "a value, found control character U+000C (line 1, column 1)"),
    ("[\u{7F}]", "a value, found control character U+007F (line 1, column 2)"),
    ("{\"é\": [\"日本\", x]}", "a value, found 'x' (line 1, column 14)"),
    ("[\"é\",\r\n \"e\u{301}\u{1F600}\" é]", "',' or ']', found 'é' (line 2, column 8)"),
  ]

  @Test("says where a text is not JSON, what must be there, and what is", arguments: refusals)
  func refuses(text: String, message: String) throws {
    let error = try #require(throws: JSONError.self) { try JSONValue(parsing: text) }
    #expect(error.description == "not JSON: expected \(message)")
  }

  @Test(
    "a key that is there twice is refused, in whatever form",
    arguments: [
      (
        #"{"units": 4, "units": 2}"#,
        #"the key "units" is there twice in one object (line 1, column 14)"#
      ),
      (
        #"{"a": [{"b": 1, "\u0062": 2}]}"#,
        #"the key "b" is there twice in one object (line 1, column 17)"#
      ),
      ("{\"\":0,\n\"\":0}", "the key \"\" is there twice in one object (line 2, column 1)"),
      // Composed and decomposed: equal to Swift.
      (
        "{\"\u{E9}\":1,\"e\u{301}\":2}",
        "the key \"e\u{301}\" is there twice in one object (line 1, column 8)"
      ),
      (
        #"{"a\n": 1, "a\n": 1}"#, #"the key "a\n" is there twice in one object (line 1, column 12)"#
      ),
    ])
  func duplicates(text: String, message: String) throws {
    let error = try #require(throws: JSONError.self) { try JSONValue(parsing: text) }
    #expect(Array(error.description.utf8) == Array(message.utf8))
    // In two objects it may be.
    #expect(try JSONValue(parsing: #"{"a": {"b": 1}, "b": {"b": 2}}"#)["b"]?["b"] == 2)
  }
}
