import FixedNetCore
import Foundation
import Testing

@testable import FixedNetCompute

/// Data that say next to nothing, where formulas have a zero in an awkward place.
@Suite("Degenerate data")
struct DegenerateDataTests {
  private static func trainer(
    _ model: Model, _ images: ImageSet, batch: Int, rate: Double, planned: Int? = nil
  ) throws -> Trainer {
    let loss: Loss? = images.targets.isEmpty ? nil : .meanSquaredError
    let network = try TestModels.network(model, batch: planned ?? batch, loss: loss)
    return try Trainer(
      network: network, images: images, batch: batch,
      optimizer: OptimizerConfiguration(optimizer: .sgd, schedule: .constant(rate)), seed: 0)
  }

  /// The mean loss of an epoch.
  private static func epoch(_ trainer: Trainer) throws -> Double {
    guard case .finished(let sums) = try trainer.runEpoch() else { return .nan }
    try trainer.checkWeights()
    return sums.meanLoss
  }

  private static let softmax = Model(
    name: "softmax", input: .image(height: 4, width: 4, channels: 1),
    layers: [
      Flatten(name: "flatten"), Dense(name: "dense", units: 10, activation: .softmax),
    ])

  private static func images(
    _ count: Int, _ shape: Shape, value: Float, label: (Int) -> UInt16
  ) -> ImageSet {
    ImageSet(
      shape: shape, pixels: .floats([Float](repeating: value, count: count * shape.elementCount)),
      labels: (0..<count).map(label))
  }

  /// The logits are the bias, 0: loss ln 10, dloss/dbias = 1/10 - frequency; the kernel has no gradient at all.
  @Test("black images of a few classes train the bias by its formula and nothing else")
  func black() throws {
    let images = Self.images(20, Self.softmax.input, value: 0) { $0 < 15 ? 3 : 7 }
    let trainer = try Self.trainer(Self.softmax, images, batch: 20, rate: 0.5)
    try trainer.network.load(try Self.softmax.initialWeights(seed: 1))
    let kernel = trainer.network.weights[1].tensors[0].values
    #expect(abs(try Self.epoch(trainer) - log(10)) < 1e-6)
    #expect(trainer.network.weights[1].tensors[0].values == kernel)
    for (index, bias) in trainer.network.weights[1].tensors[1].values.enumerated() {
      let frequency = index == 3 ? 0.75 : index == 7 ? 0.25 : 0
      #expect(abs(Double(bias) - 0.5 * (frequency - 0.1)) < 1e-6)
    }
  }

  @Test("one class alone is learned; the others keep finite probabilities")
  func oneClass() throws {
    let images = ImageSet(
      shape: Self.softmax.input, pixels: .floats((0..<320).map { sin(Float($0)) }),
      labels: [UInt16](repeating: 4, count: 20))
    let trainer = try Self.trainer(Self.softmax, images, batch: 8, rate: 1)
    for _ in 0..<200 { _ = try Self.epoch(trainer) }
    let (outputs, sums) = try trainer.network.predict(images)
    #expect(try #require(sums).hits == 20 && #require(sums).meanLoss < 0.01)
    #expect(outputs.values.allSatisfy { $0.isFinite && $0 >= 0 })
  }

  /// The variance is 0, so the output is beta whatever the constant: loss = -ln softmax(W' beta + b).
  @Test("batch normalisation of constant inputs gives beta", arguments: [1, 4, 33])
  func constantInputs(batch: Int) throws {
    let model = Model(
      name: "constant", input: .image(height: 2, width: 3, channels: 2),
      layers: [
        BatchNormalization(name: "bn"), Flatten(name: "flatten"),
        Dense(name: "dense", units: 5, activation: .softmax),
      ])
    let images = Self.images(batch, model.input, value: 0.7) { UInt16($0 % 5) }
    let trainer = try Self.trainer(model, images, batch: batch, rate: 1e-3)
    let weights = trainer.network.weights
    let beta = weights[0].tensors[1].values.map(Double.init)
    let (kernel, bias) = (weights[2].tensors[0].values, weights[2].tensors[1].values)
    // Keras' order: [pixel][channel], 12 inputs.
    let logits = (0..<5).map { unit in
      (0..<12).reduce(Double(bias[unit])) {
        $0 + beta[$1 % 2] * Double(kernel[$1 * 5 + unit])
      }
    }
    let sum = log(logits.map(exp).reduce(0, +))
    let expected = (0..<batch).map { sum - logits[$0 % 5] }.reduce(0, +) / Double(batch)
    #expect(abs(try Self.epoch(trainer) - expected) < 1e-4)
    // Moving statistics go towards 0.7 and 0 by 1 - momentum.
    let after = trainer.network.weights[0].tensors
    for channel in 0..<2 {
      let mean = 0.99 * Double(weights[0].tensors[2].values[channel]) + 0.01 * 0.7
      #expect(abs(Double(after[2].values[channel]) - mean) < 1e-5)
      let variance = 0.99 * Double(weights[0].tensors[3].values[channel])
      #expect(abs(Double(after[3].values[channel]) - variance) < 1e-5)
    }
  }

  @Test("batches of one sample train every kind of layer")
  func oneSample() throws {
    for model in [TestModels.small, TestModels.varied] {
      let images = TestModels.images(6, shape: model.input, classes: 5)
      let trainer = try Self.trainer(model, images, batch: 1, rate: 0.01)
      for _ in 0..<3 { #expect(try Self.epoch(trainer).isFinite) }
      #expect(trainer.position.step == 18)
      #expect(trainer.network.canariesAreIntact)
    }
  }

  @Test("one sample in all, and a batch that is larger than the data")
  func largeBatch() throws {
    let model = TestModels.small
    for count in [1, 10] {
      let images = TestModels.images(count, shape: model.input, classes: 5)
      let exact = try Self.trainer(model, images, batch: max(count, 8), rate: 0.1)
      let large = try Self.trainer(model, images, batch: 128, rate: 0.1)
      for _ in 0..<3 { #expect(try Self.epoch(exact) == Self.epoch(large)) }
      #expect(large.stepsPerEpoch == 1)
      #expect(TestModels.hash(exact.network.weights) == TestModels.hash(large.network.weights))
    }
  }

  @Test("a constant target is learned exactly enough")
  func constantTarget() throws {
    let model = Model(
      name: "line", input: .vector(3), layers: [Dense(name: "dense", units: 1)])
    let images = ImageSet(
      shape: .vector(3), pixels: .floats((0..<60).map { sin(Float($0)) }), labels: [],
      targets: [Float](repeating: 3, count: 20), targetWidth: 1)
    let trainer = try Self.trainer(model, images, batch: 20, rate: 0.2)
    for _ in 0..<500 { _ = try Self.epoch(trainer) }
    for output in try trainer.network.predict(images).outputs.values {
      #expect(abs(output - 3) < 1e-3)
    }
  }

  @Test("dropout of nearly everything keeps numbers finite")
  func dropout() throws {
    let model = Model(
      name: "sparse", input: .vector(40),
      layers: [
        Dropout(name: "drop", rate: 0.9999), Dense(name: "a", units: 20, activation: .tanh),
        Dropout(name: "drop2", rate: 0.999), Dense(name: "b", units: 5, activation: .softmax),
      ])
    let trainer = try Self.trainer(
      model, TestModels.images(50, shape: model.input, classes: 5), batch: 16, rate: 0.01)
    for _ in 0..<20 { #expect(try Self.epoch(trainer).isFinite) }
  }
}
