import FixedNetCore
import Testing

@testable import FixedNetCompute

/// The networks of MLPerf Tiny: what their official files say, and what a step of training is.
@Suite("Networks of the field")
struct FieldNetworkTests {
  /// Weights with moving statistics, and millions of multiply-adds, as the benchmark states them.
  static let facts: [(BuiltInModel, weights: Int, millions: Double)] = [
    (.dsCNN, 24_908, 2.66), (.resNet8, 78_666, 12.5), (.resNet8Large, 205_306, 32.6),
    (.mobileNet025, 221_794, 7.49), (.autoencoder, 269_992, 0.264),
    (.streamingWakeword, 47_707, 0.826),
  ]

  @Test("as many weights and multiply-adds as the official files", arguments: facts)
  func counts(_ builtIn: BuiltInModel, weights: Int, millions: Double) throws {
    let model = builtIn.model()
    let count = try model.weightDescriptions().joined().reduce(0) { $0 + $1.shape.reduce(1, *) }
    #expect(count == weights)
    #expect(abs(Double(try model.multiplyAdds()) / 1e6 / millions - 1) < 0.01)
  }

  static func samples(of builtIn: BuiltInModel, _ count: Int) throws -> ImageSet {
    let model = builtIn.model()
    let classes = builtIn == .autoencoder ? 0 : try model.shapes().output.elementCount
    let images = TestModels.images(count, shape: model.input, classes: classes)
    guard classes == 0 else { return images }
    guard case .floats(let values) = images.pixels else { return images }
    return ImageSet(
      shape: model.input, pixels: .floats(values), labels: [], targets: values,
      targetWidth: model.input.elementCount)
  }

  /// The hash of the weights after two steps of momentum over 18 samples.
  static func hash(
    _ builtIn: BuiltInModel, blockSize: Int = 16, threads: Int, _ set: InstructionSet
  ) throws -> UInt64 {
    let model = builtIn.model()
    let images = try samples(of: builtIn, 18)
    let optimizer = Optimizer.momentum(0.9)
    let network = try Network(
      NetworkPlan(
        model,
        options: PlanOptions(
          batch: 18, isTraining: true, threads: threads, blockSize: blockSize, loss: builtIn.loss,
          optimizer: optimizer)), instructionSet: set)
    try network.initialize(seed: 1)
    for step in 0..<2 {
      let sums = try network.step(
        images, update: optimizer.rule(at: step, learningRate: 0.01), step: step)
      #expect(sums.meanLoss.isFinite)
    }
    #expect(network.canariesAreIntact)
    return TestModels.hash(network.weights)
  }

  @Test(
    "the same bits on all threads and instruction sets",
    arguments: [BuiltInModel.dsCNN, .resNet8, .autoencoder, .streamingWakeword])
  func bits(_ builtIn: BuiltInModel) throws {
    let expected = try Self.hash(builtIn, threads: 1, .best)
    #expect(try Self.hash(builtIn, threads: 3, .best) == expected)
    #expect(try Self.hash(builtIn, threads: 2, .portable) == expected)
  }

  @Test("plans stay near the lower bound", arguments: BuiltInModel.fieldModels, [1, 32])
  func plans(_ builtIn: BuiltInModel, batch: Int) throws {
    for isTraining in [true, false] {
      let plan = try NetworkPlan(
        builtIn.model(),
        options: PlanOptions(
          batch: batch, isTraining: isTraining, threads: 2, loss: builtIn.loss))
      #expect(plan.memory.byteCount >= plan.memory.lowerBound)
      #expect(Double(plan.memory.byteCount) <= 1.03 * Double(plan.memory.lowerBound))
    }
  }
}
