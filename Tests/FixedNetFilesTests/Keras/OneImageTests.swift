#if HDF5
  import FixedNet
  import FixedNetCore
  import TestSupport
  import Testing

  @testable import FixedNetFiles

  /// Training steps of one image each, updated in the backward pass, against Keras 3.15: the fixture was made by
  /// Tests/Python/fixtures/one_image_steps.py.
  @Suite("Steps of one image")
  struct OneImageTests {
    struct Case: Sendable, CustomTestStringConvertible {
      var name: String
      var optimizer: Optimizer
      var rate: Float
      var clipping = Clipping.none
      var tolerance: Float
      var testDescription: String { name }
    }

    static let cases = [
      Case(name: "sgd", optimizer: .sgd, rate: 0.1, tolerance: 1e-6),
      Case(
        name: "nesterov", optimizer: .momentum(0.9, isNesterov: true), rate: 0.05, tolerance: 1e-6),
      Case(name: "adam", optimizer: .adam(), rate: 0.01, tolerance: 1e-4),
      Case(name: "clipped", optimizer: .sgd, rate: 0.1, clipping: .value(0.02), tolerance: 1e-6),
    ]

    private static let path = Fixtures.local("models/one-image-steps.h5")

    @Test("weights and losses of five steps equal Keras'", arguments: cases, [false, true])
    func steps(_ testCase: Case, recomputes: Bool) throws {
      let text = try #require(
        try HDF5Arrays.attribute("model_config", of: "init", path: Self.path))
      let model = try Model(json: JSONValue(parsing: text))
      var options = PlanOptions(
        batch: 1, isTraining: true, optimizer: testCase.optimizer, clipping: testCase.clipping)
      options.updatesInBackward = true
      options.recomputes = recomputes
      let network = try Network(NetworkPlan(model, options: options))
      #expect(network.plan.memory.byteCount(of: .gradients) == 0)
      #expect(network.plan.recomputedLayers == (recomputes ? ["conv2", "conv1"] : []))
      try network.load(try Self.weights("init", model))
      let x = try HDF5Arrays.readFloats(path: Self.path, dataset: "x").values
      let labels = try HDF5Arrays.readFloats(path: Self.path, dataset: "label").values
      let losses = try HDF5Arrays.readFloats(path: Self.path, dataset: "\(testCase.name)/loss")
      let width = model.input.elementCount
      for step in 0..<5 {
        let image = ImageSet(
          shape: model.input, pixels: .floats(Array(x[step * width..<(step + 1) * width])),
          labels: [UInt16(labels[step])])
        let rule = testCase.optimizer.rule(at: step, learningRate: testCase.rate)
        let sums = try network.step(image, update: rule, step: step)
        #expect(abs(Float(sums.meanLoss) - losses.values[step]) <= 1e-5, "step \(step)")
        guard [0, 4].contains(step) else { continue }
        let expected = try Self.weights("\(testCase.name)/after\(step + 1)", model)
        let difference = zip(network.weights, expected).flatMap { ours, theirs in
          zip(ours.tensors, theirs.tensors).flatMap { a, b in
            zip(a.values, b.values).map { abs($0 - $1) }
          }
        }.max()
        #expect(try #require(difference) <= testCase.tolerance, "after step \(step)")
      }
    }

    private static func weights(_ group: String, _ model: Model) throws -> [LayerWeights] {
      try zip(model.layers, model.weightDescriptions()).map { layer, descriptions in
        LayerWeights(
          layer: layer.name,
          tensors: try descriptions.map {
            let data = try HDF5Arrays.readFloats(
              path: path, dataset: "\(group)/\(layer.name)/\($0.name)")
            return Tensor(shape: data.shape, values: data.values)
          })
      }
    }
  }
#endif
