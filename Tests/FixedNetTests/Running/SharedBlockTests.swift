import FixedNetCore
import Testing

@testable import FixedNetCompute

/// Threads that share a block compute slices of its operations: no bit depends on it.
@Suite("Shared blocks")
struct SharedBlockTests {
  /// Large enough for their blocks to be shared.
  static let models: [BuiltInModel] = [
    .lenet, .lenetPlain, .lenetDropout, .cnn, .deepMLP, .dsCNN, .resNet8,
  ]

  /// The hash of weights and optimiser state after three steps, the last one of a smaller batch.
  private static func train(
    _ model: Model, batch: Int, threads: Int, recomputes: Bool = false
  ) throws -> UInt64 {
    let network = try TestModels.network(
      model, batch: batch, threads: threads, optimizer: .momentum(0.9), recomputes: recomputes)
    if threads > 1 {
      #expect(network.trainingProgram?.program.sharesBlocks == true, "\(model.name)")
    }
    let trainer = try Trainer(
      network: network,
      images: TestModels.images(2 * batch + batch / 2, shape: model.input, classes: 10),
      batch: batch,
      optimizer: OptimizerConfiguration(optimizer: .momentum(0.9), schedule: .constant(0.01)),
      seed: 5)
    _ = try trainer.runEpoch()
    #expect(network.canariesAreIntact)
    return TestModels.hash(
      network.optimizerState.slots.flatMap { $0.tensors.flatMap(\.values) })
      ^ TestModels.hash(network.weights)
  }

  @Test("weights do not depend on how many threads share a block", arguments: models, [16, 6, 40])
  func training(_ name: BuiltInModel, batch: Int) throws {
    let model = name.model()
    let one = try Self.train(model, batch: batch, threads: 1)
    for threads in [2, 5, 16] {
      #expect(try Self.train(model, batch: batch, threads: threads) == one, "\(threads) threads")
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

  @Test("outputs do not depend on how many threads share a block", arguments: models)
  func inference(_ name: BuiltInModel) throws {
    let model = name.model()
    let images = TestModels.images(35, shape: model.input, classes: 10)
    for batch in [1, 16] {
      var seen: Set<UInt64> = []
      for threads in [1, 2, 5] {
        // The training plan has room for every thread.
        let network = try TestModels.network(model, batch: batch, threads: threads)
        seen.insert(TestModels.hash(try network.predict(images).outputs.values))
        #expect(network.canariesAreIntact)
      }
      #expect(seen.count == 1, "batch \(batch)")
    }
  }
}
