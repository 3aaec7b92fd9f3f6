import FixedNetCore

/// The layers of a training program as the choice of what to compute again sees them: what each reads, forward and back,
/// and what memory is taken at every step.
struct DataFlow {
  struct Node {
    /// Positions of the layers that it reads; those that pass their input on are looked through. The model's input is none.
    var sources: [Int]
    /// Positions of the layers whose outputs the backward step reads.
    var reads: [Int]
    var forwardStep: Int
    /// nil where nothing flows back.
    var backwardStep: Int?
    /// All copies of the output. 0 where it stays where it is, whatever is computed again.
    var byteCount: Int
    /// Whether the weights' update at the end reads it too.
    var staysForUpdate = false
    /// Where the layers whose backward steps read this output come among all that read any, the first one first.
    var readers: [Int] = []
    /// What the forward step alone needs besides.
    var scratchByteCount: Int
    /// Multiply-adds for one image, and what the time of a value that is only passed over comes to.
    var cost: Int
    var isDroppable: Bool { byteCount > 0 }
  }

  private(set) var nodes: [Node]
  /// Of all that is not an output that may be dropped, at every step. Units: bytes, all copies.
  let others: [Int]
  /// Of these, what is held from the step before on.
  let across: [Int]
  /// The first step that is the backward pass'.
  let backwardStart: Int
  /// The layer that goes back at each step.
  let backwardNodes: [Int?]
  /// Of the parts that all threads share.
  let sharedByteCount: Int
  /// Of a training step for one image: a forward pass, and twice that back.
  let stepCost: Int

  /// What one value costs that an element-wise layer passes over, in multiply-adds of a convolution's kernel.
  private static let elementCost = 4

  /// `walk`: its planner has settled.
  init(_ walk: ProgramWalk, _ options: PlanOptions) {
    let (plan, planned) = (walk.plan, walk.planned)
    func copies(_ slot: PlannedSlot) -> Int {
      switch slot.scope {
      case .shared: 1
      case .thread: options.threads
      case .block: options.blockCount
      }
    }
    func byteCount(_ slot: PlannedSlot) -> Int { copies(slot) * slot.alignedByteCount }
    let passing = planned.map(\.passesOn)
    var owners: [Int: Int] = [:]
    for (position, node) in planned.enumerated() where !passing[position] {
      owners[node.forward.output.slot.index] = position
    }
    // The last output, what a convolution's reader puts dZ into, and what reads that is left alone.
    var fixed = Set([planned.last.flatMap { walk.computing($0.id) }].compactMap(\.self))
    for (position, node) in planned.enumerated() where plan.deltas[node.name] != nil {
      fixed.formUnion([position] + node.sources.compactMap(walk.computing))
    }
    func isDroppable(_ position: Int) -> Bool {
      !passing[position] && !fixed.contains(position) && !planned[position].isLoss
    }
    let droppable = planned.indices.filter(isDroppable)
    let outputs = Set(droppable.map { planned[$0].forward.output.slot.index })
    let count = plan.steps.count
    var (others, across) = ([Int](repeating: 0, count: count), [Int](repeating: 0, count: count))
    var scratch = [Int](repeating: 0, count: count)
    for (index, slot) in plan.slots.enumerated()
    where slot.scope != .shared && !outputs.contains(index) {
      for step in slot.firstStep...slot.lastStep { others[step] += byteCount(slot) }
      if slot.firstStep < slot.lastStep {
        for step in (slot.firstStep + 1)...slot.lastStep { across[step] += byteCount(slot) }
      } else {
        scratch[slot.firstStep] += byteCount(slot)
      }
    }
    self.others = others
    self.across = across
    sharedByteCount = plan.slots.filter { $0.scope == .shared }.reduce(0) {
      $0 + $1.alignedByteCount
    }
    backwardStart = planned.compactMap(\.backwardStep).min() ?? count
    nodes = planned.enumerated().map { position, node in
      let output = node.forward.output
      return Node(
        sources: node.sources.compactMap(walk.computing),
        reads: node.reads.compactMap { owners[$0.index] }.sorted(), forwardStep: node.forwardStep,
        backwardStep: node.backwardStep,
        byteCount: outputs.contains(output.slot.index) && !passing[position]
          ? byteCount(plan.slots[output.slot.index]) : 0,
        scratchByteCount: scratch[node.forwardStep],
        cost: node.multiplyAdds + DataFlow.elementCost * output.shape.elementCount)
    }
    for position in droppable {
      let slot = planned[position].forward.output.slot.index
      nodes[position].staysForUpdate = plan.slots[slot].lastStep == count - 1
    }
    var backwardNodes = [Int?](repeating: nil, count: count)
    for (position, node) in nodes.enumerated() {
      if let step = node.backwardStep { backwardNodes[step] = position }
    }
    self.backwardNodes = backwardNodes
    stepCost = 3 * nodes.reduce(0) { $0 + $1.cost }
    let reading = backwardNodes.compactMap { $0 }.filter { [nodes] in !nodes[$0].reads.isEmpty }
    for (order, position) in reading.enumerated() {
      for read in nodes[position].reads { nodes[read].readers.append(order) }
    }
  }
}
