import FixedNetCore
import Testing

@testable import FixedNetCompute

/// Threads that share a block compute slices of its operations: no bit depends on it.
@Suite("Shared blocks")
struct SharedBlockTests {
  /// With what the threads are to share, to try it in networks however small.
  private static func network(
    _ model: Model, batch: Int, threads: Int, recomputes: Bool = false,
    sharing: RunContext.Sharing? = .everywhere
  ) throws -> Network {
    let network = try TestModels.network(
      model, batch: batch, threads: threads, optimizer: .momentum(0.9), recomputes: recomputes)
    network.sharing = sharing
    return network
  }

  /// The hash of weights and optimiser state after three steps, the last one of a smaller batch.
  private static func train(
    _ model: Model, batch: Int, threads: Int, recomputes: Bool = false,
    sharing: RunContext.Sharing? = .everywhere
  ) throws -> UInt64 {
    let network = try network(
      model, batch: batch, threads: threads, recomputes: recomputes, sharing: sharing)
    let trainer = try Trainer(
      network: network,
      images: TestModels.images(2 * batch + batch / 2, shape: model.input, classes: 5),
      batch: batch,
      optimizer: OptimizerConfiguration(optimizer: .momentum(0.9), schedule: .constant(0.01)),
      seed: 5)
    _ = try trainer.runEpoch()
    #expect(network.canariesAreIntact)
    return TestModels.hash(
      network.optimizerState.slots.flatMap { $0.tensors.flatMap(\.values) })
      ^ TestModels.hash(network.weights)
  }

  static let small = [TestModels.small, TestModels.plain, TestModels.varied, TestModels.pooled]

  @Test(
    "weights do not depend on how many threads share a block", arguments: 0..<small.count,
    [16, 6, 40])
  func training(_ index: Int, batch: Int) throws {
    let model = Self.small[index]
    let one = try Self.train(model, batch: batch, threads: 1)
    for threads in [2, 3, 5, 16] {
      #expect(try Self.train(model, batch: batch, threads: threads) == one, "\(threads) threads")
    }
    #expect(try Self.train(model, batch: batch, threads: 2, sharing: nil) == one)
  }

  @Test(
    "nor those of built-in networks",
    arguments: [BuiltInModel.lenet, .lenetDropout, .cnn, .dsCNN, .resNet8])
  func builtIn(_ name: BuiltInModel) throws {
    let model = name.model()
    for batch in [16, 3] {
      let one = try Self.train(model, batch: batch, threads: 1)
      for (threads, sharing) in [(2, .worthwhile), (5, .everywhere)]
        as [(Int, RunContext.Sharing)]
      {
        #expect(
          try Self.train(model, batch: batch, threads: threads, sharing: sharing) == one,
          "batch \(batch), \(threads) threads")
      }
    }
  }

  @Test("nor where outputs are computed again", arguments: [BuiltInModel.lenetPlain, .lenet])
  func recomputing(_ name: BuiltInModel) throws {
    let model = name.model()
    let one = try Self.train(model, batch: 16, threads: 1)
    for threads in [2, 3] {
      #expect(try Self.train(model, batch: 16, threads: threads, recomputes: true) == one)
    }
  }

  @Test("the large ones are shared, small ones are not, and large enough work is cut")
  func worthwhile() throws {
    for (name, batch, shares) in [
      (BuiltInModel.lenet, 16, true), (.lenetPlain, 16, true), (.cnn, 16, true), (.cnn, 1, true),
      (.dsCNN, 16, true), (.perceptron, 16, false), (.softmax, 16, false),
    ] {
      let network = try TestModels.network(name.model(), batch: batch, threads: 2)
      let program = try #require(network.trainingProgram?.program)
      #expect(program.sharesBlocks == shares, "\(name), batch \(batch)")
      #expect(program.canShare(imageCount: batch, threads: 2) == shares)
      #expect(!program.canShare(imageCount: batch, threads: 1))
    }
  }

  @Test(
    "outputs do not depend on how many threads share a block",
    arguments: [BuiltInModel.lenet, .cnn, .dsCNN])
  func inference(_ name: BuiltInModel) throws {
    let model = name.model()
    let images = TestModels.images(35, shape: model.input, classes: 10)
    for batch in [1, 16] {
      var seen: Set<UInt64> = []
      for threads in [1, 2, 5] {
        for isTraining in [true, false] {
          let network = try TestModels.network(
            model, batch: batch, threads: threads, isTraining: isTraining)
          for sharing in [nil, .everywhere] as [RunContext.Sharing?] {
            network.sharing = sharing
            seen.insert(TestModels.hash(try network.predict(images).outputs.values))
            #expect(network.canariesAreIntact)
          }
        }
      }
      #expect(seen.count == 1, "batch \(batch)")
    }
  }

  @Test("only inference plans whose threads share blocks have scratch for more than a block each")
  func inferencePlans() throws {
    func plan(_ name: BuiltInModel, _ batch: Int, _ threads: Int) throws -> NetworkPlan {
      try NetworkPlan(
        name.model(), options: PlanOptions(batch: batch, isTraining: false, threads: threads))
    }
    #expect(try plan(.cnn, 1, 2).inference.layout.threadCount == 2)
    #expect(try plan(.cnn, 16, 5).inference.layout.threadCount == 5)
    #expect(try plan(.cnn, 64, 2).inference.layout.threadCount == 2)
    #expect(try plan(.lenet, 1, 2).inference.layout.threadCount == 1)
    let (one, two) = (try plan(.lenet, 1, 1), try plan(.lenet, 1, 2))
    #expect(one.memory.byteCount == two.memory.byteCount)
  }
}
