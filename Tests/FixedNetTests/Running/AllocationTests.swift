import CSupport
import FixedNetCore
import Foundation
import MallocCounter
import Testing

@testable import FixedNetCompute

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
        network.threads.team, CS_FLUSH_SUBNORMALS,
        { context, thread in
          context.assumingMemoryBound(to: UInt64.self)[Int(thread)] = malloc_counter_calls()
        }, values.baseAddress!)
    }
  }

  private static func trainer(
    _ model: Model, batch: Int, threads: Int, optimizer: Optimizer = .sgd,
    clipping: Clipping = .none, loss: Loss? = nil, schedule: Schedule = .constant(0.01),
    updatesInBackward: Bool = false, recomputes: Bool = false,
    augmentation: Augmentation = Augmentation()
  ) throws -> Trainer {
    let network = try TestModels.network(
      model, batch: batch, threads: threads, loss: loss, optimizer: optimizer, clipping: clipping,
      updatesInBackward: updatesInBackward, recomputes: recomputes, augmentation: augmentation)
    return try Trainer(
      network: network, images: TestModels.images(100, shape: model.input, classes: 5),
      batch: batch, optimizer: OptimizerConfiguration(optimizer: optimizer, schedule: schedule),
      seed: 1)
  }

  /// Counts the allocator's calls of all threads between the first step's end and the last one's.
  private static func expectNoCalls(
    _ trainer: Trainer, threads: Int, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let network = trainer.network
    let start = Counts(threads: threads)
    let end = Counts(threads: threads)
    let last = trainer.stepsPerEpoch
    _ = try trainer.runEpoch { position in
      if position.stepInEpoch == 1 { start.read(network) }
      if position.stepInEpoch == last { end.read(network) }
      return true
    }
    #expect(Array(start.values) == Array(end.values), sourceLocation: sourceLocation)
    #expect(start.values[0] > 0, sourceLocation: sourceLocation)
  }

  @Test(
    "training steps allocate nothing", .enabled(if: malloc_counter_works() == 1),
    arguments: [TestModels.small, TestModels.plain, TestModels.varied],
    [(24, 1), (24, 2), (24, 3), (5, 2)])
  func stepsAllocateNothing(_ model: Model, _ setup: (batch: Int, threads: Int)) throws {
    let trainer = try Self.trainer(model, batch: setup.batch, threads: setup.threads)
    try Self.expectNoCalls(trainer, threads: setup.threads)
    try trainer.network.measure(with: NetworkProfile(of: trainer.network.plan))
    try Self.expectNoCalls(trainer, threads: setup.threads)
  }

  @Test(
    "augmentation, regularisers and noise allocate nothing",
    .enabled(if: malloc_counter_works() == 1), arguments: [(24, 1), (24, 3), (5, 2)])
  func augmentation(_ setup: (batch: Int, threads: Int)) throws {
    var model = TestModels.small
    model.layers.insert(GaussianDropout(name: "noise", rate: 0.1), at: 0)
    model.changeKernels {
      ($0.kernelRegularizer, $0.biasRegularizer) = (Regularizer(l1: 1e-3, l2: 1e-3), .l1(1e-3))
    }
    for fill in ["nearest", "reflect", "constant"] {
      let trainer = try Self.trainer(
        model, batch: setup.batch, threads: setup.threads,
        augmentation: Augmentation(text: "shift=0.2,rotation=20,zoom=0.2,flip=both,fill=\(fill)"))
      try Self.expectNoCalls(trainer, threads: setup.threads)
    }
  }

  @Test(
    "no optimiser, clipping, loss or schedule allocates", .enabled(if: malloc_counter_works() == 1),
    arguments: TestModels.optimizers,
    [Clipping.none, .value(0.01), .norm(0.1), .globalNorm(0.1)])
  func optimizers(_ optimizer: Optimizer, clipping: Clipping) throws {
    let trainer = try Self.trainer(
      TestModels.varied, batch: 24, threads: 2, optimizer: optimizer, clipping: clipping,
      loss: .meanSquaredError,
      schedule: .cyclical(
        base: 1e-4, max: 1e-2, stepSize: 2, .exponentialRange(gamma: 0.999)))
    try Self.expectNoCalls(trainer, threads: 2)
  }

  @Test(
    "the update in the backward pass allocates nothing",
    .enabled(if: malloc_counter_works() == 1),
    arguments: [TestModels.pooled, TestModels.small, TestModels.plain], [false, true])
  func updateInBackward(_ model: Model, recomputes: Bool) throws {
    for (batch, optimizer) in [(1, Optimizer.sgd), (1, .adam()), (12, .sgd)] {
      let trainer = try Self.trainer(
        model, batch: batch, threads: 1, optimizer: optimizer, clipping: .value(0.1),
        updatesInBackward: true, recomputes: recomputes)
      try Self.expectNoCalls(trainer, threads: 1)
    }
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
