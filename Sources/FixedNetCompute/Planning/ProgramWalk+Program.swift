import FixedNetCore

extension ProgramWalk {
  /// `places`: of the walk before this one.
  func program(_ places: PlacedSlots) throws(ModelError) -> BuiltProgram {
    if let name = plan.duplicateSlot {
      throw .malformed("two layers would have a slot '\(name)'; rename one")
    }
    let order = lossInput.flattened ?? (lossInput.shape.elementCount, 1)
    var built = BuiltProgram(
      places: places, steps: plan.steps, parameters: plan.parameters, constants: plan.constants,
      input: input, output: output,
      targets: head.map {
        TargetSlot(
          slot: targets.block, isLabels: $0.takesLabels, channels: order.channels,
          pixels: order.pixels)
      },
      squaredNorms: norms?.shared, workspace: workspace?.shared,
      recomputedLayers: plan.recomputedLayers,
      loadsInputAgain: backwardRuns.contains { planned[$0.position].id == Graph.input },
      recomputedMultiplyAdds: plan.recomputedMultiplyAdds, stripes: plan.stripes)
    if schedule == nil {
      addAll(to: &built)
    } else {
      for (index, node) in planned.enumerated() {
        if index == lossPosition { addLoss(to: &built) }
        add(node.forward.finish(nil).operations, of: node, isOutput: true, to: &built)
      }
      if lossPosition == planned.count { addLoss(to: &built) }
      built.forwardCount = built.operations.count
      for run in backwardRuns {
        addSteps(
          built.operations.count..<built.operations.count + run.operations.count, run.kind,
          to: &built)
        add(run.operations, of: planned[run.position], to: &built)
      }
    }
    return built
  }

  /// Operations that run forward and back.
  private func addAll(to built: inout BuiltProgram) {
    // The operations of every layer, and of the sums of what its readers leave.
    var own: [Range<Int>] = []
    var sums: [Range<Int>] = []
    var loss: Range<Int>?
    for (index, node) in planned.enumerated() {
      if index == lossPosition { loss = addLoss(to: &built) }
      own.append(add(node.finished?.operations ?? [], of: node, isOutput: true, to: &built))
      sums.append(add(node.sums, of: node, to: &built))
    }
    if lossPosition == planned.count { loss = addLoss(to: &built) }
    built.forwardCount = built.operations.count
    if let loss { addSteps(loss, .back, to: &built) }
    var waiting = Set(planned.indices)
    for run in backwardRuns {
      if run.kind == .back { waiting.remove(run.position) }
      let operations = run.kind == .sum ? sums[run.position] : own[run.position]
      addSteps(operations, run.kind, to: &built)
    }
    // Those that nothing flows back to may have something to update.
    for position in waiting.sorted(by: >) { addSteps(own[position], .back, to: &built) }
  }

  /// Steps in the order of the backward pass: from the last operation of a layer, but sums from the first reader on.
  private func addSteps(
    _ operations: Range<Int>, _ kind: BackwardRun.Kind, to built: inout BuiltProgram
  ) {
    let steps = operations.map { BackwardStep(operation: $0, isAgain: kind == .again) }
    built.backwardSteps += kind == .back && schedule == nil ? steps.reversed() : steps
  }

  @discardableResult
  private func addLoss(to built: inout BuiltProgram) -> Range<Int> {
    let start = built.operations.count
    if let loss { built.add(loss, "loss", first: "loss", lossInput, isLoss: true) }
    return start..<built.operations.count
  }

  /// `isOutput`: whether the layer's output is there afterwards.
  @discardableResult
  private func add(
    _ operations: [any OperationDescription], of node: PlannedNode, isOutput: Bool = false,
    to built: inout BuiltProgram
  ) -> Range<Int> {
    let (start, output) = (built.operations.count, node.forward.output)
    for operation in operations {
      built.add(operation, node.origin, first: node.first, output, isLoss: node.isLoss)
    }
    // What a normalisation has been applied to is nowhere any more.
    if isOutput, !node.isLoss, output.stage?.normalization == nil {
      built.outputs[node.origin] = OutputPlace(
        operationCount: built.operations.count, slot: output.slot.block, shape: output.shape,
        flattened: output.flattened)
    }
    return start..<built.operations.count
  }
}
