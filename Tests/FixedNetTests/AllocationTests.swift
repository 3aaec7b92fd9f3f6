import CSupport
import FixedNetCore
import Foundation
import MallocCounter
import Testing

@testable import FixedNet

/// No allocator call between the first and the last training step of an epoch, counted on every thread.
@Suite("Allocation")
struct AllocationTests {
  /// Every thread's count at one moment, in memory that is there already.
  private final class Counts {
    let values: UnsafeMutableBufferPointer<UInt64>

    init(threads: Int) {
      values = .allocate(capacity: threads)
      values.initialize(repeating: 0)
    }

    deinit { values.deallocate() }

    /// Each thread of the network's team reports its own count.
    func read(_ network: Network) {
      cs_team_run(
        network.threads.team,
        { context, thread in
          context.assumingMemoryBound(to: UInt64.self)[Int(thread)] = malloc_counter_calls()
        }, values.baseAddress!)
    }
  }

  private static func trainer(_ model: SequentialModel, batch: Int, threads: Int) throws -> Trainer
  {
    let network = try TestModels.network(model, batch: batch, threads: threads)
    return try Trainer(
      network: network, images: TestModels.images(100, shape: model.input, classes: 5),
      batch: batch, optimizer: OptimizerConfiguration(), seed: 1)
  }

  @Test(
    "training steps allocate nothing", .enabled(if: malloc_counter_works() == 1),
    arguments: [TestModels.small, TestModels.plain], [(24, 1), (24, 2), (24, 3), (5, 2)])
  func stepsAllocateNothing(_ model: SequentialModel, _ setup: (batch: Int, threads: Int)) throws {
    let trainer = try Self.trainer(model, batch: setup.batch, threads: setup.threads)
    let network = trainer.network
    let start = Counts(threads: setup.threads)
    let end = Counts(threads: setup.threads)
    let last = trainer.stepsPerEpoch
    _ = try trainer.runEpoch { position in
      if position.stepInEpoch == 1 { start.read(network) }
      if position.stepInEpoch == last { end.read(network) }
      return true
    }
    #expect(Array(start.values) == Array(end.values))
    #expect(start.values[0] > 0)
  }

  @Test("a planted allocation is counted", .enabled(if: malloc_counter_works() == 1))
  func plantedAllocation() throws {
    let trainer = try Self.trainer(TestModels.plain, batch: 24, threads: 2)
    var before: UInt64 = 0
    var spent: UInt64 = 0
    _ = try trainer.runEpoch { position in
      if position.stepInEpoch == 1 { before = malloc_counter_calls() }
      if position.stepInEpoch == 2 {
        let planted = UnsafeMutablePointer<Float>.allocate(capacity: 10)
        planted.deallocate()
      }
      if position.stepInEpoch == 3 { spent = malloc_counter_calls() - before }
      return true
    }
    #expect(spent == 1)
  }

  @Test("evaluation allocates nothing per image", .enabled(if: malloc_counter_works() == 1))
  func evaluation() throws {
    let network = try TestModels.network(TestModels.small, batch: 24, threads: 1)
    let few = TestModels.images(40, shape: TestModels.small.input, classes: 5)
    let many = TestModels.images(2500, shape: TestModels.small.input, classes: 5)
    func calls(_ images: ImageSet) throws -> UInt64 {
      let before = malloc_counter_calls()
      _ = try network.evaluate(images)
      return malloc_counter_calls() - before
    }
    // Once for what the runtime sets up on first use.
    _ = try calls(few)
    #expect(try calls(few) == calls(many))
  }
}
