import FixedNetCore
import Foundation
import Testing

@testable import FixedNetCompute

/// Values that a person works out on paper, from the definition and not from the program.
@Suite("Computed by hand")
struct HandComputedTests {
  // MARK: Batch normalisation

  /// The moving variance after one step over these values of one channel, from 1, with momentum 0.9.
  private static func movingVariance(_ input: Shape, _ values: [Float], isUnbiased: Bool) throws
    -> Float
  {
    var layers: [any Layer] = [BatchNormalization(name: "bn", momentum: 0.9)]
    if case .image = input { layers.append(Flatten(name: "f")) }
    layers.append(Dense(name: "d", units: 1))
    let model = Model(name: "m", input: input, layers: layers)
    let count = values.count / input.elementCount
    var options = PlanOptions(batch: count, isTraining: true, loss: .meanSquaredError)
    options.usesUnbiasedVariance = isUnbiased
    let network = try Network(NetworkPlan(model, options: options))
    try network.initialize(seed: 0)
    let images = ImageSet(
      shape: input, pixels: .floats(values), labels: [],
      targets: [Float](repeating: 0, count: count), targetWidth: 1)
    _ = try network.step(images, update: .sgd(learningRate: 0))
    return network.weights[0].tensors[3].values[0]
  }

  @Test("the moving variance takes the biased variance, and Keras 2's of images the unbiased one")
  func movingVariance() throws {
    // Mean (1 + 2 + 3 + 6) / 4 = 3; squares of deviations 4 + 1 + 0 + 9 = 14.
    // Biased 14 / 4 = 3.5, unbiased 14 / 3. Moving: 0.9 * 1 + 0.1 * variance.
    let values: [Float] = [1, 2, 3, 6]
    let image = Shape.image(height: 2, width: 1, channels: 1)
    let biased = 0.9 + 0.1 * Float(3.5)
    let unbiased = 0.9 + 0.1 * Float(14) / 3
    #expect(abs(try Self.movingVariance(image, values, isUnbiased: false) - biased) < 1e-6)
    #expect(abs(try Self.movingVariance(image, values, isUnbiased: true) - unbiased) < 1e-6)
    #expect(abs(try Self.movingVariance(.vector(1), values, isUnbiased: false) - biased) < 1e-6)
    #expect(abs(try Self.movingVariance(.vector(1), values, isUnbiased: true) - biased) < 1e-6)
  }

  // MARK: Initialisers

  @Test("fan-in and fan-out of Conv2D: taps times channels, taps times filters")
  func convolutionFans() throws {
    let input = Shape.image(height: 9, width: 9, channels: 4)
    // 3 x 2 taps: fan-in 6 * 4 = 24, fan-out 6 * 54 = 324.
    let layer = Conv2D(name: "c", filters: 54, kernelSize: (3, 2))
    let kernel = layer.weights(for: input)[0]
    #expect(kernel.shape == [3, 2, 4, 54])
    #expect(kernel.fanIn == 24)
    #expect(kernel.fanOut == 324)
    // He: sqrt(6 / 24) = 1/2 (exchanged: 0.136). Lecun: sqrt(3 / 24). Glorot: sqrt(6 / 348).
    try Self.expectLimit(.heUniform, 0.5, layer, input)
    try Self.expectLimit(.lecunUniform, 0.125.squareRoot(), layer, input)
    try Self.expectLimit(.glorotUniform, (6.0 / 348).squareRoot(), layer, input)
  }

  @Test("fan-in and fan-out of Dense: inputs, units")
  func denseFans() throws {
    let layer = Dense(name: "d", units: 150)
    let kernel = layer.weights(for: .vector(24))[0]
    #expect(kernel.shape == [24, 150])
    #expect(kernel.fanIn == 24)
    #expect(kernel.fanOut == 150)
    // He: sqrt(6 / 24) = 1/2 (exchanged: 0.2). Glorot: sqrt(6 / 174).
    try Self.expectLimit(.heUniform, 0.5, layer, .vector(24))
    try Self.expectLimit(.lecunUniform, 0.125.squareRoot(), layer, .vector(24))
    try Self.expectLimit(.glorotUniform, (6.0 / 174).squareRoot(), layer, .vector(24))
  }

  /// All values are within +-limit, and of over a thousand the largest is within 1 % of it.
  private static func expectLimit(
    _ initializer: Initializer, _ limit: Double, _ layer: any Layer, _ input: Shape
  ) throws {
    var layers = [layer]
    if layer is Conv2D { layers.append(Flatten(name: "f")) }
    var model = Model(name: "m", input: input, layers: layers)
    model.changeKernels { $0.kernelInitializer = initializer }
    let values = try model.initialWeights(seed: 5)[0].tensors[0].values.map { abs(Double($0)) }
    #expect(values.count > 1000)
    let largest = values.max() ?? 0
    #expect(largest <= limit * (1 + 1e-6) && largest > 0.99 * limit, "\(initializer): \(largest)")
  }

  // MARK: RMSprop

  /// The weight after each step of y = w x, loss (y - t)^2, from w = 1 with x = 2, t = 1: dL/dw = 2 (2 w - 1) 2.
  private static func weights(_ optimizer: Optimizer, rate: Float, steps: Int) throws -> [Double] {
    let model = Model(
      name: "m", input: .vector(1), layers: [Dense(name: "d", units: 1, usesBias: false)])
    let options = PlanOptions(
      batch: 1, isTraining: true, loss: .meanSquaredError, optimizer: optimizer)
    let network = try Network(NetworkPlan(model, options: options))
    try network.load([LayerWeights(layer: "d", tensors: [Tensor(shape: [1, 1], values: [1])])])
    let sample = ImageSet(
      shape: .vector(1), pixels: .floats([2]), labels: [], targets: [1], targetWidth: 1)
    return try (0..<steps).map { step in
      _ = try network.step(
        sample, update: optimizer.rule(at: step, learningRate: rate), step: step)
      return Double(network.weights[0].tensors[0].values[0])
    }
  }

  @Test("two steps of RMSprop in Keras 2's form, with momentum and without, and in Keras 3's")
  func rmsprop() throws {
    let (rate, rho, epsilon) = (0.1, 0.9, 1.0)
    // Step 1 from w = 1: g = 2 (2 * 1 - 1) 2 = 4; v = 0.1 * 16 = 1.6.
    let g1 = 4.0
    let v1 = (1 - rho) * g1 * g1
    /// Step 2 from w.
    func second(_ w: Double) -> (g: Double, v: Double) {
      let g = 2 * (2 * w - 1) * 2
      return (g, rho * v1 + (1 - rho) * g * g)
    }
    func expect(_ optimizer: Optimizer, _ w1: Double, _ w2: Double) throws {
      let found = try Self.weights(optimizer, rate: Float(rate), steps: 2)
      #expect(abs(found[0] - w1) < 1e-6, "\(optimizer): \(found[0]), not \(w1)")
      #expect(abs(found[1] - w2) < 1e-6, "\(optimizer): \(found[1]), not \(w2)")
    }
    // Keras 2 without momentum: epsilon behind the root.
    let a1 = 1 - rate * g1 / (v1.squareRoot() + epsilon)
    let (ga, va) = second(a1)
    try expect(
      .rmsprop(rho: rho, epsilon: 1, isLegacy: true), a1,
      a1 - rate * ga / (va.squareRoot() + epsilon))
    // Keras 2 with momentum 0.5: epsilon inside the root; m = 0.5 m + rate g / sqrt(v + epsilon).
    let m1 = rate * g1 / (v1 + epsilon).squareRoot()
    let b1 = 1 - m1
    let (gb, vb) = second(b1)
    try expect(
      .rmsprop(rho: rho, momentum: 0.5, epsilon: 1, isLegacy: true), b1,
      b1 - (0.5 * m1 + rate * gb / (vb + epsilon).squareRoot()))
    // Keras 3: inside the root in both cases.
    let (gc, vc) = second(b1)
    try expect(
      .rmsprop(rho: rho, epsilon: 1), b1, b1 - rate * gc / (vc + epsilon).squareRoot())
    // The two forms are 0.02 apart here.
    #expect(abs(a1 - b1) > 0.02)
  }

  // MARK: The order of the images

  /// The images in the order in which an epoch of single steps sees them: their losses tell them apart.
  private static func order(epochs: Int, seed: UInt64) throws -> [[Int]] {
    let count = 50
    let model = Model(
      name: "m", input: .vector(1), layers: [Dense(name: "d", units: 1, usesBias: false)])
    let network = try Network(
      NetworkPlan(
        model, options: PlanOptions(batch: 1, isTraining: true, loss: .meanSquaredError)))
    try network.load([LayerWeights(layer: "d", tensors: [Tensor(shape: [1, 1], values: [1])])])
    // Image n has the loss n^2.
    let images = ImageSet(
      shape: .vector(1), pixels: .floats((0..<count).map { Float($0) }), labels: [],
      targets: [Float](repeating: 0, count: count), targetWidth: 1)
    let trainer = try Trainer(
      network: network, images: images, batch: 1,
      optimizer: OptimizerConfiguration(schedule: .constant(0)), seed: seed)
    return try (0..<epochs).map { _ in
      var (seen, before): ([Int], Double) = ([], 0)
      _ = try trainer.runEpoch { position in
        seen.append(Int((position.partial.loss - before).squareRoot().rounded()))
        before = position.partial.loss
        return true
      }
      return seen
    }
  }

  @Test("each epoch sees every image once, in an order of (seed, epoch)")
  func shuffle() throws {
    let orders = try Self.order(epochs: 3, seed: 0)
    for order in orders { #expect(order.sorted() == Array(0..<50)) }
    #expect(Set(orders).count == 3)
    #expect(try Self.order(epochs: 1, seed: 1)[0] != orders[0])
    #expect(try Self.order(epochs: 2, seed: 0)[1] == orders[1])
    #expect(orders.map { Array($0.prefix(6)) } == GoldenValues.orders)
  }
}
