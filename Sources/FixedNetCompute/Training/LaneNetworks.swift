import CSupport
import FixedNetCore
import Foundation

/// Many small networks that train side by side, one per vector lane, in an arena whose size the plan said. Nothing is
/// allocated by training or evaluating them, and the results are the same bits on any number of threads and every
/// instruction set.
package final class LaneNetworks {
  package let plan: LaneNetworksPlan
  package let instructionSet: InstructionSet
  /// Samples in the arena.
  package private(set) var sampleCount = 0
  let threads: ThreadTeam
  /// The networks whose parameters were set.
  private var isSet: [Bool]
  /// Whether the outcomes are those of the samples in the arena.
  private var hasOutcome = false
  private let allocation: UnsafeMutableRawPointer
  private let arena: Arena

  /// Allocates the arena, with a canary at both ends, and starts the threads.
  /// `arenaByteCount`: the size of the memory handed over; the plan's by default.
  /// Throws: `NetworkError.arena(.tooSmall)` where that is less than the plan.
  package init(
    _ plan: LaneNetworksPlan, instructionSet: InstructionSet = .best, arenaByteCount: Int? = nil
  ) throws(NetworkError) {
    let byteCount = arenaByteCount ?? plan.memory.byteCount
    guard byteCount >= plan.memory.byteCount else {
      throw .arena(.tooSmall(needed: plan.memory.byteCount, found: byteCount))
    }
    try instructionSet.check()
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
    isSet = [Bool](repeating: false, count: plan.networkCount)
  }

  deinit { free(allocation) }

  /// Whether nothing has been written outside the arena.
  package var canariesAreIntact: Bool { Canary.isIntact(allocation, arena.byteCount) }

  private var program: LaneProgram { plan.program }

  private var run: LaneRun {
    LaneRun(
      kernels: instructionSet.kernels, team: threads.team, threadCount: threads.count,
      sampleCount: sampleCount)
  }

  // MARK: - Running

  /// Fresh networks, Glorot uniform with zero biases: network n is number `first` + n of the seed.
  package func initialize(seed: UInt64, first: Int = 0) {
    program.initialize(
      run, seed: seed, firstNetwork: UInt32(truncatingIfNeeded: first), arena: arena)
    for network in isSet.indices { isSet[network] = true }
    hasOutcome = false
  }

  /// Puts samples into the arena, in the order in which they will be used.
  /// Throws: `NetworkError.noImages`; `.option` for another number of targets than of inputs, or more than
  /// `plan.sampleCapacity`.
  package func load(inputs: [Float], targets: [Float]) throws(NetworkError) {
    guard !inputs.isEmpty else { throw .noImages }
    guard inputs.count == targets.count else {
      throw .option(
        name: "targets", expected: "\(inputs.count), one per input", found: "\(targets.count)")
    }
    guard inputs.count <= plan.sampleCapacity else {
      throw .option(
        name: "inputs", expected: "at most the plan's sampleCapacity of \(plan.sampleCapacity)",
        found: "\(inputs.count)")
    }
    hasOutcome = false
    (arena.base + program.inputs.byteOffset).assumingMemoryBound(to: Float.self)
      .update(from: inputs, count: inputs.count)
    (arena.base + program.targets.byteOffset).assumingMemoryBound(to: Float.self)
      .update(from: targets, count: targets.count)
    sampleCount = inputs.count
  }

  /// Some mini-batches of an epoch over the loaded samples in their order, nil: all; the loss is the mean squared error.
  /// Throws: `NetworkError.planned` for a plan without training; `.noImages`; `.option` for numbers that are no rates, or
  /// steps that the epoch does not have.
  package func train(learningRate: Float = 0.001, rho: Double = 0.9, steps: Range<Int>? = nil)
    throws(NetworkError)
  {
    guard program.velocity != nil else {
      throw .planned(for: "evaluation", needed: "isTraining: true")
    }
    guard sampleCount > 0 else { throw .noImages }
    guard learningRate.isFinite, learningRate >= 0 else {
      throw .option(
        name: "learningRate", expected: "a number of at least 0", found: "\(learningRate)")
    }
    guard (0...1).contains(rho) else {
      throw .option(name: "rho", expected: "from 0 to 1", found: "\(rho)")
    }
    let epoch = 0..<plan.stepCount(samples: sampleCount)
    if let steps, steps.clamped(to: epoch) != steps {
      throw .option(name: "steps", expected: "inside of \(epoch)", found: "\(steps)")
    }
    hasOutcome = false
    let rule = cs_rmsprop(
      learningRate: learningRate, rho: Float(rho), gradientShare: Float(1 - rho), momentum: 0,
      epsilon: 1e-7, isLegacy: 0)
    program.train(
      run, steps: steps ?? epoch, rule: rule, arena: arena)
  }

  /// What the networks make of the loaded samples; read it with `outcome(of:)`.
  /// Throws: `NetworkError.noImages`.
  package func evaluate() throws(NetworkError) {
    guard sampleCount > 0 else { throw .noImages }
    program.evaluate(run, arena: arena)
    hasOutcome = true
  }

  /// Throws: `NetworkError.option` for a network that the plan does not have.
  private func checkNumber(_ network: Int) throws(NetworkError) {
    guard isSet.indices.contains(network) else {
      throw .option(
        name: "network", expected: "from 0 to \(plan.networkCount - 1)", found: "\(network)")
    }
  }

  /// Throws: `NetworkError.option`; `.weightsNotSet` unless the network's parameters were set.
  private func check(_ network: Int) throws(NetworkError) {
    try checkNumber(network)
    guard isSet[network] else { throw .weightsNotSet }
  }

  /// What the last `evaluate` found of a network.
  /// Throws: as all that reads one network, `NetworkError.option` and `.weightsNotSet`; `.option` too where nothing was
  /// evaluated since samples or parameters changed.
  package func outcome(of network: Int) throws(NetworkError) -> LaneOutcome {
    try check(network)
    guard hasOutcome else {
      throw .option(name: "the outcome", expected: "one of evaluate()", found: "none yet")
    }
    return program.outcome(ofNetwork: network, arena: arena)
  }

  /// A network's outputs for the loaded samples.
  package func outputs(of network: Int) throws(NetworkError) -> [Float] {
    try check(network)
    guard sampleCount > 0 else { throw .noImages }
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
  package func parameters(of network: Int) throws(NetworkError) -> [Float] {
    try check(network)
    return column(program.parameters(ofGroup: network / LaneProgram.lanes, arena: arena), network)
  }

  /// Throws: `NetworkError.option`.
  package func setParameters(_ values: [Float], of network: Int) throws(NetworkError) {
    try checkNumber(network)
    guard values.count == plan.shape.parameterCount else {
      throw .option(
        name: "values", expected: "the shape's \(plan.shape.parameterCount) parameters",
        found: "\(values.count)")
    }
    isSet[network] = true
    hasOutcome = false
    let (group, lane) = network.quotientAndRemainder(dividingBy: LaneProgram.lanes)
    let place = program.parameters(ofGroup: group, arena: arena)
    for (index, value) in values.enumerated() { place[index * LaneProgram.lanes + lane] = value }
  }

  /// The gradient of a network's mean squared error over the loaded samples, at most a mini-batch.
  package func gradient(of network: Int) throws(NetworkError) -> [Float] {
    try check(network)
    guard sampleCount > 0 else { throw .noImages }
    guard sampleCount <= plan.batch else {
      throw .option(
        name: "samples", expected: "at most one mini-batch of \(plan.batch)",
        found: "\(sampleCount)")
    }
    return column(
      program.gradients(ofGroup: network / LaneProgram.lanes, run, arena: arena), network)
  }

  private func column(_ rows: UnsafePointer<Float>, _ network: Int) -> [Float] {
    (0..<plan.shape.parameterCount).map {
      rows[$0 * LaneProgram.lanes + network % LaneProgram.lanes]
    }
  }
}
