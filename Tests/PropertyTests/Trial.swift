import FixedNet
import FixedNetCore
import FixedNetFiles
import RandomNetworks

/// The properties of one network.
struct Trial {
  let network: RandomNetwork
  let folder: String
  private let images: ImageSet
  private let weights: [LayerWeights]

  init(_ network: RandomNetwork, folder: String) throws {
    self.network = network
    self.folder = folder
    images = network.images(network.imageCount)
    weights = try network.weights()
  }

  func run(_ tally: inout Tally) throws {
    tally.networks += 1
    tally.layers += network.model.layers.count
    let training = try NetworkPlan(network.model, options: network.options()).memory
    if training.slots.contains(where: { $0.name.hasSuffix("/transformed kernel") }) {
      tally.winogradNetworks += 1
    }
    for isTraining in [true, false] {
      for threads in [1, network.threads] {
        var options = network.options(isTraining: isTraining, threads: threads)
        try checkPlan(options, &tally)
        options.recomputes = isTraining
        options.updatesInBackward = isTraining && options.updateObstacle == nil
        try checkPlan(options, &tally)
      }
    }
    let trained = try checkBits(&tally)
    try GradientTrial(network, weights).run(&tally)
    try FileTrial(network, folder: folder).run(trained, &tally)
  }

  private func fail(_ what: String, _ tally: inout Tally) {
    tally.failures.append("\(what): \(network)")
  }

  // MARK: - The plan

  /// Slots that are alive together do not overlap, and the arena is the sum of its parts: not a byte more.
  private func checkPlan(_ options: PlanOptions, _ tally: inout Tally) throws {
    let plan = try NetworkPlan(network.model, options: options)
    let memory = plan.memory
    for (index, slot) in memory.slots.enumerated() {
      for other in memory.slots[(index + 1)...]
      where slot.firstStep <= other.lastStep && other.firstStep <= slot.lastStep
        && min(slot.byteCount, other.byteCount) > 0
      {
        tally.slotPairs += 1
        if memory.arenaOffset(of: slot) < memory.arenaOffset(of: other) + other.byteCount,
          memory.arenaOffset(of: other) < memory.arenaOffset(of: slot) + slot.byteCount
        {
          fail("\(slot.name) and \(other.name) overlap", &tally)
        }
      }
    }
    if let problem = total(memory, options) { fail(problem, &tally) }
    let needed = memory.byteCount
    if (try? Network(plan, arenaByteCount: needed - 1)) != nil {
      fail("an arena that is a byte too small was taken", &tally)
    }
    if try Network(plan).arenaByteCount != needed { fail("the run's arena is another", &tally) }
  }

  /// What is wrong with the plan's total, if anything is: it is the shared part, a part for each thread and one for each
  /// block, each as long as its slots need.
  private func total(_ memory: MemoryPlan, _ options: PlanOptions) -> String? {
    func end(_ scopes: [Scope]) -> Int {
      let ends = memory.slots.filter { scopes.contains($0.scope) }
        .map { $0.byteOffset + $0.byteCount }
      return ((ends.max() ?? 0) + Arena.alignment - 1) / Arena.alignment * Arena.alignment
    }
    let layout = memory.layout
    // One thread with one block has a single part for both.
    let isSingle = layout.threadStride == 0
    let thread = isSingle ? 0 : end([.thread])
    let block = end(isSingle ? [.thread, .block] : [.block])
    // The test pass of a training plan may need the larger thread part, and the larger of a single block.
    let isLarger = (thread: options.isTraining, block: options.isTraining && layout.blockCount == 1)
    if layout.sharedByteCount != end([.shared]) { return "the shared part is not its slots" }
    if isLarger.thread ? layout.threadStride < thread : layout.threadStride != thread {
      return "a thread's part is not its slots"
    }
    if isLarger.block ? layout.blockStride < block : layout.blockStride != block {
      return "a block's part is not its slots"
    }
    let sum =
      layout.sharedByteCount + layout.threadCount * layout.threadStride
      + layout.blockCount * layout.blockStride
    if memory.byteCount != sum { return "the total is not the sum of its parts" }
    return memory.byteCount < memory.lowerBound ? "the total is less than is possible" : nil
  }

  // MARK: - The bits

  /// `part`: images of a run, fewer than the batch where the gradients are added up.
  private func trainer(
    threads: Int, _ instructionSet: InstructionSet = .best, part: Int? = nil,
    updatesInBackward: Bool = false, recomputes: Bool = false, memoryBudget: Int? = nil,
    from file: KerasModelFile? = nil,
    position: TrainingPosition = TrainingPosition(), sharing: RunContext.Sharing? = nil
  ) throws -> Trainer {
    var options = network.options(threads: threads)
    options.blockSize = options.resolvedBlockSize
    options.batch = part ?? options.batch
    options.updatesInBackward = updatesInBackward
    options.recomputes = recomputes
    options.memoryBudget = memoryBudget
    let planned = try Network(
      NetworkPlan(file?.model ?? network.model, options: options), instructionSet: instructionSet)
    planned.sharing = sharing
    try planned.load(file?.weights ?? weights)
    if let state = file?.optimizerState { try planned.load(state) }
    return try Trainer(
      network: planned, images: images, batch: network.batch,
      optimizer: OptimizerConfiguration(
        optimizer: network.optimizer, schedule: .constant(network.rate)),
      seed: network.seed, position: position)
  }

  /// Trains in many ways that must not differ; returns the first.
  private func checkBits(_ tally: inout Tally) throws -> Trainer {
    let first = try trainer(threads: 1)
    for _ in 0..<2 { _ = try first.runEpoch() }
    func bits(_ network: Network) throws -> [String: [Tensor]] {
      try FileTrial.named(network.plan.model, network.weights, network.optimizerState)
    }
    func hash(_ network: Network) -> String {
      WeightsDigest.sha256(network.weights, of: network.plan.model)
    }
    let expected = try (hash: hash(first.network), bits: bits(first.network))
    func compare(_ what: String, _ other: Trainer) throws {
      while other.position.epoch < 2 { _ = try? other.runEpoch() }
      tally.runs += 1
      if try hash(other.network) != expected.hash || bits(other.network) != expected.bits {
        fail("other bits with \(what)", &tally)
      }
      if !other.network.canariesAreIntact { fail("wrote outside its arena, \(what)", &tally) }
    }
    if expected.hash == WeightsDigest.sha256(weights, of: network.model) {
      fail("training changed nothing", &tally)
    }
    try compare("\(network.threads) threads", trainer(threads: network.threads))
    try compare(
      "blocks that are shared", trainer(threads: 2 * network.threads, sharing: .everywhere))
    for set in InstructionSet.allCases where set < .best {
      try compare("\(set)", trainer(threads: 1, set))
    }
    if first.network.plan.options.resolvedBlockSize < network.batch,
      first.network.plan.couplingLayer == nil
    {
      let part = first.network.plan.options.resolvedBlockSize
      try compare("parts of \(part)", trainer(threads: network.threads, part: part))
    }
    if first.network.plan.options.updateObstacle == nil {
      try compare("the update in the backward pass", trainer(threads: 1, updatesInBackward: true))
    }
    try compare("outputs computed again", trainer(threads: network.threads, recomputes: true))
    try compare(
      "as many outputs computed again as save memory",
      trainer(threads: network.threads, recomputes: true, memoryBudget: 1))
    try compare("a stop in the middle", resumed())
    return first
  }

  /// A run that ended in its second step, went through a file, and goes on in another network.
  private func resumed() throws -> Trainer {
    let stopped = try trainer(threads: network.threads)
    _ = try stopped.runEpoch { $0.step < 2 }
    let path = "\(folder)/resumed-\(network.seed).keras"
    try KerasFile.write(FileTrial.checkpoint(network, stopped), to: path)
    let file = try KerasFile.read(path: path)
    return try trainer(threads: 1, from: file, position: stopped.position)
  }
}
