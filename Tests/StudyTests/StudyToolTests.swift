import FixedNet
import FixedNetStudies
import Foundation
import TestSupport
import Testing

@Suite("study", .serialized)
struct StudyToolTests {
  private static let tools =
    URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  private func study(_ options: String) throws -> Finished { try run("study", options) }

  private func run(_ tool: String, _ options: String) throws -> Finished {
    try Finished(
      "\(Self.tools)/\(tool)", options.split(separator: " ").map(String.init), in: folder,
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
      ("", "Missing expected argument", 64),
      ("softmax --quick --output /dev/null", "cannot make the folder '/dev/null/softmax'", 1),
      ("perceptron --quick --data-dir none", "is in none, Data, ", 1),
    ])
  func refusals(_ options: String, _ fragment: String, _ exitCode: Int32) throws {
    let run = try study(options)
    #expect(run.exitCode == exitCode && run.output.isEmpty, "\(run.output)")
    #expect(run.errors.contains(fragment), "\(run.errors)")
    #expect(run.errors.split(separator: "\n").count == 1, "\(run.errors)")
  }

  @Test(
    "train and eval draw what they have found, and refuse other files",
    .enabled(if: Gnuplot.path() != nil, "needs gnuplot"))
  func plots() throws {
    let data = Fixtures.local("mat/digits_ten.mat")
    let train = try run(
      "train",
      "--data \(data) --model softmax --batch 4 --epochs 3 --quiet --plot h.svg --output m.h5")
    #expect(train.exitCode == 0 && train.errors.isEmpty, "\(train.errors)")
    let curves = try String(contentsOfFile: "\(folder)/h.svg", encoding: .utf8)
    #expect([">training<", ">epoch<", ">accuracy (%)<"].allSatisfy { curves.contains($0) })
    let eval = try run("eval", "m.h5 --plot c.svg --json")
    #expect(eval.exitCode == 0 && eval.errors.isEmpty, "\(eval.errors)")
    #expect(try JSONValue(parsing: eval.output)["model"] == "softmax")
    let matrix = try String(contentsOfFile: "\(folder)/c.svg", encoding: .utf8)
    #expect(matrix.contains(">predicted class<"))
    let solver = try run(
      "train",
      "--data \(data) --model softmax --optimizer lbfgs --evaluations 5 --quiet --plot s.png")
    #expect(solver.exitCode == 0, "\(solver.errors)")
    #expect(FileManager.default.fileExists(atPath: "\(folder)/s.png"))
    for (tool, options) in [("train", "--plot a.pdf"), ("eval", "m.h5 --plot a")] {
      let refused = try run(tool, options)
      #expect(refused.exitCode == 64 && refused.errors.contains("--plot must name an .svg or .png"))
    }
    #expect(try run("eval", "m.h5 --plot c.svg --inputs x.h5").exitCode == 64)
  }
}
