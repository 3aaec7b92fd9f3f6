import CSupport
import FixedNetCore

/// What a network is to be planned for.
public struct PlanOptions: Sendable, Equatable {
  /// Images of one run: the mini-batch of a training step, or the images of one inference call.
  public var batch: Int
  public var isTraining: Bool
  public var threads: Int
  /// Images per block; nil: 16 for batches of 8 and more, else 1.
  public var blockSize: Int?

  public init(batch: Int, isTraining: Bool, threads: Int = 1, blockSize: Int? = nil) {
    self.batch = batch
    self.isTraining = isTraining
    self.threads = threads
    self.blockSize = blockSize
  }

  public var resolvedBlockSize: Int { blockSize ?? (batch >= 8 ? 16 : 1) }
  /// Blocks of one run.
  public var blockCount: Int { (batch + resolvedBlockSize - 1) / resolvedBlockSize }
}

/// A planned network: the memory plan and the operations of its programs, not yet in an arena.
public struct NetworkPlan {
  public let model: SequentialModel
  public let options: PlanOptions
  public let memory: MemoryPlan
  /// Parameters in file order, with their places in the shared part.
  public let parameters: [PlacedParameter]
  /// nil in an inference plan.
  let training: PlannedProgram?
  let inference: PlannedProgram

  /// Throws: `ModelError` where the layers do not fit together, or cannot be trained as asked.
  public init(_ model: SequentialModel, options: PlanOptions) throws(ModelError) {
    self.model = model
    self.options = options
    let shapes = try model.shapes()
    if options.isTraining { try NetworkPlan.checkTrainable(model, shapes) }
    let inference = NetworkPlan.build(model, options, isTraining: false)
    let training =
      options.isTraining ? NetworkPlan.build(model, options, isTraining: true) : nil
    let main = training ?? inference
    let layout = NetworkPlan.layout(options, training: training, inference: inference)
    memory = MemoryPlan(
      slots: main.places.slots, layout: layout, steps: main.steps,
      lowerBound: main.lowerBound(layout))
    self.inference = PlannedProgram(
      inference, layout: NetworkPlan.inferenceLayout(layout, inference))
    self.training = training.map { PlannedProgram($0, layout: layout) }
    parameters = main.parameters.map { PlacedParameter($0, main.places) }
  }

  /// The arena of a training plan holds the inference program too: the same shared part, a thread part that suits
  /// both, and as many of its block regions as the training blocks have room for.
  private static func layout(
    _ options: PlanOptions, training: BuiltProgram?, inference: BuiltProgram
  )
    -> ArenaLayout
  {
    let main = training ?? inference
    let blockCount =
      options.isTraining ? options.blockCount : min(options.threads, options.blockCount)
    return ArenaLayout(
      sharedByteCount: main.places.sharedByteCount,
      threadCount: options.isTraining ? options.threads : blockCount,
      threadStride: max(main.places.threadByteCount, inference.places.threadByteCount),
      blockCount: blockCount,
      blockStride: max(
        main.places.blockByteCount,
        options.isTraining && blockCount == 1 ? inference.places.blockByteCount : 0),
      blockSize: options.resolvedBlockSize)
  }

  private static func inferenceLayout(_ arena: ArenaLayout, _ inference: BuiltProgram)
    -> ArenaLayout
  {
    var layout = arena
    let stride = max(inference.places.blockByteCount, Arena.alignment)
    let room = arena.blockCount * arena.blockStride / stride
    // The thread parts stay where they are; a thread without a block region sits out.
    layout.blockStride = inference.places.blockByteCount
    layout.blockCount = max(1, min(arena.threadCount, room))
    return layout
  }
}

/// A parameter with its offset: where the file boundary reads and writes it.
public struct PlacedParameter {
  public let layerName: String
  public let description: WeightDescription
  public let layout: ParameterLayout
  public let weight: SharedSlot
  public let gradient: SharedSlot?

  init(_ planned: PlannedParameter, _ places: SlotPlaces) {
    layerName = planned.layerName
    description = planned.description
    layout = planned.layout
    weight = places.shared(planned.weight)
    gradient = planned.gradient.map(places.shared)
  }

  var count: Int { description.shape.reduce(1, *) }
}

/// A program's operations and what they work on.
struct PlannedProgram {
  let operations: [Operation]
  /// The layer that each operation belongs to, and where its output is.
  let origins: [OperationOrigin]
  let layout: ArenaLayout
  let input: (slot: BlockSlot, shape: Shape)
  let output: (slot: BlockSlot, shape: Shape, flattened: (channels: Int, pixels: Int)?)
  let labels: BlockSlot
  let labelOrder: (channels: Int, pixels: Int)

  init(_ built: BuiltProgram, layout: ArenaLayout) {
    operations = built.operations
    origins = built.origins
    self.layout = layout
    input = (built.places.block(built.input.slot), built.input.shape)
    output = (
      built.places.block(built.output.slot), built.output.shape, built.output.flattened
    )
    labels = built.places.block(built.labels)
    labelOrder = built.labelOrder
  }
}

/// What an operation computes, in the words of the model.
struct OperationOrigin {
  var layer: String
  var output: BlockSlot
  var elementCount: Int
}

// MARK: - Building a program

/// A program whose slots have places within their scopes.
struct BuiltProgram {
  var operations: [Operation] = []
  var origins: [OperationOrigin] = []
  var places: SlotPlaces
  var steps: [String]
  var parameters: [PlannedParameter]
  var input: PlannedValue
  var output: PlannedValue
  var labels: SlotID
  /// How the engine orders the classes: [channel][pixel].
  var labelOrder = (channels: 1, pixels: 1)
  private var liveBytes: (shared: Int, thread: Int, block: Int)

  init(
    _ plan: PlanBuilder, input: PlannedValue, output: PlannedValue, labels: SlotID
  ) {
    places = plan.place()
    steps = plan.steps
    parameters = plan.parameters
    self.input = input
    self.output = output
    self.labels = labels
    let shared = plan.slots.filter { $0.scope == .shared }.reduce(0) { $0 + $1.byteCount }
    liveBytes = (shared, plan.lowerBound(.thread), plan.lowerBound(.block))
  }

  func lowerBound(_ layout: ArenaLayout) -> Int {
    liveBytes.shared + layout.threadCount * liveBytes.thread + layout.blockCount * liveBytes.block
  }
}

extension NetworkPlan {
  /// A model for training ends in softmax, which the loss takes over, and trains every layer.
  private static func checkTrainable(_ model: SequentialModel, _ shapes: [Shape])
    throws(ModelError)
  {
    guard case .vector? = shapes.last, endsInSoftmax(model) else {
      throw .notTrainable(
        "its last layer must be a softmax over at most 256 classes (for cross-entropy)")
    }
    guard try model.parameterCount() > 0 else {
      throw .notTrainable("none of its layers has weights")
    }
    if let frozen = model.layers.first(where: { model.frozenLayers.contains($0.name) }) {
      throw .notTrainable(
        "layer '\(frozen.name)' is frozen (trainable: false); set trainable to true")
    }
  }

  /// Labels are bytes, so a loss needs at most 256 classes.
  static func endsInSoftmax(_ model: SequentialModel) -> Bool {
    guard let classes = try? model.shapes().last?.elementCount, classes <= 256 else { return false }
    return switch model.layers.last {
    case let dense as Dense: dense.activation == .softmax
    case let activation as Activation: activation.function == .softmax
    default: false
    }
  }

  /// Dense layers with softmax as two layers, so that every activation left in a kernel is element-wise.
  private static func lowered(_ model: SequentialModel) -> [any Layer] {
    let names = Set(model.layers.map(\.name))
    var layers: [any Layer] = []
    for layer in model.layers {
      if var dense = layer as? Dense, dense.activation == .softmax {
        dense.activation = .linear
        var name = "\(dense.name)/softmax"
        while names.contains(name) { name += "'" }
        layers += [dense, Activation(name: name, function: .softmax)]
      } else {
        layers.append(layer)
      }
    }
    return layers
  }

  private static func build(_ model: SequentialModel, _ options: PlanOptions, isTraining: Bool)
    -> BuiltProgram
  {
    let plan = PlanBuilder(isTraining: isTraining, blockSize: options.resolvedBlockSize)
    var layers = lowered(model)
    // The loss is computed on the logits; in training the probabilities themselves are not needed.
    let hasLoss = endsInSoftmax(model)
    let probabilities = hasLoss ? layers.removeLast() : nil

    plan.beginStep("load input")
    let labels = plan.reserve(
      "labels", shape: [plan.blockSize], region: .activations, scope: .block,
      lasting: true, elementByteCount: 1)
    let input = PlannedValue(
      slot: plan.reserveActivation("input", shape: model.input), shape: model.input)
    var value = input
    var planned: [(name: String, layer: any PlannedLayer)] = []
    for layer in layers {
      plan.beginStep("forward \(layer.name)")
      let next = layer.plan(value, in: plan)
      planned.append((layer.name, next))
      value = next.output
    }

    var gradient: SlotID?
    let loss = hasLoss ? PlannedLoss(position: planned.count, logits: value) : nil
    if let loss {
      plan.beginStep("loss")
      plan.use(loss.logits.slot)
      if isTraining { gradient = plan.reserveActivation("loss/gradient", shape: value.shape) }
    }
    if !isTraining, let probabilities {
      plan.beginStep("forward \(probabilities.name)")
      let next = probabilities.plan(value, in: plan)
      planned.append((probabilities.name, next))
      value = next.output
    }
    if isTraining, let gradient { planBackward(planned, gradient, plan) }
    plan.beginStep(isTraining ? "update" : "store output")
    plan.use(value.slot)

    var built = BuiltProgram(plan, input: input, output: value, labels: labels)
    built.addOperations(planned.map { ($0.name, $0.layer) }, loss, gradient: gradient)
    return built
  }

  private static func planBackward(
    _ planned: [(name: String, layer: any PlannedLayer)], _ outputGradient: SlotID,
    _ plan: PlanBuilder
  ) {
    // dX is needed as far back as there is something to train.
    let trained = Set(plan.parameters.filter { $0.gradient != nil }.map(\.layerName))
    guard let first = planned.firstIndex(where: { trained.contains($0.name) }) else { return }
    var gradient = outputGradient
    for index in planned.indices.reversed() where index >= first {
      plan.beginStep("backward \(planned[index].name)")
      guard
        let next = planned[index].layer.planBackward(
          outputGradient: gradient, needsInputGradient: index > first, in: plan)
      else { return }
      gradient = next
    }
  }
}

/// Where the loss stands: behind `position` layers, on their output.
struct PlannedLoss {
  var position: Int
  var logits: PlannedValue
}

extension BuiltProgram {
  mutating func addOperations(
    _ planned: [(name: String, layer: any PlannedLayer)], _ loss: PlannedLoss?, gradient: SlotID?
  ) {
    for (index, (name, layer)) in planned.enumerated() {
      if let loss, loss.position == index { addLoss(loss, gradient) }
      guard let operation = layer.operation(in: places) else { continue }
      operations.append(operation)
      origins.append(
        OperationOrigin(
          layer: name, output: places.block(layer.output.slot),
          elementCount: layer.output.shape.elementCount))
    }
    if let loss, loss.position == planned.count { addLoss(loss, gradient) }
  }

  private mutating func addLoss(_ loss: PlannedLoss, _ gradient: SlotID?) {
    let logits = loss.logits
    labelOrder = logits.flattened ?? (logits.shape.elementCount, 1)
    operations.append(
      .crossEntropy(
        CrossEntropyOperation(
          classCount: Int32(logits.shape.elementCount), logits: places.block(logits.slot),
          labels: places.block(labels), gradient: gradient.map(places.block))))
    origins.append(
      OperationOrigin(
        layer: "loss", output: places.block(logits.slot),
        elementCount: logits.shape.elementCount))
  }
}

extension NetworkPlan {
  /// Whether the model's outputs are probabilities that a cross-entropy loss is computed for.
  public var endsInSoftmax: Bool { NetworkPlan.endsInSoftmax(model) }
}
