import FixedNet
import Testing

/// The network that `Tools/check-embedded` trains in Embedded Swift, on this host and on a Cortex-M4, as everybody else
/// would: the hash is the one that it expects there.
@Suite("The embedded engine")
struct EmbeddedEngineTests {
  /// -5/8, ..., 5/8: exact in binary.
  private static func drawn(_ shape: [Int]) -> Tensor {
    let count = shape.reduce(1, *)
    return Tensor(shape: shape, values: (0..<count).map { Float(($0 * 7 + 3) % 11 - 5) / 8 })
  }

  @Test("learns XOR to the weights of the planned one")
  func xor() throws {
    let model = Model(
      input: .vector(2),
      layers: [
        Dense(name: "a", units: 8, activation: .tanh), Dense(name: "b", units: 2),
        Activation(function: .softmax),
      ])
    var options = PlanOptions(batch: 4, isTraining: true, threads: 1, blockSize: 16)
    options.optimizer = .sgd
    let network = try Network(NetworkPlan(model, options: options))
    try network.load([
      LayerWeights(layer: "a", tensors: [Self.drawn([2, 8]), Tensor(zeros: [8])]),
      LayerWeights(layer: "b", tensors: [Self.drawn([8, 2]), Tensor(zeros: [2])]),
      LayerWeights(layer: "activation", tensors: []),
    ])
    let points = try ImageSet(rows: [[0, 0], [0, 1], [1, 0], [1, 1]], labels: [0, 1, 1, 0])
    for step in 0..<1000 {
      _ = try network.step(points, update: .sgd(learningRate: 0.25), step: step)
    }
    #expect(try network.evaluate(points).accuracy == 1)
    var hash: UInt32 = 0x811c_9dc5
    for value in network.weights.flatMap(\.tensors).flatMap(\.values) {
      for byte in 0..<4 {
        hash = (hash ^ value.bitPattern >> (8 * UInt32(byte)) & 0xff) &* 0x0100_0193
      }
    }
    #expect(String(hash, radix: 16) == "398b61ad")
  }
}
