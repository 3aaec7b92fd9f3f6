import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// What `train --validation-fraction` holds out, and what is decided by it.
struct ValidationToolTests {
  private let folder: String

  init() throws {
    folder = try Fixtures.temporaryFolder()
    try SmallData.write(SmallData.labels, to: "\(folder)/classes.h5")
  }

  private func train(_ options: String) throws -> Finished {
    let run = try Tool.run("train", options, in: folder)
    #expect(run.exitCode == 0, "\(run.errors)")
    return run
  }

  private static let small = "--model mlp --batch 8 --learning-rate 0.5"

  /// Writes both parts of a data set.
  private func write(_ train: ImageSet, _ test: ImageSet, to name: String) throws {
    func arrays(_ set: ImageSet, _ suffix: String) -> [(
      name: String, shape: [Int], values: [Float]
    )] {
      guard case .floats(let values) = set.pixels else { return [] }
      return [
        ("x\(suffix)", [set.count, SmallData.width], values),
        ("y\(suffix)", [set.count], set.labels.map { Float($0) }),
      ]
    }
    try HDF5Arrays.write(
      path: "\(folder)/\(name)", datasets: arrays(train, "") + arrays(test, "_test"))
  }

  @Test("the held-out part is not trained on: a file without it gives the same weights and figures")
  func heldOut() throws {
    let set = try DataFile.load(path: "\(folder)/classes.h5").set
    let (rest, heldOut) = try set.train.split(fraction: 0.3, seed: 5)
    #expect(heldOut.count > 5 && rest.count + heldOut.count == set.train.count)
    // Of every class its share, rounded.
    for label in UInt16(0)...2 {
      let count = set.train.labels.count { $0 == label }
      #expect(heldOut.labels.count { $0 == label } == Int((0.3 * Double(count)).rounded()))
    }
    try write(rest, heldOut, to: "parts.h5")
    let run = try train(
      "\(Self.small) --data classes.h5 --validation-fraction 0.3 --seed 5 --epochs 4 --json "
        + "--output run.h5")
    let parts = try train("\(Self.small) --data parts.h5 --seed 5 --epochs 4 --json")
    #expect(try run.report["weightsSHA256"] == parts.report["weightsSHA256"])
    let (own, other) = (
      try #require(run.report["history"]?.array), try #require(parts.report["history"]?.array)
    )
    #expect(own.count == 4 && other.count == 4)
    for (epoch, expected) in zip(own, other) {
      #expect(epoch["trainLoss"] == expected["trainLoss"])
      #expect(epoch["validationLoss"] == expected["testLoss"])
      #expect(epoch["validationAccuracy"] == expected["testAccuracy"])
      #expect(epoch["testLoss"] == .null && expected["validationLoss"] == .null)
    }
    // eval finds the parts again.
    for (split, count, accuracy) in [
      ("validation", heldOut.count, own[3]["validationAccuracy"]),
      ("test", set.test.count, try run.report["testAccuracy"]), ("train", rest.count, nil),
    ] {
      let eval = try Tool.run("eval", "run.h5 --split \(split) --json", in: folder)
      #expect(try eval.report["images"] == .integer(count))
      if let accuracy { #expect(try eval.report["accuracy"] == accuracy) }
    }
    let refused = try Tool.run(
      "eval", "run.h5 --split validation --data parts.h5 --json", in: folder)
    Tool.expectRefusal(refused, "was not trained with a validation part")
  }

  @Test("the test set decides nothing: neither the best epoch nor the end")
  func testSet() throws {
    let set = try DataFile.load(path: "\(folder)/classes.h5").set
    let wrong = ImageSet(
      shape: set.test.shape, pixels: set.test.pixels, labels: set.test.labels.map { 2 - $0 })
    try write(set.train, set.test, to: "right.h5")
    try write(set.train, wrong, to: "wrong.h5")
    let options =
      "\(Self.small) --optimizer momentum --epochs 40 --patience 4 --json --output run.h5"
    let (right, other) = (
      try train("\(options) --data right.h5").report, try train("\(options) --data wrong.h5").report
    )
    #expect(right["testLoss"] != other["testLoss"], "or this says nothing")
    #expect(right["stoppedEarly"] == true, "or this says nothing")
    for key in ["weightsSHA256", "bestEpoch", "epochs"] { #expect(right[key] == other[key]) }
    #expect(right["validationFraction"] == 0.1)
  }

  @Test("a resumed run holds out the same samples, and says so where it has none to go by")
  func resume() throws {
    let options = "\(Self.small) --data classes.h5 --validation-fraction 0.3"
    let whole = try train("\(options) --epochs 6 --quiet")
    _ = try train("\(options) --epochs 3 --quiet --output run.h5")
    #expect(try train("--resume run.h5 --epochs 6 --quiet").weightsHash == whole.weightsHash)
    _ = try train("\(Self.small) --data classes.h5 --epochs 1 --quiet --output plain.h5")
    let refused = try Tool.run("train", "--resume plain.h5 --epochs 2 --patience 1", in: folder)
    Tool.expectRefusal(
      refused, "--patience goes by a validation part, which this run does not have")
    let none = try Tool.run(
      "train", "\(Self.small) --data classes.h5 --validation-fraction 1e-9", in: folder)
    Tool.expectRefusal(none, "holds out none of them; give a larger part")
    var file = try KerasFile.read(path: "\(folder)/run.h5")
    var earlier = file
    earlier.training?.setOption("validation_rule", nil)
    try KerasFile.write(earlier, to: "\(folder)/earlier.h5")
    for (tool, options) in [
      ("train", "--resume earlier.h5 --epochs 6"), ("eval", "earlier.h5 --split validation"),
    ] {
      Tool.expectRefusal(
        try Tool.run(tool, options, in: folder), "drew its validation part by another rule")
    }
    for fraction in [-1.0, 0, 1, 7, .infinity] {
      file.training?.setOption("validation_fraction", .number(fraction))
      try KerasFile.write(file, to: "\(folder)/odd.h5")
      let odd = try Tool.run("train", "--resume odd.h5 --epochs 6", in: folder)
      Tool.expectRefusal(
        odd, "'odd.h5': its training state is out of range (validation_fraction is")
    }
  }

  @Test("--learning-curve: each row is a run on its part of the samples, the last one that on all")
  func learningCurve() throws {
    let options = "\(Self.small) --validation-fraction 0.25 --epochs 3"
    let curve = try train(
      "\(options) --data classes.h5 --learning-curve curve.svg --json"
    ).report
    let rows = try #require(curve["learningCurve"]?.array)
    let set = try DataFile.load(path: "\(folder)/classes.h5").set
    let (rest, heldOut) = try set.train.split(fraction: 0.25)
    let samples = rows.compactMap { $0["samples"]?.double }
    #expect(samples.count == 5 && samples == samples.sorted() && samples[0] < samples[4])
    #expect(samples[4] == Double(rest.count))
    let whole = try train("\(options) --data classes.h5 --json").report
    #expect(rows[4]["weightsSHA256"] == whole["weightsSHA256"])
    let last = try #require(whole["history"]?.array.last)
    #expect(rows[4]["validationLoss"] == last["validationLoss"])
    #expect(rows[4]["validationAccuracy"] == last["validationAccuracy"])
    // A file that holds the two fifths alone.
    try write(try rest.split(fraction: 0.4).second, heldOut, to: "part.h5")
    let part = try train("\(Self.small) --epochs 3 --data part.h5 --json").report
    #expect(rows[2]["weightsSHA256"] == part["weightsSHA256"])
    #expect(rows[2]["validationLoss"] == part["history"]?.array.last?["testLoss"])
    #expect(FileManager.default.fileExists(atPath: "\(folder)/curve.svg"))
    for (option, fragment) in [
      ("--output a.h5", "--output is for one run"), ("--patience 2", "--patience is for one run"),
      ("--validation-fraction 0", "--validation-fraction 0 leaves none"),
    ] {
      let refused = try Tool.run(
        "train", "--data classes.h5 --learning-curve c.svg \(option)", in: folder)
      Tool.expectRefusal(refused, fragment, exitCode: 64)
    }
    let tiny = try Tool.run(
      "train", "--data digits --learning-curve c.txt --epochs 1", in: folder)
    Tool.expectRefusal(tiny, "--learning-curve must name an .svg or .png file", exitCode: 64)
  }

  @Test("parts whose weights are all 0 are refused: nothing is learned and nothing measured")
  func weightless() throws {
    let count = SmallData.count
    func write(_ weights: [Float]) throws {
      try HDF5Arrays.write(
        path: "\(folder)/weights.h5",
        datasets: [
          ("x", [count, SmallData.width], SmallData.inputs), ("y", [count], SmallData.labels),
          ("sample_weight", [count], weights),
        ])
    }
    func refusal(_ options: String) throws -> Finished {
      try Tool.run("train", "--model mlp:2 --data weights.h5 --epochs 1 \(options)", in: folder)
    }
    try write([Float](repeating: 0, count: count))
    Tool.expectRefusal(
      try refusal(""), "training samples of 'weights.h5' are 0: nothing would be", exitCode: 1)
    // Only one sample counts, and it is not in the small part that is held out.
    let set = try DataFile.load(
      path: "\(folder)/classes.h5", options: DataFileOptions(testFraction: 0))
    let (rest, _) = try set.set.train.split(fraction: 0.1, seed: 0)
    guard case .floats(let values) = rest.pixels else { return }
    let place = try #require(
      (0..<count).first { row in
        SmallData.inputs[row * SmallData.width..<(row + 1) * SmallData.width]
          == values[0..<SmallData.width]
      })
    try write((0..<count).map { $0 == place ? 1 : 0 })
    Tool.expectRefusal(
      try refusal("--test-fraction 0 --validation-fraction 0.1"),
      "held out have weights of 0 alone",
      exitCode: 1)
  }

  @Test("a resumed run that finds nothing better says where the best state is")
  func remainingBest() throws {
    _ = try train(
      "--model mlp:2 --batch 8 --learning-rate 1e-9 --data classes.h5 --validation-fraction 0.3 --epochs 1 "
        + "--output a.h5")
    let resumed = try train("--resume a.h5 --epochs 3 --output b.h5").output
    #expect(resumed.contains("saved b.h5; no epoch since was better than epoch 1 with"))
    #expect(resumed.contains(", which is in a.best.h5\n"))
    try FileManager.default.removeItem(atPath: "\(folder)/a.best.h5")
    let alone = try train("--resume a.h5 --epochs 3 --output c.h5").output
    #expect(alone.contains(", of which no file is left\n"))
  }
}
