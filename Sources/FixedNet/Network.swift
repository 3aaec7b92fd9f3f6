import CSupport
import FixedNetCore
import Foundation

/// A planned network in its arena, ready to run: the memory, the threads and the two programs.
public final class Network {
  public let plan: NetworkPlan
  public let instructionSet: InstructionSet
  private let allocation: UnsafeMutableRawPointer
  private let arena: Arena
  let threads: ThreadTeam
  private let inferenceProgram: LoadedProgram
  private let trainingProgram: LoadedProgram?

  /// Images that one inference call hands to the team at once.
  static let inferenceChunk = 1024
  private let losses: UnsafeMutablePointer<Float>
  private let hits: UnsafeMutablePointer<Float>
  private let indices: UnsafeMutablePointer<UInt32>
  private let imageWeights: UnsafeMutablePointer<Float>
  private let imageCapacity: Int
  /// The weights that the loss has a penalty for: not those of frozen layers, as Keras 3 (Keras 2 counts them).
  private let penalized: UnsafeMutableBufferPointer<(SharedSlot, Int, Float)>
  /// Where the time of the following training steps is added up, or of inference where the plan has nothing else; nil
  /// measures nothing. Set by `measure`.
  public private(set) var profile: NetworkProfile?
  /// Whether the weights were loaded; those that were not are NaN, so that nothing takes them for values.
  public private(set) var hasWeights: Bool
  /// Whether a full-batch solver is at work: samples and values in the arena are its.
  var isSolving = false

  /// Allocates the arena, with a canary at both ends, and starts the threads. Nothing is allocated afterwards by
  /// training or inference. The weights are not set yet: `load` them, or `initialize` them.
  /// `arenaByteCount`: the size of the memory handed over; the plan's by default.
  /// Throws: `NetworkError.arena(.tooSmall)` where that is less than the plan; `.instructionSet` where this processor
  /// does not have it.
  public init(
    _ plan: NetworkPlan, instructionSet: InstructionSet = .best, arenaByteCount: Int? = nil
  ) throws(NetworkError) {
    let byteCount = arenaByteCount ?? plan.memory.byteCount
    guard byteCount >= plan.memory.byteCount else {
      throw .arena(.tooSmall(needed: plan.memory.byteCount, found: byteCount))
    }
    try instructionSet.check()
    allocation = try Canary.allocate(byteCount)
    do {
      arena = try Arena(base: allocation + Canary.byteCount, byteCount: byteCount)
      inferenceProgram = LoadedProgram(plan.inference)
      trainingProgram = plan.training.map(LoadedProgram.init)
      try (trainingProgram ?? inferenceProgram).program.check(arena)
      threads = try ThreadTeam(count: plan.options.threads)
    } catch {
      free(allocation)
      if let error = error as? ArenaError { throw .arena(error) }
      throw (error as? NetworkError) ?? .resources("the arena")
    }
    arena.clear()
    for constant in plan.constants {
      (arena.base + constant.slot.byteOffset).assumingMemoryBound(to: Float.self)
        .update(from: constant.values, count: constant.values.count)
    }
    self.plan = plan
    self.instructionSet = instructionSet
    imageCapacity = max(Network.inferenceChunk, plan.options.batch)
    let penalties = plan.parameters.filter {
      $0.description.penalty != 0 && !plan.model.frozenLayers.contains($0.layerName)
    }
    penalized = .allocate(capacity: penalties.count)
    _ = penalized.initialize(
      from: penalties.map { ($0.weight, $0.count, $0.description.penalty) })
    losses = .allocate(capacity: imageCapacity)
    hits = .allocate(capacity: imageCapacity)
    indices = .allocate(capacity: imageCapacity)
    imageWeights = .allocate(capacity: imageCapacity)
    hasWeights = plan.parameters.isEmpty
    for parameter in plan.parameters {
      pointer(parameter.weight).update(repeating: .nan, count: parameter.count)
    }
  }

  deinit {
    free(allocation)
    losses.deallocate()
    hits.deallocate()
    indices.deallocate()
    imageWeights.deallocate()
    penalized.deallocate()
  }

  /// Bytes of the arena in use: what the plan said.
  public var arenaByteCount: Int { arena.byteCount }

  /// Whether nothing has been written outside the arena.
  public var canariesAreIntact: Bool { Canary.isIntact(allocation, arena.byteCount) }

  // MARK: - Weights

  /// Sets the weights as the layers' initialisers say, each weight on a stream of its own.
  /// Throws: `ModelError.config` for an initialiser that is not supported.
  public func initialize(seed: UInt64) throws(ModelError) {
    try load(plan.model.initialWeights(seed: seed))
  }

  /// Measures from now on, or no longer.
  /// Throws: `NetworkError.option` for a profile of another plan.
  public func measure(with profile: NetworkProfile?) throws(NetworkError) {
    guard profile?.fits(plan) != false else {
      throw .option(
        name: "the profile", expected: "one of this network's plan", found: "another plan's")
    }
    self.profile = profile
  }

  /// Every weight in Keras' layout, in file order, one entry per layer of the model; NaN where it was never set.
  public var weights: [LayerWeights] {
    values { UnsafePointer(pointer($0.weight)) }
  }

  /// The gradients of the last training run in Keras' layout; only trainable weights.
  public var gradients: [LayerWeights] {
    values { $0.gradient.map { UnsafePointer(pointer($0)) } }
  }

  private func values(_ source: (PlacedParameter) -> UnsafePointer<Float>?) -> [LayerWeights] {
    plan.model.layers.map { layer in
      let parameters = plan.parameters.filter { $0.layerName == layer.name }
      let tensors = parameters.compactMap { parameter -> Tensor? in
        guard let source = source(parameter) else { return nil }
        let engine = [Float](UnsafeBufferPointer(start: source, count: parameter.count))
        return Tensor(
          shape: parameter.description.shape, values: parameter.layout.kerasValues(engine))
      }
      return LayerWeights(layer: layer.name, tensors: tensors)
    }
  }

  /// Loads weights in Keras' layout, one entry per layer of the model.
  /// Throws: `ModelError.weights` where names or shapes differ; nothing is changed then.
  public func load(_ weights: [LayerWeights]) throws(ModelError) {
    guard weights.map(\.layer) == plan.model.layers.map(\.name) else {
      throw .weights(
        layer: weights.first?.layer ?? "", weight: "all", expected: "one entry per layer",
        found: "\(weights.count) entries")
    }
    let given = weights.flatMap { layer in layer.tensors.map { (layer.layer, $0) } }
    guard given.count == plan.parameters.count else {
      throw .weights(
        layer: "", weight: "all", expected: "\(plan.parameters.count) weights",
        found: "\(given.count)")
    }
    for ((layer, tensor), parameter) in zip(given, plan.parameters)
    where tensor.shape != parameter.description.shape || layer != parameter.layerName {
      throw .weights(
        layer: parameter.layerName, weight: parameter.description.name,
        expected: "\(parameter.description.shape)", found: "\(tensor.shape) of '\(layer)'")
    }
    for ((layer, tensor), parameter) in zip(given, plan.parameters) {
      try tensor.checkWhole(layer: layer, parameter.description.name)
    }
    for ((_, tensor), parameter) in zip(given, plan.parameters) {
      let engine = parameter.layout.engineValues(tensor.values)
      pointer(parameter.weight).update(from: engine, count: engine.count)
    }
    hasWeights = true
  }

  /// What the optimiser remembers, in Keras' layout.
  public var optimizerState: OptimizerState {
    let trained = plan.parameters.filter(\.isTrained)
    let names = plan.options.optimizer.slotNames
    return OptimizerState(
      slots: names.enumerated().map { index, name in
        OptimizerState.Slot(name: name, tensors: trained.map { tensor($0.state[index], of: $0) })
      })
  }

  private func tensor(_ slot: SharedSlot, of parameter: PlacedParameter) -> Tensor {
    let engine = UnsafeBufferPointer(start: pointer(slot), count: parameter.count)
    return Tensor(
      shape: parameter.description.shape, values: parameter.layout.kerasValues(Array(engine)))
  }

  /// Loads what an optimiser of the plan's kind remembers.
  /// Throws: `ModelError.weights` where slots, their number or shapes differ; nothing is changed then.
  public func load(_ state: OptimizerState) throws(ModelError) {
    let trained = plan.parameters.filter(\.isTrained)
    let names = plan.options.optimizer.slotNames
    guard state.slots.map(\.name) == names else {
      throw .weights(
        layer: "", weight: "the optimiser's state", expected: names.joined(separator: ", "),
        found: state.slots.map(\.name).joined(separator: ", "))
    }
    for slot in state.slots {
      guard slot.tensors.map(\.shape) == trained.map(\.description.shape) else {
        throw .weights(
          layer: "", weight: "the optimiser's \(slot.name)",
          expected: "one value per trained weight", found: "other shapes")
      }
      for (tensor, parameter) in zip(slot.tensors, trained) {
        try tensor.checkWhole(
          layer: parameter.layerName, "\(parameter.description.name)'s \(slot.name)")
      }
    }
    for (index, slot) in state.slots.enumerated() {
      for (tensor, parameter) in zip(slot.tensors, trained) {
        let engine = parameter.layout.engineValues(tensor.values)
        pointer(parameter.state[index]).update(from: engine, count: engine.count)
      }
    }
  }

  // MARK: - Full batch

  /// The first float of a region of the shared part.
  func region(_ region: Region) -> UnsafeMutablePointer<Float> { pointer(plan.start(of: region)) }

  /// The solver's floats.
  var workspace: UnsafeMutablePointer<Float> {
    guard let slot = plan.workspace else { preconditionFailure("planned without a solver") }
    return pointer(slot)
  }

  /// Loss and gradients over as many samples as the plan's batch. `isLoaded`: the arena holds them since the last call.
  func trainFullBatch(_ source: ImageSource, _ targets: TargetSource, isLoaded: Bool) -> Sums {
    let count = plan.options.batch
    var run = TrainingRun(count: count, scale: 1 / Float(count))
    run.inputIsLoaded = isLoaded
    return train(source, targets, run) { $0 }
  }

  /// Products of the Hessian with the directions, at the point of the last `trainFullBatch`.
  func multiplyFullBatch(_ source: ImageSource, isWeighted: Bool) {
    guard let trainingProgram else { preconditionFailure("planned for inference") }
    var context = context(source, imageCount: plan.options.batch)
    // Those of the `trainFullBatch` before.
    if isWeighted { context.imageWeights = UnsafePointer(imageWeights) }
    context.gradientScale = 1 / Float(plan.options.batch)
    trainingProgram.program.multiply(&context, arena: arena)
  }

  /// Loads directions in Keras' layout, one entry per layer of the model.
  func loadDirections(_ directions: [LayerWeights]) throws(ModelError) {
    let given = directions.flatMap(\.tensors)
    guard given.map(\.shape) == plan.parameters.map(\.description.shape) else {
      throw .weights(
        layer: "", weight: "the direction", expected: "one value per weight", found: "others")
    }
    for (tensor, parameter) in zip(given, plan.parameters) {
      try tensor.checkWhole(layer: parameter.layerName, "\(parameter.description.name)'s direction")
    }
    for (tensor, parameter) in zip(given, plan.parameters) {
      guard let slot = parameter.direction else { continue }
      let engine = parameter.layout.engineValues(tensor.values)
      pointer(slot).update(from: engine, count: engine.count)
    }
  }

  /// The products of the last `multiplyFullBatch` in Keras' layout.
  var products: [LayerWeights] { values { $0.product.map { UnsafePointer(pointer($0)) } } }

  private func pointer(_ slot: SharedSlot) -> UnsafeMutablePointer<Float> {
    (arena.base + slot.byteOffset).assumingMemoryBound(to: Float.self)
  }

  // MARK: - Running

  /// The loss and hits of some images.
  public struct Sums: Equatable, Sendable {
    /// Of the images; with penalties on weights, each image has the penalty at the moment it was seen.
    public var loss = 0.0
    public var hits = 0
    public var images = 0

    public init(loss: Double = 0, hits: Int = 0, images: Int = 0) {
      self.loss = loss
      self.hits = hits
      self.images = images
    }

    public var meanLoss: Double { images > 0 ? loss / Double(images) : .nan }
    public var accuracy: Double { images > 0 ? Double(hits) / Double(images) : .nan }

    mutating func add(_ other: Sums) {
      loss += other.loss
      hits += other.hits
      images += other.images
    }
  }

  /// Refuses images of another shape than the model's input, labels or targets that do not suit the outputs, and what
  /// `ImageSet.check` refuses.
  /// Throws: `NetworkError.images`, `.labels`, `.targets`, `.malformedImages`, `.noImages`.
  public func check(_ images: ImageSet) throws(NetworkError) {
    try images.check()
    let input = plan.model.input
    guard input.takes(images.shape) else {
      throw .images(expected: "\(plan.model.input)", found: "\(images.shape)")
    }
    if let changed = plan.model.inputType.firstChanged(images) {
      let type = plan.model.inputType
      let range = type.range.map { " from \(Int($0.lowerBound)) to \(Int($0.upperBound))" } ?? ""
      throw .images(
        expected: "\(input) of whole numbers\(range) (its type is \(type.rawValue))",
        found: "\(changed)")
    }
    let outputCount = plan.inference.output.shape.elementCount
    // One output tells two classes apart; of softmax over one there is nothing to tell.
    let classCount = outputCount == 1 && plan.loss != .crossEntropy ? 2 : outputCount
    if let largest = images.largestLabel, Int(largest) >= classCount {
      throw .labels(outputCount: outputCount, largest: Int(largest))
    }
    if let weight = images.sampleWeights.first(where: { !$0.isFinite }) {
      throw .targets(expected: "finite sample weights", found: "\(weight)")
    }
    guard !images.targets.isEmpty else { return }
    guard plan.loss != .crossEntropy else {
      throw .targets(expected: "class numbers", found: "values")
    }
    guard images.targetWidth == outputCount else {
      throw .targets(
        expected: "\(outputCount) values per sample", found: "\(images.targetWidth)")
    }
  }

  /// What every run needs.
  /// Throws: `NetworkError.weightsNotSet`, `.isSolving`, and as `check`.
  func checkRun(_ images: ImageSet) throws(NetworkError) {
    guard !isSolving else { throw .isSolving }
    try check(images)
    guard hasWeights else { throw .weightsNotSet }
  }

  /// What every training run needs.
  /// Throws: `NetworkError.planned`, `.targets`, and as `checkRun`.
  func checkTraining(_ images: ImageSet) throws(NetworkError) {
    guard trainingProgram != nil else {
      throw .planned(for: "inference", needed: "isTraining: true")
    }
    try checkRun(images)
    guard images.hasTargets else { throw .targets(expected: "labels or targets", found: "none") }
  }

  private func context(_ source: ImageSource, imageCount: Int) -> RunContext {
    RunContext(
      kernels: instructionSet.kernels, team: threads.team, threadCount: threads.count,
      images: source, indices: indices, imageCount: imageCount)
  }

  /// Asks for the loss of each image of a run, whose `indices` are set.
  private func ask(_ context: inout RunContext, for targets: TargetSource?) {
    context.targets = targets
    context.losses = losses
    context.hits = hits
    guard let weights = targets?.weights else { return }
    for position in 0..<context.imageCount {
      imageWeights[position] = weights[Int(indices[position])]
    }
    context.imageWeights = UnsafePointer(imageWeights)
  }

  /// A training run in the words of the trainer.
  struct TrainingRun {
    /// Images of the run: a mini-batch, or a part of one.
    var count: Int
    /// 1 / images of the mini-batch.
    var scale: Float
    /// Adds to the gradients of the run before.
    var accumulates = false
    /// Whether the mini-batch ends here.
    var isLastPart = true
    /// nil computes gradients only.
    var update: UpdateRule?
    /// What dropout's masks depend on, with the position of the run's first image in the mini-batch.
    var seed: UInt64 = 0
    var step = 0
    var imageOffset = 0
    /// Whether the arena still holds the images: a full batch is loaded once.
    var inputIsLoaded = false
  }

  /// One training run over the images `index(0) ..< index(count)`. Allocates nothing.
  func train(
    _ source: ImageSource, _ targets: TargetSource, _ run: TrainingRun, index: (Int) -> Int
  ) -> Sums {
    guard let trainingProgram else { preconditionFailure("planned for inference") }
    for position in 0..<run.count { indices[position] = UInt32(index(position)) }
    var context = context(source, imageCount: run.count)
    ask(&context, for: targets)
    context.gradientScale = run.scale
    context.accumulates = run.accumulates
    context.isLastPart = run.isLastPart
    context.clipping = plan.options.clipping
    context.update = run.update
    context.seed = run.seed
    context.step = UInt32(truncatingIfNeeded: run.step)
    context.imageOffset = UInt32(truncatingIfNeeded: run.imageOffset)
    context.inputIsLoaded = run.inputIsLoaded
    context.clock = profile?.trainingClock
    let penalty = penalty
    trainingProgram.program.train(&context, arena: arena)
    var sums = sums(run.count)
    sums.loss += penalty * Double(run.count)
    return sums
  }

  /// What the loss says of the weights themselves: the sum over the trained kernels of penalty sum w^2.
  public var penalty: Double {
    var sum = 0.0
    for index in penalized.indices {
      let (slot, count, penalty) = penalized[index]
      let weight = pointer(slot)
      sum += Double(penalty) * instructionSet.kernels.pointee.dot(count, weight, weight)
    }
    return sum
  }

  /// Whether every value of a slot of the shared part is finite.
  func isFinite(_ slot: SharedSlot, _ count: Int) -> Bool {
    UnsafeBufferPointer(start: pointer(slot), count: count).allSatisfy(\.isFinite)
  }

  /// Runs the first `prefix` operations forward in training mode; the position of the first image of the run where
  /// `output` is not finite, nil where it is for all.
  func runForward(
    prefix: Int, _ source: ImageSource, _ targets: TargetSource?,
    _ run: TrainingRun, output: BlockSlot, elementCount: Int, index: (Int) -> Int
  ) -> Int? {
    guard let trainingProgram else { return nil }
    var program = trainingProgram.program
    program.operations = UnsafeBufferPointer(rebasing: program.operations[..<prefix])
    // Where nothing couples the blocks one comes after the other, as the next may take over its memory.
    let stride = plan.couplingLayer == nil ? program.layout.blockSize : max(run.count, 1)
    for first in Swift.stride(from: 0, to: run.count, by: stride) {
      let count = min(stride, run.count - first)
      for position in 0..<count { indices[position] = UInt32(index(first + position)) }
      var context = context(source, imageCount: count)
      context.team = nil
      context.threadCount = 1
      context.seed = run.seed
      context.step = UInt32(truncatingIfNeeded: run.step)
      context.imageOffset = UInt32(truncatingIfNeeded: run.imageOffset + first)
      ask(&context, for: targets)
      program.forward(&context, arena: arena)
      let broken = firstNonFinite(output, elementCount, imageCount: count, program.layout)
      if let broken { return first + broken }
    }
    return nil
  }

  /// The first of a run's images where a slot holds NaN or infinity.
  private func firstNonFinite(
    _ slot: BlockSlot, _ elementCount: Int, imageCount: Int, _ layout: ArenaLayout
  ) -> Int? {
    let start = slot.isPassing ? layout.threadsOffset : layout.blocksOffset
    let size = layout.blockSize
    return (0..<imageCount).first { image in
      let offset = start + image / size * layout.blockStride + slot.byteOffset
      let values = (arena.base + offset).assumingMemoryBound(to: Float.self)
      return (0..<elementCount).contains { !values[$0 * size + image % size].isFinite }
    }
  }

  /// The output of the first operations of the inference program for all images, channels last.
  func run(
    prefix: Int, output: BlockSlot, shape: Shape, flattened: (channels: Int, pixels: Int)?,
    _ images: ImageSet
  ) throws(NetworkError) -> [Float] {
    var program = inferenceProgram.program
    program.operations = UnsafeBufferPointer(rebasing: program.operations[..<prefix])
    program.output = output
    program.outputChannels = flattened?.channels ?? shape.channels
    program.outputPixels = flattened?.pixels ?? shape.pixels
    return try run(program, shape, images, hasLoss: false).outputs.values
  }

  /// The last run's losses and hits, added in image order.
  private func sums(_ count: Int) -> Sums {
    var sums = Sums(images: count)
    for image in 0..<count {
      sums.loss += Double(losses[image])
      sums.hits += hits[image] > 0 ? 1 : 0
    }
    return sums
  }

  /// Gradients of the mean loss over `images` with respect to every trainable weight, in training mode (the batch's
  /// statistics, dropout of step 0); the weights stay. More images than the plan's batch are run in parts.
  /// Throws: `NetworkError`; `.couplesBatch` where batch normalisation would see the parts only, `.keepsNoGradients`
  /// where the plan has no room for gradients.
  @discardableResult
  public func computeGradients(_ images: ImageSet) throws(NetworkError) -> Sums {
    guard !plan.options.updatesInBackward else { throw .keepsNoGradients }
    let batch = plan.options.batch
    if images.count > batch, let layer = plan.couplingLayer {
      throw .couplesBatch(layer: layer, batch: images.count, planned: batch)
    }
    return try train(images, update: nil)
  }

  /// One optimiser step over `images` as one mini-batch. `step`: from 0, what dropout's masks depend on.
  /// Throws: `NetworkError.option` for more images than the plan's batch, or a step of another optimiser than the plan's.
  public func step(_ images: ImageSet, update: UpdateRule, step: Int = 0) throws(NetworkError)
    -> Sums
  {
    guard images.count <= plan.options.batch else {
      throw .option(
        name: "images", expected: "at most the plan's batch of \(plan.options.batch)",
        found: "\(images.count)")
    }
    guard update.isStep(of: plan.options.optimizer) else {
      throw .option(
        name: "update", expected: "a step of the plan's optimiser, \(plan.options.optimizer)",
        found: "\(update)")
    }
    return try train(images, update: update, step: step)
  }

  private func train(_ images: ImageSet, update: UpdateRule?, step: Int = 0) throws(NetworkError)
    -> Sums
  {
    try checkTraining(images)
    return images.withPointers { source, targets in
      guard let targets else { preconditionFailure("checked above") }
      var total = Sums()
      while total.images < images.count {
        let first = total.images
        let count = min(plan.options.batch, images.count - first)
        let run = TrainingRun(
          count: count, scale: 1 / Float(images.count), accumulates: first > 0,
          isLastPart: first + count == images.count, update: update, step: step,
          imageOffset: first)
        total.add(train(source, targets, run) { first + $0 })
      }
      return total
    }
  }

  /// Loss and accuracy over all images, in inference mode. Allocates nothing per image.
  /// Throws: `NetworkError.noLoss` for a model that has none.
  public func evaluate(_ images: ImageSet) throws(NetworkError) -> Sums {
    try checkRun(images)
    guard plan.loss != nil, images.hasTargets else { throw .noLoss }
    let penalty = penalty
    return images.withPointers { source, targets in
      var total = Sums()
      infer(inferenceProgram.program, source, targets, images.count) { first, count in
        total.add(sums(count))
      }
      total.loss += penalty * Double(total.images)
      return total
    }
  }

  /// Outputs of all images, channels last, in inference mode; `sums` too where there are labels or targets and a loss.
  public func predict(_ images: ImageSet) throws(NetworkError) -> (outputs: Tensor, sums: Sums?) {
    try run(inferenceProgram.program, plan.inference.output.shape, images)
  }

  /// The output of the layer `name` for all images, channels last, in inference mode. The plan keeps every layer apart
  /// (`PlanOptions.fusesLayers` is false), or layers that another one absorbed have no output.
  /// Throws: `NetworkError.noLayer`.
  public func activations(of name: String, _ images: ImageSet) throws(NetworkError) -> Tensor {
    let planned = plan.inference
    guard let place = planned.place(of: name, in: plan.model) else {
      throw .noLayer(name, layers: plan.model.layers.map(\.name))
    }
    var program = inferenceProgram.program
    program.operations = UnsafeBufferPointer(
      rebasing: program.operations[..<place.operationCount])
    program.output = place.slot
    program.outputChannels = place.flattened?.channels ?? place.shape.channels
    program.outputPixels = place.flattened?.pixels ?? place.shape.pixels
    return try run(program, place.shape, images, hasLoss: false).outputs
  }

  private func run(
    _ program: Program, _ shape: Shape, _ images: ImageSet, hasLoss: Bool = true
  ) throws(NetworkError) -> (outputs: Tensor, sums: Sums?) {
    try checkRun(images)
    var outputs = [Float](repeating: 0, count: images.count * shape.elementCount)
    let hasLoss = hasLoss && plan.loss != nil && images.hasTargets
    var total = Sums()
    let penalty = penalty
    outputs.withUnsafeMutableBufferPointer { buffer in
      images.withPointers { source, targets in
        infer(
          program, source, hasLoss ? targets : nil, images.count, outputs: buffer.baseAddress
        ) { _, count in
          if hasLoss { total.add(sums(count)) }
        }
      }
    }
    total.loss += penalty * Double(total.images)
    let tensor = Tensor(shape: [images.count] + shape.dimensions, values: outputs)
    return (tensor, hasLoss ? total : nil)
  }

  private func infer(
    _ program: Program, _ source: ImageSource, _ targets: TargetSource?, _ count: Int,
    outputs: UnsafeMutablePointer<Float>? = nil, _ finished: (Int, Int) -> Void
  ) {
    let width = program.outputChannels * program.outputPixels
    let chunk = max(
      1, min(plan.options.isTraining ? Network.inferenceChunk : plan.options.batch, imageCapacity))
    var first = 0
    while first < count {
      let imageCount = min(chunk, count - first)
      for position in 0..<imageCount { indices[position] = UInt32(first + position) }
      var context = context(source, imageCount: imageCount)
      ask(&context, for: targets)
      context.outputs = outputs.map { $0 + first * width }
      context.outputStride = width
      context.clock = profile?.inferenceClock(for: program)
      program.infer(&context, arena: arena)
      finished(first, imageCount)
      first += imageCount
    }
  }
}
