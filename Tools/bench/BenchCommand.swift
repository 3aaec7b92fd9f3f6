import ArgumentParser
import FixedNet
import Foundation
import ToolSupport

package struct BenchCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures training, inference and every kernel against this machine's peak.",
    discussion: """
      Run it in release: swift run -c release bench. Every round measures the multiply-add peak right before what is \
      compared with it, so the ratios hold even where the clock drifts. GFLOP/s count useful multiply-adds only, \
      two operations each. Progress goes to standard error.
      """,
    version: FixedNetVersion.current)

  @Flag(help: "Print one JSON object.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Models, separated by commas: \(BuiltInModel.allCases.map(\.rawValue).joined(separator: ", ")); "
        + "mlp:64,32; cnn:32,64; a Keras .json, .h5 or .keras file.", valueName: "names"),
    completion: .model)
  var models = BenchCommand.usualModels

  @OptionGroup var shape: ModelShapeOptions

  @Option(
    parsing: .unconditional,
    help: "Images of a mini-batch, and of an inference call (1 to 4,096; default: 64 and 128).")
  var batch: Int?

  @Option(
    parsing: .unconditional,
    help: "Most threads to measure with (1 to 256; default: one per processor).")
  var threads: Int?

  @Option(
    parsing: .unconditional,
    help: "Rounds, of which the minimum and the median are shown (1 to 1,000).")
  var rounds = 5

  @Flag(help: "A smoke test: fewer images, at most two rounds, shorter measurements.")
  var quick = false

  @Flag(
    help: ArgumentHelp(
      "Compare with other frameworks instead.",
      discussion: """
        PyTorch, torch.compile, Keras on TensorFlow, JAX, ONNX Runtime and LiteRT (with XNNPACK) do the same work from \
        the same weights and data, in turn with this program and on as many threads; what they compute is checked. Single \
        images run on one thread.
        """))
  var peers = false

  @Flag(
    help: ArgumentHelp(
      "Show where the time goes instead.",
      discussion: """
        Training, inference and the gradient of a full batch, layer by layer: forward, backward and update, and what part \
        of the machine's peak each layer reaches.
        """))
  var profile = false

  @Option(
    help: ArgumentHelp(
      "The Python of --peers, with any of torch, tensorflow, jax, onnxruntime and ai_edge_litert. (default: that of "
        + "make peers, in the checkout that this program was built in)",
      valueName: "path"), completion: .path)
  var python: String?

  @Option(
    help: ArgumentHelp(
      "Of --peers only the works whose names begin so (lenet, lenet-plain, cnn, ds-cnn, resnet8, resnet8-large, "
        + "mobilenet-025, autoencoder, streaming-wakeword, perceptron, dying-relu, inference). A number behind it is the "
        + "batch that is trained; NAME-inference runs one image.",
      valueName: "names"))
  var works: String?

  private static let usualModels = "lenet,lenet-plain,cnn"

  package init() {}

  package func validate() throws {
    if let batch { try checked(batch, "--batch", in: 1...4_096) }
    try checked(rounds, "--rounds", in: 1...1_000)
    if let threads { try checked(threads, "--threads", in: 1...256) }
    guard !peers || !profile else {
      throw ValidationError("--peers and --profile: give one of them")
    }
    guard peers || works == nil else {
      throw ValidationError("--works is for --peers; choose with --models")
    }
    let isUsual = batch == nil && models == BenchCommand.usualModels && shape.firstGiven == nil
    guard !peers || isUsual else {
      throw ValidationError("--peers has models and batches of its own; choose with --works")
    }
    guard !BenchModel.names(in: models).isEmpty else {
      throw ValidationError("--models names no model")
    }
  }

  private func selects(_ work: String) -> Bool {
    guard let works else { return true }
    return works.split(separator: ",").contains { work.hasPrefix($0) }
  }

  package func run() throws {
    if peers {
      let report = try PeerBench(
        python: python, threads: threads ?? Processors.available.count,
        rounds: quick ? min(rounds, 2) : rounds, isQuick: quick,
        instructionSet: try InstructionSet.selected(), selects: selects
      ).run()
      json ? printJSON(report.json) : printLines(report.text)
      return
    }
    let bench = Bench(
      models: try BenchModel.names(in: models).map { try BenchModel($0, shape) },
      batches: batch.map { [$0] } ?? [64, 128],
      threads: threads ?? Processors.available.count,
      rounds: quick ? min(rounds, 2) : rounds, isQuick: quick,
      instructionSet: try InstructionSet.selected())
    if profile {
      let report = try bench.profile()
      json ? printJSON(report.json) : printLines(report.text)
    } else {
      let report = try bench.run()
      json ? printJSON(report.json) : printLines(report.text)
    }
  }
}
