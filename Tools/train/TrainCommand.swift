import ArgumentParser
import FixedNet
import FixedNetCore
import FixedNetFiles
import Foundation
import ToolSupport

package struct Train: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a network in planned memory and saves it as a native Keras file.",
    discussion: """
      The memory is planned and printed before the first sample. The same seed gives the same \
      weights, bit for bit, on any number of threads and after --resume.

      --model FILE.h5 or FILE.keras goes on with the file's loss and optimiser: its learning rate, schedule, \
      clipping, memory and count of steps, as Keras' load_model and fit do. Options come before the file: \
      --optimizer starts another one without memory; --learning-rate, --schedule, --momentum, --rho, --beta1, \
      --beta2, --epsilon, --weight-decay and --clip-... change what they name and keep the rest. Epochs, batches and shuffling \
      are a new run's. The line 'optimiser:' says what was taken.
      """,
    version: FixedNetVersion.current)

  @Option(
    help: ArgumentHelp(
      "\(BuiltInModel.allCases.map(\.rawValue).joined(separator: ", ")); mlp:64,32 (dense layers of so "
        + "many units), cnn:32,64 (3x3 convolutions of so many filters); a Keras .json file, "
        + "or an .h5 or .keras file whose architecture and weights to start from. (default: lenet)",
      valueName: "name"), completion: .model)
  var model: String?

  @OptionGroup var start: StartOptions

  @OptionGroup var data: DataOptions

  @OptionGroup var augmentation: AugmentOption

  @OptionGroup var subnormals: SubnormalsOption

  @Option(parsing: .unconditional, help: "Passes over the training images. (default: 10)")
  var epochs: Int?

  @Option(parsing: .unconditional, help: "Images per mini-batch. (default: 128)")
  var batch: Int?

  @Option(
    help: ArgumentHelp(
      "\(Loss.help) (default: what an .h5 or .keras says, else what the model's end asks for)",
      valueName: "name"), completion: .loss, transform: Loss.option)
  var loss: Loss?

  @OptionGroup var optimizer: OptimizerOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Step size of the optimiser; fixed, where --schedule does not say otherwise. (default: what "
        + "an .h5 or .keras says, else Keras': 0.01 of sgd, momentum and nesterov, 0.001 of the others)"
    ))
  var learningRate: Double?

  @Option(
    help: ArgumentHelp(
      "How the rate changes, from or up to --learning-rate; in steps (mini-batches). "
        + "\(Schedule.forms.joined(separator: "; ")). It starts with the run. (default: what an .h5 "
        + "or .keras says, else constant)",
      valueName: "name:key=value,..."))
  var schedule: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Hold out this part of the training samples, of every class its share: the best checkpoint and "
        + "--patience go by it, and the test set is looked at once, at the end. (default: 0; with --patience "
        + "or --learning-curve \(ValidationPart.usualFraction))", valueName: "part"))
  var validationFraction: Double?

  @Option(
    parsing: .unconditional,
    help:
      "Stop after this many epochs in which the validation loss did not improve. (default: never)")
  var patience: Int?

  @Option(
    parsing: .unconditional,
    help: "With --patience: what an improvement must be larger than. (default: 0)")
  var minDelta: Double?

  @Option(
    parsing: .unconditional,
    help: "Start of every random number: weights, shuffling, dropout, augmentation. (default: 0)")
  var seed: UInt64?

  @Option(
    parsing: .unconditional,
    help: "Threads; the result does not depend on it. (default: what is worth it)")
  var threads: Int?

  @Flag(
    help: """
      Save Models/<model>.h5 after every epoch; with --validation-fraction the best so far too, as \
      <model>.best.h5.
      """)
  var checkpoint = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "With --checkpoint or --output: save after this many steps too. (default: after every epoch; "
        + "full batch: at the end)", valueName: "steps"))
  var checkpointEvery: Int?

  @Option(
    help: ArgumentHelp("Save to this .h5, .weights.h5 or .keras file instead.", valueName: "file"),
    completion: .path)
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Continue the run that saved this file, to the bit; with --checkpoint it is saved there again.",
      valueName: "file"), completion: .path)
  var resume: String?

  @Option(
    help: ArgumentHelp(
      "Keep the arena below this size, \(ByteCount.help), with the same result: mini-batches are "
        + "run in parts that fit (not with batch normalisation), outputs are computed again. "
        + "Batches of 1 need least.",
      valueName: "size"))
  var memoryBudget: ByteCount?

  @Flag(
    help: ArgumentHelp(
      "Compute outputs again in the backward pass instead of keeping them, as far as a step takes at "
        + "most 1.6 times the multiply-adds, or as --memory-budget asks: the same result."))
  var recompute = false

  @Option(
    help: ArgumentHelp("Write one line per epoch to this .csv file.", valueName: "file"),
    completion: .path)
  var history: String?

  @Option(
    help: ArgumentHelp(
      "Write one line per step (epoch, step, learning_rate, loss) to this .csv file, after every "
        + "epoch.", valueName: "file"), completion: .path)
  var batchHistory: String?

  @Option(
    help: ArgumentHelp(
      "Draw the loss and accuracy of every epoch to this .svg or .png file at the end.",
      valueName: "file"), completion: .path)
  var plot: String?

  @Option(
    help: ArgumentHelp(
      "Train on a tenth, two, four and seven tenths and on all of the training samples instead, print the "
        + "losses of these runs on what they were trained on and on the validation part, and draw them to this "
        + ".svg or .png file: would more samples help? Nothing else is saved.", valueName: "file"),
    completion: .path)
  var learningCurve: String?

  @Option(
    help: ArgumentHelp(
      "Write event files for TensorBoard into this folder: the loss of every step; losses, "
        + "accuracies, learning rate, and histograms of all weights and gradients of every epoch. "
        + "For a program that was built with --traits default,TensorBoard.", valueName: "folder"),
    completion: .directory)
  var tensorboard: String?

  @Flag(help: "Print the final lines only.")
  var quiet = false

  @Flag(help: "Print one JSON object at the end and nothing else.")
  var json = false

  @OptionGroup var fullBatch: FullBatchOptions

  package init() {}

  /// The full-batch solver that was asked for; nil for mini-batches.
  private var fullBatchMethod: FullBatchMethod? { optimizer.fullBatchMethod }

  /// A full-batch solver has no mini-batches, rates or epochs.
  private func validateFullBatch() throws {
    let others: [(String, Bool)] = [
      ("--epochs", epochs != nil), ("--batch", batch != nil),
      ("--learning-rate", learningRate != nil), ("--schedule", schedule != nil),
      ("--resume", resume != nil), ("--memory-budget", memoryBudget != nil),
      ("--patience", patience != nil), ("--batch-history", batchHistory != nil),
      ("--validation-fraction", validationFraction != nil), ("--recompute", recompute),
      ("--learning-curve", learningCurve != nil), ("--augment", augmentation.augment != nil),
    ]
    if let method = fullBatchMethod {
      if let (name, _) = others.first(where: \.1) {
        let advice =
          resume == nil ? "" : "; start from the file's weights instead, with --model or --weights"
        throw ValidationError(
          "\(name) is for mini-batches; \(method.rawValue) has none\(advice)")
      }
      if fullBatch.lambda != nil, start.squarePenalty != nil {
        throw ValidationError("--lambda and --l2 exclude each other; give one")
      }
    } else if fullBatch.isGiven {
      throw ValidationError(
        "--evaluations, --lambda and --reference-gradient go with --optimizer truncated-newton or "
          + "lbfgs")
    }
  }

  package func validate() throws {
    try validateFullBatch()
    if !ModelSource.isKerasFile(model ?? "") { try optimizer.checkNumbersOfDefault() }
    if let epochs { try checked(epochs, "--epochs", in: 1...1_000_000) }
    if let batch { try checked(batch, "--batch", in: 1...65_536) }
    if let threads { try checked(threads, "--threads", in: 1...256) }
    if let checkpointEvery {
      try checked(checkpointEvery, "--checkpoint-every", in: 1...1_000_000_000)
      guard checkpoint || output != nil else {
        throw ValidationError(
          "--checkpoint-every belongs to --checkpoint or --output; give one of them")
      }
    }
    if let validationFraction, !(0..<1).contains(validationFraction) {
      throw ValidationError(
        "--validation-fraction must be from 0 to below 1, found \(validationFraction)")
    }
    if let patience {
      try checked(patience, "--patience", in: 1...1_000_000)
      if validationFraction == 0 {
        throw ValidationError(
          "--patience goes by the validation part, and --validation-fraction 0 leaves none")
      }
    }
    if let minDelta, !(minDelta >= 0 && minDelta.isFinite) {
      throw ValidationError("--min-delta must be 0 or more, found \(minDelta)")
    }
    if let learningRate, !(learningRate <= 1e6 && Float(learningRate) > 0) {
      throw ValidationError(
        "--learning-rate must be above 0 and at most 1e6, found \(learningRate)")
    }
    if let schedule {
      // The numbers that depend on the data are not needed to tell whether the text is right.
      let defaults = Schedule.Defaults(learningRate: 1, stepsPerEpoch: 1, epochs: 1)
      do { _ = try Schedule(text: schedule, defaults) } catch {
        throw ValidationError("--schedule: \(error)")
      }
    }
    if let output, CheckpointOutput.end(of: output) == nil {
      throw ValidationError("--output must name an .h5 or .keras file, found '\(output)'")
    }
    if let plot { try checkPlot(plot) }
    if let learningCurve { try validate(learningCurve: learningCurve) }
    if tensorboard?.isEmpty == true { throw ValidationError("--tensorboard must name a folder") }
    try validateResume()
  }

  /// What is for one run has no place among several.
  private func validate(learningCurve path: String) throws {
    try checkPlot(path, option: "--learning-curve")
    let others = [
      ("--resume", resume != nil), ("--checkpoint", checkpoint), ("--output", output != nil),
      ("--history", history != nil), ("--batch-history", batchHistory != nil),
      ("--plot", plot != nil), ("--tensorboard", tensorboard != nil),
      ("--patience", patience != nil),
    ]
    if let (name, _) = others.first(where: \.1) {
      throw ValidationError("\(name) is for one run; --learning-curve makes several and keeps none")
    }
    if validationFraction == 0 {
      throw ValidationError(
        "--learning-curve goes by the validation part, and --validation-fraction 0 leaves none")
    }
  }

  private func validateResume() throws {
    guard resume != nil else {
      if minDelta != nil, patience == nil {
        throw ValidationError("--min-delta belongs to --patience; give both")
      }
      return
    }
    let fixed: [(String, Bool)] = [
      ("--model", model != nil), ("--batch", batch != nil), ("--loss", loss != nil),
      ("--learning-rate", learningRate != nil), ("--schedule", schedule != nil),
      ("--seed", seed != nil), ("--validation-fraction", validationFraction != nil),
    ]
    let given = fixed.first(where: \.1)?.0 ?? optimizer.firstGiven ?? start.firstGiven
    if let given {
      throw ValidationError("\(given) cannot be changed with --resume; the file says what it was")
    }
  }

  /// What a new run holds out of the training samples; nil: nothing.
  var heldOutFraction: Double? {
    let needsOne = patience != nil || learningCurve != nil
    let usual = needsOne ? ValidationPart.usualFraction : 0
    let fraction = validationFraction ?? usual
    return fraction > 0 ? fraction : nil
  }

  /// --model, or what stands for it.
  var modelName: String { model ?? (fullBatchMethod == nil ? "lenet" : "perceptron") }

  /// Nothing that is read is replaced, but a model by its own next checkpoint; nothing is written twice. `loaded`,
  /// `recorded`: the data, and those that the model was trained on, where they are known.
  func checkFiles(_ loaded: LoadedData? = nil, recorded: RecordedData? = nil) throws {
    let output = CheckpointOutput.path(self)
    var files = FileGuard()
    files.reads(data.data, "--data")
    files.keeps(recorded, of: resume ?? modelName)
    files.reads(loaded)
    files.writes(output, self.output == nil ? "--checkpoint" : "--output")
    if heldOutFraction != nil || resume != nil {
      files.writes(output.map(CheckpointOutput.bestPath), "the best checkpoint")
    }
    files.writes(history, "--history")
    files.writes(batchHistory, "--batch-history")
    files.writes(plot, "--plot")
    files.writes(learningCurve, "--learning-curve")
    try files.check()
    var models = FileGuard()
    for (path, what) in [(model, "--model"), (start.weights, "--weights"), (resume, "--resume")] {
      models.reads(path, what)
    }
    if heldOutFraction != nil {
      models.writes(output.map(CheckpointOutput.bestPath), "the best checkpoint")
    }
    models.writes(history, "--history")
    models.writes(batchHistory, "--batch-history")
    models.writes(plot, "--plot")
    models.writes(learningCurve, "--learning-curve")
    try models.check()
  }

  package func run() throws {
    if tensorboard != nil { try TensorBoardOutput.checkIsAvailable() }
    try checkFiles()
    StartUpCode.release()
    if let method = fullBatchMethod { return try FullBatchRun(self, method).run() }
    if let learningCurve { return try LearningCurve(self, path: learningCurve).run() }
    try TrainingRun(self).train()
  }
}
