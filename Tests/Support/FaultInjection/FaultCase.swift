import FixedNet
import FixedNetFiles
import Foundation

/// A training run that faults are tried on: a few seconds at most, with checkpoints all the time.
public struct FaultCase: Sendable {
  public var model: String
  public var optimizer: String
  /// Further options of `train`.
  public var options: [String] = []
  /// The end of the checkpoint's name.
  public var format = ".h5"

  /// Every optimiser, every kind of layer that keeps something, all formats, a mini-batch in parts.
  public static let all = [
    FaultCase(model: "lenet", optimizer: "sgd"),
    FaultCase(model: "lenet-plain", optimizer: "momentum"),
    FaultCase(
      model: "lenet-bn-dropout", optimizer: "adam", options: ["--schedule", "cosine"],
      format: ".keras"),
    FaultCase(model: "perceptron", optimizer: "rmsprop"),
    FaultCase(
      model: "cnn-small.json", optimizer: "nesterov", options: ["--clip-norm", "1"],
      format: ".weights.h5"),
    FaultCase(
      model: "lenet-dropout", optimizer: "rmsprop-legacy", options: ["--schedule", "one-cycle"]),
    FaultCase(model: "mlp", optimizer: "adam", options: ["--l2", "1e-4"]),
    FaultCase(
      model: "deep-mlp", optimizer: "rmsprop", options: ["--momentum", "0.5"], format: ".keras"),
    FaultCase(model: "lenet-plain", optimizer: "adam", options: ["--memory-budget", "2MiB"]),
    FaultCase(model: "softmax", optimizer: "momentum", options: ["--patience", "9"]),
  ]

  /// The first of `all`: a network with batch normalisation.
  public static let first = all[0]

  var name: String { model.replacing(".json", with: "") }
}

/// Where faults are tried: the tools, a folder, and small data in it.
public struct FaultBench: Sendable {
  public let tools: String
  public let folder: String
  var data: String { "\(folder)/digits.h5" }
  var logs: String { "\(folder)/logs" }

  /// Writes 640 of the built-in digits and a small convolutional model.
  public init(tools: String, folder: String) throws {
    self.tools = tools
    self.folder = folder
    try FileManager.default.createDirectory(atPath: logs, withIntermediateDirectories: true)
    let digits = DataSet.digits(trainCount: 512, testCount: 128)
    func floats(_ images: ImageSet) -> [Float] {
      guard case .bytes(let bytes) = images.pixels else { return [] }
      return bytes.map { Float($0) / 255 }
    }
    func datasets(_ images: ImageSet, _ suffix: String) -> [(
      name: String, shape: [Int], values: [Float]
    )] {
      [
        ("x\(suffix)", [images.count, 28, 28, 1], floats(images)),
        ("y\(suffix)", [images.count], images.labels.map(Float.init)),
      ]
    }
    try HDF5Arrays.write(
      path: data, datasets: datasets(digits.train, "") + datasets(digits.test, "_test"))
    let small = Model(
      name: "cnn-small", input: .image(height: 28, width: 28, channels: 1),
      layers: [
        Conv2D(name: "conv", filters: 6, kernelSize: (5, 5), strides: (2, 2)),
        LeakyReLU(name: "leaky", slope: 0.1), BatchNormalization(name: "bn"),
        MaxPooling2D(name: "pool", poolSize: (2, 2)), Flatten(name: "flatten"),
        Dropout(name: "drop", rate: 0.2), Dense(name: "dense", units: 10, activation: .softmax),
      ])
    try AtomicFile.write(Array(small.json.text.utf8), to: "\(folder)/cnn-small.json")
  }

  func start(_ tool: String, _ arguments: [String]) throws -> ChildProcess {
    try ChildProcess("\(tools)/\(tool)", arguments, logs: logs)
  }
}

/// One case with what an undisturbed run gives.
final class FaultRun {
  static let epochs = 3
  static let checkpointEvery = 3

  let bench: FaultBench
  let test: FaultCase
  /// "weights sha256: ..." of the undisturbed run.
  let hash: String
  /// The undisturbed run's --batch-history.
  let steps: String
  /// What the undisturbed run took.
  let seconds: Double

  init(_ bench: FaultBench, _ test: FaultCase) throws {
    self.bench = bench
    self.test = test
    let whole = "\(bench.folder)/whole\(test.format)"
    let steps = "\(bench.folder)/whole.csv"
    let process = try bench.start(
      "train",
      FaultRun.options(bench, test) + ["--output", whole, "--batch-history", steps])
    guard process.wait() == 0, let hash = FaultRun.hash(process) else {
      throw FaultError("the undisturbed run of \(test.model) failed: \(process.errorText)")
    }
    self.hash = hash
    seconds = ChildProcess.now - process.started
    self.steps = try String(contentsOfFile: steps, encoding: .utf8)
    for path in [whole, "\(bench.folder)/whole.best\(test.format)"] { unlink(path) }
  }

  private static func options(_ bench: FaultBench, _ test: FaultCase) -> [String] {
    let model = test.model.hasSuffix(".json") ? "\(bench.folder)/\(test.model)" : test.model
    return [
      "--model", model, "--data", bench.data, "--batch", "32", "--epochs", "\(epochs)",
      "--optimizer", test.optimizer, "--quiet", "--checkpoint-every", "\(checkpointEvery)",
    ] + test.options
  }

  static func hash(_ process: ChildProcess) -> String? {
    process.outputText.split(separator: "\n").last { $0.hasPrefix("weights sha256: ") }
      .map(String.init)
  }

  /// Starts the run, or resumes it where there is a checkpoint. The number of threads must not matter.
  func start(_ path: String, threads: Int) throws -> ChildProcess {
    let isThere = FileManager.default.fileExists(atPath: path)
    let steps = "\((path as NSString).deletingLastPathComponent)/steps.csv"
    let options =
      isThere
      ? [
        "--resume", path, "--checkpoint", "--quiet", "--checkpoint-every",
        "\(FaultRun.checkpointEvery)",
      ] + memoryBudget
      : FaultRun.options(bench, test) + ["--output", path]
    return try bench.start(
      "train", options + ["--threads", "\(threads)", "--batch-history", steps])
  }

  /// Not part of what a checkpoint remembers.
  private var memoryBudget: [String] {
    test.options.firstIndex(of: "--memory-budget").map { Array(test.options[$0...$0 + 1]) } ?? []
  }

  /// Reads the checkpoint with everything that resuming needs; nil where there is none.
  /// Throws: `FaultError` where it cannot be loaded, or its weights are not numbers.
  func load(_ path: String) throws -> TrainingState? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    do {
      let file =
        test.format == ".weights.h5"
        ? try KerasFile.readWeights(path: path, model: model(), trainingState: .require)
        : try KerasFile.read(path: path, trainingState: .require)
      guard file.nonFinite.isEmpty else { throw FaultError("not finite: \(file.nonFinite)") }
      return file.training
    } catch { throw FaultError("the checkpoint is lost: \(error)") }
  }

  private func model() throws -> Model {
    guard test.model.hasSuffix(".json") else {
      return try BuiltInModel.named(test.model).model()
    }
    let data = FileManager.default.contents(atPath: "\(bench.folder)/\(test.model)") ?? Data()
    return try Model(json: JSONValue(parsing: String(decoding: data, as: UTF8.self)))
  }

  /// A new folder and the checkpoint's path in it.
  func place() throws -> (folder: String, path: String) {
    let folder = "\(bench.folder)/\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return (folder, "\(folder)/run\(test.format)")
  }

  /// The files of the folder that are no checkpoints.
  func litter(_ folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let outputs = ["run\(test.format)", "run.best\(test.format)", "steps.csv"]
    return names.filter { !outputs.contains($0) }.sorted()
  }

  /// Resumes until the end.
  /// Throws: `FaultError` where the run fails, ends in other weights, or leaves litter.
  func finish(_ path: String, in folder: String, threads: Int = 2) throws {
    let process = try start(path, threads: threads)
    guard process.wait() == 0 else {
      throw FaultError("cannot be resumed: \(process.errorText)")
    }
    try check(process, in: folder)
  }

  /// Throws: `FaultError` where a run that ended well has other weights than the undisturbed one, or left litter.
  func check(_ process: ChildProcess, in folder: String) throws {
    guard FaultRun.hash(process) == hash else {
      throw FaultError(
        "other weights: \(FaultRun.hash(process) ?? "no hash") instead of \(hash)")
    }
    guard try String(contentsOfFile: "\(folder)/steps.csv", encoding: .utf8) == steps else {
      throw FaultError("the history of the steps is not the undisturbed run's")
    }
    try checkLitter(folder)
  }

  /// Throws: `FaultError` where there is more in the folder than what was asked for.
  func checkLitter(_ folder: String) throws {
    let litter = litter(folder)
    guard litter.isEmpty else { throw FaultError("left behind: \(litter)") }
  }
}
