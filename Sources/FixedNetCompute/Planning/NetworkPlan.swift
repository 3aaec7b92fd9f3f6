import CSupport
import FixedNetCore

/// What a network is to be planned for.
public struct PlanOptions: Sendable, Equatable {
  /// Images of one run: the mini-batch of a training step, or the images of one inference call.
  public var batch: Int
  /// Whether there is a program that trains beside the one that only runs forward.
  public var isTraining: Bool
  /// Threads that share the work; the weights do not depend on it.
  public var threads: Int
  /// Images per block, 16 or 1; nil: 16 for batches of 8 and more, else 1.
  public var blockSize: Int?
  /// nil: what the model's end asks for, see `Loss`.
  public var loss: Loss?
  /// Training: the optimiser, whose state the plan has room for.
  public var optimizer = Optimizer.sgd
  /// What is done to gradients that are too large.
  public var clipping = Clipping.none
  /// What becomes of numbers below the smallest normal one while the network runs; needs no memory.
  public var subnormals = Subnormals.flush
  /// Whether BN's moving variance of images is the unbiased one, as Keras 2 has it (Keras 3: the biased one).
  public var usesUnbiasedVariance = false
  /// Whether activations run inside the kernels of the layers before them. Without, every layer's output can be looked
  /// at; the results have the same bits, but for a tanh and Rescaling(1/2, 1/2), which are one scaled sigmoid when fused.
  public var fusesLayers = true
  /// Whether the input stays in the arena: a full batch, loaded once.
  public var keepsInput = false
  /// Whether products with the Hessian can be formed (R-operator).
  package var isSecondOrder = false
  /// Whether the gradient leaves out the factor 2 of the scaled sigmoid's derivative, in every layer and in the loss: the
  /// perceptron notebook's mistake, for comparison.
  package var usesReferenceGradient = false
  /// Floats that a solver works in, beside the network.
  package var workspaceCount = 0
  /// Whether each layer's weights are updated in the backward pass, as soon as their gradients are known, which then
  /// need no memory; the same bits. For a mini-batch of one block, on one thread: see `updateObstacle`.
  public var updatesInBackward = false
  /// Whether the backward pass may compute outputs again instead of keeping them; the same bits. Without a budget it
  /// computes again what makes the plan smallest, as long as a step takes at most 1.6 times the multiply-adds.
  public var recomputes = false
  /// With `recomputes`: bytes that the plan should fit into at the least cost, whatever that is. Where nothing fits the plan
  /// is as small as it gets.
  public var memoryBudget: Int?

  /// Whether the program is written for a device, in C: slots begin anywhere, and its kernels need no scratch. It cannot be
  /// run here.
  package var isForDevice = false

  /// What is done to the images of a training step, while they are read from the data set: no memory is needed for it.
  /// Inference and gradients alone see them as they are.
  public var augmentation = Augmentation()

  /// `batch`: samples of a step. `blockSize`: images that one thread works on together, 16 or 1; nil: 16 from a batch
  /// of 8.
  public init(
    batch: Int, isTraining: Bool, threads: Int = 1, blockSize: Int? = nil, loss: Loss? = nil,
    optimizer: Optimizer = .sgd, clipping: Clipping = .none
  ) {
    self.batch = batch
    self.isTraining = isTraining
    self.threads = threads
    self.blockSize = blockSize
    self.loss = loss
    self.optimizer = optimizer
    self.clipping = clipping
  }

  /// Images that one thread works on together.
  public var resolvedBlockSize: Int { blockSize ?? (batch >= 8 ? 16 : 1) }
  /// Blocks of one run.
  public var blockCount: Int { (batch + resolvedBlockSize - 1) / resolvedBlockSize }

  /// Whether a training step may compute outputs again.
  var computesAgain: Bool { isTraining && recomputes && !isSecondOrder && !keepsInput }

  /// Inference: whether several threads may work on one block, each with scratch of its own.
  var sharesBlocks = false

  /// Whether one thread runs one block at a time: its scratch and the block's slots then share their space.
  var isSingle: Bool {
    isTraining
      ? threads == 1 && blockCount == 1 : min(threads, blockCount) == 1 && !sharesBlocks
  }

  /// Why the weights cannot be updated in the backward pass; nil where they can.
  public var updateObstacle: String? {
    if clipping.needsNorms {
      return "clipping by norm needs the whole gradient before the first weight changes"
    }
    if isSecondOrder || keepsInput || workspaceCount > 0 {
      return "a full-batch solver needs the whole gradient"
    }
    if blockCount > 1 {
      let images = resolvedBlockSize == 1 ? "1 image" : "\(resolvedBlockSize) images"
      return
        "a batch of \(batch) is \(blockCount) blocks of \(images), whose gradients are added up "
        + "first"
    }
    return nil
  }
}

/// A planned network: the memory plan and the operations of its programs, not yet in an arena.
public struct NetworkPlan {
  /// What was planned.
  public let model: Model
  /// What it was planned for.
  public let options: PlanOptions
  /// Where everything lives.
  public let memory: MemoryPlan
  /// Parameters in file order, with their places in the shared part.
  package let parameters: [PlacedParameter]
  /// The layers that the backward pass runs again.
  public let recomputedLayers: [String]
  /// What that costs for one image.
  public let recomputedMultiplyAdds: Int
  /// Whether the backward pass brings the input once more, whose memory has served others.
  public let loadsInputAgain: Bool
  /// Bytes that the plan would need more without.
  public let recomputationSavedByteCount: Int
  /// What is computed where there are labels or targets; nil for a model whose end suits none and no loss was asked for.
  public let loss: Loss?
  /// nil in an inference plan.
  package let training: PlannedProgram?
  package let inference: PlannedProgram
  /// What is written into the arena before anything runs.
  package let constants: [PlannedConstant]
  /// The solver's floats.
  let workspace: SharedSlot?

  /// Throws: `ModelError` where the layers do not fit together, or cannot be trained as asked; `.option`, `.optimizer`
  /// for numbers that no plan can have.
  public init(_ model: Model, options: PlanOptions) throws(ModelError) {
    try options.check()
    var options = options
    if options.updatesInBackward {
      if let obstacle = options.updateObstacle { throw .updateInBackward(obstacle) }
      options.threads = 1
    }
    self.model = model
    self.options = options
    let outputs = try model.shapes().output
    let whole = try Graph(model)
    var graph = whole.lowered(fuses: options.fusesLayers)
    let loss = options.loss ?? Loss.natural(for: graph.end, outputs: outputs)
    let head = try loss?.head(for: graph.end, outputs: outputs)
    if head?.replacesLastLayer != true {
      graph = whole.lowered(fuses: options.fusesLayers, keepsLast: false)
    }
    if options.isTraining {
      try NetworkPlan.checkTrainable(model, graph, loss)
      try options.checkAugmentation(of: model)
    }
    if options.isTraining, options.isSecondOrder {
      try NetworkPlan.checkTangents(model, graph, head)
    }
    func builder(isTraining: Bool, recomputes: Bool = false) throws(ModelError) -> ProgramBuilder {
      var options = options
      options.recomputes = recomputes
      return try ProgramBuilder(
        model, graph, options, head, outputs: outputs, isTraining: isTraining)
    }
    var inference = try builder(isTraining: false).build()
    if !options.isTraining, options.threads > options.blockCount,
      try NetworkPlan.sharesBlocks(inference, options)
    {
      options.sharesBlocks = true
      inference = try builder(isTraining: false).build()
    }
    var training = options.isTraining ? try builder(isTraining: true).build() : nil
    var savedByteCount = 0
    if options.computesAgain, let keeping = training {
      let before = try NetworkPlan.layout(options, training: keeping, inference: inference)
        .byteCount
      if before > options.memoryBudget ?? 0 {
        let builder = try builder(isTraining: true, recomputes: true)
        let again = try RecomputationChoice(builder, options, inference: inference).program()
        let after = try NetworkPlan.layout(options, training: again, inference: inference).byteCount
        if after < before { (training, savedByteCount) = (again, before - after) }
      }
    }
    self.loss = loss
    let main = training ?? inference
    let layout = try NetworkPlan.layout(options, training: training, inference: inference)
    recomputationSavedByteCount = savedByteCount
    recomputedMultiplyAdds = main.recomputedMultiplyAdds
    memory = MemoryPlan(
      slots: main.places.slots, layout: layout, steps: main.steps,
      lowerBound: main.places.lowerBound(layout, inference: inference.places),
      leastByteCount: main.places.leastByteCount(layout, inference: inference.places))
    self.inference = PlannedProgram(
      inference, layout: NetworkPlan.inferenceLayout(layout, inference))
    self.training = training.map {
      PlannedProgram(
        $0, layout: layout, updatesInBackward: options.updatesInBackward,
        augmentation: options.augmentation.input(model.input))
    }
    recomputedLayers = main.recomputedLayers
    loadsInputAgain = main.loadsInputAgain
    parameters = main.parameters
    constants = main.constants
    workspace = main.workspace
  }

  /// The arena of a training plan holds the inference program too: the same shared part, a thread part that suits
  /// both, and as many of its block regions as the training blocks have room for.
  static func layout(
    _ options: PlanOptions, training: BuiltProgram?, inference: BuiltProgram
  ) throws(ModelError) -> ArenaLayout {
    let main = training ?? inference
    let blockCount =
      options.isTraining ? options.blockCount : min(options.threads, options.blockCount)
    let layout = ArenaLayout(
      sharedByteCount: main.places.sharedByteCount,
      threadCount: options.isTraining || options.sharesBlocks ? options.threads : blockCount,
      threadStride: max(main.places.threadByteCount, inference.places.threadByteCount),
      blockCount: blockCount,
      blockStride: max(
        main.places.blockByteCount,
        options.isTraining && blockCount == 1 ? inference.places.blockByteCount : 0),
      blockSize: options.resolvedBlockSize)
    try layout.check()
    return layout
  }

  /// Whether it pays that threads work on one block of an inference plan together.
  private static func sharesBlocks(
    _ inference: BuiltProgram, _ options: PlanOptions
  ) throws(ModelError) -> Bool {
    let layout = try layout(options, training: nil, inference: inference)
    return LoadedProgram(PlannedProgram(inference, layout: layout)).program.sharesBlocks
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

extension NetworkPlan {
  /// The first layer that normalises over the whole batch in training; nil where every image can go on its own.
  public var couplingLayer: String? { model.couplingLayer }
}

extension Model {
  package var couplingLayer: String? {
    layers.first { $0 is BatchNormalization && !frozenLayers.contains($0.name) }?.name
  }

  /// The batch normalisation of the data that training takes into the convolution reading it, which pads nothing. That
  /// convolution needs no dX then.
  package var foldedInputNormalization: (normalization: String, convolution: String)? {
    guard let sources = try? sources(),
      let first = layers.firstIndex(where: { $0 is BatchNormalization }),
      sources[first] == [Model.inputPosition],
      let second = sources.firstIndex(of: [first]),
      sources.joined().count(where: { $0 == first }) == 1,
      let convolution = layers[second] as? Conv2D, convolution.usesBias, convolution.isPlain,
      !frozenLayers.contains(layers[first].name), !frozenLayers.contains(convolution.name)
    else { return nil }
    let shape = convolution.kernelShape(for: input)
    guard shape.padTop == 0, shape.padBottom == 0, shape.padLeft == 0, shape.padRight == 0 else {
      return nil
    }
    return (layers[first].name, convolution.name)
  }
}

/// A program's operations and what they work on.
package struct PlannedProgram {
  package let operations: [any OperationDescription]
  /// The forward pass runs the first so many operations.
  package let forwardCount: Int
  /// What the backward pass runs, in its order.
  package let backwardSteps: [BackwardStep]
  /// The layer that each operation belongs to, and where its output is.
  package let origins: [OperationOrigin]
  package let layout: ArenaLayout
  package let input: (slot: BlockSlot, shape: Shape)
  package let output: (slot: BlockSlot, shape: Shape, flattened: (channels: Int, pixels: Int)?)
  package let targets: TargetSlot?
  package let parameters: [Parameter]

  let squaredNorms: SharedSlot?
  let updatesInBackward: Bool
  let augmentation: InputAugmentation?
  let stripes: StripeLayout?

  /// Where the outputs of the model's layers are; those that another one absorbed have none.
  let outputs: [String: OutputPlace]

  init(
    _ built: BuiltProgram, layout: ArenaLayout, updatesInBackward: Bool = false,
    augmentation: InputAugmentation? = nil
  ) {
    self.updatesInBackward = updatesInBackward
    self.augmentation = augmentation
    stripes = built.stripes
    operations = built.operations
    forwardCount = built.forwardCount
    backwardSteps = built.backwardSteps
    origins = built.origins
    outputs = built.outputs
    self.layout = layout
    input = (built.input.slot.block, built.input.shape)
    output = (built.output.slot.block, built.output.shape, built.output.flattened)
    targets = built.targets
    parameters = built.parameters.compactMap(\.trained)
    squaredNorms = built.squaredNorms
  }
}
