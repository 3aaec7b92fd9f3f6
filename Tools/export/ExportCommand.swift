import ArgumentParser
import FixedNet
import FixedNetExport
import FixedNetFiles
import Foundation
import ToolSupport

public struct ExportCommand: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes a model as a C library that predicts, and trains, with the same bits.",
    discussion: """
      fixednet export Models/lenet.h5 --c firmware/lenet               a library that predicts
      fixednet export Models/lenet.h5 --c lenet --train sgd --last 1   and goes on learning its last layer

      A folder with a header, a source, a test with the expected bits, and files for make, CMake and Arduino. The weights \
      are constants (flash); what is trained is copied to memory.
      """,
    version: FixedNetVersion.current)

  @Argument(
    help: ArgumentHelp(
      "A model with its weights, .h5 or .keras; a built-in one has the weights of a seed.",
      valueName: "model"))
  var model: String

  @Option(
    help: ArgumentHelp("Write the library into this folder, which is made.", valueName: "folder"))
  var c: String

  @Option(
    help: ArgumentHelp(
      "What the files and names of the library begin with. (default: the model's name)",
      valueName: "name"))
  var name: String?

  @Option(
    help: ArgumentHelp(
      "Train on the device with \(OptimizerOptions.names).", valueName: "optimizer"))
  var train: String?

  @Option(
    help: ArgumentHelp(
      "What training makes small, by Keras' name. (default: the file's, else what the model's end "
        + "asks for)", valueName: "loss"))
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

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Samples of the test, drawn from a seed.", valueName: "count"))
  var samples = 4

  public init() {}

  public func validate() throws {
    try checked(samples, "--samples", in: 1...1000)
    if let batch { try checked(batch, "--batch", in: 1...65_536) }
    if let last { try checked(last, "--last", in: 1...1000) }
    if freeze != nil, last != nil {
      throw ValidationError("--freeze and --last say the same in two ways; give one of them")
    }
    if let train {
      guard OptimizerName(rawValue: train) == nil else { return }
      throw ValidationError("--train must be one of \(OptimizerOptions.names), found '\(train)'")
    }
    let others = [
      ("--loss", loss != nil), ("--batch", batch != nil), ("--freeze", freeze != nil),
      ("--last", last != nil), ("--recompute", recompute),
      ("--memory-budget", memoryBudget != nil),
    ]
    if let other = others.first(where: \.1)?.0 {
      throw ValidationError("\(other) is for training on the device; add --train sgd, or another")
    }
  }

  public func run() throws {
    let export = try Export(self)
    try export.write()
    export.report()
  }
}
