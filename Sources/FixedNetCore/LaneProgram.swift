import CSupport

/// Many small networks of one shape at once, 16 per vector: lane n of a group's vectors is network n of the group. All
/// of them see the same mini-batches. Running it allocates nothing, throws nothing and looks nothing up.
///
/// Arena: the blocks of the layout are the groups. Every group is one thread's work from its first step to its last, so
/// that nothing depends on the number of threads.
package struct LaneProgram: BitwiseCopyable, Sendable {
  package var networks: cs_lane_networks
  /// Per network; see `cs_lane_networks` for their order.
  package var parameterCount: Int
  package var layout: ArenaLayout
  /// Samples of a mini-batch, and of one forward pass.
  package var batch: Int
  /// The samples in the order of the run: [sample].
  package var inputs: SharedSlot
  package var targets: SharedSlot
  /// [parameter][16]
  package var parameters: BlockSlot
  /// RMSprop's mean squares, [parameter][16]; nil where the networks are not trained.
  package var velocity: BlockSlot?
  /// `LaneOutcome`'s rows, [3][16].
  package var outcome: BlockSlot
  /// Layer by layer [sample][unit][16].
  package var activations: ThreadSlot
  /// [parameter][16], then the losses [16].
  package var gradients: ThreadSlot

  package init(
    networks: cs_lane_networks, parameterCount: Int, layout: ArenaLayout, batch: Int,
    inputs: SharedSlot, targets: SharedSlot, parameters: BlockSlot, velocity: BlockSlot?,
    outcome: BlockSlot, activations: ThreadSlot, gradients: ThreadSlot
  ) {
    self.networks = networks
    self.parameterCount = parameterCount
    self.layout = layout
    self.batch = batch
    self.inputs = inputs
    self.targets = targets
    self.parameters = parameters
    self.velocity = velocity
    self.outcome = outcome
    self.activations = activations
    self.gradients = gradients
  }

  /// Networks per group.
  package static var lanes: Int { 16 }

  /// Refuses an arena that is smaller than the plan.
  /// Throws: `ArenaError.tooSmall`.
  package func check(_ arena: borrowing Arena) throws(ArenaError) {
    guard arena.byteCount >= layout.byteCount else {
      throw .tooSmall(needed: layout.byteCount, found: arena.byteCount)
    }
  }

  /// Fresh networks: kernels uniform in +-sqrt(6 / (fanIn + fanOut)) (Glorot and Bengio, AISTATS 2010), biases and the
  /// optimiser's memory 0. Network n of the arena is number `firstNetwork` + n of the seed, whatever else is in it.
  package func initialize(
    _ run: LaneRun, seed: UInt64, firstNetwork: UInt32, arena: borrowing Arena
  ) {
    var work = LaneWork(program: self, run: run, arena: arena.base)
    work.seed = seed
    work.firstNetwork = firstNetwork
    each(&work) { work, thread in
      work.assumingMemoryBound(to: LaneWork.self).pointee.initialize(thread: Int(thread))
    }
  }

  /// The mini-batches `steps` of an epoch over the first `run.sampleCount` samples in the arena, the last of which may be
  /// smaller; loss: the mean squared error.
  package func train(
    _ run: LaneRun, steps: Range<Int>, rule: cs_rmsprop, arena: borrowing Arena
  ) {
    var work = LaneWork(program: self, run: run, arena: arena.base)
    work.steps = steps
    work.rule = rule
    each(&work) { work, thread in
      work.assumingMemoryBound(to: LaneWork.self).pointee.train(thread: Int(thread))
    }
  }

  /// The outcome of every network over the first `run.sampleCount` samples in the arena.
  package func evaluate(_ run: LaneRun, arena: borrowing Arena) {
    var work = LaneWork(program: self, run: run, arena: arena.base)
    each(&work) { work, thread in
      work.assumingMemoryBound(to: LaneWork.self).pointee.evaluate(thread: Int(thread))
    }
  }

  // MARK: - One group, on the caller

  /// The group's parameters, [parameter][16].
  package func parameters(ofGroup group: Int, arena: borrowing Arena)
    -> UnsafeMutablePointer<Float>
  {
    block(parameters, group, arena)
  }

  /// What `evaluate` found of a network.
  package func outcome(ofNetwork network: Int, arena: borrowing Arena) -> LaneOutcome {
    let row = block(outcome, network / LaneProgram.lanes, arena) + network % LaneProgram.lanes
    return LaneOutcome(
      lowest: row[0], highest: row[LaneProgram.lanes], squaredError: row[2 * LaneProgram.lanes])
  }

  /// The outputs of a group for at most `batch` samples from `first` on: [sample][16], until the next run.
  package func outputs(
    ofGroup group: Int, first: Int, samples: Int, _ run: LaneRun, arena: borrowing Arena
  ) -> UnsafePointer<Float> {
    var call = GroupCall(
      work: LaneWork(program: self, run: run, arena: arena.base), group: group, first: first,
      samples: samples)
    return onCaller(&call) {
      let call = $0.assumingMemoryBound(to: GroupCall.self)
      let work = call.pointee.work
      call.pointee.result = UnsafePointer(
        work.predict(
          group: call.pointee.group, thread: Int($1), first: call.pointee.first,
          samples: call.pointee.samples))
    }
  }

  /// The gradients of a group's mean squared errors over the first `run.sampleCount` <= `batch` samples: [parameter][16],
  /// until the next run.
  package func gradients(ofGroup group: Int, _ run: LaneRun, arena: borrowing Arena)
    -> UnsafePointer<Float>
  {
    var call = GroupCall(
      work: LaneWork(program: self, run: run, arena: arena.base), group: group, first: 0,
      samples: run.sampleCount)
    return onCaller(&call) {
      let call = $0.assumingMemoryBound(to: GroupCall.self)
      let work = call.pointee.work
      work.differentiate(
        group: call.pointee.group, thread: Int($1), first: call.pointee.first,
        samples: call.pointee.samples)
      call.pointee.result = UnsafePointer(work.at(work.program.gradients, 0))
    }
  }

  /// One group's work on the caller, with the float arithmetic of a team's run.
  private struct GroupCall {
    let work: LaneWork
    let group: Int
    let first: Int
    let samples: Int
    var result: UnsafePointer<Float>?
  }

  private func onCaller(
    _ call: inout GroupCall, _ body: @convention(c) (UnsafeMutableRawPointer, Int32) -> Void
  ) -> UnsafePointer<Float> {
    withUnsafeMutablePointer(to: &call) { cs_team_run(nil, CS_FLUSH_SUBNORMALS, body, $0) }
    return call.result!
  }

  private func block(_ slot: BlockSlot, _ group: Int, _ arena: borrowing Arena)
    -> UnsafeMutablePointer<Float>
  {
    (arena.base + (layout.blocksOffset + group * layout.blockStride + slot.byteOffset))
      .assumingMemoryBound(to: Float.self)
  }

  private func each(
    _ work: inout LaneWork, _ body: @convention(c) (UnsafeMutableRawPointer, Int32) -> Void
  ) {
    let team = work.run.team
    withUnsafeMutablePointer(to: &work) { cs_team_run(team, CS_FLUSH_SUBNORMALS, body, $0) }
  }
}

/// What a run works with. The host fills it; every thread of the team reads it.
package struct LaneRun {
  package var kernels: UnsafePointer<cs_kernels>
  /// The threads; nil runs everything on the caller.
  package var team: OpaquePointer?
  package var threadCount: Int
  package var sampleCount: Int

  package init(
    kernels: UnsafePointer<cs_kernels>, team: OpaquePointer?, threadCount: Int, sampleCount: Int
  ) {
    self.kernels = kernels
    self.team = team
    self.threadCount = threadCount
    self.sampleCount = sampleCount
  }
}

/// What a network makes of some samples.
package struct LaneOutcome: BitwiseCopyable, Sendable, Equatable {
  /// The smallest and the largest output; NaN if one is.
  package var lowest: Float
  package var highest: Float
  /// Sum of (output - target)^2.
  package var squaredError: Float

  package init(lowest: Float, highest: Float, squaredError: Float) {
    self.lowest = lowest
    self.highest = highest
    self.squaredError = squaredError
  }

  /// Whether all outputs are the same number, to the bit.
  package var isConstant: Bool { lowest == highest }
}
