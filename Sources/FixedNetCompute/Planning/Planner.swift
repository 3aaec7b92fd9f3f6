import CSupport
import FixedNetCore

/// Memory that a layer has reserved. The layers are planned twice by the same code: the first pass sizes the slots, the
/// second finds them placed.
package struct Slot: Hashable, Sendable {
  let index: Int
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
package final class Planner {
  package let options: PlanOptions
  package let isTraining: Bool
  /// Layers whose weights training leaves alone.
  private let frozenLayers: Set<String>
  /// Images per block: 16 or 1.
  package let blockSize: Int
  /// Whether the gradient of a convolution's input may lie where the input was.
  let replacesInputs: Bool
  /// Whether what only one block's pass needs is in the thread's part, for one block after the other: in training without
  /// an operation that couples the batch, which takes each block from its input to its gradients.
  private let passesBlocks: Bool
  /// How dense gradients are summed up stripe by stripe; nil where each is a chain over the batch.
  let stripes: StripeLayout?
  /// Batch normalisation of the data and the convolution that takes it in; nil where there is no such pair.
  let folding: (normalization: String, convolution: String)?
  package private(set) var slots: [PlannedSlot] = []
  package private(set) var steps: [String] = []
  package internal(set) var parameters: [PlacedParameter] = []
  /// Values of the description that the program reads.
  var constants: [PlannedConstant] = []
  /// R-operator: where the gradient of a value with this tangent has its own tangent.
  var gradientTangents: [Slot: Slot] = [:]
  /// The layers that the backward pass runs again.
  private(set) var recomputedLayers: [String] = []
  /// What that costs for one image.
  private(set) var recomputedMultiplyAdds = 0
  /// Where the reader of a convolution, by its name, leaves dZ; none where it leaves dY.
  var deltas: [String: Slot] = [:]
  /// The slots that were used since `watchUses`.
  private(set) var usedSlots: Set<Slot> = []
  /// A name that was reserved twice: two layers whose names make one.
  private(set) var duplicateSlot: String?
  /// The slots of the first pass; nil in it.
  private let placed: PlacedSlots?
  /// The slot that was last reserved under each name.
  private var latest: [String: Int] = [:]
  private(set) var replay: Replay?
  /// How often a layer was planned again so far.
  private var replayCount = 0
  private var dropoutCount: UInt32 = 0
  /// The numbers of the dropout of each layer, by its number in the graph, and how many of them were given out again.
  private var dropoutStreams: [Int: [UInt32]] = [:]
  private var node = 0
  private var repeatedStreams = 0
  private var keptUntilUpdate: Set<Int> = []
  private var lastsForever: Set<Int> = []
  private var carried: Set<Int> = []
  private var unused: Set<Int> = []

  /// `isTraining`: which of the programs of a plan with these options.
  /// `couplesBatch`: whether training normalises over the whole batch.
  /// `placed`: in the second pass, what the first one came to.
  init(
    _ options: PlanOptions, isTraining: Bool, frozenLayers: Set<String> = [],
    couplesBatch: Bool = false, stripes: StripeLayout? = nil,
    folding: (normalization: String, convolution: String)? = nil, replacesInputs: Bool = false,
    placed: PlacedSlots? = nil
  ) {
    self.options = options
    self.isTraining = isTraining
    self.frozenLayers = frozenLayers
    self.stripes = stripes
    self.folding = folding
    self.replacesInputs = replacesInputs
    self.placed = placed
    blockSize = options.resolvedBlockSize
    passesBlocks =
      options.isTraining && !couplesBatch && !options.isSecondOrder
      && options.threads < options.blockCount
  }

  package func isFrozen(_ layer: String) -> Bool { frozenLayers.contains(layer) }

  /// Whether BN's moving variance follows Keras 2 for images.
  var usesUnbiasedVariance: Bool { options.usesUnbiasedVariance }

  /// `multiplyAdds`: for one image.
  func noteRecomputed(_ layer: String, _ multiplyAdds: Int) {
    if !recomputedLayers.contains(layer) { recomputedLayers.append(layer) }
    recomputedMultiplyAdds += multiplyAdds
  }

  /// A number for each dropout layer, from 0.
  func nextDropoutStream() -> UInt32 {
    if replay != nil, let streams = dropoutStreams[node], repeatedStreams < streams.count {
      repeatedStreams += 1
      return streams[repeatedStreams - 1]
    }
    dropoutStreams[node, default: []].append(dropoutCount)
    dropoutCount += 1
    return dropoutCount - 1
  }

  // MARK: - Planning a layer once more

  /// What a layer that was planned before finds when it is planned once more, for the backward pass. Its parameters, and
  /// whatever lasts, are the same in either case.
  enum Replay {
    /// The slots that it reserved before: only what it reads is elsewhere.
    case sameSlots
    /// New ones, for an output that is computed again.
    case again
  }

  /// `node`: the layer's number in the graph.
  func planning<Result>(_ node: Int, _ replay: Replay? = nil, _ body: () -> Result) -> Result {
    self.node = node
    self.replay = replay
    repeatedStreams = 0
    if replay != nil { replayCount += 1 }
    defer { self.replay = nil }
    return body()
  }

  /// The slot that a layer planned once more finds under a name; nil where it gets one of its own.
  private func repeated(_ name: String) -> Int? {
    guard let replay, let known = latest[name] else { return nil }
    let lasts = lastsForever.contains(known) || carried.contains(known)
    return replay == .sameSlots || lasts || slots[known].scope == .shared ? known : nil
  }

  func watchUses() { usedSlots = [] }

  /// Starts the next step of the program.
  package func beginStep(_ name: String) { steps.append(name) }

  private var step: Int { max(steps.count - 1, 0) }

  // MARK: - Slots

  /// Reserves a slot that holds something from the current step on, until the last step that `use`s it.
  /// `lasting`: through the whole program, whatever uses it. `carried`: what the forward pass leaves for the backward pass,
  /// and reads where it runs once more. `beginsWhenUsed`: it holds nothing before a later step that uses it.
  package func reserve(
    _ name: String, shape: [Int], region: Region, scope: Scope, lasting: Bool = false,
    carried isCarried: Bool = false, beginsWhenUsed: Bool = false,
    elementByteCount: Int = MemoryLayout<Float>.stride
  ) -> Slot {
    if let known = repeated(name) { return Slot(index: known, slots[known]) }
    let index = slots.count
    let isAgain = latest.updateValue(index, forKey: name) != nil
    if isAgain, replay == nil { duplicateSlot = duplicateSlot ?? name }
    let name = isAgain ? "\(name)/again \(replayCount)" : name
    let byteCount = shape.reduce(elementByteCount, *)
    if let placed {
      let slot = placed.slots[index]
      precondition(slot.name == name && slot.byteCount == byteCount, "the passes disagree: \(name)")
      slots.append(slot)
    } else {
      slots.append(
        PlannedSlot(
          name: name, shape: shape, region: region, scope: scope, firstStep: step, lastStep: step,
          byteCount: byteCount,
          alignment: options.isForDevice ? MemoryLayout<Float>.alignment : Arena.alignment))
    }
    if lasting { lastsForever.insert(index) }
    if isCarried { carried.insert(index) }
    if beginsWhenUsed { unused.insert(index) }
    return Slot(index: index, slots[index])
  }

  /// What a kernel works in; nothing on a device, whose kernels are others. `count`: floats.
  func reserveKernelScratch(_ name: String, count: Int) -> Slot {
    reserve(
      name, shape: [options.isForDevice ? 0 : count], region: .scratch, scope: .thread)
  }

  /// A value with one copy per block: [channels][pixels][B].
  package func reserveActivation(_ name: String, shape: Shape) -> Slot {
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
  package func keep(_ slot: Slot) { lastsForever.insert(slot.index) }

  /// A slot of the R-operator: what a product with the Hessian leaves for its next steps.
  func reserveTangent(_ name: String, shape: Shape) -> Slot {
    let slot = reserveActivation(name, shape: shape)
    keep(slot)
    return slot
  }

  /// The slot still holds something at the current step.
  package func use(_ slot: Slot) {
    if unused.remove(slot.index) != nil { slots[slot.index].firstStep = step }
    slots[slot.index].lastStep = max(slots[slot.index].lastStep, step)
    usedSlots.insert(slot)
  }

  /// The slot is read when the parameters are updated, at the end of the step.
  package func keepUntilUpdate(_ slot: Slot) { keptUntilUpdate.insert(slot.index) }

  /// The slot is read when its layer's parameters are updated, which may be in the backward pass.
  func keepForUpdate(_ slot: Slot) {
    if options.updatesInBackward { use(slot) } else { keepUntilUpdate(slot) }
  }

  // MARK: - Placing

  /// How long every slot holds something, and how many copies of it there are, at the end of the first pass.
  func settle() {
    for index in slots.indices {
      if keptUntilUpdate.contains(index) { slots[index].lastStep = steps.count - 1 }
      if lastsForever.contains(index) {
        slots[index].firstStep = 0
        slots[index].lastStep = steps.count - 1
      } else if passesBlocks, slots[index].scope == .block, !keptUntilUpdate.contains(index) {
        slots[index].scope = .thread
      }
    }
  }

  /// Places every slot, at the end of the first pass.
  func place() -> PlacedSlots {
    settle()
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
