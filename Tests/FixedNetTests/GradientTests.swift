import FixedNetCore
import Testing

@testable import FixedNetCompute

/// Gradients against central differences of the loss: (L(w + h) - L(w - h)) / 2h, each weight moved on its own.
@Suite("Gradients")
struct GradientTests {
  @Test("equal central differences", arguments: cases, [5, 19])
  func centralDifference(_ testCase: Case, batch: Int) throws {
    let model = testCase.model
    let network = try TestModels.network(model, batch: batch, threads: 2, loss: testCase.loss)
    let images = TestModels.images(batch, shape: model.input, classes: 4)
    _ = try network.computeGradients(images)
    let gradients = network.gradients
    let weights = network.weights
    for (layerIndex, layer) in gradients.enumerated() {
      for (tensorIndex, gradient) in layer.tensors.enumerated() {
        var largest: Float = 0
        var checked = 0
        let sample = Self.sample(gradient.values.count)
        for index in sample {
          let analytic = gradient.values[index]
          let differences = try testCase.steps.map {
            try centralDifference(
              network, images, weights, layerIndex, tensorIndex, index, step: $0)
          }
          // Where the two steps disagree a kink of ReLU lies between: there is no derivative to compare with.
          if abs(differences[0] - differences[1]) > 1e-4 + 5e-3 * abs(differences[1]) { continue }
          let numeric = differences[1]
          checked += 1
          let place = "\(layer.layer) weight \(tensorIndex)[\(index)]"
          #expect(
            abs(numeric - analytic) <= 1e-4 + 5e-3 * abs(analytic), "\(place): \(numeric)")
          largest = max(largest, abs(analytic))
        }
        #expect(2 * checked >= sample.count, "\(layer.layer): too many kinks")
        #expect(largest > 1e-3, "\(layer.layer): a gradient this small proves nothing")
      }
    }
  }

  private func centralDifference(
    _ network: Network, _ images: ImageSet, _ weights: [LayerWeights], _ layer: Int, _ tensor: Int,
    _ index: Int, step: Float
  ) throws -> Float {
    func loss(_ delta: Float) throws -> Double {
      var moved = weights
      moved[layer].tensors[tensor].values[index] += delta
      try network.load(moved)
      return try network.computeGradients(images).meanLoss
    }
    return Float((try loss(step) - loss(-step)) / Double(2 * step))
  }

  /// Up to 12 indices, the first and last among them.
  private static func sample(_ count: Int) -> [Int] {
    count <= 12 ? Array(0..<count) : (0..<12).map { $0 * (count - 1) / 11 }
  }

  /// Blocks of 16 images take Winograd's kernels where channels are many, blocks of one do not.
  @Test("Winograd's kernels and the others agree", arguments: [16, 19])
  func winograd(batch: Int) throws {
    let model = Model(
      name: "case", input: .image(height: 9, width: 8, channels: 24),
      layers: [
        Conv2D(name: "c", filters: 27, kernelSize: (3, 3), padding: .same, activation: .relu),
        Conv2D(name: "c2", filters: 24, kernelSize: (3, 3), activation: .tanh),
        AveragePooling2D(name: "p", poolSize: (2, 2)), Flatten(name: "f"),
        Dense(name: "out", units: 4, activation: .softmax),
      ])
    func gradients(blockSize: Int) throws -> (
      loss: Double, layers: [LayerWeights], plan: MemoryPlan
    ) {
      let network = try TestModels.network(model, batch: batch, threads: 2, blockSize: blockSize)
      let images = TestModels.images(batch, shape: model.input, classes: 4)
      let loss = try network.computeGradients(images).meanLoss
      return (loss, network.gradients, network.plan.memory)
    }
    let (winograd, direct) = (try gradients(blockSize: 16), try gradients(blockSize: 1))
    func transforms(_ plan: MemoryPlan) -> Int {
      plan.slots.count { $0.name.hasSuffix("/transformed kernel") }
    }
    #expect(transforms(winograd.plan) == 2 && transforms(direct.plan) == 0)
    #expect(abs(winograd.loss - direct.loss) < 1e-6)
    for (first, second) in zip(winograd.layers, direct.layers) {
      for (a, b) in zip(first.tensors, second.tensors) {
        let largest = b.values.map(abs).max() ?? 0
        let difference = zip(a.values, b.values).map { abs($0 - $1) }.max() ?? 1
        #expect(largest > 1e-3 && difference < 5e-6 * max(largest, 0.1), "\(first.layer)")
      }
    }
  }

  @Test("values as targets: equal central differences", arguments: [5, 19])
  func targets(batch: Int) throws {
    let model = Model(
      name: "case", input: .vector(6),
      layers: [
        Dense(name: "d", units: 7, activation: .tanh), Dense(name: "out", units: 3),
      ])
    let network = try TestModels.network(
      model, batch: batch, threads: 2, loss: .meanSquaredError)
    let labelled = TestModels.images(batch, shape: model.input, classes: 3)
    var random = Philox(seed: 8, stream: 5).reader()
    let images = ImageSet(
      shape: model.input, pixels: labelled.pixels, labels: [],
      targets: (0..<3 * batch).map { _ in 4 * random.nextUnit() - 2 }, targetWidth: 3)
    let sums = try network.computeGradients(images)
    let outputs = try network.predict(images).outputs.values
    let expected = zip(outputs, images.targets).reduce(0.0) {
      $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1))
    }
    #expect(abs(sums.meanLoss - expected / Double(3 * batch)) < 1e-5)
    let analytic = network.gradients[0].tensors[0].values[4]
    let numeric = try centralDifference(network, images, network.weights, 0, 0, 4, step: 5e-3)
    #expect(abs(numeric - analytic) <= 1e-4 + 5e-3 * abs(analytic) && abs(analytic) > 1e-3)
  }

  /// The gradients of the layers in front of a frozen one go through it.
  @Test("frozen layers keep their weights and pass the gradient on", arguments: [5, 19])
  func frozen(batch: Int) throws {
    var model = Model(
      name: "case", input: Self.image,
      layers: [
        Conv2D(name: "c0", filters: 3, kernelSize: (2, 2), activation: .tanh),
        BatchNormalization(name: "bn"),
        Conv2D(name: "c", filters: 4, kernelSize: (3, 3), activation: .tanh),
        Flatten(name: "f"), Dense(name: "d", units: 6, activation: .tanh),
        Dense(name: "out", units: 4, activation: .softmax),
      ])
    model.frozenLayers = ["bn", "c", "d"]
    let network = try TestModels.network(model, batch: batch, threads: 2)
    let images = TestModels.images(batch, shape: model.input, classes: 4)
    // A frozen BN runs in inference mode, so training and inference compute the same loss.
    let sums = try network.computeGradients(images)
    #expect(abs(sums.meanLoss - (try network.evaluate(images)).meanLoss) < 1e-6)
    let gradients = network.gradients
    #expect(gradients.map(\.tensors.count) == [2, 0, 0, 0, 0, 2])
    let weights = network.weights
    for index in Self.sample(gradients[0].tensors[0].values.count) {
      let analytic = gradients[0].tensors[0].values[index]
      let numeric = try centralDifference(network, images, weights, 0, 0, index, step: 5e-3)
      #expect(abs(numeric - analytic) <= 1e-4 + 5e-3 * abs(analytic))
    }
    try network.load(weights)
    _ = try network.step(images, update: .sgd(learningRate: 0.5))
    for (before, after) in zip(weights, network.weights) {
      #expect(
        (before == after) == (before.tensors.isEmpty || model.frozenLayers.contains(before.layer)))
    }
  }

  @Test("a model of which nothing is trained is refused")
  func allFrozen() throws {
    var model = TestModels.plain
    model.frozenLayers = Set(model.layers.map(\.name))
    #expect(throws: ModelError.self) {
      try NetworkPlan(model, options: PlanOptions(batch: 8, isTraining: true))
    }
  }

  @Test("gradients over a data set in parts are those of the whole", arguments: [16, 48])
  func parts(batch: Int) throws {
    let model = TestModels.plain
    let images = TestModels.images(100, shape: model.input, classes: 5)
    let whole = try TestModels.network(model, batch: 100, threads: 2)
    let parts = try TestModels.network(model, batch: batch, threads: 2)
    let sums = (try whole.computeGradients(images), try parts.computeGradients(images))
    #expect(sums.0 == sums.1)
    #expect(whole.gradients == parts.gradients)
    let coupled = try TestModels.network(TestModels.small, batch: batch, threads: 2)
    #expect(throws: NetworkError.self) { try coupled.computeGradients(images) }
  }
}
