import FixedNet
import Foundation
import TestSupport
import Testing

@Suite("plan --placement")
final class PlacementToolTests {
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func write(_ text: String) throws {
    try text.write(toFile: "\(folder)/buffers.csv", atomically: true, encoding: .utf8)
  }

  @Test("buffers of a file are placed, and the optimum is called so")
  func placement() throws {
    try write("id,lower,upper,size\na,0,3,4\nb,3,9,4\nc,0,9,4\nd,9,21,4\ne,0,21,4\n")
    let finished = try Tool.run("plan", "--placement buffers.csv", in: folder)
    #expect(finished.exitCode == 0, "\(finished.errors)")
    #expect(
      finished.output == """
        buffers.csv: 5 buffers
        placed in 12 bytes; no placement needs less than 12
        placement: optimal
        nodes: 0

        """)
    let json = try JSONValue(
      parsing: Tool.run("plan", "--placement buffers.csv --json", in: folder).output)
    #expect(json["totalBytes"] == 12 && json["leastBytes"] == 12 && json["optimal"] == true)
    guard case .array(let rows)? = json["buffers"] else { throw CancellationError() }
    #expect(rows.map { $0["id"] } == ["a", "b", "c", "d", "e"])
  }

  @Test(
    "a bad file is one line with the place, what was expected and what was found",
    arguments: [
      ("", "line 1: expected the head 'id,lower,upper,size', found ''"),
      ("a,0,1,2\n", "line 1: expected the head 'id,lower,upper,size', found 'a,0,1,2'"),
      (
        "id,lower,upper,size\na,0,1\n", "line 2: expected four fields, id,lower,upper,size, found 3"
      ),
      ("id,lower,upper,size\na,3,3,1\n", "line 2: expected lower < upper, found 3 and 3"),
      ("id,lower,upper,size\na,0,1,1\nb,-1,1,1\n", "line 3: expected lower as a whole number"),
      ("id,lower,upper,size\na,0,1,9999999999999\n", "line 2: expected size as a whole number"),
      ("id,lower,upper,size\na,0,1,1\na,0,1,1\n", "line 3: expected an id of its own, found 'a'"),
    ])
  func refusal(text: String, reason: String) throws {
    try write(text)
    let finished = try Tool.run("plan", "--placement buffers.csv", in: folder)
    Tool.expectRefusal(finished, "plan: --placement: 'buffers.csv', \(reason)")
    #expect(finished.output.isEmpty)
  }

  @Test("a file that is not there, and options that say nothing of buffers")
  func usage() throws {
    Tool.expectRefusal(
      try Tool.run("plan", "--placement none.csv", in: folder), "there is no file 'none.csv'")
    for options in ["lenet", "--inference", "--svg a.svg", "--optimizer adam", "--threads 2"] {
      let finished = try Tool.run("plan", "--placement buffers.csv \(options)", in: folder)
      let word = options.split(separator: " ")[0]
      Tool.expectRefusal(finished, "--placement needs no model", exitCode: 64)
      #expect(finished.errors.contains(word))
    }
  }
}
