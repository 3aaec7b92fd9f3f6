import FixedNetCore

extension ProgramWalk {
  /// The input as what a layer computes: the backward pass may bring it once more, and its memory serve others meanwhile.
  mutating func addInput() {
    let (plan, first) = (plan, input)
    let node = Graph.Node(
      layer: Activation(name: "input", function: .linear), id: Graph.input, sources: [],
      origin: "input", first: "input")
    add(node, name: "input", []) { _ in
      guard plan.replay == .again else { return LayerPlan(output: first) { _ in .init(nil) } }
      let slot = plan.reserveActivation("input", shape: first.shape)
      return LayerPlan(output: Value(slot: slot, shape: first.shape)) { _ in
        .init(InputOperation(output: slot.block))
      }
    }
  }

  /// Runs again what the schedule says before the backward step of the layer at `index`, and lets that read it.
  ///
  /// Whatever the schedule says, the program is right: a slot holds its value as long as something planned to read it has
  /// not run. The schedule decides only how long that is.
  mutating func computeAgain(before index: Int) {
    guard let schedule else { return }
    for position in schedule.again[index] ?? [] { runAgain(position) }
    let reads = schedule.reads[index] ?? []
    let inputs = zip(planned[index].sources, planned[index].inputs).map { source, known in
      computing(source).map(reads.contains) == true ? current(source) : known
    }
    replan(index, inputs)
  }

  /// The position of the layer that computes what a layer has as its output; nil for the model's input.
  func computing(_ id: Int) -> Int? {
    var position = positions[id]
    while let known = position, planned[known].passesOn {
      position = positions[planned[known].sources[0]]
    }
    return position
  }

  /// The last version of a layer's output. What passes its input on has that of its input.
  private mutating func current(_ id: Int) -> Value {
    guard let position = positions[id] else { return values[id] ?? planned[0].inputs[0] }
    if planned[position].passesOn {
      let inputs = planned[position].sources.map { current($0) }
      replan(position, inputs)
    }
    return planned[position].layer.output
  }

  /// Plans a layer once more where it reads others than before.
  private mutating func replan(_ position: Int, _ inputs: [Value]) {
    let node = planned[position]
    guard inputs.map(\.slot) != node.inputs.map(\.slot) else { return }
    let layer = plan.planning(node.id, .sameSlots) { node.make(inputs) }
    planned[position].layer = layer
    planned[position].inputs = inputs
    values[node.id] = layer.output
  }

  private mutating func runAgain(_ position: Int) {
    let inputs = planned[position].sources.map { current($0) }
    let node = planned[position]
    plan.beginStep("again \(node.name)")
    let layer = plan.planning(node.id, .again) { node.make(inputs) }
    planned[position].layer = layer
    planned[position].inputs = inputs
    values[node.id] = layer.output
    if node.id != Graph.input { plan.noteRecomputed(node.origin, node.multiplyAdds) }
    backwardRuns.append(
      BackwardRun(
        position: position, kind: .again, operations: layer.finish(nil).operations))
  }
}

extension ProgramWalk.PlannedNode {
  /// Whether the layer only gives its input another name.
  var passesOn: Bool { inputs.first?.slot == layer.output.slot }
}
