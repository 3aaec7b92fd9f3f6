import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// --subnormals, and what a file keeps of it.
@Suite("--subnormals")
struct SubnormalToolTests {
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  /// A tool, or fixednet and its part.
  private func call(_ words: String, _ options: String) throws -> Finished {
    let parts = words.split(separator: " ").map(String.init)
    return try run(parts[0], (parts.dropFirst() + [options]).joined(separator: " "))
  }

  private func run(_ tool: String, _ options: String) throws -> Finished {
    try Tool.run(tool, options, in: folder)
  }

  /// Three classes, and a feature that is always 0: what decays there is halved in every step, below 2^-126 in the end.
  /// Beside it samples that are so far away that the probabilities of other classes are below 2^-126.
  private func writeTables() throws {
    let rows = (0..<60).map { row in
      let side = Double(row % 3) - 1
      let features = [side * 9 + Double(row % 7) / 10, side * side * 9 - Double(row % 5) / 10, 0]
      return features.map { "\($0)," }.joined() + "c\(row % 3)"
    }
    let far = (0..<400).map { "\($0),\($0 % 7),0" }
    for (name, lines) in [("t", ["a,b,z,class"] + rows), ("far", ["a,b,z"] + far)] {
      try (lines.joined(separator: "\n") + "\n").write(
        toFile: "\(folder)/\(name).csv", atomically: false, encoding: .utf8)
    }
  }

  @Test("a run keeps its mode over --resume, eval, predict and export, and takes no other")
  func modes() throws {
    try writeTables()
    let run =
      "--model softmax --data t.csv --batch 4 --optimizer sgd --learning-rate 0.5 --weight-decay 1"
    func train(_ options: String) throws -> String {
      let finished = try self.run("train", options)
      #expect(finished.exitCode == 0, "\(finished.errors)")
      return try #require(finished.weightsHash)
    }
    let flushed = try train("\(run) --epochs 10 --output flush.h5")
    let kept = try train("\(run) --epochs 10 --output keep.h5 --subnormals keep")
    #expect(flushed != kept)
    #expect(try train("\(run) --epochs 10 --subnormals flush") == flushed)
    _ = try train("\(run) --epochs 5 --output half.keras --subnormals keep")
    Tool.expectRefusal(
      try self.run("train", "--resume half.keras --epochs 10 --subnormals flush"),
      "'half.keras' was trained with keep, found flush")
    #expect(try train("--resume half.keras --epochs 10 --threads 2") == kept)
    Tool.expectRefusal(
      try self.run("train", "--resume flush.h5 --epochs 11 --subnormals keep"),
      "'flush.h5' was trained with flush, found keep")
    #expect(try KerasFile.read(path: "\(folder)/keep.h5").training?.subnormals == .keep)
    #expect(try KerasFile.read(path: "\(folder)/flush.h5").training?.options["subnormals"] == nil)

    for (tool, rest) in [
      ("eval", ""), ("fixednet predict", "far.csv"), ("export", "--c net --name net"),
    ] {
      let refused = try call(tool, "keep.h5 \(rest) --subnormals flush")
      Tool.expectRefusal(refused, "'keep.h5' was trained with --subnormals keep")
      let found = try call(tool, "keep.h5 \(rest)")
      #expect(found.exitCode == 0, "\(tool): \(found.errors)")
    }
    let source = try String(contentsOfFile: "\(folder)/net/net.c", encoding: .utf8)
    #expect(source.contains("#define FLUSHES_SUBNORMALS 0\n"))
    // The outputs of the two modes, for the same weights.
    let outputs = try ["flush.h5", "flush.h5 --subnormals keep"].enumerated().map {
      let finished = try call("fixednet predict", "\($0.1) far.csv --output out\($0.0).npz")
      #expect(finished.exitCode == 0, "\(finished.errors)")
      return FileManager.default.contents(atPath: "\(folder)/out\($0.0).npz")
    }
    #expect(outputs[0] != outputs[1])
    let plan = try self.run("plan", "keep.h5")
    #expect(plan.output.contains("\nsubnormal numbers: kept\n"), "\(plan.output.prefix(400))")
    #expect(try self.run("plan", "mlp:8").output.contains("\nsubnormal numbers: count as zero\n"))
  }

  @Test(
    "wrong use is one line",
    arguments: [
      ("train", "--data t.csv --model mlp:3 --subnormals no", "is invalid", 64 as Int32),
      (
        "plan", "lenet --optimizer lbfgs --subnormals keep", "--subnormals keep is for training", 64
      ),
      (
        "train", "--data t.csv --model mlp:3 --optimizer lbfgs --subnormals keep",
        "subnormal numbers are kept in mini-batches only", 1
      ),
    ])
  func refusals(_ tool: String, _ options: String, _ message: String, _ code: Int32) throws {
    try writeTables()
    let refused = try run(tool, options)
    #expect(refused.exitCode == code && refused.errors.contains(message), "\(refused.errors)")
  }
}
