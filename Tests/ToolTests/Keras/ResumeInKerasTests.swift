import FixedNet
import FixedNetCore
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// Keras 3 goes on training where our engine stopped: the next five losses are those that the engine itself computes.
@Suite(
  "Resume in Keras",
  .enabled(
    if: Fixtures.python != nil, "needs a Python with Keras: FIXEDNET_PYTHON or .venv (make test)"))
struct ResumeInKerasTests {
  private static let classCount = 4

  /// What Keras has: the legacy RMSprop is Keras 2's alone.
  private static let names = OptimizerName.allCases.filter { $0 != .rmspropLegacy }

  private static let models: [(name: String, model: Model)] = {
    let penalized = WeightOptions(kernelInitializer: .heNormal, kernelRegularizer: .l2(0.01))
    return [
      (
        "mlp",
        BuiltInModel.mlp.model(
          input: .image(height: 6, width: 5, channels: 1), classCount: classCount)
      ),
      (
        "varied",
        Model(
          name: "varied", input: .image(height: 6, width: 5, channels: 1),
          layers: [
            Conv2D(
              name: "conv", filters: 3, kernelSize: (3, 2), activation: .tanh, options: penalized),
            BatchNormalization(name: "bn"), MaxPooling2D(name: "pool", poolSize: (2, 2)),
            Flatten(name: "flatten"), Dense(name: "dense1", units: 6, activation: .relu),
            Dense(name: "dense2", units: classCount, activation: .softmax),
          ])
      ),
    ]
  }()

  @Test("the same losses, and every variable of the optimiser restored")
  func losses() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (prefix, model) in Self.models {
      for name in Self.names { try save(model, name, "\(prefix)-\(name.rawValue)", to: folder) }
    }
    let run = try Finished(
      try #require(Fixtures.python),
      ["\(Fixtures.root)/Tests/Python/check_resume.py", folder],
      environment: ["KERAS_BACKEND": "jax"])
    #expect(run.exitCode == 0, "\(run.output) \(run.errors.suffix(400))")
    let count = Self.models.count * Self.names.count
    #expect(run.output.contains("(jax): \(count) files, 0 failed"), "\(run.output)")
    for (prefix, model) in Self.models {
      let weightCount = try model.weightDescriptions().joined().filter(\.isTrainable).count
      for name in Self.names {
        // Steps and learning rate besides; of Nadam the product of its momenta.
        let variables =
          2 + name.optimizer().slotNames.count * weightCount + (name == .nadam ? 1 : 0)
        let line = try #require(
          run.output.split(separator: "\n").first {
            $0.contains("\(prefix)-\(name.rawValue).keras")
          })
        #expect(line.hasSuffix(" \(variables) optimiser variables"), "\(line)")
        let difference = try #require(
          line.firstMatch(of: /difference\| ([0-9.e+-]+),/).flatMap { Double($0.1) })
        #expect(difference <= (name.optimizer().isAdaptive ? 1e-4 : 1e-5), "\(line)")
      }
    }
  }

  /// Five steps, the file, and five more steps with their losses.
  private func save(
    _ model: Model, _ optimizer: OptimizerName, _ name: String, to folder: String
  ) throws {
    let trained = try TrainedModel(
      model, name: name, optimizer: optimizer.optimizer(),
      rate: optimizer.defaultLearningRate, outputs: Self.classCount, steps: 5)
    try KerasFile.write(trained.file, to: "\(folder)/\(name).keras")
    var random = RandomValues(seed: 2)
    var (xs, ys, losses): ([Float], [Float], [Float]) = ([], [], [])
    for step in 0..<5 {
      let x = random.values(TrainedModel.batch * model.input.elementCount)
      let labels = (0..<TrainedModel.batch).map { UInt16(($0 * 5 + step) % Self.classCount) }
      let images = ImageSet(shape: model.input, pixels: .floats(x), labels: labels)
      let rule = optimizer.optimizer().rule(
        at: 5 + step, learningRate: Float(optimizer.defaultLearningRate))
      let sums = try trained.network.step(images, update: rule, step: 5 + step)
      xs += x
      ys += labels.map { Float($0) }
      losses.append(Float(sums.meanLoss))
    }
    #expect(Set(losses).count == 5)
    try HDF5Arrays.write(
      path: "\(folder)/\(name).steps.h5",
      datasets: [
        (name: "x", shape: [5, TrainedModel.batch] + model.input.dimensions, values: xs),
        (name: "y", shape: [5, TrainedModel.batch], values: ys),
        (name: "losses", shape: [5], values: losses),
      ])
  }
}

extension Optimizer {
  fileprivate var isAdaptive: Bool {
    switch method {
    case .sgd: false
    case .rmsprop, .adam, .adamw, .nadam, .adagrad: true
    }
  }
}
