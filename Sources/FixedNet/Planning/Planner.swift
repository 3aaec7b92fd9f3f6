import CSupport
import FixedNetCore

/// Memory that a layer has reserved. The layers are planned twice by the same code: the first pass sizes the slots, the
/// second finds them placed.
public struct Slot: Hashable, Sendable {
  fileprivate let index: Int
  fileprivate let scope: Scope
  private let byteOffset: Int

  fileprivate init(index: Int, _ planned: PlannedSlot) {
    self.index = index
    scope = planned.scope
    byteOffset = planned.byteOffset
  }

  var shared: SharedSlot {
    precondition(scope == .shared, "not a shared slot")
    return SharedSlot(byteOffset: byteOffset)
  }
  var thread: ThreadSlot {
    precondition(scope == .thread, "not a thread's slot")
    return ThreadSlot(byteOffset: byteOffset)
  }
  var block: BlockSlot {
    precondition(scope != .shared, "not a block's slot")
    return BlockSlot(byteOffset: byteOffset, isPassing: scope == .thread)
  }
}

/// Collects slots while the layers of a network are walked forward and back. `reserve` both sizes and places: there
/// is no other way to memory, so the plan and the run cannot disagree.
public final class Planner {
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
  /// Batch normalisation of the data and the convolution that takes it in; nil where there is no such pair.
  let folding: (normalization: String, convolution: String)?
  public private(set) var slots: [PlannedSlot] = []
  public private(set) var steps: [String] = []
  public private(set) var parameters: [PlacedParameter] = []
  /// Values of the description that the program reads.
  private(set) var constants: [PlannedConstant] = []
  /// R-operator: where the gradient of a value with this tangent has its own tangent.
  var gradientTangents: [Slot: Slot] = [:]
  /// The convolutions that the backward pass runs again.
  private(set) var recomputedLayers: [String] = []
  /// A name that was reserved twice: two layers whose names make one.
  private(set) var duplicateSlot: String?
  /// The slots of the first pass; nil in it.
  private let placed: PlacedSlots?
  private var names: Set<String> = []
  private var dropoutCount: UInt32 = 0
  private var keptUntilUpdate: Set<Int> = []
  private var lastsForever: Set<Int> = []

  /// `isTraining`: which of the programs of a plan with these options.
  /// `couplesBatch`: whether training normalises over the whole batch.
  /// `placed`: in the second pass, what the first one came to.
  init(
    _ options: PlanOptions, isTraining: Bool, frozenLayers: Set<String> = [],
    couplesBatch: Bool = false, stripes: StripeLayout? = nil,
    folding: (normalization: String, convolution: String)? = nil, placed: PlacedSlots? = nil
  ) {
    self.options = options
    self.isTraining = isTraining
    self.frozenLayers = frozenLayers
    self.stripes = stripes
    self.folding = folding
    self.placed = placed
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

  private var step: Int { max(steps.count - 1, 0) }

  // MARK: - Slots

  /// Reserves a slot that holds something from the current step on, until the last step that `use`s it.
  /// `lasting`: through the whole program, whatever uses it.
  public func reserve(
    _ name: String, shape: [Int], region: Region, scope: Scope, lasting: Bool = false,
    elementByteCount: Int = MemoryLayout<Float>.stride
  ) -> Slot {
    let index = slots.count
    if !names.insert(name).inserted { duplicateSlot = duplicateSlot ?? name }
    let byteCount = shape.reduce(elementByteCount, *)
    if let placed {
      let slot = placed.slots[index]
      precondition(slot.name == name && slot.byteCount == byteCount, "the passes disagree: \(name)")
      slots.append(slot)
    } else {
      slots.append(
        PlannedSlot(
          name: name, shape: shape, region: region, scope: scope, firstStep: step, lastStep: step,
          byteCount: byteCount))
    }
    if lasting { lastsForever.insert(index) }
    return Slot(index: index, slots[index])
  }

  /// A value with one copy per block: [channels][pixels][B].
  public func reserveActivation(_ name: String, shape: Shape) -> Slot {
    let extents: [Int] =
      switch shape {
      case .image(let height, let width, let channels): [channels, height, width, blockSize]
      case .matrix(let rows, let columns): [columns, rows, blockSize]
      case .vector(let count): [count, blockSize]
      }
    return reserve(name, shape: extents, region: .activations, scope: .block)
  }

  /// The output of a layer.
  func reserveOutput(
    _ layer: String, shape: Shape, flattened: (channels: Int, pixels: Int)? = nil
  ) -> Value {
    Value(
      slot: reserveActivation("\(layer)/output", shape: shape), shape: shape, flattened: flattened)
  }

  /// The slot holds something through the whole program, and until the next run.
  public func keep(_ slot: Slot) { lastsForever.insert(slot.index) }

  /// A slot of the R-operator: what a product with the Hessian leaves for its next steps.
  func reserveTangent(_ name: String, shape: Shape) -> Slot {
    let slot = reserveActivation(name, shape: shape)
    keep(slot)
    return slot
  }

  /// The slot still holds something at the current step.
  public func use(_ slot: Slot) {
    slots[slot.index].lastStep = max(slots[slot.index].lastStep, step)
  }

  /// The slot is read when the parameters are updated, at the end of the step.
  public func keepUntilUpdate(_ slot: Slot) { keptUntilUpdate.insert(slot.index) }

  /// The slot is read when its layer's parameters are updated, which may be in the backward pass.
  func keepForUpdate(_ slot: Slot) {
    if options.updatesInBackward { use(slot) } else { keepUntilUpdate(slot) }
  }

  // MARK: - Parameters

  /// Reserves a weight and, for a trainable one in a training plan, its gradient. `inPieces`: a layer that can do with
  /// pieces of the gradient where the weights are updated in the backward pass.
  func reserveParameter(
    layer: String, _ description: WeightDescription, layout: ParameterLayout,
    inPieces: Bool = false
  ) -> PlacedParameter {
    let name = "\(layer)/\(description.name)"
    let shape = layout.engineShape(description.shape)
    let weight = reserve(
      name, shape: shape, region: description.isTrainable ? .parameters : .statistics,
      scope: .shared, lasting: true)
    func shared(_ part: String, _ region: Region) -> SharedSlot {
      reserve("\(name)/\(part)", shape: shape, region: region, scope: .shared, lasting: true).shared
    }
    var parameter = PlacedParameter(
      layerName: layer, description: description, layout: layout, weight: weight.shared,
      isTrained: isTraining && description.isTrainable && !isFrozen(layer))
    if parameter.isTrained {
      if !(inPieces && options.updatesInBackward) {
        parameter.gradient = shared("gradient", .gradients)
      }
      parameter.state = options.optimizer.slotNames.map { shared($0, .optimizer) }
      if options.isSecondOrder {
        parameter.direction = shared("direction", .directions)
        parameter.product = shared("product", .products)
      }
    }
    parameters.append(parameter)
    return parameter
  }

  /// Reserves a kernel and its bias, where there is one, of a layer that can do with pieces of their gradients.
  func reserveKernel(
    layer: String, _ descriptions: [WeightDescription], layout: ParameterLayout
  ) -> (kernel: PlacedParameter, bias: PlacedParameter?) {
    let kernel = reserveParameter(layer: layer, descriptions[0], layout: layout, inPieces: true)
    guard descriptions.count > 1 else { return (kernel, nil) }
    return (
      kernel, reserveParameter(layer: layer, descriptions[1], layout: .plain, inPieces: true)
    )
  }

  /// Reserves room for `rowCount` rows of a weight's gradient and for the bias', alive during the current step.
  func reservePieces(layer: String, rowCount: Int, columnCount: Int, bias: Bool) -> GradientPieces {
    let slot = reserve(
      "\(layer)/gradient piece", shape: [rowCount + (bias ? 1 : 0), columnCount], region: .scratch,
      scope: .thread)
    return GradientPieces(slot: slot.thread, rowCount: rowCount)
  }

  /// Reserves room for a block's part of the gradients of a layer's weights; nil where they are not trained.
  func reservePartial(
    layer: String, _ first: PlacedParameter, _ second: PlacedParameter?
  ) -> PartialGradients? {
    guard let trained = first.trained else { return nil }
    let slot = reserve(
      "\(layer)/partial", shape: [first.count + (second?.count ?? 0)], region: .gradients,
      scope: .block)
    if !options.updatesInBackward { keepUntilUpdate(slot) }
    return PartialGradients(
      partial: slot.block, first: trained, second: second?.trained,
      updatesInBackward: options.updatesInBackward)
  }

  /// Reserves room for `count` gradients of each part of the batch, in whole cache lines.
  func reserveParts(_ stripes: StripeLayout, layer: String, count: Int) -> GradientStripes {
    let stride = (count + 15) / 16 * 16
    let slot = reserve(
      "\(layer)/partial", shape: [stripes.partCount(blocks: options.blockCount), stride],
      region: .scratch, scope: .shared, lasting: true)
    return GradientStripes(layout: stripes, partial: slot.shared, stride: stride)
  }

  /// Reserves values that the program reads and nothing changes.
  func reserveConstant(_ name: String, _ values: [Float]) -> SharedSlot {
    reserveConstant(name, count: values.count) { values }
  }

  /// `values`: asked for once there is memory.
  func reserveConstant(_ name: String, count: Int, _ values: @escaping () -> [Float]) -> SharedSlot
  {
    let slot = reserve(
      name, shape: [count], region: .constants, scope: .shared, lasting: true
    ).shared
    constants.append((slot, values))
    return slot
  }

  // MARK: - Placing

  /// Places every slot, at the end of the first pass.
  func place() -> PlacedSlots {
    for index in slots.indices {
      if keptUntilUpdate.contains(index) { slots[index].lastStep = steps.count - 1 }
      if lastsForever.contains(index) {
        slots[index].firstStep = 0
        slots[index].lastStep = steps.count - 1
      } else if passesBlocks, slots[index].scope == .block, !keptUntilUpdate.contains(index) {
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
    let isSingle = options.isSingle
    let thread = isSingle ? (byteCount: 0, leastByteCount: 0) : place([.thread])
    let block = place(isSingle ? [.thread, .block] : [.block])
    return PlacedSlots(
      slots: slots, sharedByteCount: offset, threadByteCount: thread.byteCount,
      blockByteCount: block.byteCount,
      leastBytes: (offset, thread.leastByteCount, block.leastByteCount),
      liveBytes: (
        slots.filter { $0.scope == .shared }.reduce(0) { $0 + $1.byteCount },
        isSingle ? 0 : lowerBound([.thread]),
        lowerBound(isSingle ? [.thread, .block] : [.block])
      ))
  }

  /// `leastByteCount`: no placement needs fewer.
  private func place(_ scopes: [Scope]) -> (byteCount: Int, leastByteCount: Int) {
    let indices = slots.indices.filter { scopes.contains(slots[$0].scope) }
    let solution = Placement.solve(indices.map { slots[$0] })
    for (index, offset) in zip(indices, solution.offsets) { slots[index].byteOffset = offset }
    return (solution.byteCount, solution.lowerBound)
  }

  private func lowerBound(_ scopes: [Scope]) -> Int {
    Placement.lowerBound(slots.filter { scopes.contains($0.scope) })
  }
}

/// What is written into the arena before anything runs.
typealias PlannedConstant = (slot: SharedSlot, values: () -> [Float])

/// The slots of one program, with their places within their scopes.
struct PlacedSlots {
  let slots: [PlannedSlot]
  let sharedByteCount: Int
  let threadByteCount: Int
  let blockByteCount: Int
  /// What no placement of aligned slots can do without. Units: bytes.
  let leastBytes: (shared: Int, thread: Int, block: Int)
  /// The largest sums of live slots, which no placement can do without. Units: bytes.
  let liveBytes: (shared: Int, thread: Int, block: Int)

  /// The least that any placement takes in this arena. `inference`: the other program, which shares the threads' parts.
  func leastByteCount(_ layout: ArenaLayout, inference: PlacedSlots) -> Int {
    let thread = max(leastBytes.thread, inference.leastBytes.thread)
    return leastBytes.shared + layout.threadCount * thread + layout.blockCount * leastBytes.block
  }

  func slot(_ slot: Slot) -> PlannedSlot { slots[slot.index] }

  /// `inference`: the other program of the arena, which shares the threads' parts.
  func lowerBound(_ layout: ArenaLayout, inference: PlacedSlots) -> Int {
    let thread = max(liveBytes.thread, inference.liveBytes.thread)
    return liveBytes.shared + layout.threadCount * thread + layout.blockCount * liveBytes.block
  }
}
