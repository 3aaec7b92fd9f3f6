import Foundation
import TestSupport
import Testing

/// Models in JSON that were made to hang or to fill the memory: a line within two seconds and 256 MB.
@Suite("Hostile JSON")
struct HostileJSONTests {
  /// Loops of the library take some twenty times longer where it is not optimised.
  #if DEBUG
    private static let secondsLimit = 6.0
  #else
    private static let secondsLimit = 2.0
  #endif

  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  private func expect(
    _ name: String, _ arguments: [String], _ fragment: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    // Other tests are running: the best of five counts, a program that hangs never passes.
    var measured = try Measured("\(Tool.folder)/\(name)", arguments, in: folder)
    for _ in 1...4 where measured.wallSeconds > HostileJSONTests.secondsLimit {
      measured = try Measured("\(Tool.folder)/\(name)", arguments, in: folder)
    }
    Tool.expectRefusal(measured.run, fragment, sourceLocation: sourceLocation)
    #expect(measured.run.errors.utf8.count < 2_500, sourceLocation: sourceLocation)
    #expect(measured.wallSeconds <= HostileJSONTests.secondsLimit, sourceLocation: sourceLocation)
    #expect(measured.peakBytes <= 256 << 20, sourceLocation: sourceLocation)
  }

  private func plan(
    _ text: String, _ fragment: String, _ sourceLocation: SourceLocation = #_sourceLocation
  )
    throws
  {
    try Data(text.utf8).write(to: URL(filePath: "\(folder)/m.json"))
    try expect("plan", ["m.json", "--inference"], fragment, sourceLocation: sourceLocation)
  }

  @Test("texts that are no JSON, or too much of it")
  func texts() throws {
    let many = 1 << 20
    try plan(
      "{\"a\": NaN, 'b': '" + String(repeating: "[", count: 3_000) + "', \"c\": "
        + String(repeating: "[", count: 3_000),
      "'m.json': not JSON: expected a key in double quotes, found ''' (line 1, column 12)")
    try plan(
      "[NaN, // '\n" + String(repeating: "[", count: 3_000),
      "'m.json': not JSON: expected a value, found '/' (line 1, column 7)")
    try plan(
      String(repeating: "[", count: many) + String(repeating: "]", count: many),
      "'m.json': nested deeper than 64 levels (line 1, column 65)")
    try plan(
      "[" + String(repeating: "[],", count: many) + "[]]",
      "'m.json': more than 524,288 values and keys (line 1, column ")
    try plan(
      "{\"e" + String(repeating: "\u{301}\u{316}", count: 1 << 20) + "\": 1}",
      "'m.json': more than 30 combining marks in a row (line 1, column 2)")
    try plan(
      #"{"class_name": "Sequential", "class_name": "Functional"}"#,
      #"'m.json': the key "class_name" is there twice in one object (line 1, column 30)"#)
    try plan(
      #"{"class_name": "Sequential", "config": [1e999]}"#,
      "'m.json': a number beyond float64: 1e999 (line 1, column 41)")
  }

  @Test("what is no file of text")
  func files() throws {
    let advice = "; name a model's JSON file"
    #expect(mkfifo("\(folder)/pipe.json", 0o600) == 0)
    try expect("plan", ["pipe.json"], "cannot read 'pipe.json': it is no regular file" + advice)
    #expect(symlink("/dev/zero", "\(folder)/zero.json") == 0)
    try expect("plan", ["zero.json"], "cannot read 'zero.json': it is no regular file" + advice)
    try Data([0x7B, 0xFF, 0x7D]).write(to: URL(filePath: "\(folder)/bytes.json"))
    try expect("plan", ["bytes.json"], "cannot read 'bytes.json': it is not UTF-8" + advice)
    #expect(FileManager.default.createFile(atPath: "\(folder)/large.json", contents: nil))
    #expect(truncate("\(folder)/large.json", 1 << 40) == 0)
    try expect("plan", ["large.json"], "at most 16777216 are supported" + advice)
  }

  @Test(
    "models of an attack",
    .enabled(if: Fixtures.shared("fixtures/attacks") != nil, "needs the shared fixtures"))
  func attacks() throws {
    let attacks = try #require(Fixtures.shared("fixtures/attacks"))
    try expect(
      "eval", ["\(attacks)/A02_json5_depth_bypass.keras"],
      "config.json in the archive is unusable: not JSON: expected a key in double quotes, found '''"
    )
    try expect(
      "eval", ["\(attacks)/A02_json_deep_16MB.keras"],
      "config.json in the archive is unusable: more than 524,288 values and keys")
    try expect(
      "plan", ["\(attacks)/A10_duplicate_keys.json", "--inference"],
      #"the key "units" is there twice in one object (line 1, column 196)"#)
  }
}
