import FixedNetCore
import Testing

@testable import FixedNetCompute

/// At inference the layer before a batch normalisation does its work, and the ReLU's behind it.
@Suite("Joined normalisations")
struct JoinedNormalizationTests {
  /// Every layer that can take one in.
  private static let joined = Model(
    name: "joined", input: .image(height: 19, width: 18, channels: 3),
    layers: [
      Conv2D(name: "c1", filters: 6, kernelSize: (3, 3), strides: (1, 1), padding: .same),
      BatchNormalization(name: "bn1"), ReLU(name: "relu1"),
      DepthwiseConv2D(name: "d1", kernelSize: (3, 3), padding: .same, usesBias: false),
      BatchNormalization(name: "bn2", centers: false), Activation(name: "relu2", function: .relu),
      Conv2D(name: "c2", filters: 20, kernelSize: (1, 1), usesBias: false),
      BatchNormalization(name: "bn3", scales: false), Activation(name: "tanh", function: .tanh),
      DepthwiseConv2D(name: "d2", kernelSize: (3, 3), strides: (2, 2), multiplier: 2),
      BatchNormalization(name: "bn4"), ReLU(name: "relu4"), Dropout(name: "drop", rate: 0.5),
      Conv2D(
        name: "c3", filters: 8, kernelSize: (2, 2), dilation: (2, 2), groups: 4),
      BatchNormalization(name: "bn5"), ReLU(name: "relu5"),
      SeparableConv2D(name: "s", filters: 17, kernelSize: (3, 3)),
      BatchNormalization(name: "bn6"), ReLU(name: "relu6"),
      AveragePooling2D(name: "pool", poolSize: (2, 2)), Flatten(name: "f"),
      Dense(name: "l1", units: 33), BatchNormalization(name: "bn7"), ReLU(name: "relu7"),
      Dense(name: "l2", units: 7), BatchNormalization(name: "bn8"),
      Dense(name: "l3", units: 4, activation: .softmax),
    ])

  /// `add` reads what bn1 normalises as it was, so bn1 works by itself; bn2 joins c2 past a layer in between.
  private static let branching = Model(
    name: "branching", input: .image(height: 8, width: 7, channels: 2),
    layers: [
      Conv2D(name: "c1", filters: 5, kernelSize: (3, 3), padding: .same),
      BatchNormalization(name: "bn1"),
      Conv2D(name: "c2", filters: 5, kernelSize: (3, 3), padding: .same),
      Conv2D(name: "c3", filters: 5, kernelSize: (1, 1)),
      BatchNormalization(name: "bn2"), Add(name: "add"), ReLU(name: "relu"),
      Flatten(name: "f"), Dense(name: "l", units: 3, activation: .softmax),
    ],
    connections: [
      "c1": ["input"], "bn1": ["c1"], "c2": ["bn1"], "c3": ["c1"], "bn2": ["c2"],
      "add": ["c1", "c3", "bn2"], "relu": ["add"], "f": ["relu"], "l": ["f"],
    ], inputName: "input")

  private static func plan(_ model: Model, batch: Int, fuses: Bool) throws -> NetworkPlan {
    var options = PlanOptions(batch: batch, isTraining: false, threads: 2)
    options.fusesLayers = fuses
    return try NetworkPlan(model, options: options)
  }

  /// Weights none of which a normalisation leaves as it is.
  private static func weights(_ model: Model) throws -> [LayerWeights] {
    var (weights, number) = (try model.initialWeights(seed: 3), 0)
    for layer in weights.indices where weights[layer].layer.hasPrefix("bn") {
      for tensor in weights[layer].tensors.indices {
        for index in weights[layer].tensors[tensor].values.indices {
          number += 1
          weights[layer].tensors[tensor].values[index] = 0.3 + Float(number * 37 % 101) / 101
        }
      }
    }
    return weights
  }

  private static func outputs(_ plan: NetworkPlan, _ set: InstructionSet) throws -> [Float] {
    let network = try Network(plan, instructionSet: set)
    try network.load(try weights(plan.model))
    let count = plan.model.input.elementCount
    let pixels = (0..<20 * count).map { Float($0 * 7919 % 1009) / 500 - 1 }
    return try network.predict(
      ImageSet(shape: plan.model.input, pixels: .floats(pixels), labels: [])
    ).outputs.values
  }

  @Test("the bits are those of the layers one by one", arguments: [joined, branching])
  func bits(_ model: Model) throws {
    let expected = try Self.outputs(Self.plan(model, batch: 16, fuses: false), .portable)
    for set in InstructionSet.allCases where set <= .best {
      for batch in [1, 16, 20] {
        for fuses in [true, false] {
          let plan = try Self.plan(model, batch: batch, fuses: fuses)
          #expect(try Self.outputs(plan, set) == expected, "\(set) \(batch) \(fuses)")
        }
      }
    }
  }

  @Test("a joined normalisation is no operation, and its input has no place")
  func operations() throws {
    func names(_ model: Model) throws -> [String] {
      try Self.plan(model, batch: 1, fuses: true).inference.origins.map(\.layer)
    }
    let all = try names(Self.joined)
    #expect(!all.contains { $0.hasPrefix("bn") || $0.hasPrefix("relu") })
    #expect(["c1", "d1", "c2", "tanh", "d2", "c3", "s", "l1", "l2", "l3"].allSatisfy(all.contains))
    #expect(try names(Self.branching).filter { $0.hasPrefix("bn") } == ["bn1"])
    for batch in [1, 16] {
      let plan = try Self.plan(Self.joined, batch: batch, fuses: true)
      #expect(plan.inference.outputs["c1"] == nil && plan.inference.outputs["l2"] == nil)
      #expect(plan.inference.outputs["bn8"] != nil)
      let apart = try Self.plan(Self.joined, batch: batch, fuses: false)
      #expect(plan.memory.byteCount <= apart.memory.byteCount)
    }
  }
}
