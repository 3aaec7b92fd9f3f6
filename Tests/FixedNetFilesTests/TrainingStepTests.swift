import FixedNet
import FixedNetCore
import Foundation
import TestSupport
import Testing

@testable import FixedNetFiles

/// Training steps against Keras' own: the fixtures hold one batch, the gradients at the start, and the weights and
/// moving statistics after one and five steps. Made by Keras 3.15; an independent float64 program agrees with them.
@Suite("Training steps")
struct TrainingStepTests {
  private static let fixtures = Fixtures.shared("fixtures/training")

  private let path: String
  private let model: SequentialModel
  private let images: ImageSet

  init() throws {
    path = "\(Self.fixtures ?? "")/lenet_bn_first.k3.h5"
    guard Self.fixtures != nil else {
      model = BuiltInModel.lenet.model()
      images = ImageSet(shape: .vector(1), pixels: .floats([]), labels: [])
      return
    }
    let start = try KerasFile.read(path: "\(Self.fixtures ?? "")/lenet_bn_first.init.h5")
    model = start.model
    let x = try HDF5Arrays.readFloats(path: path, dataset: "x")
    let labels = try HDF5Arrays.readFloats(path: path, dataset: "label")
    images = ImageSet(
      shape: model.input, pixels: .floats(x.values), labels: labels.values.map { UInt8($0) })
  }

  /// The weights under a group of the fixture, in the model's order.
  private func weights(_ group: String, onlyTrainable: Bool = false) throws -> [LayerWeights] {
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

  private func network(blockSize: Int) throws -> Network {
    let plan = try NetworkPlan(
      model,
      options: PlanOptions(batch: 16, isTraining: true, threads: 2, blockSize: blockSize))
    let network = try Network(plan)
    try network.load(try weights("init"))
    return network
  }

  private func largestDifference(_ left: [LayerWeights], _ right: [LayerWeights]) -> Float {
    #expect(left.map(\.layer) == right.map(\.layer))
    let pairs = zip(left.flatMap(\.tensors), right.flatMap(\.tensors))
    #expect(left.flatMap(\.tensors).map(\.shape) == right.flatMap(\.tensors).map(\.shape))
    return pairs.flatMap { zip($0.values, $1.values).map { abs($0 - $1) } }.max() ?? .infinity
  }

  @Test(
    "gradients at the start equal Keras'",
    .enabled(if: fixtures != nil, "the shared fixtures are absent"), arguments: [16, 1])
  func gradients(blockSize: Int) throws {
    let network = try network(blockSize: blockSize)
    let sums = try network.computeGradients(images)
    let expected = try weights("grad0", onlyTrainable: true)
    #expect(largestDifference(network.gradients, expected) <= 1e-6)
    let loss = try HDF5Arrays.readFloats(path: path, dataset: "sgd/loss").values[0]
    #expect(abs(sums.meanLoss - Double(loss)) <= 1e-6)
  }

  @Test(
    "weights and statistics after 1 and 5 steps of SGD equal Keras'",
    .enabled(if: fixtures != nil, "the shared fixtures are absent"), arguments: [16, 1])
  func steps(blockSize: Int) throws {
    let network = try network(blockSize: blockSize)
    let losses = try HDF5Arrays.readFloats(path: path, dataset: "sgd/loss").values
    for step in 1...5 {
      let sums = try network.step(images, update: .sgd(learningRate: 0.05))
      #expect(abs(sums.meanLoss - Double(losses[step - 1])) <= 1e-5)
      if step == 1 || step == 5 {
        let expected = try weights("sgd/after\(step)")
        #expect(largestDifference(network.weights, expected) <= 1e-6)
      }
    }
    let predicted = try network.predict(images).outputs.values
    let expected = try HDF5Arrays.readFloats(path: path, dataset: "sgd/predict_after5").values
    #expect(predicted.count == expected.count)
    #expect(zip(predicted, expected).allSatisfy { abs($0 - $1) <= 1e-5 + 1e-4 * abs($1) })
    let first = try weights("init")
    #expect(largestDifference(network.weights, first) > 1e-2)
  }
}
