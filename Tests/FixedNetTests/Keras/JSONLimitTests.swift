import FixedNet
import Testing

/// What a text may cost: limits that are said, and time that grows as the text.
@Suite("JSON limits")
struct JSONLimitTests {
  private func message(_ text: String) -> String {
    do {
      _ = try JSONValue(parsing: text)
      return "read"
    } catch { return error.description }
  }

  private func repeated(_ text: String, _ count: Int) -> String {
    String(repeating: text, count: count)
  }

  @Test("levels")
  func depth() {
    #expect(message(repeated("[", 64) + repeated("]", 64)) == "read")
    #expect(message(repeated("{\"a\":", 64) + "1" + repeated("}", 64)) == "read")
    #expect(message(repeated("[", 65)) == "nested deeper than 64 levels (line 1, column 65)")
    #expect(
      message(repeated("{\"a\":\n", 32) + repeated("[", 33))
        == "nested deeper than 64 levels (line 33, column 33)")
    // Levels are those that are open; brackets in texts are none.
    #expect(message("[" + repeated("[[]],", 100) + "\"\(repeated("[", 100))\"]") == "read")
  }

  @Test("values and keys")
  func count() {
    let limit = JSONValue.countLimit
    #expect(message("[" + repeated("0,", limit - 2) + "0]") == "read")
    #expect(
      message("[" + repeated("0,", limit - 1) + "0]")
        == "more than 524,288 values and keys (line 1, column \(2 * limit))")
    // An object, its keys and its values.
    let members = (1..<limit / 2).map { "\"\($0)\":0" }.joined(separator: ",")
    #expect(message("{\(members)}") == "read")
    #expect(message("{\(members),\"\":0}").hasPrefix("more than 524,288 values and keys (line 1, "))
  }

  @Test("bytes of the text")
  func size() {
    let limit = JSONValue.sizeLimit
    #expect(message("1" + repeated(" ", limit - 1)) == "read")
    #expect(message("1" + repeated(" ", limit)) == "more than 16,777,216 bytes of text")
  }

  @Test("characters of a number: any float64 fits in full")
  func number() throws {
    // The least one: 2^-1074 has as many decimals.
    let least =
      "-0." + repeated("0", 323) + "49406564584124654417656879286822137236505980261432476"
      + "44255856825006755072702087518652998363616359923797965646954457177309266567103559397963987747"
      + "96010781878126300713190311404527845817167848982103688718636056998730723050006387409153564984"
      + "38731247339727316961514003171538539807412623856559117102665855668676818703956031062493194527"
      + "15937224549230268263930390862459340478303416398829397218213146478613011111304003155015571026"
      + "77863437637180557"
    #expect(least.utf8.count < JSONValue.numberLimit)
    #expect(try JSONValue(parsing: least) == .number(-5e-324))
    #expect(try JSONValue(parsing: "1." + repeated("0", JSONValue.numberLimit - 2)) == 1)
    #expect(
      message("[1." + repeated("0", JSONValue.numberLimit - 1) + "]")
        == "more than 1,100 characters in a number (line 1, column 2)")
  }

  @Test("bytes of a key")
  func key() {
    #expect(message("{\"" + repeated("é", 512) + "\": 0}") == "read")
    #expect(
      message("{\"a\": 0,\n\"" + repeated("é", 512) + "x\": 0}")
        == "more than 1,024 bytes in a key (line 2, column 1)")
  }

  @Test("marks on one letter")
  func marks() {
    #expect(message("[\"" + repeated("e" + repeated("\u{301}", 30), 100) + "\"]") == "read")
    for mark in ["\u{301}", "\\u0316", "\u{F73}", "\u{302E}"] {
      #expect(
        message("[0, \"a" + repeated(mark, 31) + "\"]")
          == "more than 30 combining marks in a row (line 1, column 5)")
    }
  }

  /// A mebibyte of each kind, and its answer: a step that goes back over the text for every byte would take hours.
  static let kinds: [(String, String)] = {
    let count = 1 << 20
    func repeated(_ text: String) -> String {
      String(repeating: text, count: count / text.utf8.count)
    }
    let keys = (0..<count / 16).map { "\"\($0)\":0" }.joined(separator: ",")
    return [
      (repeated("["), "nested deeper"), (repeated("{\"\":"), "nested deeper"),
      (repeated("\""), "not JSON"), (repeated(" "), "not JSON"), (repeated("\n"), "not JSON"),
      (repeated("a"), "not JSON"), (repeated("-"), "not JSON"), (repeated("1"), "more than 1,100"),
      ("0." + repeated("1"), "more than 1,100"), ("1e" + repeated("1"), "more than 1,100"),
      ("[" + repeated("[],") + "0]", "read"), ("[" + repeated("[[1,-2.5]],") + "0]", "read"),
      ("[" + repeated("{\"a\":0},") + "0]", "read"), ("[" + repeated("1.5e1,") + "0]", "read"),
      ("\"" + repeated("\\u0041") + "\"", "read"), ("\"" + repeated("\\n") + "\"", "read"),
      ("\"" + repeated("\\ud83d\\ude39") + "\"", "read"), ("\"" + repeated("日"), "not JSON"),
      ("\"" + repeated("\\\\"), "not JSON"), ("\"" + repeated("\\ud800"), "not JSON"),
      ("\"e" + repeated("\u{301}\u{316}") + "\"", "more than 30 combining"),
      ("{\"e" + repeated("\u{316}\u{301}") + "\":0}", "more than 30 combining"),
      ("\"" + repeated("e" + String(repeating: "\u{301}\u{316}", count: 15)) + "\"", "read"),
      ("{" + keys + "}", "read"), ("{" + keys + ",\"7\":0}", "the key \"7\" is there twice"),
      ("// " + repeated("{'a':/**/"), "not JSON"), (repeated("/*"), "not JSON"),
    ]
  }()

  @Test("time grows as the text", arguments: kinds.indices)
  func linear(kind: Int) {
    let (text, answer) = JSONLimitTests.kinds[kind]
    var said = ""
    let time = ContinuousClock().measure { said = message(text) }
    #expect(said.hasPrefix(answer), "\(said.prefix(200))")
    #expect(said.utf8.count < 200)
    // Others are running, and this is an unoptimised build: a tenth of a second otherwise.
    #expect(time < .seconds(20))
  }
}
