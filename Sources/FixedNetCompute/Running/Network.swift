import CSupport
import FixedNetCore
import Foundation

/// A planned network in its arena, ready to run: the memory, the threads and the two programs.
public final class Network {
  /// What the network was planned as.
  public let plan: NetworkPlan
  /// Whose kernels it runs.
  public let instructionSet: InstructionSet
  /// Values of one sample, and of the model's output for it.
  public let inputCount: Int
  /// Values of the output for one sample.
  public let outputCount: Int
  let allocation: UnsafeMutableRawPointer
  let arena: Arena
  let threads: ThreadTeam
  let inferenceProgram: LoadedProgram
  let trainingProgram: LoadedProgram?

  /// Images that one inference call hands to the team at once.
  static let inferenceChunk = 1024
  let losses: UnsafeMutablePointer<Float>
  let hits: UnsafeMutablePointer<Float>
  let indices: UnsafeMutablePointer<UInt32>
  let imageWeights: UnsafeMutablePointer<Float>
  /// The last full batch's `gradientScale`.
  var fullBatchScale: Float = 0
  let imageCapacity: Int
  /// The weights that the loss has a penalty for: not those of frozen layers, as Keras 3 (Keras 2 counts them).
  let penalized: UnsafeMutableBufferPointer<(SharedSlot, Int, Regularizer)>
  /// Where the time of the following training steps is added up, or of inference where the plan has nothing else; nil
  /// measures nothing. Set by `measure`.
  package internal(set) var profile: NetworkProfile?
  /// Whether the weights were loaded; those that were not are NaN, so that nothing takes them for values.
  public internal(set) var hasWeights: Bool
  var trainingSharing = SharingTrial()
  var inferenceSharing = SharingTrial()
  /// Whether threads share a block where they would have none; nil, the default: where that is faster. Results do not
  /// depend on it.
  package var sharing: RunContext.Sharing? {
    get { trainingSharing.choice }
    set { (trainingSharing.choice, inferenceSharing.choice) = (newValue, newValue) }
  }
  /// Whether a full-batch solver is at work: samples and values in the arena are its.
  var isSolving = false

  /// Allocates the arena, with a canary at both ends, and starts the threads. Nothing is allocated afterwards by
  /// training or inference. The weights are not set yet: `load` them, or `initialize` them.
  /// `arenaByteCount`: the size of the memory handed over; the plan's by default.
  /// Throws: `NetworkError.arena(.tooSmall)` where that is less than the plan; `.instructionSet` where this processor
  /// does not have it; `.option` where it cannot flush subnormal numbers.
  public init(
    _ plan: NetworkPlan, instructionSet: InstructionSet = .best, arenaByteCount: Int? = nil
  ) throws(NetworkError) {
    let byteCount = arenaByteCount ?? plan.memory.byteCount
    guard byteCount >= plan.memory.byteCount else {
      throw .arena(.tooSmall(needed: plan.memory.byteCount, found: byteCount))
    }
    try instructionSet.check()
    guard plan.options.subnormals.isPossible else {
      throw .option(
        name: "subnormals", expected: "keep, as this processor cannot count them as zero",
        found: plan.options.subnormals.rawValue)
    }
    allocation = try Canary.allocate(byteCount)
    do {
      arena = try Arena(base: allocation + Canary.byteCount, byteCount: byteCount)
      inferenceProgram = LoadedProgram(plan.inference)
      trainingProgram = plan.training.map(LoadedProgram.init)
      try (trainingProgram ?? inferenceProgram).program.check(arena)
      threads = try ThreadTeam(count: plan.options.threads)
    } catch {
      free(allocation)
      if let error = error as? ArenaError { throw .arena(error) }
      throw (error as? NetworkError) ?? .resources("the arena")
    }
    arena.clear()
    for constant in plan.constants {
      let values = constant.values()
      (arena.base + constant.slot.byteOffset).assumingMemoryBound(to: Float.self)
        .update(from: values, count: values.count)
    }
    self.plan = plan
    self.instructionSet = instructionSet
    inputCount = plan.model.input.elementCount
    outputCount = plan.inference.output.shape.elementCount
    imageCapacity = max(Network.inferenceChunk, plan.options.batch)
    let penalties = plan.parameters.filter {
      !$0.description.regularizer.isNone && !plan.model.frozenLayers.contains($0.layerName)
    }
    penalized = .allocate(capacity: penalties.count)
    _ = penalized.initialize(
      from: penalties.map { ($0.weight, $0.count, $0.description.regularizer) })
    losses = .allocate(capacity: imageCapacity)
    hits = .allocate(capacity: imageCapacity)
    indices = .allocate(capacity: imageCapacity)
    imageWeights = .allocate(capacity: imageCapacity)
    hasWeights = plan.parameters.isEmpty
    for parameter in plan.parameters {
      pointer(parameter.weight).update(repeating: .nan, count: parameter.count)
    }
    startOptimizer()
  }

  deinit {
    free(allocation)
    losses.deallocate()
    hits.deallocate()
    indices.deallocate()
    imageWeights.deallocate()
    penalized.deallocate()
  }

  /// Bytes of the arena in use: what the plan said.
  public var arenaByteCount: Int { arena.byteCount }

  /// Whether nothing has been written outside the arena.
  package var canariesAreIntact: Bool { Canary.isIntact(allocation, arena.byteCount) }
}
