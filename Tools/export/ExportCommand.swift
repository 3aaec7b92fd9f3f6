import ArgumentParser
import FixedNet
import FixedNetExport
import FixedNetFiles
import Foundation
import ToolSupport

package struct ExportCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes a model as a C library that predicts, and trains, with the same bits.",
    discussion: """
      fixednet export Models/lenet.h5 --c firmware/lenet               a library that predicts
      fixednet export Models/lenet.h5 --c lenet --train sgd --last 1   and goes on learning its last layer
      fixednet export --read-back slot.bin --model Models/lenet.h5 --output tuned.h5   what it learned and saved

      A folder with a header, a source, a test with the expected bits, and files for make, CMake and Arduino. The weights \
      are constants (flash); what is trained is copied to memory. Where arm-none-eabi-gcc is on the path, every call \
      compiles the library for a Cortex-M4F once and prints the bytes of code and stack (a second for each 100,000 weights).
      """,
    version: FixedNetVersion.current)

  @Argument(
    help: ArgumentHelp(
      "A model with its weights, .h5 or .keras; a built-in one has the weights of a seed.",
      valueName: "model"), completion: .argumentPath)
  var source: String?

  @Option(
    help: ArgumentHelp("Write the library into this folder, which is made.", valueName: "folder"),
    completion: .directory)
  var c: String?

  @Option(
    help: ArgumentHelp(
      "The bytes of a slot that a library saved on a device: make a Keras file of them.",
      valueName: "file"), completion: .path)
  var readBack: String?

  @Option(
    help: ArgumentHelp(
      "With --read-back: what the library was exported from.", valueName: "model"),
    completion: .path)
  var model: String?

  @Option(
    help: ArgumentHelp(
      "With --read-back: the .h5 or .keras to write, with the optimiser's memory.",
      valueName: "file"), completion: .path)
  var output: String?

  @Option(
    help: ArgumentHelp(
      "What the files and names of the library begin with. (default: the model's name)",
      valueName: "name"))
  var name: String?

  @Option(
    help: ArgumentHelp(
      "Train on the device with \(OptimizerOptions.names); file: with the optimiser of the model's "
        + "file, its numbers and its clipping.", valueName: "optimizer"),
    completion: .list(OptimizerName.allCases.map(\.rawValue)))
  var train: String?

  @OptionGroup var numbers: OptimizerNumbers

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("What dropout draws from. (default: 0)", valueName: "number"))
  var seed: UInt64?

  @Option(
    help: ArgumentHelp(
      "What training makes small, by Keras' name. (default: the file's, else what the model's end "
        + "asks for)", valueName: "loss"), completion: .loss)
  var loss: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Samples of a mini-batch on the device, whose gradients are added up. (default: 1)",
      valueName: "count"))
  var batch: Int?

  @Option(
    help: ArgumentHelp(
      "Layers, separated by commas, that training leaves alone: they stay in flash.",
      valueName: "layers"))
  var freeze: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Train so many of the last layers with weights, and leave the others alone.",
      valueName: "count"))
  var last: Int?

  @Flag(
    help: "Compute outputs again on the way back instead of keeping them, where that saves memory.")
  var recompute = false

  @Option(
    help: ArgumentHelp(
      "The most memory on the device, \(ByteCount.help): outputs are computed again to fit into it.",
      valueName: "size"))
  var memoryBudget: ByteCount?

  @OptionGroup var subnormals: SubnormalsOption

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Samples of the test: the first ones of --data, else drawn from a seed. (default: 4)",
      valueName: "count"))
  var samples: Int?

  @OptionGroup var data: DataOptions

  package init() {}

  package func validate() throws {
    guard readBack == nil else { return try validateReadBack() }
    for (option, value) in [("--model", model), ("--output", output)] where value != nil {
      throw ValidationError("\(option) is for --read-back")
    }
    guard source != nil else { throw ValidationError("Missing expected argument '<model>'") }
    guard c != nil else { throw ValidationError("Missing expected argument '--c <folder>'") }
    if let samples { try checked(samples, "--samples", in: 1...1000) }
    if data.data == nil, let option = ofData {
      throw ValidationError(
        "\(option) says how the data of the test are read; name them with --data")
    }
    if let batch { try checked(batch, "--batch", in: 1...65_536) }
    if let last { try checked(last, "--last", in: 1...1000) }
    if freeze != nil, last != nil {
      throw ValidationError("--freeze and --last say the same in two ways; give one of them")
    }
    if let train {
      let name = OptimizerName(rawValue: train)
      guard name != nil || train == ExportCommand.ofFile else {
        throw ValidationError(
          "--train must be one of \(OptimizerOptions.names), \(ExportCommand.ofFile), found "
            + "'\(train)'")
      }
      return try numbers.check(name, option: "--train")
    }
    if let other = ofTraining { throw forTraining(other) }
  }

  private func forTraining(_ option: String) -> ValidationError {
    ValidationError("\(option) is for training on the device; add --train sgd, or another")
  }

  /// What `--train` calls the optimiser of the model's file.
  static let ofFile = "file"

  /// The first option that was given and says how the device trains.
  private var ofTraining: String? {
    let others = [
      ("--loss", loss != nil), ("--batch", batch != nil), ("--freeze", freeze != nil),
      ("--last", last != nil), ("--recompute", recompute), ("--seed", seed != nil),
      ("--memory-budget", memoryBudget != nil),
    ]
    return others.first(where: \.1)?.0 ?? numbers.given.first
  }

  /// The first option that was given and says which data there are, or how they are read.
  private var ofData: String? { data.firstGiven(pixelOrder: true) ?? data.columns.firstGiven }

  private func validateReadBack() throws {
    let others = [
      ("--c", c != nil), ("--name", name != nil), ("--train", train != nil),
      ("--samples", samples != nil), ("--subnormals", subnormals.subnormals != nil),
      ("another model", source != nil),
    ]
    let option = ofTraining ?? ofData
    if let other = others.first(where: \.1)?.0 ?? option {
      throw ValidationError(
        "\(other) does not go with --read-back, which takes --model and --output")
    }
    guard model != nil, output != nil else {
      throw ValidationError(
        "--read-back needs --model, what the library was exported from, and --output, the file to "
          + "write")
    }
  }

  package func run() throws {
    if let readBack, let model, let output {
      var files = FileGuard()
      files.reads(readBack, "--read-back")
      files.reads(model, "--model")
      files.writes(output, "--output")
      try files.check()
      return try ReadBack(readBack, model: model, output: output).write()
    }
    guard let source, let c else { return }
    let export = try Export(self, of: source, to: c)
    try export.write()
    export.report()
  }
}
