import CSupport
import FixedNetCore
import Foundation

/// Many small networks that train side by side, one per vector lane, in an arena whose size the plan said. Nothing is
/// allocated by training or evaluating them, and the results are the same bits on any number of threads and every
/// instruction set.
public final class LaneNetworks {
  public let plan: LaneNetworksPlan
  public let instructionSet: InstructionSet
  /// Samples in the arena.
  public private(set) var sampleCount = 0
  let threads: ThreadTeam
  private let allocation: UnsafeMutableRawPointer
  private let arena: Arena

  /// Allocates the arena, with a canary at both ends, and starts the threads.
  /// `arenaByteCount`: the size of the memory handed over; the plan's by default.
  /// Throws: `NetworkError.arena(.tooSmall)` where that is less than the plan.
  public init(
    _ plan: LaneNetworksPlan, instructionSet: InstructionSet = .best, arenaByteCount: Int? = nil
  ) throws(NetworkError) {
    let byteCount = arenaByteCount ?? plan.memory.byteCount
    allocation = try Canary.allocate(byteCount)
    do {
      arena = try Arena(base: allocation + Canary.byteCount, byteCount: byteCount)
      try plan.program.check(arena)
      threads = try ThreadTeam(count: plan.threads)
    } catch {
      free(allocation)
      if let error = error as? ArenaError { throw .arena(error) }
      throw (error as? NetworkError) ?? .resources("the arena")
    }
    arena.clear()
    self.plan = plan
    self.instructionSet = instructionSet
  }

  deinit { free(allocation) }

  /// Whether nothing has been written outside the arena.
  public var canariesAreIntact: Bool { Canary.isIntact(allocation, arena.byteCount) }

  private var program: LaneProgram { plan.program }

  private var run: LaneRun {
    LaneRun(
      kernels: instructionSet.kernels, team: threads.team, threadCount: threads.count,
      sampleCount: sampleCount)
  }

  // MARK: - Running

  /// Fresh networks, Glorot uniform with zero biases: network n is number `first` + n of the seed.
  public func initialize(seed: UInt64, first: Int = 0) {
    program.initialize(
      run, seed: seed, firstNetwork: UInt32(truncatingIfNeeded: first), arena: arena)
  }

  /// Puts samples into the arena, in the order in which they will be used.
  /// Requires as many targets as inputs, and at most `plan.sampleCapacity`.
  public func load(inputs: [Float], targets: [Float]) {
    precondition(inputs.count == targets.count && inputs.count <= plan.sampleCapacity)
    (arena.base + program.inputs.byteOffset).assumingMemoryBound(to: Float.self)
      .update(from: inputs, count: inputs.count)
    (arena.base + program.targets.byteOffset).assumingMemoryBound(to: Float.self)
      .update(from: targets, count: targets.count)
    sampleCount = inputs.count
  }

  /// Some mini-batches of an epoch over the loaded samples in their order, nil: all; the loss is the mean squared error.
  /// Requires a plan for training.
  public func train(learningRate: Float = 0.001, rho: Double = 0.9, steps: Range<Int>? = nil) {
    precondition(program.velocity != nil, "planned without training")
    let rule = cs_rmsprop(
      learningRate: learningRate, rho: Float(rho), gradientShare: Float(1 - rho), momentum: 0,
      epsilon: 1e-7, isLegacy: 0)
    program.train(
      run, steps: steps ?? 0..<plan.stepCount(samples: sampleCount), rule: rule, arena: arena)
  }

  /// What the networks make of the loaded samples; read it with `outcome(of:)`.
  public func evaluate() { program.evaluate(run, arena: arena) }

  /// What the last `evaluate` found of a network.
  public func outcome(of network: Int) -> LaneOutcome {
    program.outcome(ofNetwork: network, arena: arena)
  }

  /// A network's outputs for the loaded samples.
  public func outputs(of network: Int) -> [Float] {
    let (group, lane) = network.quotientAndRemainder(dividingBy: LaneProgram.lanes)
    var outputs: [Float] = []
    outputs.reserveCapacity(sampleCount)
    while outputs.count < sampleCount {
      let count = min(plan.batch, sampleCount - outputs.count)
      let rows = program.outputs(
        ofGroup: group, first: outputs.count, samples: count, run, arena: arena)
      for sample in 0..<count { outputs.append(rows[sample * LaneProgram.lanes + lane]) }
    }
    return outputs
  }

  // MARK: - Weights

  /// A network's weights and biases, layer by layer the kernel [in][out], then the bias: Keras' order.
  public func parameters(of network: Int) -> [Float] {
    column(program.parameters(ofGroup: network / LaneProgram.lanes, arena: arena), network)
  }

  public func setParameters(_ values: [Float], of network: Int) {
    precondition(values.count == plan.shape.parameterCount, "as many values as the shape says")
    let (group, lane) = network.quotientAndRemainder(dividingBy: LaneProgram.lanes)
    let place = program.parameters(ofGroup: group, arena: arena)
    for (index, value) in values.enumerated() { place[index * LaneProgram.lanes + lane] = value }
  }

  /// The gradient of a network's mean squared error over the loaded samples, at most a mini-batch.
  public func gradient(of network: Int) -> [Float] {
    precondition(sampleCount <= plan.batch, "at most one mini-batch")
    return column(
      program.gradients(ofGroup: network / LaneProgram.lanes, run, arena: arena), network)
  }

  private func column(_ rows: UnsafePointer<Float>, _ network: Int) -> [Float] {
    (0..<plan.shape.parameterCount).map {
      rows[$0 * LaneProgram.lanes + network % LaneProgram.lanes]
    }
  }
}
