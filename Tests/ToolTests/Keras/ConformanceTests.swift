import ConformanceSupport
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// A short version of `make conformance`: the cases as they were when the bundle was made, the functions on every 4,099th
/// float, the random numbers on fewer words and without dieharder.
@Suite("Conformance", .serialized)
struct ConformanceTests {
  static let minimum = "\(Fixtures.root)/Tests/Conformance/minimum.tsv"

  /// The cases of the repository, unpacked once.
  private static let cases = Result {
    let folder = try Fixtures.temporaryFolder()
    let tar = try Finished(
      "/usr/bin/env", ["tar", "-xzf", Fixtures.local("conformance.tar.gz"), "-C", folder])
    #expect(tar.exitCode == 0, "\(tar.errors)")
    return try CaseFolder(folder)
  }

  @Test(
    "no case has a wrong value, and no group fewer right ones than before",
    arguments: [
      "onnx-node", "onnx-pytorch-converted", "onnx-pytorch-operator", "onnx-simple",
      "keras-layers", "keras-losses", "keras-optimizers", "keras-schedules",
    ])
  func cases(group: String) throws {
    let rows = try Self.cases.get().run(
      tools: Tool.folder, scratch: Fixtures.temporaryFolder(), groups: [group])
    let complaints = Table(rows).complaints(minimum: try Table.minimum(path: Self.minimum))
    #expect(complaints == [])
  }

  @Test("no group of the list is left out")
  func groups() throws {
    let others: Set = ["functions", "random-statistics", "dieharder"]
    let listed = Set(try Table.minimum(path: Self.minimum).keys)
    #expect(listed == others.union(try Self.cases.get().groups))
  }

  @Test("functions keep their limits, with the same bits on every instruction set")
  func functions() {
    let row = FunctionCheck.run(step: 4099)
    #expect(row.failures == [])
    #expect(row.passed % 4 == 0 && row.passed > 0)
  }

  @Test("statistics of every random stream are those of chance")
  func streams() {
    let row = RandomStream.ownChecks(count: 1 << 16)
    #expect(row.failures == [])
    #expect(row.passed == 2 * 5 * RandomStream.all.count)
  }

  @Test("a wrong answer and a missing case are complaints; a refusal counts as no pass")
  func notices() throws {
    var row = Row("made-up")
    row.add("right", .passed(error: 0))
    #expect(Table([row]).complaints(minimum: ["made-up": 1]) == [])
    #expect(Table([row]).complaints(minimum: ["made-up": 2]).count == 1)
    #expect(Table([row]).complaints(minimum: [:]).count == 1)
    row.add("refused", .refused)
    #expect(Table([row]).complaints(minimum: ["made-up": 1]) == [])
    #expect(Table([row]).complaints(minimum: ["made-up": 2]).count == 1)
    row.add("wrong", .failed(reason: "no"))
    #expect(Table([row]).complaints(minimum: ["made-up": 1]) == ["made-up/wrong: no"])

    // An eval whose outputs are all 7, and one that breaks.
    let folder = try Fixtures.temporaryFolder()
    let path = try "\(Self.cases.get().path)/onnx-node/relu/data.h5"
    let shape = try HDF5Arrays.readFloats(path: path, dataset: "y").shape
    let values = [Float](repeating: 7, count: shape.reduce(1, *))
    try HDF5Arrays.write(
      path: "\(folder)/wrong.h5", datasets: [(name: "y", shape: shape, values: values)])
    for (script, fragment) in [
      ("cp \(folder)/wrong.h5 \"$5\"", "an error of"),
      ("echo no >&2; exit 1", "eval ended with 1: no"),
    ] {
      let path = "\(folder)/eval"
      try Executable.write("#!/bin/sh\n\(script)\n", to: path)
      let row = try Self.cases.get().run(
        tools: folder, scratch: Fixtures.temporaryFolder(), groups: ["onnx-node"])[0]
      #expect(row.passed == 0 && row.failed > 0)
      let failure = try #require(row.failures.first { $0.hasPrefix("onnx-node/relu:") })
      #expect(failure.contains(fragment), "\(failure)")
    }
  }
}
