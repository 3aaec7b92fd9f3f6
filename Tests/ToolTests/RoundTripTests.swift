import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// Every built-in model, saved by us, predicts in Keras what it predicts here: Keras 3 on three backends, and TF-Keras 2.
@Suite("Round trip")
struct RoundTripTests {
  private static let withTensorFlow = python(".venv-tf")
  private static let withTorch = python(".venv-torch")
  private let folder: String

  /// The Python of a virtual environment that `make interop` sets up.
  private static func python(_ environment: String) -> String? {
    let path = "\(Fixtures.root)/\(environment)/bin/python"
    return FileManager.default.isExecutableFile(atPath: path) ? path : nil
  }

  init() throws {
    folder = try Fixtures.temporaryFolder()
    for model in BuiltInModel.allCases { try save(model) }
  }

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
    #expect(run.exitCode == 0, "\(run.output) \(run.errors.suffix(400))")
    let count = BuiltInModel.allCases.count
    #expect(run.output.contains("(\(backend)): \(count) files, 0 failed"), "\(run.output)")
  }

  /// Writes NAME.h5 with weights in which no two layers and no two channels are alike, and NAME.io.h5.
  private func save(_ builtIn: BuiltInModel) throws {
    let model = builtIn.model()
    let plan = try NetworkPlan(model, options: PlanOptions(batch: 8, isTraining: false, threads: 1))
    let network = try Network(plan)
    var state: UInt64 = 1
    func next() -> Float {  // Knuth's linear congruential generator; uniform in [-1, 1)
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / Float(1 << 23) - 1
    }
    let weights = network.weights.map { layer in
      let tensors = layer.tensors.enumerated().map { index, tensor in
        let isVariance = index == 3  // gamma, beta, moving mean, moving variance
        let scale = 1 / Float(max(1, tensor.shape.dropLast().reduce(1, *))).squareRoot()
        let values = tensor.values.map { _ in isVariance ? 1 + next() / 2 : scale * next() }
        return Tensor(shape: tensor.shape, values: values)
      }
      return LayerWeights(layer: layer.layer, tensors: tensors)
    }
    try network.load(weights)
    let x = (0..<8 * model.input.elementCount).map { _ in next() }
    let y = try network.predict(ImageSet(shape: model.input, pixels: .floats(x), labels: []))
      .outputs
    let path = "\(folder)/\(builtIn.rawValue)"
    try KerasFile.write(KerasModelFile(model: model, weights: weights), to: "\(path).h5")
    try HDF5Arrays.write(
      path: "\(path).io.h5",
      datasets: [
        (name: "x", shape: [8] + model.input.dimensions, values: x),
        (name: "y", shape: y.shape, values: y.values),
      ])
  }
}
