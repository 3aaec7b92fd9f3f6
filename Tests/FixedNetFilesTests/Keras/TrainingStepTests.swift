#if HDF5
  import FixedNet
  import FixedNetCore
  import Foundation
  import TestSupport
  import Testing

  @testable import FixedNetFiles

  /// Training steps against Keras' own over a small network of the repository, see Tests/Python/fixtures/make_training_steps.py.
  @Suite("Training steps of a small network")
  struct SmallTrainingStepTests {
    typealias Case = TrainingStepTests.Case

    static let optimizers = [
      "sgd", "sgd_momentum", "sgd_nesterov", "rmsprop", "rmsprop_centered", "adam",
    ]
    static let legacy = ["rmsprop_legacy", "rmsprop_legacy_momentum", "rmsprop_legacy_centered"]

    static let cases: [Case] = ["k3", "k2"].flatMap { flavour in
      (optimizers + (flavour == "k2" ? legacy : [])).flatMap { optimizer in
        [16, 1].map {
          Case(network: "steps", flavour: flavour, optimizer: optimizer, blockSize: $0)
        }
      }
    }

    @Test("weights, statistics, losses and predictions of 5 steps equal Keras'", arguments: cases)
    func steps(_ testCase: Case) throws {
      let fixture = try TrainingFixture(
        testCase.network, flavour: testCase.flavour, in: Fixtures.local("training"))
      let (optimizer, rate) = try fixture.optimizer(testCase.optimizer)
      let network = try fixture.network(optimizer, blockSize: testCase.blockSize)
      let start = network.weights
      let losses = try fixture.values("\(testCase.optimizer)/loss")
      for step in 1...5 {
        let update = optimizer.rule(at: step - 1, learningRate: rate)
        let sums = try network.step(fixture.images, update: update, step: step - 1)
        #expect(abs(sums.meanLoss - Double(losses[step - 1])) <= 2e-6, "loss \(step)")
        guard step == 1 || step == 5 else { continue }
        let expected = try fixture.weights("\(testCase.optimizer)/after\(step)")
        let difference = TrainingFixture.largestDifference(network.weights, expected)
        #expect(difference <= 5e-6, "after \(step) steps")
      }
      let predicted = try network.predict(fixture.images).outputs.values
      let expected = try fixture.values("\(testCase.optimizer)/predict_after5")
      #expect(predicted.count == expected.count)
      let largest = zip(predicted, expected).map { abs($0 - $1) }.max() ?? .infinity
      #expect(largest <= 1e-5)
      #expect(TrainingFixture.largestDifference(network.weights, start) > 1e-3)
    }
  }

  /// Training steps against Keras' own: the fixtures hold one batch, the gradients at the start, and the weights and
  /// moving statistics after one and five steps. Made by Keras 3.15 and TF-Keras 2.21; an independent float64 program
  /// agrees with them.
  @Suite(
    "Training steps", .enabled(if: TrainingFixture.folder != nil, "the shared fixtures are absent"))
  struct TrainingStepTests {
    struct Case: Sendable, CustomTestStringConvertible {
      var network: String
      var flavour: String
      var optimizer: String
      var blockSize: Int
      var testDescription: String { "\(network).\(flavour) \(optimizer), blocks of \(blockSize)" }
    }

    static let networks = ["lenet_bn", "lenet_bn_first", "mlp"]
    static let optimizers = ["sgd", "sgd_momentum", "sgd_nesterov", "rmsprop", "adam"]

    static let cases: [Case] = networks.flatMap { network in
      ["k3", "k3f64", "k2"].flatMap { flavour in
        (optimizers + (flavour == "k2" ? ["rmsprop_legacy"] : [])).flatMap { optimizer in
          [16, 1].map {
            Case(network: network, flavour: flavour, optimizer: optimizer, blockSize: $0)
          }
        }
      }
    }

    @Test("gradients at the start equal Keras'", arguments: networks, [16, 1])
    func gradients(name: String, blockSize: Int) throws {
      let fixture = try TrainingFixture(name, flavour: "k3")
      let network = try fixture.network(.sgd, blockSize: blockSize)
      let sums = try network.computeGradients(fixture.images)
      let expected = try fixture.weights("grad0", onlyTrainable: true)
      #expect(TrainingFixture.largestDifference(network.gradients, expected) <= 1e-6)
      let loss = try fixture.values("sgd/loss")[0]
      #expect(abs(sums.meanLoss - Double(loss)) <= 1e-6)
    }

    @Test("weights, statistics, losses and predictions of 5 steps equal Keras'", arguments: cases)
    func steps(_ testCase: Case) throws {
      let fixture = try TrainingFixture(testCase.network, flavour: testCase.flavour)
      let (optimizer, rate) = try fixture.optimizer(testCase.optimizer)
      let network = try fixture.network(optimizer, blockSize: testCase.blockSize)
      let losses = try fixture.values("\(testCase.optimizer)/loss")
      // What the fixtures' own INDEX says two correct programs differ by.
      let isLegacy = testCase.optimizer == "rmsprop_legacy"
      let isAdaptive = ["rmsprop", "adam"].contains(testCase.optimizer)
      let tolerances: [Int: Float] =
        isLegacy ? [:] : isAdaptive ? [1: 3e-5, 5: 1e-4] : [1: 1e-6, 5: 1e-6]
      // A bias in front of batch normalisation has no gradient (in double precision about 1e-18): adaptive steps move it
      // by rounding noise.
      let noise = try TrainingFixture(testCase.network, flavour: "k3f64")
        .weights("grad0", onlyTrainable: true)
      for step in 1...5 {
        let update = optimizer.rule(at: step - 1, learningRate: rate)
        let sums = try network.step(fixture.images, update: update, step: step - 1)
        // The legacy optimiser turns rounding noise into whole steps: measured 1.2e-5 in blocks of 16.
        #expect(abs(sums.meanLoss - Double(losses[step - 1])) <= (isLegacy ? 2e-5 : 1e-5))
        guard let tolerance = tolerances[step] else { continue }
        let expected = try fixture.weights("\(testCase.optimizer)/after\(step)")
        let difference = TrainingFixture.largestDifference(
          network.weights, expected, excluding: isAdaptive ? noise : nil)
        #expect(difference <= tolerance, "after \(step) steps")
      }
      let predicted = try network.predict(fixture.images).outputs.values
      let expected = try fixture.values("\(testCase.optimizer)/predict_after5")
      #expect(predicted.count == expected.count)
      let largest = zip(predicted, expected).map { abs($0 - $1) }.max() ?? .infinity
      #expect(largest <= (isLegacy ? 3e-3 : 1e-4))
      let first = try fixture.weights("init")
      #expect(TrainingFixture.largestDifference(network.weights, first) > 1e-3)
    }
  }

  /// One training fixture: a model, a batch, and what Keras made of it.
  struct TrainingFixture {
    static let folder = Fixtures.shared("fixtures/training")

    let model: Model
    let images: ImageSet
    private let path: String
    private let isKeras2: Bool

    /// `folder`: nil is the shared one.
    init(_ name: String, flavour: String, in folder: String? = nil) throws {
      let folder = try #require(folder ?? TrainingFixture.folder)
      path = "\(folder)/\(name).\(flavour).h5"
      isKeras2 = flavour == "k2"
      model = try KerasFile.read(path: "\(folder)/\(name).init.h5").model
      let x = try HDF5Arrays.readFloats(path: path, dataset: "x")
      let labels = try HDF5Arrays.readFloats(path: path, dataset: "label")
      images = ImageSet(
        shape: model.input, pixels: .floats(x.values), labels: labels.values.map { UInt16($0) })
    }

    func values(_ dataset: String) throws -> [Float] {
      try HDF5Arrays.readFloats(path: path, dataset: dataset).values
    }

    /// The optimiser that Keras describes, and its rate.
    func optimizer(_ name: String) throws -> (Optimizer, Float) {
      let text = try #require(
        try HDF5Arrays.attribute("optimizer_config", of: name, path: path))
      let config = try JSONValue(parsing: text)
      let className = name.hasPrefix("sgd") ? "SGD" : name == "adam" ? "Adam" : "RMSprop"
      let described = try OptimizerConfiguration.parse(
        config["class_name"] == nil ? ["class_name": .string(className), "config": config] : config)
      var optimizer = described.optimizer
      if name.hasPrefix("rmsprop_legacy") { optimizer.isLegacy = true }
      return (optimizer, Float(try #require(described.learningRate)))
    }

    /// The weights under a group of the fixture, in the model's order.
    func weights(_ group: String, onlyTrainable: Bool = false) throws -> [LayerWeights] {
      try zip(model.layers, model.weightDescriptions()).map { layer, descriptions in
        LayerWeights(
          layer: layer.name,
          tensors: try descriptions.filter { $0.isTrainable || !onlyTrainable }.map {
            let data = try HDF5Arrays.readFloats(
              path: path, dataset: "\(group)/\(layer.name)/\($0.name)")
            return Tensor(shape: data.shape, values: data.values)
          })
      }
    }

    func network(_ optimizer: Optimizer, blockSize: Int) throws -> Network {
      var options = PlanOptions(
        batch: 16, isTraining: true, threads: 2, blockSize: blockSize, optimizer: optimizer)
      options.usesUnbiasedVariance = isKeras2
      let network = try Network(NetworkPlan(model, options: options))
      try network.load(try weights("init"))
      return network
    }

    static func largestDifference(
      _ left: [LayerWeights], _ right: [LayerWeights], excluding gradients: [LayerWeights]? = nil
    ) -> Float {
      #expect(left.map(\.layer) == right.map(\.layer))
      var largest: Float = 0
      for (a, b) in zip(left, right) {
        #expect(a.tensors.map(\.shape) == b.tensors.map(\.shape))
        let small = gradients?.first { $0.layer == a.layer }?.tensors ?? []
        for (index, (x, y)) in zip(a.tensors, b.tensors).enumerated() {
          for position in x.values.indices {
            if index < small.count, abs(small[index].values[position]) < 1e-12 { continue }
            largest = max(largest, abs(x.values[position] - y.values[position]))
          }
        }
      }
      return largest
    }
  }
#endif
