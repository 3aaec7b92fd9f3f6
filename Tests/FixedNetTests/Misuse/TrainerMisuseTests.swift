import FixedNetCore
import Testing

@testable import FixedNetCompute

/// Trainers that cannot train as they are asked say so before the first step.
@Suite("Misuse of a trainer")
struct TrainerMisuseTests {
  private static let model = Model(
    name: "m", input: .vector(4),
    layers: [
      Dense(name: "d1", units: 5, activation: .tanh),
      Dense(name: "d2", units: 3, activation: .softmax),
    ])

  private static let images = TestModels.images(20, shape: .vector(4), classes: 3)

  private static func trainer(
    batch: Int = 8, planned: Optimizer = .sgd,
    _ optimizer: OptimizerConfiguration = OptimizerConfiguration(),
    position: TrainingPosition = TrainingPosition()
  ) throws -> Trainer {
    let network = try TestModels.network(model, batch: 8, optimizer: planned)
    return try Trainer(
      network: network, images: images, batch: batch, optimizer: optimizer, seed: 0,
      position: position)
  }

  private static func text(_ make: () throws -> Trainer) throws -> String {
    "\(try #require(throws: NetworkError.self) { _ = try make() })"
  }

  @Test("mini-batches of no size", arguments: [0, -1, .min, 1 << 31, .max])
  func batch(_ batch: Int) throws {
    #expect(
      try Self.text { try Self.trainer(batch: batch) }
        == "batch must be from 1 to 2^31 - 1, found \(batch)")
  }

  @Test("an optimiser that differs from the plan's")
  func optimizer() throws {
    for (planned, given) in [
      (Optimizer.sgd, Optimizer.adam()), (.adam(), .sgd), (.momentum(0.9), .momentum(0.8)),
      (.rmsprop(), .rmsprop(momentum: 0.5)),
    ] {
      let text = try Self.text {
        try Self.trainer(planned: planned, OptimizerConfiguration(optimizer: given))
      }
      #expect(text.hasPrefix("optimizer must be the plan's, "))
    }
  }

  static let schedules: [Schedule] = [
    .constant(.nan), .constant(.infinity), .constant(-0.1),
    .step(initial: 0.1, factor: 0.5, every: 0), .step(initial: .nan, factor: 0.5, every: 1),
    .exponential(initial: 0.1, rate: 0.9, steps: 0), .exponential(initial: 0.1, rate: 0, steps: 5),
    .cosine(initial: 0.1, steps: 0), .cosine(initial: 0.1, steps: -1),
    .cosine(initial: 0.1, steps: 10, alpha: .nan), .oneCycle(max: 0.1, steps: 0),
    .oneCycle(max: 0.1, steps: 10, startDivisor: 0), .oneCycle(max: 0.1, steps: 10, warmup: .nan),
    .cyclical(base: 0.1, max: 1, stepSize: 0, .triangular),
    .cyclical(base: 0.1, max: 1, stepSize: 5, .exponentialRange(gamma: .nan)),
  ]

  @Test("schedules that give no rate", arguments: schedules)
  func schedule(_ schedule: Schedule) throws {
    let text = try Self.text { try Self.trainer(OptimizerConfiguration(schedule: schedule)) }
    #expect(text.hasPrefix("the schedule must be"))
    // A rate of one's own takes the schedule's place.
    let own = OptimizerConfiguration(schedule: schedule) { _ in 0.1 }
    #expect(try Self.trainer(own).stepsPerEpoch == 3)
  }

  @Test("positions that no run has")
  func position() throws {
    for (change, name) in [
      ({ $0.epoch = -1 }, "epoch"), ({ $0.step = -5 }, "step"), ({ $0.step = .max }, "step"),
      ({ $0.stepInEpoch = -1 }, "stepInEpoch"), ({ $0.stepInEpoch = 4 }, "stepInEpoch"),
      ({ $0.epoch = .max }, "epoch"),
    ] as [((inout TrainingPosition) -> Void, String)] {
      var position = TrainingPosition()
      change(&position)
      let text = try Self.text { try Self.trainer(position: position) }
      #expect(text.hasPrefix("position.\(name) must be from 0 to "))
      // The position of a trainer that exists may be set too.
      let trainer = try Self.trainer()
      trainer.position = position
      #expect(throws: TrainingError.self) { _ = try trainer.runEpoch() }
    }
  }

  @Test("a rate of one's own that is no number is found by the step after")
  func customRate() throws {
    let trainer = try Self.trainer(OptimizerConfiguration { _ in .nan })
    #expect(throws: TrainingError.self) { _ = try trainer.runEpoch() }
  }

  // MARK: Full batch

  private static func solver(
    _ method: FullBatchMethod, planned: FullBatchMethod? = nil, count: Int = 20
  ) throws -> FullBatchTrainer {
    let plan = try FullBatchTrainer.plan(
      model, planned ?? method, sampleCount: count, threads: 1)
    let network = try Network(plan)
    try network.initialize(seed: 0)
    return try FullBatchTrainer(network: network, images: images, method: method)
  }

  @Test("a full-batch trainer whose network was planned for something else")
  func fullBatchPlan() throws {
    let network = try TestModels.network(Self.model, batch: 20)
    for method in FullBatchMethod.allCases {
      #expect(
        throws: NetworkError.planned(
          for: "another trainer", needed: "FullBatchTrainer.plan for \(method.rawValue)")
      ) { _ = try FullBatchTrainer(network: network, images: Self.images, method: method) }
      #expect(throws: ModelError.self) {
        _ = try FullBatchTrainer.plan(Self.model, method, sampleCount: 0, threads: 1)
      }
      #expect(throws: ModelError.self) {
        _ = try FullBatchTrainer.plan(Self.model, method, sampleCount: 20, threads: 0)
      }
    }
    #expect(throws: NetworkError.self) { _ = try Self.solver(.truncatedNewton, planned: .lbfgs) }
    let error = try #require(throws: NetworkError.self) { _ = try Self.solver(.lbfgs, count: 21) }
    #expect("\(error)" == "images must be the 21 that the plan is for, found 20")
    #expect(throws: NetworkError.weightsNotSet) {
      _ = try FullBatchTrainer(
        network: Network(
          FullBatchTrainer.plan(Self.model, .lbfgs, sampleCount: 20, threads: 1)),
        images: Self.images, method: .lbfgs)
    }
  }

  @Test("limits that allow nothing, and runs inside of a run", arguments: FullBatchMethod.allCases)
  func limits(_ method: FullBatchMethod) throws {
    let trainer = try Self.solver(method)
    for count in [0, -1, .min] {
      #expect(throws: NetworkError.self) {
        _ = try trainer.run(limits: SolverLimits(evaluations: count))
      }
    }
    #expect(throws: NetworkError.self) {
      _ = try trainer.run(limits: SolverLimits(gradientNorm: .nan))
    }
    var errors: [any Error] = []
    let result = try trainer.run(limits: SolverLimits(evaluations: 10)) { _ in
      do { _ = try trainer.network.evaluate(Self.images) } catch { errors.append(error) }
      do { _ = try trainer.run(limits: SolverLimits()) } catch { errors.append(error) }
      return true
    }
    #expect(result.progress.iterations > 0)
    #expect(errors.count == 2 * result.progress.iterations)
    #expect(errors.allSatisfy { $0 as? NetworkError == .isSolving })
    #expect(try trainer.network.evaluate(Self.images).images == 20)
  }

  @Test("a Hessian product that was not planned, and directions that are not the weights'")
  func hessian() throws {
    let first = try Self.solver(.lbfgs)
    #expect(throws: ModelError.self) { _ = try first.hessianProduct(first.network.weights) }
    let second = try Self.solver(.truncatedNewton)
    var direction = second.network.weights
    direction[0].tensors[0].values.removeLast()
    #expect(throws: ModelError.self) { _ = try second.hessianProduct(direction) }
    #expect(throws: ModelError.self) { _ = try second.hessianProduct([]) }
  }
}
