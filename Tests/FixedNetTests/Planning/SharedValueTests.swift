import FixedNetCore
import Testing

@testable import FixedNetCompute

/// Gradients of values that several layers read, against what one computes by hand.
@Suite("Shared values")
struct SharedValueTests {
  /// The gradient of w for y = a w x + b w x + c w x and a squared error.
  private func gradient(
    scales: [Double], weight: Float, input: Float, target: Float, blockSize: Int
  ) throws -> Float {
    let layers: [any Layer] =
      [Dense(name: "d", units: 1, usesBias: false)]
      + zip(["a", "b", "c"], scales).map { Rescaling(name: $0, scale: $1) } + [Add(name: "s")]
    let model = Model(
      name: "m", input: .vector(1), layers: layers,
      connections: ["d": ["image"], "a": ["d"], "b": ["d"], "c": ["d"], "s": ["a", "b", "c"]])
    let plan = try NetworkPlan(
      model,
      options: PlanOptions(
        batch: 1, isTraining: true, blockSize: blockSize, loss: .meanSquaredError))
    #expect(plan.memory.steps.contains("backward d/sum"))
    let network = try Network(plan)
    try network.load(
      [LayerWeights(layer: "d", tensors: [Tensor(shape: [1, 1], values: [weight])])]
        + layers.dropFirst().map { LayerWeights(layer: $0.name, tensors: []) })
    try network.computeGradients(
      ImageSet(
        shape: .vector(1), pixels: .floats([input]), labels: [], targets: [target], targetWidth: 1))
    return network.gradients[0].tensors[0].values[0]
  }

  @Test("gradients of a value that several layers read are added up", arguments: [16, 1])
  func sums(blockSize: Int) throws {
    // y = 10 w x = 15, dL/dw = 2 (y - 7) 10 x = 480.
    let found = try gradient(
      scales: [2, 3, 5], weight: 0.5, input: 3, target: 7, blockSize: blockSize)
    #expect(found == 480)
  }

  /// Two steps between floats near 6e8 are 128 apart: what comes first is lost, and what comes last stays.
  @Test("they are added in the order of their readers", arguments: [16, 1])
  func order(blockSize: Int) throws {
    func found(_ scales: [Double]) throws -> Float {
      try gradient(scales: scales, weight: 0.5, input: 4, target: -1, blockSize: blockSize)
    }
    // y = (4 + 6e8) - 6e8 = 0, dL/dy = 2, the sum (4 + 6e8) - 6e8 = 0.
    #expect(try found([2, 3e8, -3e8]) == 0)
    // y = (6e8 - 6e8) + 4 = 4, dL/dy = 10, the sum (3e9 - 3e9) + 20 = 20, times x.
    #expect(try found([3e8, -3e8, 2]) == 80)
  }

  @Test("a layer goes back after all that read it, however much less would wait otherwise")
  func backwardOrder() {
    var order = BackwardOrder([[], [0], [0], [1, 2]], [0: 0, 1: 1, 2: 2, 3: 3])
    var found: [Int] = []
    while let next = order.next({ $0 == 0 ? -10 : 0 }) { found.append(next) }
    #expect(found == [3, 2, 1, 0])
  }

  /// Three samples -1, 0, 1: normalised, the middle one is exactly 0, where ReLU's derivative is 0 as in Keras.
  @Test("no gradient goes through the zero of a ReLU behind a normalisation", arguments: [16, 1])
  func zero(blockSize: Int) throws {
    let model = Model(
      name: "m", input: .vector(1),
      layers: [BatchNormalization(name: "bn"), ReLU(name: "r")])
    let network = try Network(
      NetworkPlan(
        model,
        options: PlanOptions(
          batch: 3, isTraining: true, blockSize: blockSize, loss: .meanSquaredError)))
    try network.load(try model.initialWeights(seed: 0))
    try network.computeGradients(
      ImageSet(
        shape: .vector(1), pixels: .floats([-1, 0, 1]), labels: [], targets: [-1, -1, -1],
        targetWidth: 1))
    let y = 1 / (2.0 / 3 + 0.001).squareRoot()
    let dy = 2 * (y + 1) / 3
    let (gamma, beta) = (
      Double(network.gradients[0].tensors[0].values[0]),
      Double(network.gradients[0].tensors[1].values[0])
    )
    #expect(abs(beta - dy) < 1e-6 && abs(gamma - dy * y) < 1e-6, "\(gamma) \(beta)")
  }
}
