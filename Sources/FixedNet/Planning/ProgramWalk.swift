import CSupport
import FixedNetCore

/// One walk through a graph: forward, the loss, back. The first one sizes the slots, the second writes the operations.
struct ProgramWalk {
  private let plan: Planner
  private let graph: Graph
  private let head: LossHead?
  private let readerCounts: [Int: Int]
  private let input: Value
  private let targets: Slot
  private var values: [Int: Value]
  private var planned: [PlannedNode] = []
  /// How many of them come before the loss.
  private var lossPosition = 0
  private var loss: (any OperationDescription)?
  private var lossInput: Value
  private var norms: Slot?
  private var workspace: Slot?

  /// A layer of the walk.
  private struct PlannedNode {
    var id: Int
    var name: String
    var origin: String
    var first: String
    var sources: [Int]
    var layer: LayerPlan
    var isLoss = false
    var finished: LayerPlan.Finished?
    /// Where several layers read the output: what adds up the gradients that they leave, in the order in which it runs.
    var sums: [GradientSumOperation] = []
  }

  /// What stands for the loss' own activation among the layers' numbers.
  private static let lossID = Int.max

  /// `last`: the layer at the end that the loss takes the place of; inference runs it after the loss.
  /// `outputs`: the shape of the model's output.
  init(
    _ plan: Planner, _ graph: Graph, last: Graph.Node?, _ head: LossHead?, input shape: Shape,
    outputs: Shape
  ) {
    self.plan = plan
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

  private var output: Value {
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
    var layer = node.layer.plan(inputs, in: plan)
    // A gradient that others add to has a place of its own.
    if readerCounts[node.id] != 1 { layer.output.convolution = nil }
    add(layer, node, name: node.layer.name)
  }

  private mutating func add(_ layer: LayerPlan, _ node: Graph.Node, name: String) {
    values[node.id] = layer.output
    planned.append(
      PlannedNode(
        id: node.id, name: name, origin: node.origin, first: node.first, sources: node.sources,
        layer: layer))
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
    let layer = plan.reshaped(name, value, as: value.shape)
    add(layer, node, name: name)
    return node.id
  }

  /// Class numbers for cross-entropy, a value per output for the other losses; a slot of their own in either case.
  private static func reserveTargets(_ head: LossHead?, _ outputs: Shape, _ plan: Planner) -> Slot {
    guard let head, !head.takesLabels else {
      return plan.reserve(
        "labels", shape: [plan.blockSize], region: .activations, scope: .block, lasting: true,
        elementByteCount: 1)
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
      let layer = own.plan(value, in: plan)
      planned.append(
        PlannedNode(
          id: ProgramWalk.lossID, name: "loss", origin: "loss", first: "loss", sources: [end],
          layer: layer, isLoss: true))
      lossInput = layer.output
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
    // What the readers of each layer leave, the last reader first.
    var gradients = [
      planned[..<lossPosition].last?.isLoss == true ? ProgramWalk.lossID : end: [lossGradient]
    ]
    for index in planned.indices.reversed() where needed.contains(planned[index].id) {
      let node = planned[index]
      guard let left = gradients[node.id], let first = left.last else { continue }
      if left.count > 1 { planSum(of: left.reversed(), at: index) }
      plan.beginStep("backward \(node.name)")
      let finished = node.layer.finish(
        LayerPlan.Backward(
          outputGradient: first, needsInputGradients: node.sources.map(needed.contains)))
      planned[index].finished = finished
      for (source, slot) in zip(node.sources, finished.inputGradients).reversed() {
        if let slot, needed.contains(source) { gradients[source, default: []].append(slot) }
      }
    }
  }

  /// The layers that are trained, or read one that is, directly or not: dX is needed as far back.
  private func nodesWithGradients() -> Set<Int> {
    let trained = Set(plan.parameters.filter(\.isTrained).map(\.layerName))
    var result: Set<Int> = []
    for node in planned
    where trained.contains(node.name) && !node.isLoss
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
    planned[index].sums = gradients.dropFirst().map {
      GradientSumOperation(
        count: planned[index].layer.output.shape.elementCount, sum: gradients[0].block,
        addend: $0.block)
    }
  }

  // MARK: - The program

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
      recomputedLayers: plan.recomputedLayers, stripes: plan.stripes)
    for (index, node) in planned.enumerated() {
      if index == lossPosition { addLoss(to: &built) }
      add(node, to: &built)
    }
    if lossPosition == planned.count { addLoss(to: &built) }
    return built
  }

  private func addLoss(to built: inout BuiltProgram) {
    guard let loss else { return }
    built.add(loss, "loss", first: "loss", lossInput, isLoss: true)
  }

  private func add(_ node: PlannedNode, to built: inout BuiltProgram) {
    let output = node.layer.output
    for operation in node.finished?.operations ?? [] {
      built.add(operation, node.origin, first: node.first, output, isLoss: node.isLoss)
    }
    if !node.isLoss {
      built.outputs[node.origin] = OutputPlace(
        operationCount: built.operations.count, slot: output.slot.block, shape: output.shape,
        flattened: output.flattened)
    }
    // The backward pass comes from the end.
    for sum in node.sums.reversed() {
      built.add(sum, node.origin, first: node.first, output)
    }
  }
}
