import CSupport
import FixedNetCore

/// A program whose slots have places within their scopes.
struct BuiltProgram {
  var operations: [any OperationDescription] = []
  var origins: [OperationOrigin] = []
  var places: SlotPlaces
  var steps: [String]
  var parameters: [PlannedParameter]
  var constants: [(slot: SlotID, values: [Float])]
  var input: PlannedValue
  var output: PlannedValue
  var targets: TargetSlot?
  var squaredNorms: SlotID?
  var workspace: SlotID?
  var recomputedLayers: [String]
  var stripes: StripeLayout?
  private var liveBytes: (shared: Int, thread: Int, block: Int)

  init(_ plan: PlanBuilder, input: PlannedValue, output: PlannedValue) {
    places = plan.place()
    steps = plan.steps
    parameters = plan.parameters
    constants = plan.constants
    self.input = input
    self.output = output
    recomputedLayers = plan.recomputedLayers
    stripes = plan.stripes
    let shared = plan.slots.filter { $0.scope == .shared }.reduce(0) { $0 + $1.byteCount }
    liveBytes =
      plan.options.isSingle
      ? (shared, 0, plan.lowerBound([.thread, .block]))
      : (shared, plan.lowerBound([.thread]), plan.lowerBound([.block]))
  }

  /// `inference`: the other program of the arena, which shares the threads' parts.
  func lowerBound(_ layout: ArenaLayout, inference: BuiltProgram) -> Int {
    let thread = max(liveBytes.thread, inference.liveBytes.thread)
    return liveBytes.shared + layout.threadCount * thread + layout.blockCount * liveBytes.block
  }

  fileprivate mutating func add(
    _ operation: any OperationDescription, _ name: String, first: String, _ output: PlannedValue,
    isLoss: Bool = false
  ) {
    operations.append(operation)
    origins.append(
      OperationOrigin(
        layer: name, first: first, output: places.block(output.slot),
        slotName: places.slots[output.slot.index].name, shape: output.shape,
        flattened: output.flattened, isLoss: isLoss))
  }
}

/// What an operation computes, in the words of the model.
struct OperationOrigin {
  /// Whose output it is.
  var layer: String
  /// The first of the layers that it computes.
  var first: String
  var output: BlockSlot
  /// The output's, in the plan.
  var slotName: String
  var shape: Shape
  var flattened: (channels: Int, pixels: Int)?
  /// Whether it is the loss, which no layer of the model is.
  var isLoss = false

  var elementCount: Int { shape.elementCount }
}

/// Walks through a model's layers forward and back and makes one program of them.
struct ProgramBuilder {
  private let plan: PlanBuilder
  private let head: LossHead?
  private let isTraining: Bool
  private let options: PlanOptions
  private let input: Shape
  private let foldsInputNormalization: Bool
  private var layers: [LoweredLayer]
  /// The layer at the end that the loss takes the place of; inference runs it behind the loss.
  private var last: LoweredLayer?

  init(
    _ model: SequentialModel, _ layers: [LoweredLayer], _ options: PlanOptions, _ head: LossHead?,
    isTraining: Bool
  ) throws(ModelError) {
    plan = PlanBuilder(
      options, isTraining: isTraining, frozenLayers: model.frozenLayers,
      couplesBatch: model.couplingLayer != nil,
      stripes: isTraining ? try StripeLayout(model, options) : nil)
    self.head = head
    self.isTraining = isTraining
    self.options = options
    input = model.input
    foldsInputNormalization = model.foldsInputNormalization
    self.layers = layers
    if head?.replacesLastLayer == true { last = self.layers.removeLast() }
  }

  private struct PlannedStep {
    var origin: String
    var first: String
    var layer: any PlannedLayer
    var isLoss = false
  }

  func build() throws(ModelError) -> BuiltProgram {
    plan.beginStep("load input")
    let targets = reserveTargets()
    let input = PlannedValue(
      slot: plan.reserveActivation("input", shape: input), shape: input)
    if isTraining, options.keepsInput || options.isSecondOrder { plan.keep(input.slot) }
    var value = input
    var planned: [PlannedStep] = []
    func run(_ next: LoweredLayer) {
      plan.beginStep("forward \(next.layer.name)")
      let layer = next.layer.plan(value, in: plan)
      planned.append(PlannedStep(origin: next.origin, first: next.first, layer: layer))
      value = layer.output
    }
    layers.forEach(run)
    if isTraining { fold(planned) }

    var lossInput = value
    if let function = head?.activation {
      plan.beginStep("loss/probabilities")
      let own = Activation(name: "loss/probabilities", function: function)
      let layer = own.plan(value, in: plan)
      planned.append(PlannedStep(origin: "loss", first: "loss", layer: layer, isLoss: true))
      lossInput = layer.output
    }
    let lossPosition = planned.count
    var gradient: SlotID?
    if head != nil {
      plan.beginStep("loss")
      plan.use(lossInput.slot)
      if isTraining { gradient = plan.reserveActivation("loss/gradient", shape: value.shape) }
    }
    let tangent = reserveTangent(of: lossInput)
    if !isTraining, let last { run(last) }
    if isTraining, let gradient { planBackward(planned, gradient) }
    plan.beginStep(isTraining ? "update" : "store output")
    plan.use(value.slot)
    let (norms, workspace) = reserveForOptimizer()

    if let name = plan.duplicateSlot {
      throw .malformed("two layers would have a slot '\(name)'; rename one")
    }

    var built = BuiltProgram(plan, input: input, output: value)
    built.squaredNorms = norms
    built.workspace = workspace
    for (index, step) in planned.enumerated() {
      if index == lossPosition { addLoss(to: &built, lossInput, targets, gradient, tangent) }
      guard let operation = step.layer.operation(in: built.places) else { continue }
      built.add(
        operation, step.origin, first: step.first, step.layer.output, isLoss: step.isLoss)
    }
    if lossPosition == planned.count { addLoss(to: &built, lossInput, targets, gradient, tangent) }
    return built
  }

  /// Class numbers for cross-entropy, a value per output for the other losses; a slot of their own in either case.
  private func reserveTargets() -> SlotID {
    guard let head, !head.takesLabels else {
      return plan.reserve(
        "labels", shape: [plan.blockSize], region: .activations, scope: .block, lasting: true,
        elementByteCount: 1)
    }
    let outputs = layers.reduce(input) { (try? $1.layer.outputShape(for: $0)) ?? $0 }
    return plan.reserve(
      "targets", shape: [outputs.elementCount, plan.blockSize], region: .activations,
      scope: .block, lasting: true)
  }

  /// R-operator: what the loss needs to know of its input, R{dz} and work space.
  private func reserveTangent(of value: PlannedValue) -> (
    input: SlotID, gradient: SlotID, scratch: SlotID
  )? {
    guard let input = value.tangent, let gradient = plan.gradientTangents[input] else { return nil }
    // No layer has a slot of this name, whatever it is called.
    let scratch = plan.reserve(
      "loss/output scratch", shape: [value.shape.elementCount, plan.blockSize], region: .scratch,
      scope: .thread, lasting: true)
    return (input, gradient, scratch)
  }

  private func reserveForOptimizer() -> (norms: SlotID?, workspace: SlotID?) {
    guard isTraining else { return (nil, nil) }
    var norms: SlotID?
    if options.clipping.needsNorms {
      norms = plan.reserve(
        "clipping/squared norms", shape: [plan.parameters.count], region: .scratch,
        scope: .shared, lasting: true, elementByteCount: MemoryLayout<Double>.stride)
    }
    var workspace: SlotID?
    if options.workspaceCount > 0 {
      workspace = plan.reserve(
        "solver/workspace", shape: [options.workspaceCount], region: .optimizer, scope: .shared,
        lasting: true)
    }
    return (norms, workspace)
  }

  /// Batch normalisation of the data and the convolution behind it, where their blocks hold 16 images.
  private func fold(_ planned: [PlannedStep]) {
    guard foldsInputNormalization, options.fusesLayers, plan.blockSize > 1, planned.count > 1,
      let normalization = planned[0].layer as? PlannedBatchNormalization,
      let convolution = planned[1].layer as? PlannedConv2D
    else { return }
    convolution.fold(normalization, plan)
  }

  private func planBackward(_ planned: [PlannedStep], _ outputGradient: SlotID) {
    // dX is needed as far back as there is something to train.
    let trained = Set(plan.parameters.filter(\.isTrained).map(\.layerName))
    let names = layers.map(\.layer.name) + planned.filter(\.isLoss).map(\.origin)
    guard let first = names.firstIndex(where: trained.contains) else { return }
    var gradient = outputGradient
    for index in planned.indices.reversed() where index >= first {
      plan.beginStep("backward \(names[index])")
      guard
        let next = planned[index].layer.planBackward(
          outputGradient: gradient, needsInputGradient: index > first, in: plan)
      else { return }
      gradient = next
    }
  }

  private func addLoss(
    to built: inout BuiltProgram, _ value: PlannedValue, _ targets: SlotID, _ gradient: SlotID?,
    _ tangentSlots: (input: SlotID, gradient: SlotID, scratch: SlotID)?
  ) {
    guard let head else { return }
    let tangent = tangentSlots.map {
      LossTangent(
        input: built.places.block($0.input), gradient: built.places.block($0.gradient),
        scratch: built.places.thread($0.scratch))
    }
    let order = value.flattened ?? (value.shape.elementCount, 1)
    let target = built.places.block(targets)
    let count = Int32(value.shape.elementCount)
    built.targets = TargetSlot(
      slot: target, isLabels: head.takesLabels, channels: order.channels, pixels: order.pixels)
    let input = built.places.block(value.slot)
    let gradient = gradient.map(built.places.block)
    let operation: any OperationDescription
    switch head.operation {
    case .logits:
      var loss = CrossEntropyOperation(
        classCount: count, logits: input, labels: target, gradient: gradient)
      loss.tangent = tangent
      operation = loss
    case .logistic(let slope, let weight):
      var loss = LogisticLossOperation(
        outputCount: count, slope: slope, weight: weight, logits: input, targets: target,
        gradient: gradient)
      loss.tangent = tangent
      if options.usesReferenceGradient { loss.gradientFactor = 1 / slope }
      operation = loss
    case .squared(let weight):
      var loss = SquaredErrorOperation(
        outputCount: count, weight: weight, outputs: input, targets: target, gradient: gradient)
      loss.tangent = tangent
      operation = loss
    case .outputs(let loss):
      operation = OutputLossOperation(
        outputCount: count, loss: loss, convertsBinaryTargets: head.convertsBinaryTargets,
        outputs: input, targets: target, gradient: gradient)
    }
    built.add(operation, "loss", first: "loss", value, isLoss: true)
  }
}

extension StripeLayout {
  /// For a full batch of at least 64 blocks and a network of small dense layers: those with many weights make enough of
  /// what they read, and their gradients of every part would take much memory. nil for others, and where Hessian products
  /// read each image's dZ as a row.
  init?(_ model: SequentialModel, _ options: PlanOptions) throws(ModelError) {
    let blocks = options.blockCount
    guard options.keepsInput, !options.isSecondOrder, options.resolvedBlockSize > 1, blocks >= 64
    else { return nil }
    let weights = zip(model.layers, try model.weightDescriptions()).filter { !$0.1.isEmpty }
    let count = weights.flatMap(\.1).reduce(0) { $0 + $1.shape.reduce(1, *) }
    guard weights.allSatisfy({ $0.0 is Dense }), count <= 1 << 16 else { return nil }
    let blockCount = blocks < 256 ? 8 : 16
    let stripes = (blocks + blockCount - 1) / blockCount
    self.init(blockCount: blockCount, stripeCount: (stripes + 63) / 64)
  }
}
