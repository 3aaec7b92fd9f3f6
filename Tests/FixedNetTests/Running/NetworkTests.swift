import FixedNetCore
import Foundation
import Testing

@testable import FixedNetCompute

@Suite("Network")
struct NetworkTests {
  /// Softmax over a flattened image: labels count classes as Keras does, [pixel][channel].
  private static let flattened = Model(
    name: "flattened", input: .image(height: 3, width: 6, channels: 1),
    layers: [
      Conv2D(name: "c", filters: 2, kernelSize: (3, 2)), Flatten(name: "f"),
      Activation(name: "s", function: .softmax),
    ])

  @Test("the loss and the outputs mean the same classes", arguments: [5, 16])
  func classOrder(batch: Int) throws {
    let model = Self.flattened
    let images = TestModels.images(batch, shape: model.input, classes: 10)
    let network = try TestModels.network(model, batch: batch)
    let (outputs, sums) = try network.predict(images)
    var loss = 0.0
    var hits = 0
    for (image, label) in images.labels.enumerated() {
      let row = Array(outputs.values[image * 10..<(image + 1) * 10])
      loss -= log(Double(row[Int(label)]))
      hits += row.firstIndex(of: row.max() ?? 0) == Int(label) ? 1 : 0
    }
    let found = try #require(sums)
    #expect(abs(found.loss - loss) < 1e-4)
    #expect(found.hits == hits)
    #expect(try network.computeGradients(images).hits == hits)
  }

  @Test("labels are ones among zeros for the other losses, in every block of every step")
  func oneHot() throws {
    let model = TestModels.plain
    let labelled = TestModels.images(70, shape: model.input, classes: 5)
    let values = labelled.labels.flatMap { label in
      (0..<5).map { $0 == Int(label) ? Float(1) : 0 }
    }
    let targets = ImageSet(
      shape: labelled.shape, pixels: labelled.pixels, labels: [], targets: values, targetWidth: 5)
    let hashes = try [labelled, targets].map { images in
      let network = try TestModels.network(model, batch: 32, loss: .meanSquaredError)
      let trainer = try Trainer(
        network: network, images: images, batch: 32, optimizer: OptimizerConfiguration(), seed: 1)
      for _ in 0..<2 { _ = try trainer.runEpoch() }
      return TestModels.hash(network.weights)
    }
    #expect(hashes[0] == hashes[1])
  }

  @Test("a model of one softmax has a loss to evaluate and nothing to train")
  func onlySoftmax() throws {
    let model = Model(
      name: "s", input: .vector(4), layers: [Activation(name: "s", function: .softmax)])
    let network = try TestModels.network(model, batch: 8, isTraining: false)
    let images = ImageSet(
      shape: .vector(4), pixels: .floats([0, 0, 0, 0, 0, 0, 0, 0]), labels: [1, 3])
    let sums = try network.evaluate(images)
    #expect(abs(sums.meanLoss - log(4.0)) < 1e-6)
    #expect(throws: ModelError.self) {
      try NetworkPlan(model, options: PlanOptions(batch: 8, isTraining: true))
    }
  }

  @Test("a model without a softmax at the end has outputs and no loss")
  func noLoss() throws {
    let model = Model(
      name: "d", input: .vector(4), layers: [Dense(name: "d", units: 3)])
    let network = try TestModels.network(model, batch: 8, isTraining: false)
    let images = TestModels.images(9, shape: model.input, classes: 3)
    #expect(throws: NetworkError.noLoss) { try network.evaluate(images) }
    let result = try network.predict(images)
    #expect(result.sums == nil)
    #expect(result.outputs.shape == [9, 3])
  }

  @Test("images of another shape or with too large labels are refused")
  func wrongImages() throws {
    let network = try TestModels.network(TestModels.plain, batch: 8)
    let turned = TestModels.images(8, shape: .image(height: 24, width: 6, channels: 2), classes: 5)
    #expect(throws: NetworkError.images(expected: "12x12x2", found: "24x6x2")) {
      try network.evaluate(turned)
    }
    let labels = TestModels.images(8, shape: TestModels.plain.input, classes: 200)
    #expect(throws: NetworkError.self) { try network.step(labels, update: .sgd(learningRate: 1)) }
  }

  @Test("the first label too many, targets too wide and weights turned round are refused")
  func firstTooMany() throws {
    let model = TestModels.plain
    let network = try TestModels.network(model, batch: 8, loss: .meanSquaredError)
    let pixels = TestModels.images(8, shape: model.input, classes: 5).pixels
    func evaluate(_ label: UInt16) throws {
      _ = try network.evaluate(
        ImageSet(shape: model.input, pixels: pixels, labels: [0, 1, 2, 3, 4, 0, 1, label]))
    }
    try evaluate(4)
    #expect(throws: NetworkError.labels(outputCount: 5, largest: 5)) { try evaluate(5) }
    let targets = ImageSet(
      shape: model.input, pixels: pixels, labels: [], targets: [Float](repeating: 0, count: 48),
      targetWidth: 6)
    #expect(throws: NetworkError.targets(expected: "5 values per sample", found: "6")) {
      try network.evaluate(targets)
    }
    var weights = network.weights
    let last = weights.count - 1
    weights[last].tensors[0].shape.reverse()
    #expect(throws: ModelError.self) { try network.load(weights) }
    #expect(weights[last].tensors[0].shape == [5, 11])
  }

  @Test("the penalty is that of kernels that are trained")
  func penalty() throws {
    var model = Model(
      name: "m", input: .vector(2),
      layers: [
        Dense(name: "frozen", units: 2, options: WeightOptions(kernelRegularizer: .l2(8))),
        Dense(name: "out", units: 1, options: WeightOptions(kernelRegularizer: .l2(0.25))),
      ])
    model.frozenLayers = ["frozen"]
    let network = try TestModels.network(model, batch: 1, loss: .meanSquaredError)
    let kernel = Tensor(shape: [2, 1], values: [3, -2])
    try network.load([
      LayerWeights(
        layer: "frozen",
        tensors: [Tensor(shape: [2, 2], values: [1, 2, 3, 4]), Tensor(zeros: [2])]),
      LayerWeights(layer: "out", tensors: [kernel, Tensor(zeros: [1])]),
    ])
    #expect(network.penalty == 0.25 * 13)
    let images = ImageSet(
      shape: .vector(2), pixels: .floats([1, 0]), labels: [], targets: [-1], targetWidth: 1)
    // The output is 3 - 4.
    #expect(try network.evaluate(images).loss == 0.25 * 13)
  }

  @Test("a network that couples the batch is not trained in parts")
  func parts() throws {
    let network = try TestModels.network(TestModels.small, batch: 16)
    #expect(throws: NetworkError.couplesBatch(layer: "bn0", batch: 48, planned: 16)) {
      try Trainer(
        network: network, images: TestModels.images(60, shape: TestModels.small.input, classes: 5),
        batch: 48, optimizer: OptimizerConfiguration(), seed: 0)
    }
  }

  /// Nothing in front of it, and nothing in it, is trained; it normalises over the batch all the same.
  @Test(
    "batch normalisation without weights at the start sees the batch, and moves its statistics",
    arguments: [5, 37])
  func firstBatchNormalization(batch: Int) throws {
    let model = Model(
      name: "m", input: .image(height: 3, width: 2, channels: 2),
      layers: [
        BatchNormalization(name: "bn", momentum: 0.75, centers: false, scales: false),
        Flatten(name: "f"), Dense(name: "d", units: 4, activation: .softmax),
      ])
    let images = TestModels.images(batch, shape: model.input, classes: 4)
    let network = try TestModels.network(model, batch: batch, threads: 2)
    guard case .floats(let pixels) = images.pixels else { return }
    let before = network.weights
    let values = pixels.map(Double.init)
    var normalized = values
    var (means, variances): ([Double], [Double]) = ([], [])
    for channel in 0..<2 {
      let own = stride(from: channel, to: values.count, by: 2)
      let count = Double(values.count / 2)
      let mean = own.reduce(0) { $0 + values[$1] } / count
      let variance = own.reduce(0) { $0 + (values[$1] - mean) * (values[$1] - mean) } / count
      for index in own { normalized[index] = (values[index] - mean) / sqrt(variance + 1e-3) }
      means.append(mean)
      variances.append(variance)
    }
    let (kernel, bias) = (before[2].tensors[0].values, before[2].tensors[1].values)
    var loss = 0.0
    for (image, label) in images.labels.enumerated() {
      let logits = (0..<4).map { unit in
        (0..<12).reduce(Double(bias[unit])) {
          $0 + normalized[image * 12 + $1] * Double(kernel[$1 * 4 + unit])
        }
      }
      loss += log(logits.reduce(0) { $0 + exp($1) }) - logits[Int(label)]
    }
    let sums = try network.step(images, update: .sgd(learningRate: 0.1))
    #expect(abs(sums.loss - loss) < 1e-5 * loss)
    let moved = network.weights[0].tensors
    for (index, batch) in [means, variances].enumerated() {
      let old = before[0].tensors[index].values
      for channel in 0..<2 {
        let expected = 0.75 * Double(old[channel]) + 0.25 * batch[channel]
        #expect(abs(Double(moved[index].values[channel]) - expected) < 1e-6)
      }
    }
  }
}
