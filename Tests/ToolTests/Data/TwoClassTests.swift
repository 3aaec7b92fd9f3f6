import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// A model of one output on labels of two classes, compared with Keras: Tests/Python/fixtures/make_data_fixtures.py.
@Suite("Two classes, one output", .serialized)
struct TwoClassTests {
  private let folder: String
  private let answers: JSONValue

  init() throws {
    folder = try Fixtures.temporaryFolder()
    for name in [
      "sigmoid.keras", "logit.keras", "number.keras", "two.h5", "signs.mat", "no_zero.mat",
      "years.h5",
    ] {
      try FileManager.default.copyItem(
        atPath: Fixtures.local("data/\(name)"), toPath: "\(folder)/\(name)")
    }
    let text = try String(contentsOfFile: Fixtures.local("data/binary.json"), encoding: .utf8)
    answers = try JSONValue(parsing: text)
  }

  private func eval(_ options: String) throws -> Finished {
    try Tool.run("eval", options, in: folder)
  }

  private func isNear(_ report: JSONValue, _ key: String, to expected: JSONValue?) throws -> Bool {
    let (found, wanted) = try (#require(report[key]?.double), #require(expected?[key]?.double))
    return abs(found - wanted) <= 1e-5
  }

  @Test("loss, accuracy and confusion matrix are Keras'")
  func evaluates() throws {
    let run = try eval("sigmoid.keras --data two.h5 --test-fraction 0 --json --plot c.svg")
    #expect(run.exitCode == 0, "\(run.errors)")
    let report = try run.report
    #expect(try isNear(report, "loss", to: answers["sigmoid"]))
    #expect(try isNear(report, "accuracy", to: answers["sigmoid"]))
    #expect(report["confusion"] == answers["sigmoid"]?["confusion"])
    // [[20, 3], [2, 15]]: precision is of a column, recall of a row.
    let classes = try #require(report["classes"]?.array)
    #expect(classes.map { $0["name"] } == ["0", "1"])
    let precisions: [Double] = classes.compactMap { $0["precision"]?.double }
    let recalls: [Double] = classes.compactMap { $0["recall"]?.double }
    let expected: (precisions: [Double], recalls: [Double]) = (
      [20 / 22, 15 / 18], [20 / 23, 15 / 17]
    )
    #expect(precisions == expected.precisions)
    #expect(recalls == expected.recalls)
    #expect(FileManager.default.fileExists(atPath: "\(folder)/c.svg"))
    let text = try eval("sigmoid.keras --data two.h5 --test-fraction 0 --confusion").output
    #expect(text.contains("accuracy 87.50 %  (5 wrong)") && text.contains("confusion matrix"))
    let numbers = try eval("sigmoid.keras --data two.h5 --test-fraction 0 --regression --json")
      .report
    #expect(numbers["loss"] == report["loss"] && numbers["accuracy"] == report["accuracy"])
  }

  @Test("training counts hits, and its last epoch is what eval finds")
  func trains() throws {
    let options = "--model sigmoid.keras --data two.h5 --test-fraction 0 --epochs 2 --batch 8"
    let run = try Tool.run("train", options + " --output run.h5 --json", in: folder)
    #expect(run.exitCode == 0, "\(run.errors)")
    let last = try #require(try run.report["history"]?.array.last)
    let found = try eval("run.h5 --json").report
    #expect(found["accuracy"] == last["testAccuracy"])
    let (loss, wanted) = try (
      #require(found["loss"]?.double), #require(last["testLoss"]?.double)
    )
    #expect(abs(loss - wanted) < 1e-6)
    let whole = try Tool.run("train", options + " --regression --quiet", in: folder)
    let labels = try Tool.run("train", options + " --quiet", in: folder)
    #expect(whole.weightsHash == labels.weightsHash && whole.weightsHash != nil)
  }

  @Test("-1 and +1 train a sigmoid; more classes, and numbers, are refused with what to do")
  func refused() throws {
    let signs = try Tool.run(
      "train", "--model sigmoid.keras --data signs.mat --epochs 1", in: folder)
    #expect(
      signs.exitCode == 0 && signs.output.contains("-1 stands for class 0"), "\(signs.errors)")
    Tool.expectRefusal(
      try eval("sigmoid.keras --data no_zero.mat"), "one output tells two classes apart")
    for tool in ["train --model number.keras", "eval number.keras"] {
      let words = tool.split(separator: " ", maxSplits: 1).map(String.init)
      Tool.expectRefusal(
        try Tool.run(words[0], "\(words[1]) --data years.h5", in: folder),
        "the model's loss is mean_squared_error (--regression reads it so)")
    }
    let report = try eval("number.keras --data two.h5 --test-fraction 0 --regression --json").report
    #expect(try isNear(report, "loss", to: answers["number"]))
    #expect(report["accuracy"] == .null)
    Tool.expectRefusal(
      try eval("number.keras --data two.h5 --regression --confusion"), "--confusion shows")
  }

  @Test("softmax over one output is refused")
  func softmax() throws {
    try SmallData.write(SmallData.numbers, to: "\(folder)/numbers.h5")
    try SmallData.write(
      [Dense(units: 1, activation: .softmax)], to: "\(folder)/softmax.json")
    Tool.expectRefusal(
      try Tool.run(
        "train", "--model softmax.json --data numbers.h5 --loss mean_squared_error", in: folder),
      "softmax over the model's one output")
    // A built-in model takes its end from the data.
    let built = try Tool.run(
      "train",
      "--model softmax --data numbers.h5 --epochs 200 --batch 4 --learning-rate 0.05 --json",
      in: folder)
    #expect(built.exitCode == 0, "\(built.errors)")
    let loss = try built.report["history"]?.array.last?["trainLoss"]?.double
    #expect((loss ?? 1) < 0.05)
  }
}
