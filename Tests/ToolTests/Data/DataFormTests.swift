import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// What train and eval say about files that people have, and what a checkpoint keeps of how they were read.
@Suite("Forms of data", .serialized)
struct DataFormTests {
  private let folder: String

  init() throws {
    folder = try Fixtures.temporaryFolder()
    for name in [
      "data/no_zero.mat", "data/one_to_four.mat", "data/one_class.h5", "data/rows.mat",
      "data/reversed_images.h5", "data/weighted.h5", "mat/digits_ten.mat",
    ] {
      let file = name.split(separator: "/")[1]
      try FileManager.default.copyItem(
        atPath: Fixtures.local(name), toPath: "\(folder)/\(file)")
    }
  }

  private func eval(_ options: String) throws -> Finished {
    try Tool.run("eval", options, in: folder)
  }

  private func train(_ options: String) throws -> Finished {
    try Tool.run("train", options, in: folder)
  }

  @Test("a checkpoint keeps how labels became classes, for its own data and for others")
  func mapping() throws {
    let run = try train("--model softmax --data one_to_four.mat --epochs 1 --output run.h5 --quiet")
    #expect(run.exitCode == 0 && run.errors.isEmpty, "\(run.errors)")
    let state = try #require(try KerasFile.read(path: "\(folder)/run.h5").training)
    #expect(state.labels?.zero == 1 && state.labels?.count == 4)
    #expect(state.data == "one_to_four.mat")
    // Three labels fit four outputs as they are: without the checkpoint they would stay so.
    let other = try eval("run.h5 --data no_zero.mat --test-fraction 0")
    #expect(other.output.contains("1 stands for class 0, as in training"), "\(other.output)")
    let plain = try eval("run.h5 --data no_zero.mat --zero-label 0")
    #expect(plain.output.contains("as they are"), "\(plain.output) \(plain.errors)")
    let resumed = try train("--resume run.h5 --epochs 2 --quiet")
    let whole = try train("--model softmax --data one_to_four.mat --epochs 2 --quiet")
    #expect(resumed.weightsHash == whole.weightsHash && whole.weightsHash != nil)
    Tool.expectRefusal(try train("--resume run.h5 --epochs 2 --zero-label 0"), "one_to_four.mat")
  }

  @Test("a checkpoint keeps the order of pixels")
  func pixelOrder() throws {
    let data = "--data rows.mat --image 2x3x2 --pixel-order rows --test-fraction 0"
    _ = try train("--model softmax \(data) --epochs 1 --output run.h5 --quiet")
    let state = try #require(try KerasFile.read(path: "\(folder)/run.h5").training)
    #expect("--data \(state.data)" == data.replacing("fraction 0", with: "fraction 0.0"))
    let loss = try eval("run.h5 --json").report["loss"]
    #expect(try eval("run.h5 --data rows.mat --test-fraction 0 --json").report["loss"] == loss)
    let turned = try eval("run.h5 --data rows.mat --test-fraction 0 --pixel-order columns --json")
    #expect(try turned.report["loss"] != loss && loss?.double != nil)
  }

  @Test("what is doubtful is said, wherever there is room for it")
  func doubt() throws {
    let options = "--model softmax --data digits_ten.mat --epochs 1"
    let words = "note: 'digits_ten.mat': label 10 is taken as class 0"
    #expect(try train(options).output.contains(words))
    #expect(try train("\(options) --quiet").errors.contains(words))
    let json = try train("\(options) --json")
    guard case .string(let note)? = try json.report["dataNote"] else {
      Issue.record("no note: \(json.output)")
      return
    }
    #expect(note.contains("label 10 is taken as class 0") && json.errors.isEmpty)
  }

  @Test("sample weights change what is learned")
  func weights() throws {
    let run = try train("--model softmax --data weighted.h5 --epochs 1")
    #expect(run.output.contains("sample_weight 0.0 to 1.75, the weights of the samples"))
    let file = try HDF5Arrays.readFloats(path: "\(folder)/weighted.h5", dataset: "x")
    let labels = try HDF5Arrays.readFloats(path: "\(folder)/weighted.h5", dataset: "y")
    try HDF5Arrays.write(
      path: "\(folder)/plain.h5",
      datasets: [("x", file.shape, file.values), ("y", labels.shape, labels.values)])
    let plain = try train("--model softmax --data plain.h5 --epochs 1")
    #expect(plain.weightsHash != run.weightsHash && plain.weightsHash != nil)
  }

  @Test("what is no data file is told so; one class is nothing to learn; options stay out of names")
  func refused() throws {
    for (name, kind) in [
      ("t.arff", "a file of text"), ("t.parquet", "a table of another library"),
      ("t.bmp", "a picture"),
      ("t", "neither"),
    ] {
      try AtomicFile.write([1, 2, 3], to: "\(folder)/\(name)")
      Tool.expectRefusal(try train("--data \(name)"), "'\(name)' is \(kind)")
    }
    Tool.expectRefusal(try train("--data none.arff"), "there is no file 'none.arff'")
    Tool.expectRefusal(try train("--data none"), "found 'none'", exitCode: 64)
    Tool.expectRefusal(
      try train("--model mlp --data one_class.h5"), "all 6 samples are of one class (2)")
    let models = Fixtures.local("../../Models/lenet.h5")
    Tool.expectRefusal(
      try eval("\(models) --data digits_ten.mat --test-fraction 0"), "'digits_ten.mat' has 12;")
    try SmallData.write(
      [Flatten(name: "f"), Dense(name: "d", units: 4)],
      input: .image(height: 3, width: 2, channels: 1), to: "\(folder)/image.json")
    Tool.expectRefusal(
      try train("--model image.json --data reversed_images.h5"), "channels first, as in PyTorch")
    try SmallData.write(
      [Flatten(name: "f"), Dense(name: "d", units: 4)],
      input: .image(height: 2, width: 3, channels: 1), to: "\(folder)/turned.json")
    Tool.expectRefusal(
      try train("--model turned.json --data reversed_images.h5"), "in reverse, as MATLAB")
  }
}
