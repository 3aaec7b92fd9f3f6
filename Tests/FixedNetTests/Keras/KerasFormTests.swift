import FixedNetCore
import Testing

@testable import FixedNetCompute

@Suite("Layers that are two in files")
struct KerasFormTests {
  private static let functions = [
    ActivationFunction.scaledSigmoid, .hardSigmoid, .hardSigmoid2,
  ]

  private static func model(_ function: ActivationFunction) throws -> Model {
    try Model(
      name: "m", input: .image(height: 6, width: 6, channels: 2),
      layers: [
        Conv2D(name: "conv", filters: 5, kernelSize: (3, 3), activation: function),
        Activation(name: "alone", function: function), Flatten(name: "flatten"),
        Dense(name: "hidden", units: 7, activation: function),
        Dense(name: "out", units: 3, activation: .softmax),
      ])
  }

  /// A run that was stopped goes on with what its file has.
  @Test(
    "they train to the bits of the one layer that they are", arguments: functions, [4, 20])
  func bits(_ function: ActivationFunction, batch: Int) throws {
    let own = try Self.model(function)
    let weights = try TestModels.weights(own)
    let (stored, storedWeights) = own.kerasForm(weights)
    #expect(stored.layers.count > own.layers.count)
    let images = TestModels.images(batch, shape: own.input, classes: 3)
    func train(_ model: Model, _ start: [LayerWeights]) throws -> [[Float]] {
      let plan = try NetworkPlan(
        model, options: PlanOptions(batch: batch, isTraining: true, threads: 2))
      let network = try Network(plan)
      try network.load(start)
      for step in 0..<3 {
        let rule = Optimizer.sgd.rule(at: step, learningRate: 0.5)
        _ = try network.step(images, update: rule, step: step)
      }
      let outputs = try network.predict(images).outputs.values
      return network.weights.flatMap(\.tensors).map(\.values) + [outputs]
    }
    let trained = try train(own, weights)
    #expect(trained != weights.flatMap(\.tensors).map(\.values) + [trained[trained.count - 1]])
    #expect(try train(stored, storedWeights) == trained)
  }

  @Test("another slope, offset or limit stays two layers")
  func others() throws {
    let cases: [(Double, Double, Double?)] = [(0.25, 0.5, 1), (0.2, 0.4, 1), (0.2, 0.5, 2)]
    for (scale, offset, limit) in cases {
      let model = try Model(
        name: "m", input: .vector(4),
        layers: [
          Rescaling(name: "scaled", scale: scale, offset: offset),
          ReLU(name: "cut", maxValue: limit), Dense(name: "out", units: 2),
        ])
      #expect(try Graph(model).lowered(fuses: true).nodes.count == 3)
    }
  }
}
