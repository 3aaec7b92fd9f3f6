import ArgumentParser
import FixedNet
import FixedNetFiles
import Foundation
import ToolSupport

package struct Eval: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "eval",
    abstract: "Evaluates a Keras model: loss, accuracy, precision, recall, activations, gradients.",
    discussion: """
      Without --inputs the model runs on a data set: --data, or the one that the file records as trained on; with \
      --inputs on the samples of any data file.
      """,
    version: FixedNetVersion.current)

  @Argument(
    help: ArgumentHelp("A Keras 2 or 3 .h5, .keras or .weights.h5 file.", valueName: "file"),
    completion: .argumentPath)
  var file: String

  @Option(
    help: ArgumentHelp(
      "Whose weights the file holds (a .weights.h5 does not say): a built-in model, a .json, an .h5 or "
        + "a .keras.", valueName: "name"), completion: .model)
  var model: String?

  @OptionGroup var data: DataOptions

  @Option(
    help: "test, train, or validation: what train --validation-fraction held out. (default: test)")
  var split: DataOptions.Split?

  @Option(
    help: ArgumentHelp(
      "\(Loss.help) (default: what the file says, else what the model's end asks for)",
      valueName: "name"), completion: .loss, transform: Loss.option)
  var loss: Loss?

  @Option(
    parsing: .unconditional,
    help:
      "Images of one call; the outputs do not depend on it. (default: 128, or what memory allows)")
  var batch: Int?

  @Option(
    help: ArgumentHelp(
      "The most memory for the network, \(ByteCount.help). (default: 256 MiB and 8 times the weights)",
      valueName: "size"))
  var memoryBudget: ByteCount?

  @Option(
    parsing: .unconditional,
    help: "Threads; the outputs do not depend on it. (default: what is worth it)")
  var threads: Int?

  @OptionGroup var subnormals: SubnormalsOption

  @Flag(help: "Print the confusion matrix.")
  var confusion = false

  @Option(
    help: ArgumentHelp(
      "Draw the confusion matrix to this .svg or .png file.", valueName: "file"), completion: .path)
  var plot: String?

  @Option(
    help: ArgumentHelp(
      "Draw how often the model is right against how sure it is to this .svg or .png file.",
      valueName: "file"), completion: .path)
  var calibration: String?

  @Option(
    help: ArgumentHelp(
      "Run the samples of this file: dataset x of an .h5, X of a .mat, the rows of a .csv; where it holds "
        + "outputs as y too, print max |difference|.",
      valueName: "file"), completion: .path)
  var inputs: String?

  @Option(
    help: ArgumentHelp("Write the outputs as dataset y to this .h5 file.", valueName: "file"),
    completion: .path)
  var outputs: String?

  @Option(
    help: ArgumentHelp(
      "Write the outputs of this layer, or of all, to the file of --outputs instead: datasets called "
        + "like the layers.", valueName: "layer"))
  var activations: String?

  @Option(
    help: ArgumentHelp(
      "Write the gradient of the mean loss over the data set with respect to every trained weight to "
        + "this HDF5 file: datasets layer/weight, and loss. As in training: batch normalisation sees "
        + "the whole set as one batch, dropout has the masks of step 0.", valueName: "file"),
    completion: .path)
  var gradients: String?

  @Flag(help: "Print one JSON object and nothing else.")
  var json = false

  package init() {}

  package func validate() throws {
    if let batch { try checked(batch, "--batch", in: 1...65_536) }
    if let threads { try checked(threads, "--threads", in: 1...256) }
    if let plot { try checkPlot(plot) }
    if let calibration { try checkPlot(calibration, option: "--calibration") }
    for (path, option) in [(outputs, "--outputs"), (gradients, "--gradients")] {
      guard let path, ![".h5", ".hdf5"].contains(where: { path.lowercased().hasSuffix($0) }) else {
        continue
      }
      throw ValidationError("\(option) must name an .h5 file (HDF5), found '\(path)'")
    }
    if let inputs { try validate(inputs: inputs) }
    if activations != nil, outputs == nil {
      throw ValidationError("--activations needs --outputs, the file to write them to")
    }
  }

  /// What belongs to a data set does not belong to --inputs.
  private func validate(inputs: String) throws {
    let others = [
      ("--confusion", confusion), ("--gradients", gradients != nil), ("--plot", plot != nil),
      ("--calibration", calibration != nil),
      ("--split", split != nil), ("--loss", loss != nil),
    ]
    let isMATLAB = inputs.lowercased().hasSuffix(".mat")
    let given = data.firstGiven(pixelOrder: !isMATLAB) ?? others.first(where: \.1)?.0
    if let given {
      throw ValidationError(
        "--inputs takes the place of --data, --data-dir, --confusion, --gradients, --calibration and "
          + "--plot; "
          + "\(given) is for a data set")
    }
  }

  /// Nothing that is read is replaced, and nothing is written twice. `loaded`, `recorded`: the data, and those that the
  /// file was trained on, where they are known.
  func checkFiles(_ loaded: LoadedData? = nil, recorded: RecordedData? = nil) throws {
    var files = FileGuard()
    files.reads(file, "eval")
    files.keeps(recorded, of: file)
    files.reads(loaded)
    files.reads(inputs, "--inputs")
    files.reads(data.data, "--data")
    files.reads(model, "--model")
    files.writes(outputs, "--outputs")
    files.writes(gradients, "--gradients")
    files.writes(plot, "--plot")
    files.writes(calibration, "--calibration")
    try files.check()
  }

  package func run() throws {
    try checkFiles()
    let evaluation = try Evaluation(self)
    if let inputs {
      try evaluation.compare(inputs)
    } else {
      try evaluation.evaluate()
    }
  }
}
