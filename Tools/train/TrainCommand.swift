import ArgumentParser
import FixedNet
import FixedNetFiles
import Foundation
import ToolSupport

@main
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a network in planned memory and saves it as a native Keras .h5 file.",
    discussion: """
      The memory is planned and printed before the first sample. The same seed gives the same \
      weights, bit for bit, on any number of threads and after --resume.
      """)

  @Option(
    help: ArgumentHelp(
      "lenet (default), lenet-plain, mlp, softmax, a Keras .json file, or an .h5 file whose "
        + "architecture and weights to start from."))
  var model: String?

  @OptionGroup var data: DataOptions

  @Option(parsing: .unconditional, help: "Passes over the training images. (default: 10)")
  var epochs: Int?

  @Option(parsing: .unconditional, help: "Images per mini-batch. (default: 128)")
  var batch: Int?

  @Option(help: "sgd: w = w - rate * gradient. (default: sgd)")
  var optimizer: String?

  @Option(parsing: .unconditional, help: "Step size of the optimiser. (default: 0.01)")
  var learningRate: Double?

  @Option(help: "How the rate changes over the steps: constant. (default: constant)")
  var schedule: String?

  @Option(
    parsing: .unconditional,
    help: "Start of every random number: weights and shuffling. (default: 0)")
  var seed: UInt64?

  @Option(
    parsing: .unconditional,
    help: "Threads; the result does not depend on it. (default: all cores)")
  var threads: Int?

  @Flag(help: "Save Models/<model>.h5 after every epoch, and the best so far as <model>.best.h5.")
  var checkpoint = false

  @Option(help: ArgumentHelp("Save to this .h5 file instead.", valueName: "file"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Continue the run that saved this file, to the bit; with --checkpoint it is saved there again.",
      valueName: "file"))
  var resume: String?

  @Option(
    help: ArgumentHelp(
      "Keep the arena below this size, \(ByteCount.help): mini-batches are run in parts that "
        + "fit, with the same result. Not for batch normalisation.",
      valueName: "size"))
  var memoryBudget: ByteCount?

  @Option(help: ArgumentHelp("Write one line per epoch to this .csv file.", valueName: "file"))
  var history: String?

  @Flag(help: "Print the final lines only.")
  var quiet = false

  @Flag(help: "Print one JSON object at the end and nothing else.")
  var json = false

  @OptionGroup var fullBatch: FullBatchOptions

  static func main() { runTool() }

  /// The full-batch solver that was asked for; nil for mini-batches.
  private var fullBatchMethod: FullBatchMethod? { optimizer.flatMap(FullBatchMethod.init) }

  /// A full-batch solver has no mini-batches, rates or epochs.
  private func validateFullBatch() throws {
    let others: [(String, Bool)] = [
      ("--epochs", epochs != nil), ("--batch", batch != nil),
      ("--learning-rate", learningRate != nil), ("--schedule", schedule != nil),
      ("--resume", resume != nil), ("--memory-budget", memoryBudget != nil),
    ]
    if let method = fullBatchMethod {
      if let (name, _) = others.first(where: \.1) {
        throw ValidationError("\(name) is for mini-batches; \(method.rawValue) has none")
      }
    } else if fullBatch.isGiven {
      throw ValidationError(
        "--evaluations, --lambda and --reference-gradient go with --optimizer truncated-newton or "
          + "lbfgs")
    }
  }

  func validate() throws {
    try validateFullBatch()
    if let epochs { try checked(epochs, "--epochs", in: 1...1_000_000) }
    if let batch { try checked(batch, "--batch", in: 1...65_536) }
    if let threads { try checked(threads, "--threads", in: 1...256) }
    if let learningRate, !(learningRate.isFinite && learningRate > 0 && learningRate <= 1e6) {
      throw ValidationError(
        "--learning-rate must be above 0 and at most 1e6, found \(learningRate)")
    }
    if let optimizer, OptimizerName(rawValue: optimizer) == nil, fullBatchMethod == nil {
      throw ValidationError("--optimizer must be sgd, found '\(optimizer)'")
    }
    if let schedule, schedule != "constant" {
      throw ValidationError("--schedule must be constant, found '\(schedule)'")
    }
    if let output, !output.hasSuffix(".h5") {
      throw ValidationError("--output must name an .h5 file, found '\(output)'")
    }
    if resume != nil {
      let fixed: [(String, Bool)] = [
        ("--model", model != nil), ("--batch", batch != nil),
        ("--optimizer", optimizer != nil), ("--learning-rate", learningRate != nil),
        ("--schedule", schedule != nil), ("--seed", seed != nil),
      ]
      if let (name, _) = fixed.first(where: \.1) {
        throw ValidationError("\(name) cannot be changed with --resume; the file says what it was")
      }
    }
  }

  func run() throws {
    if let method = fullBatchMethod { return try FullBatchRun(self, method).run() }
    let run = try TrainingRun(self)
    try run.train()
  }
}
