import ArgumentParser
import FixedNet
import FixedNetFiles
import Foundation
import ToolSupport

@main
struct Eval: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval",
    abstract: "Evaluates a Keras .h5 model: loss, accuracy, precision, recall, speed.",
    discussion: """
      Without --inputs the model runs on a data set; with --inputs on dataset x of any HDF5 file.
      """)

  @Argument(help: ArgumentHelp("A Keras 2 or 3 .h5 file.", valueName: "file"))
  var file: String

  @OptionGroup var data: DataOptions

  @Option(help: "test or train.")
  var split: Split = .test

  @Option(parsing: .unconditional, help: "Images of one call; the outputs do not depend on it.")
  var batch = 128

  @Option(
    parsing: .unconditional,
    help: "Threads; the outputs do not depend on it. (default: all cores)")
  var threads: Int?

  @Flag(help: "Print the confusion matrix.")
  var confusion = false

  @Option(
    help: ArgumentHelp(
      "Run dataset x of this HDF5 file; where it holds y too, print max |difference|.",
      valueName: "file"))
  var inputs: String?

  @Option(help: ArgumentHelp("Write the outputs as dataset y to this file.", valueName: "file"))
  var outputs: String?

  @Flag(help: "Print one JSON object and nothing else.")
  var json = false

  enum Split: String, ExpressibleByArgument, CaseIterable { case test, train }

  static func main() { runTool() }

  func validate() throws {
    try checked(batch, "--batch", in: 1...65_536)
    if let threads { try checked(threads, "--threads", in: 1...256) }
    if inputs != nil, data.data != nil || data.dataDir != nil || confusion {
      throw ValidationError("--inputs takes the place of --data, --data-dir and --confusion")
    }
    if let outputs, outputs == file || outputs == inputs {
      throw ValidationError("--outputs would overwrite '\(outputs)'; choose another file")
    }
  }

  func run() throws {
    let file = try KerasFile.read(path: file, trainingState: .ifPresent)
    if !file.nonFinite.isEmpty {
      let text =
        "eval: warning: '\(self.file)' holds NaN or infinite values in "
        + "\(file.nonFinite.joined(separator: ", "))\n"
      FileHandle.standardError.write(Data(text.utf8))
    }
    let threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
    let plan = try NetworkPlan(
      file.model, options: PlanOptions(batch: batch, isTraining: false, threads: threads))
    let network = try Network(plan, instructionSet: .selected())
    try network.load(file.weights)
    if let inputs {
      try compare(network, inputs)
    } else {
      try evaluate(network, file)
    }
  }

  // MARK: - A data set

  private func evaluate(_ network: Network, _ file: KerasModelFile) throws {
    let data = try data.load(default: defaultData(file))
    let images = split == .test ? data.set.test : data.set.train
    guard !images.labels.isEmpty else {
      throw ToolError(
        "'\(data.set.name)' holds numbers to predict; evaluation needs labels or one-hot rows")
    }
    let start = ProgressLine.now
    let (outputs, sums) = try network.predict(images)
    let seconds = ProgressLine.now - start
    let metrics = try Metrics(outputs, labels: images.labels, classCount: data.set.classCount)
    if metrics.unanswered > 0 {
      let text = "eval: warning: \(metrics.unanswered) images have outputs that are not finite\n"
      FileHandle.standardError.write(Data(text.utf8))
    }
    if let path = self.outputs { try write(outputs, to: path) }
    let report = EvaluationReport(
      path: self.file, data: data.set, split: split.rawValue, model: file.model,
      weights: file.weights, metrics: metrics, loss: sums?.meanLoss,
      imagesPerSecond: Double(images.count) / seconds, arenaBytes: network.plan.memory.byteCount,
      nonFinite: file.nonFinite)
    if json {
      print(report.json.text)
    } else {
      if let note = data.note { print(note) }
      report.print(confusion: confusion)
    }
  }

  /// What the checkpoint was trained on, or the built-in data.
  private func defaultData(_ file: KerasModelFile) -> String { file.training?.data ?? "digits" }

  // MARK: - Arrays

  private func compare(_ network: Network, _ path: String) throws {
    let model = network.plan.model
    guard try HDF5Arrays.contains(path: path, dataset: "x") else {
      throw ToolError(
        "'\(path)' has no dataset x; --inputs needs one of [samples] x \(model.input)")
    }
    let x = try HDF5Arrays.readFloats(path: path, dataset: "x")
    guard x.shape.count == model.input.dimensions.count + 1,
      Array(x.shape.dropFirst()) == model.input.dimensions, x.shape[0] > 0
    else {
      throw ToolError(
        "'\(path)': dataset x must be [samples] x \(model.input), found "
          + x.shape.map(String.init).joined(separator: "x"))
    }
    let images = ImageSet(shape: model.input, pixels: .floats(x.values), labels: [])
    let (result, _) = try network.predict(images)
    if let outputs { try write(result, to: outputs) }
    let expected =
      try HDF5Arrays.contains(path: path, dataset: "y")
      ? HDF5Arrays.readFloats(path: path, dataset: "y") : nil
    if let expected, expected.shape != result.shape {
      throw ToolError(
        "'\(path)': dataset y must be "
          + result.shape.map(String.init).joined(separator: "x") + ", found "
          + expected.shape.map(String.init).joined(separator: "x"))
    }
    let difference = expected.map { Metrics.largestDifference(result.values, $0.values) }
    if json {
      let value: JSONValue = [
        "file": .string(file), "inputs": .string(path), "samples": .integer(x.shape[0]),
        "maxDifference": difference.map { .number(Double($0)) } ?? .null,
        "outputs": outputs.map { .string($0) } ?? .null,
      ]
      print(value.text)
    } else {
      print("\(x.shape[0]) samples of \(model.input) through \(file)")
      if let outputs { print("wrote \(outputs)") }
      if let difference { print("max |difference|: \(difference)") }
    }
  }

  private func write(_ outputs: Tensor, to path: String) throws {
    try HDF5Arrays.write(
      path: path, datasets: [(name: "y", shape: outputs.shape, values: outputs.values)])
  }
}
