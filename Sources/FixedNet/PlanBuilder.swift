import CSupport
import FixedNetCore

/// A slot that has been reserved and not yet placed.
public struct SlotID: Hashable, Sendable {
  let index: Int
}

/// A value between two layers while they are planned: its slot, its extents, and how its features are ordered.
public struct PlannedValue {
  public var slot: SlotID
  public var shape: Shape
  /// For a flattened image: its channels and pixels. The engine keeps [channel][pixel]; Keras counts [pixel][channel].
  public var flattened: (channels: Int, pixels: Int)?
  /// R-operator: the value's derivative along a direction of the weights; nil for data.
  var tangent: SlotID?
  /// The convolution that the value is the output of.
  weak var convolution: PlannedConv2D?

  public init(slot: SlotID, shape: Shape, flattened: (channels: Int, pixels: Int)? = nil) {
    self.slot = slot
    self.shape = shape
    self.flattened = flattened
  }

  /// How the engine orders one value per feature (or per channel of an image).
  var flattenedLayout: ParameterLayout {
    guard let flattened else { return .plain }
    return .flattened(channels: flattened.channels, pixels: flattened.pixels)
  }
}

/// A parameter with its place: what the file boundary needs to convert it.
public struct PlannedParameter {
  public var layerName: String
  public var description: WeightDescription
  public var layout: ParameterLayout
  public var weight: SlotID
  /// False for moving statistics, in frozen layers and in inference plans.
  public var isTrained = false
  /// nil for what is not trained, and where the gradient is never kept whole.
  public var gradient: SlotID?
  /// The optimiser's slots, as many as it has.
  public var state: [SlotID] = []
  /// R-operator: the direction and the product; nil in plans of first order.
  public var direction: SlotID?
  public var product: SlotID?
}

/// A layer that knows its slots.
public protocol PlannedLayer: AnyObject {
  var output: PlannedValue { get }
  /// Reserves what the backward pass needs. `outputGradient` holds dY; returns the slot that will hold dX, or nil
  /// where it is not needed.
  func planBackward(outputGradient: SlotID, needsInputGradient: Bool, in plan: PlanBuilder)
    -> SlotID?
  /// The operation, once slots have places; nil for a layer that only renames.
  func operation(in places: SlotPlaces) -> (any OperationDescription)?
}

/// Collects slots while the layers of a network are walked forward and back. `reserve` both sizes and places: there
/// is no other way to memory, so the plan and the run cannot disagree.
public final class PlanBuilder {
  public let options: PlanOptions
  public let isTraining: Bool
  /// Layers whose weights training leaves alone.
  private let frozenLayers: Set<String>
  /// Images per block: 16 or 1.
  public let blockSize: Int
  /// Whether what only one block's pass needs is in the thread's part, for one block after the other: in training without
  /// an operation that couples the batch, which takes each block from its input to its gradients.
  private let passesBlocks: Bool
  /// How dense gradients are summed up stripe by stripe; nil where each is a chain over the batch.
  let stripes: StripeLayout?
  public private(set) var slots: [PlannedSlot] = []
  public private(set) var steps: [String] = []
  public private(set) var parameters: [PlannedParameter] = []
  /// Values of the description that the program reads.
  public private(set) var constants: [(slot: SlotID, values: [Float])] = []
  /// R-operator: where the gradient of a value with this tangent has its own tangent.
  var gradientTangents: [SlotID: SlotID] = [:]
  /// The convolutions that the backward pass runs again.
  private(set) var recomputedLayers: [String] = []
  /// A name that was reserved twice: two layers whose names make one.
  private(set) var duplicateSlot: String?
  private var dropoutCount: UInt32 = 0
  private var keptUntilUpdate: Set<SlotID> = []
  private var lastsForever: Set<SlotID> = []

  /// `isTraining`: which of the programs of a plan with these options.
  /// `couplesBatch`: whether training normalises over the whole batch.
  public init(
    _ options: PlanOptions, isTraining: Bool, frozenLayers: Set<String> = [],
    couplesBatch: Bool = false, stripes: StripeLayout? = nil
  ) {
    self.options = options
    self.isTraining = isTraining
    self.frozenLayers = frozenLayers
    self.stripes = stripes
    blockSize = options.resolvedBlockSize
    passesBlocks =
      options.isTraining && !couplesBatch && !options.isSecondOrder
      && options.threads < options.blockCount
  }

  public func isFrozen(_ layer: String) -> Bool { frozenLayers.contains(layer) }

  /// Whether BN's moving variance follows Keras 2 for images.
  var usesUnbiasedVariance: Bool { options.usesUnbiasedVariance }

  func noteRecomputed(_ layer: String) { recomputedLayers.append(layer) }

  /// A number for each dropout layer, from 0.
  func nextDropoutStream() -> UInt32 {
    dropoutCount += 1
    return dropoutCount - 1
  }

  /// Starts the next step of the program.
  public func beginStep(_ name: String) { steps.append(name) }

  private var step: Int { steps.count - 1 }

  /// Reserves a slot that holds something from the current step on, until the last step that `use`s it.
  /// `lasting`: through the whole program, whatever uses it.
  public func reserve(
    _ name: String, shape: [Int], region: Region, scope: Scope, lasting: Bool = false,
    elementByteCount: Int = MemoryLayout<Float>.stride
  ) -> SlotID {
    if slots.contains(where: { $0.name == name }) { duplicateSlot = duplicateSlot ?? name }
    slots.append(
      PlannedSlot(
        name: name, shape: shape, region: region, scope: scope, firstStep: max(step, 0),
        lastStep: max(step, 0), byteCount: shape.reduce(elementByteCount, *)))
    let id = SlotID(index: slots.count - 1)
    if lasting { lastsForever.insert(id) }
    return id
  }

  /// A value with one copy per block: [channels][pixels][B].
  public func reserveActivation(_ name: String, shape: Shape) -> SlotID {
    let extents: [Int] =
      switch shape {
      case .image(let height, let width, let channels): [channels, height, width, blockSize]
      case .matrix(let rows, let columns): [columns, rows, blockSize]
      case .vector(let count): [count, blockSize]
      }
    return reserve(name, shape: extents, region: .activations, scope: .block)
  }

  /// The slot holds something through the whole program, and until the next run.
  public func keep(_ id: SlotID) { lastsForever.insert(id) }

  /// A slot of the R-operator: what a product with the Hessian leaves for its next steps.
  func reserveTangent(_ name: String, shape: Shape) -> SlotID {
    let slot = reserveActivation(name, shape: shape)
    keep(slot)
    return slot
  }

  /// The slot still holds something at the current step.
  public func use(_ id: SlotID) {
    slots[id.index].lastStep = max(slots[id.index].lastStep, step)
  }

  /// The slot is read when the parameters are updated, at the end of the step.
  public func keepUntilUpdate(_ id: SlotID) { keptUntilUpdate.insert(id) }

  /// Reserves a weight and, for a trainable one in a training plan, its gradient. `inPieces`: a layer that can do with
  /// pieces of the gradient where the weights are updated in the backward pass.
  public func reserveParameter(
    layer: String, _ description: WeightDescription, layout: ParameterLayout,
    inPieces: Bool = false
  ) -> PlannedParameter {
    let name = "\(layer)/\(description.name)"
    let weight = reserve(
      name, shape: layout.engineShape(description.shape),
      region: description.isTrainable ? .parameters : .statistics, scope: .shared, lasting: true)
    var gradient: SlotID?
    var state: [SlotID] = []
    var direction: SlotID?
    var product: SlotID?
    let shape = layout.engineShape(description.shape)
    func shared(_ part: String, _ region: Region) -> SlotID {
      reserve("\(name)/\(part)", shape: shape, region: region, scope: .shared, lasting: true)
    }
    let isTrained = isTraining && description.isTrainable && !isFrozen(layer)
    if isTrained {
      if !(inPieces && options.updatesInBackward) { gradient = shared("gradient", .gradients) }
      state = options.optimizer.slotNames.map { shared($0, .optimizer) }
      if options.isSecondOrder {
        direction = shared("direction", .directions)
        product = shared("product", .products)
      }
    }
    let parameter = PlannedParameter(
      layerName: layer, description: description, layout: layout, weight: weight,
      isTrained: isTrained, gradient: gradient, state: state, direction: direction, product: product
    )
    parameters.append(parameter)
    return parameter
  }

  /// Reserves room for `rowCount` rows of a weight's gradient and for the bias', alive during the current step.
  func reservePieces(layer: String, rowCount: Int, columnCount: Int, bias: Bool) -> SlotID {
    reserve(
      "\(layer)/gradient piece", shape: [rowCount + (bias ? 1 : 0), columnCount], region: .scratch,
      scope: .thread)
  }

  /// Reserves room for `count` gradients of each part of the batch, in whole cache lines.
  func reserveParts(_ stripes: StripeLayout, layer: String, count: Int) -> (
    partial: SlotID, stride: Int
  ) {
    let stride = (count + 15) / 16 * 16
    let slot = reserve(
      "\(layer)/partial", shape: [stripes.partCount(blocks: options.blockCount), stride],
      region: .scratch, scope: .shared, lasting: true)
    return (slot, stride)
  }

  /// Reserves values that the program reads and nothing changes.
  public func reserveConstant(_ name: String, _ values: [Float]) -> SlotID {
    let slot = reserve(
      name, shape: [values.count], region: .constants, scope: .shared, lasting: true)
    constants.append((slot, values))
    return slot
  }

  /// Places every slot.
  func place() -> SlotPlaces {
    for index in slots.indices {
      let id = SlotID(index: index)
      if keptUntilUpdate.contains(id) { slots[index].lastStep = steps.count - 1 }
      if lastsForever.contains(id) {
        slots[index].firstStep = 0
        slots[index].lastStep = steps.count - 1
      } else if passesBlocks, slots[index].scope == .block, !keptUntilUpdate.contains(id) {
        slots[index].scope = .thread
      }
    }
    // Parameters, statistics and constants in file order, the same in training and inference; then the rest. Where all
    // layers are trained, gradients, directions and products lie as the parameters do.
    var offset = 0
    for region in Region.allCases {
      for index in slots.indices
      where slots[index].scope == .shared && slots[index].region == region {
        slots[index].byteOffset = offset
        offset += slots[index].alignedByteCount
      }
    }
    // One thread with one block: both parts begin at the same byte.
    let threadByteCount = options.isSingle ? 0 : place([.thread])
    let blockByteCount = place(options.isSingle ? [.thread, .block] : [.block])
    return SlotPlaces(
      slots: slots, sharedByteCount: offset, threadByteCount: threadByteCount,
      blockByteCount: blockByteCount)
  }

  private func place(_ scopes: [Scope]) -> Int {
    let indices = slots.indices.filter { scopes.contains(slots[$0].scope) }
    var part = indices.map { slots[$0] }
    let byteCount = Placement.place(&part)
    for (index, slot) in zip(indices, part) { slots[index] = slot }
    return byteCount
  }

  func lowerBound(_ scopes: [Scope]) -> Int {
    Placement.lowerBound(slots.filter { scopes.contains($0.scope) })
  }
}

/// Where the slots of one program are.
public struct SlotPlaces {
  let slots: [PlannedSlot]
  let sharedByteCount: Int
  let threadByteCount: Int
  let blockByteCount: Int

  func shared(_ id: SlotID) -> SharedSlot { SharedSlot(byteOffset: offset(id, .shared)) }
  func thread(_ id: SlotID) -> ThreadSlot { ThreadSlot(byteOffset: offset(id, .thread)) }
  func block(_ id: SlotID) -> BlockSlot {
    let slot = slots[id.index]
    precondition(slot.scope != .shared, "\(slot.name) is not a block's slot")
    return BlockSlot(byteOffset: slot.byteOffset, isPassing: slot.scope == .thread)
  }

  private func offset(_ id: SlotID, _ scope: Scope) -> Int {
    precondition(slots[id.index].scope == scope, "\(slots[id.index].name) is not a \(scope) slot")
    return slots[id.index].byteOffset
  }

  /// A trained parameter of a training program; nil for others.
  func parameter(_ planned: PlannedParameter) -> Parameter? {
    guard planned.isTrained else { return nil }
    let weight = shared(planned.weight)
    func state(_ index: Int) -> SharedSlot {
      index < planned.state.count ? shared(planned.state[index]) : weight
    }
    return Parameter(
      weight: weight, gradient: planned.gradient.map(shared) ?? weight,
      count: planned.description.shape.reduce(1, *), state: (state(0), state(1), state(2)),
      penalty: planned.description.penalty, direction: planned.direction.map(shared),
      product: planned.product.map(shared))
  }
}
