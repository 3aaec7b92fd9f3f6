import FixedNet
import TestSupport
import Testing

/// Samples that are their own targets are kept once. What is learned is what a copy of them teaches.
@Suite("Samples as their own targets")
struct OwnTargetTests {
  private static let count = 53
  private static let shape = Shape.image(height: 4, width: 5, channels: 3)
  private static let bytes = (0..<count * 60).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 / 60) }

  /// As bytes, of which networks see a 255th, and as numbers.
  private static let sets = [
    ImageSet(shape: shape, pixels: .bytes(bytes), labels: []),
    ImageSet(shape: shape, pixels: .floats(bytes.map { Float($0) / 100 }), labels: []),
  ]

  /// The same with a copy of the samples, which is computed here.
  private static func copied(_ set: ImageSet) -> ImageSet {
    let targets: [Float] =
      switch set.pixels {
      case .bytes(let bytes): bytes.map { Float($0) / 255 }
      case .floats(let floats): floats
      case .mapped: []
      }
    return ImageSet(
      shape: set.shape, pixels: set.pixels, labels: [], targets: targets, targetWidth: 60,
      sampleWeights: set.sampleWeights)
  }

  private static func train(_ set: ImageSet, loss: Loss, threads: Int) throws -> [LayerWeights] {
    let model = Model(
      input: shape,
      layers: [
        Conv2D(filters: 4, kernelSize: (3, 3), padding: .same, activation: .tanh),
        Conv2D(filters: 3, kernelSize: (1, 1)), Flatten(), Activation(function: .sigmoid),
      ])
    var options = PlanOptions(batch: 20, isTraining: true, threads: threads)
    (options.loss, options.augmentation.shift) = (loss, 0.2)
    let network = try Network(NetworkPlan(model, options: options))
    try network.initialize(seed: 5)
    let trainer = try Trainer(
      network: network, images: set, batch: 20, optimizer: OptimizerConfiguration(), seed: 2)
    for _ in 0..<2 { _ = try trainer.runEpoch() }
    return network.weights
  }

  @Test("bytes and numbers teach what their copies do", arguments: [0, 1], [1, 2])
  func learns(_ index: Int, threads: Int) throws {
    let set = Self.sets[index]
    for loss in [Loss.meanSquaredError, .binaryCrossEntropy()] {
      let own = try Self.train(set.learningItself, loss: loss, threads: threads)
      #expect(try own == Self.train(Self.copied(set), loss: loss, threads: 1))
    }
  }

  @Test("parts of them learn themselves too, and weights stay")
  func parts() throws {
    let weights = (0..<Self.count).map { Float($0 % 3) }
    let set = ImageSet(
      shape: Self.shape, pixels: .bytes(Self.bytes), labels: [], sampleWeights: weights)
    let (own, copied) = (set.learningItself, Self.copied(set))
    let (first, second) = (try own.split(fraction: 0.3), try copied.split(fraction: 0.3))
    #expect(first.first.targetValues == second.first.targets)
    #expect(first.second.targetValues == second.second.targets && first.second.predictsNumbers)
    #expect(first.first.sampleWeights == second.first.sampleWeights)
    #expect(own.hasTargets && own.targets.isEmpty && own.weighted(byClass: [2]).hasTargets)
  }

  @Test("a hinge sees whether they are all 0 or 1", arguments: [UInt8(254), 255])
  func binary(_ high: UInt8) throws {
    let bytes = (0..<Self.count * 60).map { $0 % 7 == 0 ? high : 0 }
    let set = ImageSet(shape: Self.shape, pixels: .bytes(bytes), labels: [])
    let own = try Self.train(set.learningItself, loss: Loss(.hinge), threads: 1)
    #expect(try own == Self.train(Self.copied(set), loss: Loss(.hinge), threads: 1))
  }
}
