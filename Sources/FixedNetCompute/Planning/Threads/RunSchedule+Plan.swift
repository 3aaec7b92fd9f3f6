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
    guard let training = plan.training else {
      // A block goes through all operations on one thread.
      let blocks = Sharing.units(plan.options.blockCount)
      let forward = plan.inference.forwardCount
      self.init([
        Phase(
          costs[..<forward].map { Item($0.preparation, .everyThread) }
            + [Item(costs[costs.count - 1].forward, blocks)]
            + costs[..<forward].map { Item($0.forward, blocks) }, isChain: true)
      ])
      return
    }
    var phases = RunSchedule.passes(training, blocks: plan.options.blockCount, costs)
    if plan.options.updatesInBackward {
      // One block, update by update, on the thread that has it.
      phases[phases.count - 1].items += costs.map { Item($0.update, .units(1)) }
    } else {
      phases += RunSchedule.updates(plan, training, costs)
    }
    self.init(phases)
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
  private static func passes(_ program: PlannedProgram, blocks: Int, _ costs: [Costs]) -> [Phase] {
    let units = Sharing.units((blocks + program.partBlocks - 1) / program.partBlocks)
    let forward = 0..<program.forwardCount
    var items = forward.map { Item(costs[$0].preparation, .everyThread) }
    items.append(Item(costs[costs.count - 1].forward, units))
    var phases: [Phase] = []
    func meet() {
      phases.append(Phase(items, isChain: true))
      items = []
    }
    /// Half of it before the threads meet, half behind.
    func couple(_ cost: Double) {
      items.append(Item(cost / 2, units))
      meet()
      items.append(Item(cost / 2, units))
    }
    let isCoupled = program.operations.contains { $0 is BatchNormalizationOperation }
    for index in forward {
      let cost = costs[index].forward
      if program.operations[index] is BatchNormalizationOperation {
        couple(cost)
      } else {
        items.append(Item(cost, units))
      }
    }
    for step in program.backwardSteps {
      let cost = step.isAgain ? costs[step.operation].again : costs[step.operation].backward
      let normalization = program.operations[step.operation] as? BatchNormalizationOperation
      if isCoupled, !step.isAgain, normalization?.gradient != nil {
        couple(cost)
      } else {
        items.append(Item(cost, units))
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

extension PlannedProgram {
  /// Blocks that go to one thread together.
  fileprivate var partBlocks: Int { stripes?.partBlockCount ?? 1 }
}
