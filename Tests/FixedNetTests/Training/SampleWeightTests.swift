import FixedNetCore
import Testing

@testable import FixedNetCompute

/// Keras' sample_weight: the loss of each image and its gradient count that much, and the mean is over all images.
@Suite("Sample weights")
struct SampleWeightTests {
  private static let weights: [Float] = [0.5, 2, 0, 1, 3, 0.25, 1, 7, 0.1, 1, 2]

  private static func images(_ weights: [Float], count: Int? = nil) -> ImageSet {
    let plain = TestModels.images(
      count ?? weights.count, shape: TestModels.plain.input, classes: 5)
    return ImageSet(
      shape: plain.shape, pixels: plain.pixels, labels: plain.labels, sampleWeights: weights)
  }

  /// One image at a time, each with its weight, and added up in double.
  private static func expected(_ loss: Loss, _ images: ImageSet) throws -> (
    loss: Double, gradient: [Double]
  ) {
    guard case .floats(let pixels) = images.pixels else { return (.nan, []) }
    let network = try TestModels.network(TestModels.plain, batch: 1, loss: loss)
    let size = images.shape.elementCount
    var total = 0.0
    var gradient: [Double] = []
    for index in 0..<images.count {
      let one = ImageSet(
        shape: images.shape, pixels: .floats(Array(pixels[index * size..<(index + 1) * size])),
        labels: [images.labels[index]])
      let weight = Double(images.sampleWeights[index]) / Double(images.count)
      total += weight * (try network.computeGradients(one)).loss
      let values = network.gradients.flatMap { $0.tensors.flatMap(\.values) }.map(Double.init)
      if gradient.isEmpty { gradient = values.map { _ in 0 } }
      for place in values.indices { gradient[place] += weight * values[place] }
    }
    return (total, gradient)
  }

  @Test(
    "loss and gradients are those of the images, weighted", arguments: [1, 16],
    [Loss.crossEntropy, .meanSquaredError])
  func gradients(blockSize: Int, loss: Loss) throws {
    let images = Self.images(Self.weights)
    let expected = try Self.expected(loss, images)
    let network = try TestModels.network(
      TestModels.plain, batch: images.count, threads: 2, blockSize: blockSize, loss: loss)
    let sums = try network.computeGradients(images)
    #expect(abs(sums.meanLoss - expected.loss) < 1e-6 * expected.loss)
    #expect(abs(try network.evaluate(images).meanLoss - expected.loss) < 1e-6 * expected.loss)
    let found = network.gradients.flatMap { $0.tensors.flatMap(\.values) }
    let scale = expected.gradient.map(abs).max() ?? 0
    let worst = zip(found, expected.gradient).map { abs(Double($0) - $1) }.max() ?? .infinity
    #expect(worst < 1e-5 * scale)
  }

  @Test("weights of 1 change no bit, on any number of threads and instruction set")
  func ones() throws {
    let weighted = Self.images([Float](repeating: 1, count: 11))
    let plain = Self.images([], count: 11)
    var hashes: Set<UInt64> = []
    for (images, threads) in [(weighted, 1), (weighted, 3), (plain, 2)] {
      for set in TestModels.instructionSets {
        let network = try TestModels.network(
          TestModels.plain, batch: 8, threads: threads, instructionSet: set)
        _ = try Trainer(
          network: network, images: images, batch: 8, optimizer: OptimizerConfiguration(), seed: 1
        ).runEpoch()
        hashes.insert(TestModels.hash(network.weights))
      }
    }
    #expect(hashes.count == 1)
  }

  @Test("the trainer takes each image's weight wherever the image is shuffled to")
  func trainer() throws {
    // Images of weight 0 may as well be absent from the gradient: their pixels do not matter.
    var hashes: Set<UInt64> = []
    for noise in [Float(0), 3] {
      let images = Self.images(Self.weights)
      guard case .floats(var pixels) = images.pixels else { return }
      let size = images.shape.elementCount
      for place in 2 * size..<3 * size { pixels[place] += noise }
      let network = try TestModels.network(TestModels.plain, batch: 4, threads: 2)
      let changed = ImageSet(
        shape: images.shape, pixels: .floats(pixels), labels: images.labels,
        sampleWeights: images.sampleWeights)
      _ = try Trainer(
        network: network, images: changed, batch: 4, optimizer: OptimizerConfiguration(), seed: 1
      ).runEpoch()
      hashes.insert(TestModels.hash(network.weights))
    }
    #expect(hashes.count == 1)
  }

  @Test("class weights are the weights of the labels, times the sample's own")
  func classWeights() {
    let images = ImageSet(
      shape: .vector(1), pixels: .floats([0, 0, 0, 0]), labels: [0, 2, 1, 2],
      sampleWeights: [1, 2, 3, 4])
    #expect(images.weighted(byClass: [10, 0.5]).sampleWeights == [10, 2, 1.5, 4])
    let plain = ImageSet(shape: .vector(1), pixels: .floats([0, 0]), labels: [1, 0])
    #expect(plain.weighted(byClass: [3, 4]).sampleWeights == [4, 3])
  }

  @Test("a weight that is no number is refused")
  func notFinite() throws {
    let network = try TestModels.network(TestModels.plain, batch: 2)
    let images = Self.images([1, .nan])
    #expect(
      throws: NetworkError.targets(expected: "finite sample weights", found: "nan")
    ) { try network.evaluate(images) }
  }
}
