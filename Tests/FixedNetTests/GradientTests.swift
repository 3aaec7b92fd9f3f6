import FixedNetCore
import Testing

@testable import FixedNet

/// Gradients against central differences of the loss: (L(w + h) - L(w - h)) / 2h, each weight moved on its own.
@Suite("Gradients")
struct GradientTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var model: SequentialModel
    var testDescription: String { name }
  }

  private static func classifier(
    _ name: String, _ input: Shape, _ layers: [any Layer]
  ) -> Case {
    Case(
      name: name,
      model: SequentialModel(
        name: "case", input: input,
        layers: layers + [
          Flatten(name: "flatten_end"), Dense(name: "out", units: 4, activation: .softmax),
        ]))
  }

  static let image = Shape.image(height: 7, width: 6, channels: 3)

  static let cases: [Case] = [
    classifier("dense tanh", .vector(9), [Dense(name: "d", units: 7, activation: .tanh)]),
    classifier(
      "dense sigmoid without bias", .vector(9),
      [
        Dense(name: "d", units: 7, usesBias: false, activation: .sigmoid)
      ]),
    classifier("dense relu", .vector(9), [Dense(name: "d", units: 17, activation: .relu)]),
    classifier(
      "convolution valid", image,
      [
        Conv2D(name: "c", filters: 4, kernelSize: (3, 3), activation: .tanh)
      ]),
    classifier(
      "convolution same, even kernel", image,
      [
        Conv2D(name: "c", filters: 4, kernelSize: (4, 2), padding: .same, activation: .sigmoid),
        Conv2D(name: "c2", filters: 3, kernelSize: (3, 3), padding: .same),
      ]),
    classifier(
      "convolution with strides", image,
      [
        Conv2D(name: "c", filters: 5, kernelSize: (3, 2), strides: (1, 1), activation: .tanh),
        Conv2D(
          name: "c2", filters: 3, kernelSize: (3, 3), strides: (2, 1), padding: .same,
          usesBias: false, activation: .tanh),
      ]),
    classifier(
      "average pooling valid", image,
      [
        Conv2D(name: "c", filters: 4, kernelSize: (2, 2), activation: .tanh),
        AveragePooling2D(name: "p", poolSize: (2, 2)),
      ]),
    classifier(
      "average pooling same, overlapping", image,
      [
        Conv2D(name: "c", filters: 4, kernelSize: (2, 2), activation: .tanh),
        AveragePooling2D(name: "p", poolSize: (3, 2), strides: (2, 1), padding: .same),
      ]),
    classifier(
      "batch normalisation first", image,
      [
        BatchNormalization(name: "bn"),
        Conv2D(name: "c", filters: 4, kernelSize: (3, 3), activation: .tanh),
      ]),
    classifier(
      "batch normalisation between", image,
      [
        Conv2D(name: "c", filters: 4, kernelSize: (3, 3), activation: .tanh),
        BatchNormalization(name: "bn"), Flatten(name: "f"),
        Dense(name: "d", units: 6, activation: .tanh), BatchNormalization(name: "bn2"),
      ]),
    classifier(
      "batch normalisation of a flattened image", image,
      [
        Conv2D(name: "c", filters: 4, kernelSize: (3, 3), activation: .tanh), Flatten(name: "f"),
        BatchNormalization(name: "bn"), Dense(name: "d", units: 6, activation: .tanh),
      ]),
    classifier(
      "activation layers", .vector(9),
      [
        Dense(name: "d", units: 8), Activation(name: "a", function: .sigmoid),
        Dense(name: "d2", units: 6), Activation(name: "a2", function: .tanh),
        Activation(name: "a3", function: .linear),
      ]),
    classifier(
      "softmax inside", .vector(9),
      [
        Dense(name: "d", units: 6), Activation(name: "a", function: .softmax),
      ]),
  ]

  @Test("equal central differences", arguments: cases, [5, 19])
  func centralDifference(_ testCase: Case, batch: Int) throws {
    let model = testCase.model
    let network = try TestModels.network(model, batch: batch, threads: 2)
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
          let differences = try [Float(1e-2), 5e-3].map {
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

  @Test("a frozen layer is refused instead of trained")
  func frozen() throws {
    var model = TestModels.plain
    model.frozenLayers = ["conv1"]
    #expect(throws: ModelError.self) {
      try NetworkPlan(model, options: PlanOptions(batch: 8, isTraining: true))
    }
  }
}
