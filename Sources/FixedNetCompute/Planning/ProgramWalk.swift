import CSupport
import FixedNetCore

/// One walk through a graph: forward, the loss, back. The first one sizes the slots, the second writes the operations.
struct ProgramWalk {
  let plan: Planner
  private let graph: Graph
  let head: LossHead?
  private let readerCounts: [Int: Int]
  let input: Value
  let targets: Slot
  /// What the backward pass computes again; nil: nothing.
  let schedule: RecomputationSchedule?
  /// The outputs by their layers' numbers; the last version of those that were computed again.
  var values: [Int: Value]
  var planned: [PlannedNode] = []
  /// The positions of the layers in `planned`, by their numbers.
  var positions: [Int: Int] = [:]
  /// What the backward pass runs, in its order.
  var backwardRuns: [BackwardRun] = []
  /// How many of them come before the loss.
  private(set) var lossPosition = 0
  private(set) var loss: (any OperationDescription)?
  private(set) var lossInput: Value
  private(set) var norms: Slot?
  private(set) var workspace: Slot?

  /// A layer of the walk.
  struct PlannedNode {
    var id: Int
    var name: String
    var origin: String
    var first: String
    var sources: [Int]
    /// What it read when it was planned.
    var inputs: [Value]
    /// Plans the layer with these inputs.
    var make: ([Value]) -> LayerPlan
    /// As it was planned last, and for the forward pass.
    var layer: LayerPlan
    var forward: LayerPlan
    var multiplyAdds = 0
    var isLoss = false
    var finished: LayerPlan.Finished?
    /// Where several layers read the output: what adds up the gradients that they leave, in the order in which it runs.
    var sums: [GradientSumOperation] = []
    var forwardStep: Int
    /// The first one, where there are two.
    var backwardStep: Int?
    /// What the backward pass uses.
    var reads: Set<Slot> = []
  }

  /// A part of the backward pass.
  struct BackwardRun {
    /// `again`: what runs forward once more. `sum`: adds up the gradients that several readers left. `back`: a layer's
    /// backward pass.
    enum Kind { case again, sum, back }

    /// Whose, in `planned`.
    var position: Int
    var kind: Kind
    /// In the order of the backward pass.
    var operations: [any OperationDescription]
  }

  /// What stands for the loss' own activation among the layers' numbers.
  private static let lossID = Int.max

  /// `last`: the layer at the end that the loss takes the place of; inference runs it after the loss.
  /// `outputs`: the shape of the model's output.
  init(
    _ plan: Planner, _ graph: Graph, last: Graph.Node?, _ head: LossHead?, input shape: Shape,
    outputs: Shape, schedule: RecomputationSchedule? = nil
  ) {
    self.plan = plan
    self.schedule = schedule
    self.graph = graph
    self.head = head
    readerCounts = graph.readerCounts
    plan.beginStep(plan.augments ? "load and augment input" : "load input")
    targets = ProgramWalk.reserveTargets(head, outputs, plan)
    input = Value(slot: plan.reserveActivation("input", shape: shape), shape: shape)
    if plan.isTraining, plan.options.keepsInput || plan.options.isSecondOrder {
      plan.keep(input.slot)
    }
    values = [Graph.input: input]
    lossInput = input
    if plan.options.computesAgain, !plan.options.isForDevice { addInput() }
    for node in graph.nodes { run(node) }
    let end = graph.nodes.last?.id ?? Graph.input
    let gradient = planLoss(on: end)
    if !plan.isTraining, let last { run(last) }
    if let gradient { planBackward(gradient, end: end) }
    plan.beginStep(plan.isTraining ? "update" : "store output")
    plan.use(output.slot)
    reserveForOptimizer()
    for index in planned.indices where planned[index].finished == nil {
      planned[index].finished = planned[index].layer.finish(nil)
    }
  }

  var output: Value {
    planned.last { !$0.isLoss }?.layer.output ?? input
  }

  // MARK: - Forward

  private mutating func run(_ node: Graph.Node) {
    var node = node
    var inputs = node.sources.compactMap { values[$0] }
    if node.layer.needsPlainOrder(of: inputs) {
      for index in inputs.indices where inputs[index].flattened != nil {
        node.sources[index] = reorder(inputs[index], node.sources[index], index, for: node)
        inputs[index] = values[node.sources[index]] ?? inputs[index]
      }
    }
    plan.beginStep("forward \(node.layer.name)")
    // A gradient that others add to has a place of its own.
    let isReadOnce = readerCounts[node.id] == 1
    let (plan, description) = (plan, node.layer)
    add(node, name: node.layer.name, inputs) { inputs in
      var layer = description.plan(inputs, in: plan)
      if !isReadOnce {
        layer.output.convolution = nil
        layer.output.stage = nil
      }
      return layer
    }
    if let shape = inputs.first?.shape {
      planned[planned.count - 1].multiplyAdds = description.multiplyAdds(for: shape)
    }
  }

  /// `make`: plans the layer in the current step.
  mutating func add(
    _ node: Graph.Node, name: String, _ inputs: [Value], isLoss: Bool = false,
    make: @escaping ([Value]) -> LayerPlan
  ) {
    let layer = plan.planning(node.id) { make(inputs) }
    values[node.id] = layer.output
    positions[node.id] = planned.count
    planned.append(
      PlannedNode(
        id: node.id, name: name, origin: node.origin, first: node.first, sources: node.sources,
        inputs: inputs, make: make, layer: layer, forward: layer, isLoss: isLoss,
        forwardStep: plan.steps.count - 1))
  }

  /// A flattened image in Keras' order, as input `index` of a layer; returns its number among the layers.
  private mutating func reorder(_ value: Value, _ source: Int, _ index: Int, for reader: Graph.Node)
    -> Int
  {
    let name = "\(reader.layer.name)/input \(index)"
    plan.beginStep("forward \(name)")
    var node = reader
    node.id = Int.min + planned.count
    node.sources = [source]
    node.origin = name
    let plan = plan
    add(node, name: name, [value]) { plan.reshaped(name, $0[0], as: value.shape) }
    return node.id
  }

  /// Class numbers for cross-entropy, a value per output for the other losses; a slot of their own in either case.
  private static func reserveTargets(_ head: LossHead?, _ outputs: Shape, _ plan: Planner) -> Slot {
    guard let head, !head.takesLabels else {
      return plan.reserve(
        "labels", shape: [plan.blockSize], region: .activations, scope: .block, lasting: true,
        elementByteCount: outputs.elementCount > 256 ? 2 : 1)
    }
    return plan.reserve(
      "targets", shape: [outputs.elementCount, plan.blockSize], region: .activations,
      scope: .block, lasting: true)
  }

  private mutating func reserveForOptimizer() {
    guard plan.isTraining else { return }
    if plan.options.clipping.needsNorms {
      norms = plan.reserve(
        "clipping/squared norms", shape: [plan.parameters.count], region: .scratch,
        scope: .shared, lasting: true, elementByteCount: MemoryLayout<Double>.stride)
    }
    if plan.options.workspaceCount > 0 {
      workspace = plan.reserve(
        "solver/workspace", shape: [plan.options.workspaceCount], region: .optimizer,
        scope: .shared, lasting: true)
    }
  }

  // MARK: - The loss

  /// Plans the loss on the output of the layer `end`; returns the slot of its gradient in training.
  private mutating func planLoss(on end: Int) -> Slot? {
    guard let value = values[end] else { return nil }
    lossInput = value
    if let function = head?.activation {
      plan.beginStep("loss/probabilities")
      let own = Activation(name: "loss/probabilities", function: function)
      let node = Graph.Node(
        layer: own, id: ProgramWalk.lossID, sources: [end], origin: "loss", first: "loss")
      let plan = plan
      add(node, name: "loss", [value], isLoss: true) { own.plan($0[0], in: plan) }
      lossInput = planned[planned.count - 1].layer.output
    }
    lossPosition = planned.count
    var gradient: Slot?
    if head != nil {
      plan.beginStep("loss")
      plan.use(lossInput.slot)
      if plan.isTraining {
        gradient = plan.reserveActivation("loss/gradient", shape: value.shape)
      }
    }
    let tangent = reserveTangent(of: lossInput)
    loss = head.map { lossOperation($0, gradient?.block, tangent) }
    return gradient
  }

  /// R-operator: what the loss needs to know of its input, R{dz} and work space.
  private func reserveTangent(of value: Value) -> LossTangent? {
    guard let input = value.tangent, let gradient = plan.gradientTangents[input] else { return nil }
    // No layer has a slot of this name, whatever it is called.
    let scratch = plan.reserve(
      "loss/output scratch", shape: [value.shape.elementCount, plan.blockSize], region: .scratch,
      scope: .thread, lasting: true)
    return LossTangent(input: input.block, gradient: gradient.block, scratch: scratch.thread)
  }

  private func lossOperation(
    _ head: LossHead, _ gradient: BlockSlot?, _ tangent: LossTangent?
  ) -> any OperationDescription {
    let count = Int32(lossInput.shape.elementCount)
    let (input, target) = (lossInput.slot.block, targets.block)
    switch head.operation {
    case .logits:
      var loss = CrossEntropyOperation(
        classCount: count, logits: input, labels: target, gradient: gradient)
      loss.tangent = tangent
      return loss
    case .logistic(let slope, let weight):
      var loss = LogisticLossOperation(
        outputCount: count, slope: slope, weight: weight, logits: input, targets: target,
        gradient: gradient)
      loss.tangent = tangent
      if plan.options.usesReferenceGradient { loss.gradientFactor = 1 / slope }
      return loss
    case .squared(let weight):
      var loss = SquaredErrorOperation(
        outputCount: count, weight: weight, outputs: input, targets: target, gradient: gradient)
      loss.tangent = tangent
      return loss
    case .outputs(let loss):
      return OutputLossOperation(
        outputCount: count, loss: loss, convertsBinaryTargets: head.convertsBinaryTargets,
        outputs: input, targets: target, gradient: gradient)
    }
  }

  // MARK: - Backward

  /// `lossGradient`: of what the loss reads, which is the output of `end` or comes from it.
  private mutating func planBackward(_ lossGradient: Slot, end: Int) {
    let needed = nodesWithGradients()
    // What the readers of each layer leave, by their places among them.
    let last = planned[..<lossPosition].last?.isLoss == true ? ProgramWalk.lossID : end
    var gradients: [Int: [(reader: Int, input: Int, slot: Slot)]] = [
      last: [(planned.count, 0, lossGradient)]
    ]
    var order = BackwardOrder(planned.map { needed.contains($0.id) ? $0.sources : nil }, positions)
    while let index = order.next({ growth(of: $0) }) {
      guard
        let left = gradients[planned[index].id]?.sorted(by: {
          ($0.reader, $0.input) < ($1.reader, $1.input)
        }).map(\.slot)
      else { continue }
      if left.count > 1 { planSum(of: left, at: index) }
      computeAgain(before: index)
      let finished = planBackward(index, left[0], needed)
      for (input, source) in planned[index].sources.enumerated() where needed.contains(source) {
        guard let slot = finished.inputGradients[input] else { continue }
        gradients[source, default: []].append((index, input, slot))
      }
    }
  }

  private mutating func planBackward(_ index: Int, _ gradient: Slot, _ needed: Set<Int>)
    -> LayerPlan.Finished
  {
    let node = planned[index]
    plan.beginStep("backward \(node.name)")
    planned[index].backwardStep = plan.steps.count - 1
    plan.watchUses()
    let finished = node.layer.finish(
      LayerPlan.Backward(
        outputGradient: gradient, needsInputGradients: node.sources.map(needed.contains)))
    planned[index].finished = finished
    planned[index].reads = plan.usedSlots
    backwardRuns.append(
      BackwardRun(position: index, kind: .back, operations: finished.operations.reversed()))
    return finished
  }

  /// How many values more wait for their own step after a layer's backward step than before.
  private func growth(of position: Int) -> Int {
    let node = planned[position]
    let inputs = node.inputs.map(\.shape.elementCount)
    return inputs.reduce(-node.layer.output.shape.elementCount, +)
  }

  /// The layers that are trained, or read one that is, directly or not: dX is needed as far back.
  private func nodesWithGradients() -> Set<Int> {
    let trained = Set(plan.parameters.filter(\.isTrained).map(\.layerName))
    var result: Set<Int> = []
    for node in planned
    where trained.contains(node.name) && !node.isLoss && node.id != Graph.input
      || node.sources.contains(where: result.contains)
    {
      result.insert(node.id)
    }
    return result
  }

  /// The gradients that several readers leave are added to the first one's, in the readers' order.
  private mutating func planSum(of gradients: [Slot], at index: Int) {
    plan.beginStep("backward \(planned[index].name)/sum")
    for slot in gradients { plan.use(slot) }
    let count = planned[index].layer.output.shape.elementCount
    planned[index].sums = gradients.dropFirst().map {
      GradientSumOperation(count: count, sum: gradients[0].block, addend: $0.block)
    }
    backwardRuns.append(
      BackwardRun(position: index, kind: .sum, operations: planned[index].sums))
  }
}
