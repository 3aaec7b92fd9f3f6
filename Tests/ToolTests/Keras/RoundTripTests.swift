import FixedNet
import FixedNetCore
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// What we save, Keras loads, and it predicts what we predict: every built-in model, trained with every optimiser,
/// models with all that the built-in ones lack, and Keras' own models written again. Keras 3 on three backends, and
/// TF-Keras 2.
@Suite("Round trip", .serialized)
final class RoundTripTests {
  private static let withTensorFlow = python(".venv-tf")
  private static let withTorch = python(".venv-torch")
  private let folder: String
  /// How many files Keras is to load.
  private var fileCount = 0

  /// The Python of a virtual environment that `make interop` sets up.
  private static func python(_ environment: String) -> String? {
    let path = "\(Fixtures.root)/\(environment)/bin/python"
    return FileManager.default.isExecutableFile(atPath: path) ? path : nil
  }

  init() throws {
    folder = try Fixtures.temporaryFolder()
    for model in BuiltInModel.digitModels {
      for optimizer in OptimizerName.allCases { try save(model, optimizer) }
    }
    for model in BuiltInModel.fieldModels { try save(ofField: model) }
    try saveVariedModels()
    try saveFixtures()
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  @Test(
    "Keras 3 on JAX",
    .enabled(
      if: Fixtures.python != nil, "needs a Python with Keras: FIXEDNET_PYTHON or .venv (make test)")
  )
  func jax() throws { try check(Fixtures.python, backend: "jax") }

  @Test("Keras 3 on torch", .enabled(if: withTorch != nil, "needs .venv-torch: make interop"))
  func torch() throws { try check(Self.withTorch, backend: "torch") }

  @Test(
    "Keras 3 on TensorFlow", .enabled(if: withTensorFlow != nil, "needs .venv-tf: make interop"))
  func tensorFlow() throws { try check(Self.withTensorFlow, backend: "tensorflow") }

  @Test("TF-Keras 2", .enabled(if: withTensorFlow != nil, "needs .venv-tf: make interop"))
  func tfKeras() throws { try check(Self.withTensorFlow, "--tf-keras", backend: "tf_keras") }

  private func check(_ python: String?, _ options: String..., backend: String) throws {
    let run = try Finished(
      try #require(python),
      ["\(Fixtures.root)/Tests/Python/check_roundtrip.py"] + options + [folder],
      environment: options.isEmpty ? ["KERAS_BACKEND": backend] : [:])
    let failures = run.output.split(separator: "\n").filter { $0.hasPrefix("FAIL") }
    #expect(
      run.exitCode == 0 && failures.isEmpty,
      "\(failures.joined(separator: "; ")) \(run.errors.suffix(400))")
    #expect(
      run.output.contains("(\(backend)): \(fileCount) files, 0 failed"),
      "\(run.output.suffix(200))")
  }

  // MARK: - The files

  /// Trains for three steps and writes three files. `cnn`, for 28x28 pixels, has more than a million weights.
  private func save(_ builtIn: BuiltInModel, _ optimizer: OptimizerName) throws {
    let input: Shape? = builtIn == .cnn ? .image(height: 16, width: 16, channels: 1) : nil
    var trained = try TrainedModel(
      builtIn.model(input: input), name: "\(builtIn.rawValue)-\(optimizer.rawValue)",
      optimizer: optimizer.optimizer(), rate: optimizer.defaultLearningRate, outputs: 10)
    try trained.writeAll(to: folder)
    fileCount += 3
  }

  /// A network of MLPerf Tiny, trained with Adam as the benchmark does it.
  private func save(ofField builtIn: BuiltInModel) throws {
    let model = builtIn.model()
    var trained = try TrainedModel(
      model, name: builtIn.rawValue, optimizer: .adam(), rate: 1e-3, loss: builtIn.loss,
      outputs: try model.shapes().output.elementCount)
    try trained.writeAll(to: folder)
    fileCount += 3
  }

  private func saveVariedModels() throws {
    let all = Optimizer.rmsprop(rho: 0.8, momentum: 0.5, epsilon: 1e-6, isCentered: true)
    let adam = Optimizer.adam(beta1: 0.8, beta2: 0.99, epsilon: 1e-6)
    var models = [
      try TrainedModel(
        VariedModels.rectifiers, name: "rectifiers", optimizer: adam, rate: 0.01,
        clipping: .norm(1), outputs: 5),
      try TrainedModel(
        VariedModels.regression, name: "regression", optimizer: all, rate: 0.001,
        clipping: .value(0.5), loss: .meanSquaredError, outputs: 3),
      try TrainedModel(
        VariedModels.sigmoids, name: "sigmoids", optimizer: .momentum(0.5), rate: 0.1,
        clipping: .globalNorm(2), outputs: 4),
    ]
    for index in models.indices { try models[index].writeAll(to: folder) }
    fileCount += 3 * models.count
  }

  /// Keras' models as we write them, beside what Keras computed with its own files.
  private func saveFixtures() throws {
    guard let source = Fixtures.shared("fixtures/public") else { return }
    let ending = ".io.h5"
    for data in try FileManager.default.contentsOfDirectory(atPath: source)
    where data.hasSuffix(ending) {
      let name = String(data.dropLast(ending.count))
      let path = "\(source)/\(name)"
      let file: KerasModelFile
      if FileManager.default.fileExists(atPath: "\(path).h5") {
        file = try KerasFile.read(path: "\(path).h5")
      } else {
        let text = try String(contentsOfFile: "\(path).json", encoding: .utf8)
        file = try KerasFile.readWeights(
          path: "\(path).weights.h5", model: Model(json: JSONValue(parsing: text)))
      }
      try FileManager.default.copyItem(
        atPath: path + ending, toPath: "\(folder)/\(name)\(ending)")
      for form in ["h5", "keras"] { try KerasFile.write(file, to: "\(folder)/\(name).\(form)") }
      fileCount += 2
    }
  }
}
