import FixedNet
import FixedNetCore
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// What train does with weight decay, and with the one value that Nadam keeps besides its means.
@Suite("train's weight decay, and Nadam's product")
struct WeightDecayToolTests {
  private let folder: String

  init() throws {
    folder = try Fixtures.temporaryFolder()
    try SmallData.write(SmallData.labels, to: "\(folder)/classes.h5")
  }

  private func train(_ options: String) throws -> Finished {
    try Tool.run("train", options, in: folder)
  }

  private let small = "--model mlp --data classes.h5 --batch 8 --quiet"

  @Test(
    "--weight-decay changes every optimiser's steps, is said, and is in the file as Keras has it")
  func weightDecay() throws {
    for name in OptimizerName.allCases {
      let options = "\(small) --optimizer \(name.rawValue) --learning-rate 0.01 --epochs 1"
      let plain = try train(options)
      let decayed = try train("\(options) --weight-decay 0.25 --output run.h5")
      #expect(plain.weightsHash != nil && decayed.weightsHash != nil, "\(decayed.errors)")
      #expect(plain.weightsHash != decayed.weightsHash, "\(name)")
      let config = try #require(try KerasFile.read(path: "\(folder)/run.h5").trainingConfig)
      #expect(config["optimizer_config"]?["config"]?["weight_decay"] == 0.25)
    }
    // AdamW is Adam with a decay.
    func hash(_ words: String) throws -> String? {
      try train("\(small) --epochs 2 --optimizer \(words)").weightsHash
    }
    #expect(try hash("adamw --weight-decay 0.5") == hash("adam --weight-decay 0.5"))
    #expect(try hash("adamw") == hash("adam --weight-decay 0.004"))
    #expect(try hash("adamw --weight-decay 0") == hash("adam"))
    let words = try train("--model mlp --data classes.h5 --epochs 1 --optimizer adamw").output
    #expect(
      words.contains("AdamW at a learning rate of 0.001 (constant), weight decay 0.004\n"),
      "\(words)")
  }

  /// Keras 3 would go on with the file's product, which says that beta_1 was another one.
  @Test("a product of Nadam's momenta that its steps do not give is refused")
  func momentumProduct() throws {
    var file = try KerasFile.read(path: "\(FileOptimizerTests.fixtures)/nadam.keras")
    #expect(abs((file.momentumProduct ?? 0) - 0.00850069) < 1e-6)
    try KerasFile.write(file, to: "\(folder)/same.h5")
    #expect(
      try HDF5Arrays.readFloats(path: "\(folder)/same.h5", dataset: "optimizer/vars/10").values
        .first.map { abs($0 - 0.00850069) < 1e-6 } == true)
    var bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(folder)/same.h5")))
    let text = Array(#""beta_1": 0.8"#.utf8)
    let places = bytes.indices.dropLast(text.count).filter {
      Array(bytes[$0..<$0 + text.count]) == text
    }
    try #require(places.count == 1)
    bytes.replaceSubrange(
      places[0]..<places[0] + text.count, with: Array(#""beta_1": 0.7"#.utf8))
    try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/same.h5"))
    let data = ["--data", "\(FileOptimizerTests.fixtures)/data.h5"]
    let run = try Tool.run("train", files: data, "--model same.h5 --epochs 1", in: folder)
    Tool.expectRefusal(run, "the product of Nadam's momenta must be 0.0038")
    Tool.expectRefusal(run, "; --optimizer nadam starts another one without it")
    // Another beta_1 for the same memory, asked for.
    #expect(
      try Tool.run(
        "train",
        files: data + ["--model", "\(FileOptimizerTests.fixtures)/nadam.keras"],
        "--epochs 1 --beta1 0.7", in: folder
      ).exitCode == 0)
    // What no configuration describes keeps its name and its product.
    file.trainingConfig = nil
    file.optimizerName = "nadam"
    try KerasFile.write(file, to: "\(folder)/bare.weights.h5")
    let bare = try KerasFile.readWeights(path: "\(folder)/bare.weights.h5", model: file.model)
    #expect(bare.optimizerName == "nadam" && bare.momentumProduct == file.momentumProduct)
    #expect(bare.optimizerState == file.optimizerState)
  }
}
