import FixedNetCore

extension RunSchedule {
  /// What an operation costs in a run over the whole batch, on one thread.
  package struct Costs: Sendable {
    /// Once per thread.
    package var preparation = 0.0
    package var forward = 0.0
    package var backward = 0.0
    /// Where the backward pass runs it forward once more.
    package var again = 0.0
    package var update = 0.0
    /// Of the update; 0: one thread does it.
    package var updateUnits = 1
  }

  /// The schedule of a plan's training step, or of an inference call, with estimated costs. It does not depend on how many
  /// threads the plan is for.
  package init(_ plan: NetworkPlan) {
    self.init(plan, costs: RunSchedule.estimates(plan))
  }

  /// `costs`: one for each operation of the plan's program, and one for the loading of the input behind them.
  package init(_ plan: NetworkPlan, costs: [Costs]) {
    let cuts = BlockCuts(plan)
    guard let training = plan.training else {
      let forward = 0..<plan.inference.forwardCount
      self.init([
        Phase(
          forward.map { Item(costs[$0].preparation, .everyThread) }
            + [Item(costs[costs.count - 1].forward, cuts.input)]
            + forward.map { Item(costs[$0].forward, cuts.forward[$0]) }, isChain: true)
      ])
      groupMeetingCount = cuts.meetingCount
      return
    }
    var phases = RunSchedule.passes(training, cuts, costs)
    if plan.options.updatesInBackward {
      // One block, update by update, on the thread that has it.
      phases[phases.count - 1].items += costs.map { Item($0.update, .units(1)) }
    } else {
      phases += RunSchedule.updates(plan, training, costs)
    }
    self.init(phases)
    groupMeetingCount = cuts.meetingCount
  }

  /// What an operation costs, estimated; the input's behind all of them.
  package static func estimates(_ plan: NetworkPlan) -> [Costs] {
    let program = plan.training ?? plan.inference
    let loaded = LoadedProgram(program)
    return withExtendedLifetime(loaded) {
      // Blocks are computed whole, whatever of them holds images.
      let images = Double(plan.options.blockCount * plan.options.resolvedBlockSize)
      let blocks = Double(plan.options.blockCount)
      let costs = zip(loaded.program.operations, program.origins).map { operation, origin in
        let cost = OperationCost(operation, elements: origin.elementCount)
        return Costs(
          preparation: cost.preparation, forward: images * cost.forward,
          backward: images * cost.backward, again: images * cost.forward,
          update: images * cost.updateOfImage + blocks * cost.updateOfBlock + cost.step,
          updateUnits: cost.updateUnits)
      }
      let input = OperationCost.input * Double(program.input.shape.elementCount)
      return costs + [Costs(forward: images * input)]
    }
  }

  /// Forward and back. Where an operation couples the batch every thread gathers what its blocks say, all meet, and then the
  /// operation goes on, as in `Work.forward` and `Work.backward`; without one a block goes all the way at once.
  private static func passes(
    _ program: PlannedProgram, _ cuts: BlockCuts, _ costs: [Costs]
  ) -> [Phase] {
    let forward = 0..<program.forwardCount
    var items = forward.map { Item(costs[$0].preparation, .everyThread) }
    items.append(Item(costs[costs.count - 1].forward, cuts.input))
    var phases: [Phase] = []
    func meet() {
      phases.append(Phase(items, isChain: true))
      items = []
    }
    /// Half of it before the threads meet, half behind.
    func couple(_ cost: Double, _ sharing: Sharing) {
      items.append(Item(cost / 2, sharing))
      meet()
      items.append(Item(cost / 2, sharing))
    }
    let isCoupled = program.operations.contains { $0 is BatchNormalizationOperation }
    for index in forward {
      let cost = costs[index].forward
      if program.operations[index] is BatchNormalizationOperation {
        couple(cost, cuts.forward[index])
      } else {
        items.append(Item(cost, cuts.forward[index]))
      }
    }
    for step in program.backwardSteps {
      let cost = step.isAgain ? costs[step.operation].again : costs[step.operation].backward
      let normalization = program.operations[step.operation] as? BatchNormalizationOperation
      if isCoupled, !step.isAgain, normalization?.gradient != nil {
        couple(cost, cuts.sharing(of: step))
      } else {
        items.append(Item(cost, cuts.sharing(of: step)))
      }
    }
    meet()
    return phases
  }

  /// The steps that the optimiser takes, each thread a share of every parameter's; behind the norms where they are clipped
  /// by them.
  private static func updates(
    _ plan: NetworkPlan, _ program: PlannedProgram, _ costs: [Costs]
  ) -> [Phase] {
    let items = program.backwardSteps.filter { !$0.isAgain }.map { step -> Item in
      let cost = costs[step.operation]
      return Item(cost.update, cost.updateUnits == 0 ? .oneThread : .units(cost.updateUnits))
    }
    var phases = [Phase(items, isChain: false)]
    guard plan.options.clipping.needsNorms else { return phases }
    let values = program.parameters.reduce(0.0) { $0 + Double($1.count) }
    phases += [Sharing.units(program.parameters.count), .units(Int(values / 16) + 1)].map {
      Phase([Item(OperationCost.element * values, $0)], isChain: false)
    }
    return phases
  }
}

/// How the operations of a plan's program are divided among threads.
private struct BlockCuts {
  var forward: [RunSchedule.Sharing] = []
  var backward: [RunSchedule.Sharing] = []
  var input: RunSchedule.Sharing
  /// Of the threads that share a block, on its way.
  var meetingCount = 0

  init(_ plan: NetworkPlan) {
    let planned = plan.training ?? plan.inference
    let blocks = plan.options.blockCount
    let loaded = LoadedProgram(planned)
    let program = loaded.program
    let whole = RunSchedule.Sharing.units((blocks + planned.partBlocks - 1) / planned.partBlocks)
    guard program.sharesBlocks else {
      input = whole
      forward = program.operations.map { _ in whole }
      backward = forward
      return
    }
    let size = plan.options.resolvedBlockSize
    func sharing(_ work: BlockWork) -> RunSchedule.Sharing {
      .blocks(blocks, slices: work.isCut ? work.slices : 1)
    }
    forward = program.operations.map { sharing($0.forwardWork(blockSize: size)) }
    backward = program.operations.map { sharing($0.backwardWork(blockSize: size)) }
    input = sharing(program.inputWork)
    var works = [program.inputWork]
    works += program.operations.prefix(program.forwardCount).map {
      $0.forwardWork(blockSize: size)
    }
    works += program.backwardSteps.map {
      $0.isAgain
        ? program.operations[$0.operation].forwardWork(blockSize: size)
        : program.operations[$0.operation].backwardWork(blockSize: size)
    }
    // They meet in front of what is cut, and behind it.
    var wasCut = true
    for work in works {
      if work.isCut || wasCut { meetingCount += 1 }
      wasCut = work.isCut
    }
    withExtendedLifetime(loaded) {}
  }

  func sharing(of step: BackwardStep) -> RunSchedule.Sharing {
    step.isAgain ? forward[step.operation] : backward[step.operation]
  }
}

extension PlannedProgram {
  /// Blocks that go to one thread together.
  fileprivate var partBlocks: Int { stripes?.partBlockCount ?? 1 }
}
