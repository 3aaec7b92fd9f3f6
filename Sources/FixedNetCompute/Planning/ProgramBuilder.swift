import CSupport
import FixedNetCore

/// A program whose slots have places within their scopes.
struct BuiltProgram {
  var operations: [any OperationDescription] = []
  /// The forward pass runs the first so many.
  var forwardCount = 0
  var backwardSteps: [BackwardStep] = []
  var origins: [OperationOrigin] = []
  let places: PlacedSlots
  let steps: [String]
  let parameters: [PlacedParameter]
  let constants: [PlannedConstant]
  let input: Value
  let output: Value
  /// Where the output of every layer of the model is that has one.
  var outputs: [String: OutputPlace] = [:]
  let targets: TargetSlot?
  let squaredNorms: SharedSlot?
  let workspace: SharedSlot?
  let recomputedLayers: [String]
  /// Whether the backward pass brings the input once more.
  let loadsInputAgain: Bool
  /// Of what the backward pass computes again, for one image.
  let recomputedMultiplyAdds: Int
  let stripes: StripeLayout?

  mutating func add(
    _ operation: any OperationDescription, _ name: String, first: String, _ output: Value,
    isLoss: Bool = false
  ) {
    operations.append(operation)
    origins.append(
      OperationOrigin(
        layer: name, first: first, output: output.slot.block,
        slotName: places.slot(output.slot).name, shape: output.shape, flattened: output.flattened,
        isLoss: isLoss))
  }
}

/// What an operation computes, in the words of the model.
package struct OperationOrigin {
  /// Whose output it is.
  package var layer: String
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

/// Where a layer's output is once the first operations of a program have run.
struct OutputPlace {
  var operationCount: Int
  var slot: BlockSlot
  var shape: Shape
  var flattened: (channels: Int, pixels: Int)?
}

/// Makes one program of a graph.
struct ProgramBuilder {
  private let model: Model
  private let head: LossHead?
  private let isTraining: Bool
  private let options: PlanOptions
  private let stripes: StripeLayout?
  private let folding: (normalization: String, convolution: String)?
  private let graph: Graph
  private let last: Graph.Node?
  private let outputs: Shape

  /// `graph`: of `model`, lowered. `outputs`: the shape of the model's output.
  init(
    _ model: Model, _ graph: Graph, _ options: PlanOptions, _ head: LossHead?,
    outputs: Shape, isTraining: Bool
  ) throws(ModelError) {
    self.model = model
    self.head = head
    self.isTraining = isTraining
    self.options = options
    self.outputs = outputs
    stripes = isTraining ? try StripeLayout(model, options) : nil
    // Blocks of one image keep the normalisation apart.
    let folds = isTraining && options.fusesLayers && options.resolvedBlockSize > 1
    folding = folds ? model.foldedInputNormalization : nil
    let isReplaced = head?.replacesLastLayer == true
    last = isReplaced ? graph.nodes.last : nil
    self.graph = isReplaced ? graph.droppingLast() : graph
  }

  /// Plans twice with the same code: the first walk sizes the slots, the second has their places.
  /// `replacesInputs`: where blocks of one image update the weights at once, gradients of large inputs lie where these were.
  func build(
    _ schedule: RecomputationSchedule? = nil, replacesInputs: Bool = false
  ) throws(ModelError) -> BuiltProgram {
    let sizes = planner(nil, replacesInputs)
    _ = walk(sizes, schedule)
    let places = sizes.place()
    return try walk(planner(places, replacesInputs), schedule).program(places)
  }

  /// What the backward pass reads, and what it would cost to compute that again.
  func flow() -> DataFlow {
    let sizes = planner(nil, true)
    let walk = walk(sizes, nil)
    sizes.settle()
    return DataFlow(walk, options)
  }

  /// Whether there can be such gradients.
  var replacesSome: Bool {
    options.computesAgain && options.updatesInBackward && !options.isForDevice
      && options.resolvedBlockSize == 1
  }

  private func walk(_ planner: Planner, _ schedule: RecomputationSchedule?) -> ProgramWalk {
    ProgramWalk(
      planner, graph, last: last, head, input: model.input, outputs: outputs, schedule: schedule)
  }

  private func planner(_ placed: PlacedSlots?, _ replacesInputs: Bool) -> Planner {
    Planner(
      options, isTraining: isTraining, frozenLayers: model.frozenLayers,
      couplesBatch: model.couplingLayer != nil, stripes: stripes, folding: folding,
      replacesInputs: replacesInputs && replacesSome, placed: placed)
  }
}

extension StripeLayout {
  /// For a full batch of at least 64 blocks and a network of small dense layers: those with many weights make enough of
  /// what they read, and their gradients of every part would take much memory. nil for others, and where Hessian products
  /// read each image's dZ as a row.
  init?(_ model: Model, _ options: PlanOptions) throws(ModelError) {
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
