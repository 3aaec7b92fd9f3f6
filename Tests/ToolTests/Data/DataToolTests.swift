import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// What train and eval do with --data FILE; the files are those of Tests/Python/fixtures/make_mat_fixtures.py.
@Suite("Data files", .serialized)
struct DataToolTests {
  private let folder: String

  init() throws {
    folder = try Fixtures.temporaryFolder()
    for name in ["digits_ten.mat", "from_one.mat", "nan.mat", "targets.h5", "images.h5"] {
      try FileManager.default.copyItem(
        atPath: Fixtures.local("mat/\(name)"), toPath: "\(folder)/\(name)")
    }
  }

  private func train(_ options: String) throws -> Finished {
    try Tool.run("train", "--model softmax --batch 4 " + options, in: folder)
  }

  @Test("the model takes its input and its classes from the file, and what was done is said")
  func trains() throws {
    let run = try train("--data digits_ten.mat --epochs 1")
    #expect(run.exitCode == 0, "\(run.errors)")
    #expect(run.output.contains("10 stands for class 0 (--zero-label changes that)"))
    #expect(run.output.contains("16 training and 4 test images of 12"))
    let images = try train("--data images.h5 --epochs 1 --test-fraction 0")
    #expect(images.output.contains("10 training and 10 test images of 2x3x1"))
    let json = try train("--data digits_ten.mat --epochs 1 --json")
    #expect(json.output.hasPrefix("{") && json.errors.isEmpty)
  }

  @Test("a checkpoint records the options, and --resume ends in the hash of one run")
  func resumes() throws {
    let data = "--data digits_ten.mat --image 2x3x2 --zero-label 1 --test-fraction 0.25"
    let whole = try train("\(data) --epochs 4 --quiet")
    _ = try train("\(data) --epochs 2 --quiet --output run.h5")
    let state = try #require(try KerasFile.read(path: "\(folder)/run.h5").training)
    #expect(state.data == data.dropFirst("--data ".count))
    let resumed = try Tool.run("train", "--resume run.h5 --epochs 4 --quiet", in: folder)
    #expect(resumed.weightsHash == whole.weightsHash && whole.weightsHash != nil)
    let eval = try Tool.run("eval", "run.h5", in: folder)
    #expect(eval.exitCode == 0 && eval.output.contains("on 5 test images"), "\(eval.errors)")

    // The file moves: the same contents and options are the same data.
    try FileManager.default.moveItem(
      atPath: "\(folder)/digits_ten.mat", toPath: "\(folder)/moved.mat")
    Tool.expectRefusal(
      try Tool.run("train", "--resume run.h5 --epochs 4", in: folder), "digits_ten.mat")
    let moved = data.replacing("digits_ten", with: "moved")
    let again = try Tool.run("train", "--resume run.h5 --epochs 4 --quiet \(moved)", in: folder)
    #expect(again.weightsHash == whole.weightsHash, "\(again.errors)")
    Tool.expectRefusal(
      try Tool.run("train", "--resume run.h5 --epochs 4 --data moved.mat", in: folder),
      "other data")
  }

  @Test("what does not fit is one line")
  func refused() throws {
    Tool.expectRefusal(try train("--data nan.mat"), "nan at X(2,3)")
    Tool.expectRefusal(try train("--data none.mat"), "No such file")
    Tool.expectRefusal(
      try train("--data targets.h5 --loss sparse_categorical_crossentropy"), "numbers to predict")
    Tool.expectRefusal(
      try Tool.run("train", "--model lenet --data from_one.mat", in: folder),
      "takes images, but 'from_one.mat' has vectors of")
    Tool.expectRefusal(try train("--data from_one.mat --image 5x5"), "--image 5x5x1")
    for (options, word) in [
      ("--data from_one.mat --image big", "--image"), ("--image 2x3", "for data files"),
      ("--data from_one.mat --test-fraction 1", "--test-fraction must be"),
      ("--data from_one.mat --test-fraction nan", "--test-fraction must be"),
      ("--data from_one.mat --zero-label -2000000", "--zero-label must be"),
      ("--pixel-order rows", "for data files"), ("--data a.mat --pixel-order up", "--pixel-order"),
      ("--data from_one.mat --data-dir .", "takes no folder"),
    ] {
      Tool.expectRefusal(try train(options), word, exitCode: 64)
    }
  }
}
