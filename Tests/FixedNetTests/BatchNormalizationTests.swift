import FixedNetCore
import Testing

@testable import FixedNetCompute

/// Batch normalisation of one channel, against what one computes by hand.
@Suite("Batch normalisation")
struct BatchNormalizationTests {
  /// Mean 3, variance 5.
  private static let values: [Float] = [0, 2, 4, 6]

  /// gamma (x - mean) / sqrt(variance + epsilon) + beta, then a unit that passes it on.
  private static func network(isTraining: Bool, unbiased: Bool = false, isImage: Bool = false)
    throws -> Network
  {
    let model = Model(
      name: "m", input: isImage ? .image(height: 1, width: 1, channels: 1) : .vector(1),
      layers: [BatchNormalization(name: "bn", momentum: 0.75, epsilon: 4)]
        + (isImage ? [Flatten(name: "flatten")] : []) + [Dense(name: "unit", units: 1)])
    var options = PlanOptions(batch: 4, isTraining: isTraining, loss: .meanSquaredError)
    options.usesUnbiasedVariance = unbiased
    let network = try Network(NetworkPlan(model, options: options))
    let (gamma, beta, mean, variance): (Float, Float, Float, Float) = (1.5, 0.25, 1, 12)
    try network.load(
      [
        LayerWeights(
          layer: "bn",
          tensors: [gamma, beta, mean, variance].map { Tensor(shape: [1], values: [$0]) })
      ] + (isImage ? [LayerWeights(layer: "flatten", tensors: [])] : []) + [
        LayerWeights(
          layer: "unit",
          tensors: [Tensor(shape: [1, 1], values: [1]), Tensor(shape: [1], values: [0])])
      ])
    return network
  }

  private static func images(isImage: Bool = false) -> ImageSet {
    ImageSet(
      shape: isImage ? .image(height: 1, width: 1, channels: 1) : .vector(1),
      pixels: .floats(values), labels: [], targets: [0, 0, 0, 0], targetWidth: 1)
  }

  @Test("inference normalises by the moving statistics, with epsilon inside of the root")
  func inference() throws {
    let outputs = try Self.network(isTraining: false).predict(Self.images()).outputs.values
    for (x, y) in zip(Self.values, outputs) {
      #expect(abs(y - (1.5 * (x - 1) / 4 + 0.25)) < 1e-6)
    }
  }

  @Test("training normalises by the batch's: the loss and the gradients of gamma and beta")
  func training() throws {
    let network = try Self.network(isTraining: true)
    let sums = try network.computeGradients(Self.images())
    let normalized = Self.values.map { Double($0 - 3) / 3 }
    let outputs = normalized.map { 1.5 * $0 + 0.25 }
    #expect(abs(sums.loss - outputs.reduce(0) { $0 + $1 * $1 }) < 1e-5)
    // dL/dy = 2 y / 4.
    let gradients = network.gradients[0].tensors.map { Double($0.values[0]) }
    #expect(abs(gradients[0] - zip(outputs, normalized).reduce(0) { $0 + $1.0 * $1.1 / 2 }) < 1e-5)
    #expect(abs(gradients[1] - outputs.reduce(0) { $0 + $1 / 2 }) < 1e-5)
  }

  @Test(
    "the moving statistics keep three quarters; Keras 2's variance of images is n / (n - 1) times",
    arguments: [false, true], [false, true])
  func movingStatistics(unbiased: Bool, isImage: Bool) throws {
    let network = try Self.network(isTraining: true, unbiased: unbiased, isImage: isImage)
    _ = try network.step(Self.images(isImage: isImage), update: .sgd(learningRate: 0.1))
    let tensors = network.weights[0].tensors
    let variance: Float = unbiased && isImage ? 5 * 4 / 3 : 5
    #expect(abs(tensors[2].values[0] - (0.75 * 1 + 0.25 * 3)) < 1e-6)
    #expect(abs(tensors[3].values[0] - (0.75 * 12 + 0.25 * variance)) < 1e-5)
  }
}
