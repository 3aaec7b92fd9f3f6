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
  private let imageCapacity: Int

  /// Allocates the arena, with a canary at both ends, and starts the threads. Nothing is allocated afterwards by
  /// training or inference.
  /// `arenaByteCount`: the size of the memory handed over; the plan's by default.
  /// Throws: `NetworkError.arena(.tooSmall)` where that is less than the plan.
  public init(
    _ plan: NetworkPlan, instructionSet: InstructionSet = .best, arenaByteCount: Int? = nil
  ) throws(NetworkError) {
    let byteCount = arenaByteCount ?? plan.memory.byteCount
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
    self.plan = plan
    self.instructionSet = instructionSet
    imageCapacity = max(Network.inferenceChunk, plan.options.batch)
    losses = .allocate(capacity: imageCapacity)
    hits = .allocate(capacity: imageCapacity)
    indices = .allocate(capacity: imageCapacity)
  }

  deinit {
    free(allocation)
    losses.deallocate()
    hits.deallocate()
    indices.deallocate()
  }

  /// Bytes of the arena in use: what the plan said.
  public var arenaByteCount: Int { arena.byteCount }

  /// Whether nothing has been written outside the arena.
  public var canariesAreIntact: Bool { Canary.isIntact(allocation, arena.byteCount) }

  // MARK: - Weights

  /// Every weight in Keras' layout, in file order, one entry per layer of the model.
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
    for ((_, tensor), parameter) in zip(given, plan.parameters) {
      let engine = parameter.layout.engineValues(tensor.values)
      pointer(parameter.weight).update(from: engine, count: engine.count)
    }
  }

  private func pointer(_ slot: SharedSlot) -> UnsafeMutablePointer<Float> {
    (arena.base + slot.byteOffset).assumingMemoryBound(to: Float.self)
  }

  // MARK: - Running

  /// The loss and hits of some images.
  public struct Sums: Equatable, Sendable {
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

  /// Refuses images of another shape than the model's input, and labels without an output.
  /// Throws: `NetworkError.images`, `NetworkError.labels`.
  public func check(_ images: ImageSet) throws(NetworkError) {
    let input = plan.model.input
    guard images.shape == input || input == .vector(images.shape.elementCount) else {
      throw .images(expected: "\(plan.model.input)", found: "\(images.shape)")
    }
    let outputCount = plan.inference.output.shape.elementCount
    if let largest = images.largestLabel, Int(largest) >= outputCount {
      throw .labels(outputCount: outputCount, largest: Int(largest))
    }
  }

  private func context(_ source: ImageSource, imageCount: Int) -> RunContext {
    RunContext(
      kernels: instructionSet.kernels, team: threads.team, threadCount: threads.count,
      images: source, indices: indices, imageCount: imageCount)
  }

  /// One training run over the images `index(0) ..< index(count)`: a mini-batch, or a part of one.
  /// `scale`: 1 / images of the mini-batch. `update`: nil computes gradients only. `accumulates`: adds to the
  /// gradients of the run before. Allocates nothing.
  func train(
    _ source: ImageSource, labels: UnsafePointer<UInt8>, count: Int, scale: Float,
    accumulates: Bool, update: UpdateRule?, index: (Int) -> Int
  ) -> Sums {
    guard let trainingProgram else { preconditionFailure("planned for inference") }
    for position in 0..<count { indices[position] = UInt32(index(position)) }
    var context = context(source, imageCount: count)
    context.labels = labels
    context.losses = losses
    context.hits = hits
    context.gradientScale = scale
    context.accumulates = accumulates
    context.update = update
    trainingProgram.program.train(&context, arena: arena)
    return sums(count)
  }

  /// Runs some operations forward in training mode and says whether `output` is finite in all blocks.
  func runForward(
    _ operations: [FixedNetCore.Operation], _ source: ImageSource, _ labels: UnsafePointer<UInt8>?,
    _ count: Int, output: BlockSlot, elementCount: Int, index: (Int) -> Int
  ) -> Bool {
    guard let trainingProgram else { return true }
    for position in 0..<count { indices[position] = UInt32(index(position)) }
    var context = context(source, imageCount: count)
    context.labels = labels
    context.losses = losses
    context.hits = hits
    let layout = trainingProgram.program.layout
    operations.withUnsafeBufferPointer {
      var program = trainingProgram.program
      program.operations = $0
      program.forward(&context, arena: arena)
    }
    for block in 0..<(count + layout.blockSize - 1) / layout.blockSize {
      let offset = layout.blocksOffset + block * layout.blockStride + output.byteOffset
      let values = (arena.base + offset).assumingMemoryBound(to: Float.self)
      let lanes = min(layout.blockSize, count - block * layout.blockSize)
      for element in 0..<elementCount {
        for lane in 0..<lanes where !values[element * layout.blockSize + lane].isFinite {
          return false
        }
      }
    }
    return true
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

  /// Gradients of the mean loss over `images` with respect to every trainable weight, in training mode; the weights
  /// stay. At most the plan's batch.
  public func computeGradients(_ images: ImageSet) throws(NetworkError) -> Sums {
    try train(images, update: nil)
  }

  /// One optimiser step over `images` as one mini-batch.
  public func step(_ images: ImageSet, update: UpdateRule) throws(NetworkError) -> Sums {
    try train(images, update: update)
  }

  private func train(_ images: ImageSet, update: UpdateRule?) throws(NetworkError) -> Sums {
    try check(images)
    precondition(images.count <= plan.options.batch, "at most one batch")
    return images.withPointers { source, labels in
      guard let labels else { preconditionFailure("training needs labels") }
      return train(
        source, labels: labels, count: images.count, scale: 1 / Float(images.count),
        accumulates: false, update: update
      ) { $0 }
    }
  }

  /// Loss and accuracy over all images, in inference mode. Allocates nothing per image.
  /// Throws: `NetworkError.noLoss` for a model that has none.
  public func evaluate(_ images: ImageSet) throws(NetworkError) -> Sums {
    try check(images)
    guard plan.endsInSoftmax, !images.labels.isEmpty else { throw .noLoss }
    return images.withPointers { source, labels in
      var total = Sums()
      infer(source, labels: labels, images.count) { first, count in
        total.add(sums(count))
      }
      return total
    }
  }

  /// Outputs of all images, channels last, in inference mode; `sums` too where there are labels and a loss.
  public func predict(_ images: ImageSet) throws(NetworkError) -> (outputs: Tensor, sums: Sums?) {
    try check(images)
    let width = plan.inference.output.shape.elementCount
    var outputs = [Float](repeating: 0, count: images.count * width)
    let hasLoss = plan.endsInSoftmax && !images.labels.isEmpty
    var total = Sums()
    outputs.withUnsafeMutableBufferPointer { buffer in
      images.withPointers { source, labels in
        infer(
          source, labels: hasLoss ? labels : nil, images.count, outputs: buffer.baseAddress
        ) { _, count in
          if hasLoss { total.add(sums(count)) }
        }
      }
    }
    let shape = [images.count] + plan.inference.output.shape.dimensions
    return (Tensor(shape: shape, values: outputs), hasLoss ? total : nil)
  }

  private func infer(
    _ source: ImageSource, labels: UnsafePointer<UInt8>?, _ count: Int,
    outputs: UnsafeMutablePointer<Float>? = nil, _ finished: (Int, Int) -> Void
  ) {
    let width = plan.inference.output.shape.elementCount
    let chunk = max(
      1, min(plan.options.isTraining ? Network.inferenceChunk : plan.options.batch, imageCapacity))
    var first = 0
    while first < count {
      let imageCount = min(chunk, count - first)
      for position in 0..<imageCount { indices[position] = UInt32(first + position) }
      var context = context(source, imageCount: imageCount)
      context.labels = labels
      context.losses = losses
      context.hits = hits
      context.outputs = outputs.map { $0 + first * width }
      context.outputStride = width
      inferenceProgram.program.infer(&context, arena: arena)
      finished(first, imageCount)
      first += imageCount
    }
  }
}
