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
      recomputedMultiplyAdds: plan.recomputedMultiplyAdds, stripes: plan.stripes)
    for (index, node) in planned.enumerated() {
      if index == lossPosition { addLoss(to: &built) }
      addForward(node, to: &built)
    }
    if lossPosition == planned.count { addLoss(to: &built) }
    built.forwardCount = built.operations.count
    if schedule == nil {
      built.backwardSteps = built.operations.indices.reversed().map { BackwardStep(operation: $0) }
    } else {
      for run in backwardRuns { addBackward(run, to: &built) }
    }
    return built
  }

  private func addLoss(to built: inout BuiltProgram) {
    guard let loss else { return }
    built.add(loss, "loss", first: "loss", lossInput, isLoss: true)
  }

  /// The operations that run forward; without a schedule, back as well.
  private func addForward(_ node: PlannedNode, to built: inout BuiltProgram) {
    let output = node.forward.output
    let finished = schedule == nil ? node.finished : node.forward.finish(nil)
    for operation in finished?.operations ?? [] {
      built.add(operation, node.origin, first: node.first, output, isLoss: node.isLoss)
    }
    if !node.isLoss {
      built.outputs[node.origin] = OutputPlace(
        operationCount: built.operations.count, slot: output.slot.block, shape: output.shape,
        flattened: output.flattened)
    }
    guard schedule == nil else { return }
    // The backward pass comes from the end.
    for sum in node.sums.reversed() {
      built.add(sum, node.origin, first: node.first, output)
    }
  }

  private func addBackward(_ run: BackwardRun, to built: inout BuiltProgram) {
    let node = planned[run.position]
    for operation in run.operations {
      built.backwardSteps.append(
        BackwardStep(operation: built.operations.count, isAgain: run.isAgain))
      built.add(
        operation, node.origin, first: node.first, node.layer.output, isLoss: node.isLoss)
    }
  }
}
