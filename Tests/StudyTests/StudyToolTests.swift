import FixedNet
import FixedNetStudies
import Foundation
import TestSupport
import Testing

@Suite("study", .serialized)
struct StudyToolTests {
  private static let tool =
    URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
    + "/study"
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  private func study(_ options: String) throws -> Finished {
    try Finished(
      Self.tool, options.split(separator: " ").map(String.init), in: folder,
      environment: ["FIXEDNET_DATA": "", "HOME": folder])
  }

  @Test("list names every study")
  func list() throws {
    let run = try study("list")
    #expect(run.exitCode == 0 && run.errors.isEmpty)
    let names = run.output.split(separator: "\n").compactMap { $0.split(separator: " ").first }
    #expect(names.map(String.init) == StudyRegistry.names && names.contains("softmax"))
  }

  @Test("a study writes its folder and one JSON object")
  func softmax() throws {
    let run = try study("softmax --quick --json --threads 1")
    #expect(run.exitCode == 0, "\(run.errors)")
    let json = try JSONValue(parsing: run.output)
    guard case .array(let studies)? = json["studies"] else {
      Issue.record("\(run.output)")
      return
    }
    #expect(studies.first?["name"] == "softmax" && json["quick"] == true)
    let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/Reports/softmax")
    #expect(Set(["report.md", "data.csv", "differences.gp", "jacobian.dat"]).isSubset(of: files))
  }

  @Test(
    "wrong use is one line",
    arguments: [
      ("sofmax", "no study is called 'sofmax'; there are softmax, perceptron", Int32(64)),
      ("softmax --seeds 0", "--seeds must be from 1 to 1000", 64),
      ("", "name a study, all or list", 64),
      ("softmax --quick --output /dev/null", "cannot make the folder '/dev/null/softmax'", 1),
      ("perceptron --quick --data-dir none", "is in none, Data, ", 1),
    ])
  func refusals(_ options: String, _ fragment: String, _ exitCode: Int32) throws {
    let run = try study(options)
    #expect(run.exitCode == exitCode && run.output.isEmpty, "\(run.output)")
    #expect(run.errors.contains(fragment), "\(run.errors)")
    #expect(run.errors.split(separator: "\n").count == 1, "\(run.errors)")
  }
}
