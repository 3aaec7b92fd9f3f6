import CSupport
import FixedNetCore
import Foundation

// Runs over images: training, gradients, evaluation, prediction.

extension Network {
  /// The loss and hits of some images.
  public struct Sums: Equatable, Sendable {
    /// Of the images; with penalties on weights, each image has the penalty at the moment it was seen.
    public var loss = 0.0
    /// Samples whose largest output is their label's.
    public var hits = 0
    /// Samples that were run.
    public var images = 0

    /// `loss`: summed over the samples.
    public init(loss: Double = 0, hits: Int = 0, images: Int = 0) {
      self.loss = loss
      self.hits = hits
      self.images = images
    }

    /// NaN without samples.
    public var meanLoss: Double { images > 0 ? loss / Double(images) : .nan }
    /// The part of the samples that was right; NaN without samples.
    public var accuracy: Double { images > 0 ? Double(hits) / Double(images) : .nan }

    mutating func add(_ other: Sums) {
      loss += other.loss
      hits += other.hits
      images += other.images
    }
  }

  func context(_ source: ImageSource, imageCount: Int) -> RunContext {
    var context = RunContext(
      kernels: instructionSet.kernels, team: threads.team, threadCount: threads.count,
      images: source, indices: indices, imageCount: imageCount)
    context.subnormals = plan.options.subnormals.code
    return context
  }

  /// Asks for the loss of each image of a run, whose `indices` are set.
  func ask(_ context: inout RunContext, for targets: TargetSource?) {
    context.targets = targets
    context.losses = losses
    context.hits = hits
    guard let targets, targets.weights != nil || plan.loss?.ignoredClass != nil else { return }
    for position in 0..<context.imageCount {
      imageWeights[position] = weight(of: Int(indices[position]), targets)
    }
    context.imageWeights = UnsafePointer(imageWeights)
  }

  /// A training run in the words of the trainer.
  struct TrainingRun {
    /// Images of the run: a mini-batch, or a part of one.
    var count: Int
    /// Of the whole mini-batch.
    var reduction: BatchReduction
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
    /// What augmentation depends on beside the seed; nil leaves images as they are.
    var epoch: Int?
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
    context.gradientScale = run.reduction.gradientScale
    context.targetsAreBinary = run.reduction.targetsAreBinary
    context.accumulates = run.accumulates
    context.isLastPart = run.isLastPart
    context.clipping = plan.options.clipping
    context.update = run.update
    context.seed = run.seed
    context.step = UInt32(truncatingIfNeeded: run.step)
    context.imageOffset = UInt32(truncatingIfNeeded: run.imageOffset)
    context.augmentationEpoch = run.epoch.map { UInt32(truncatingIfNeeded: $0) }
    context.inputIsLoaded = run.inputIsLoaded
    context.clock = profile?.trainingClock
    let penalty = penalty
    trainingSharing.run(trainingProgram.program, &context) {
      trainingProgram.program.train(&$0, arena: arena)
    }
    var sums = sums(run.count, factor: run.reduction.lossFactor)
    sums.loss += penalty * Double(run.count)
    return sums
  }

  /// What the loss says of the weights themselves: the sum of the terms of the trained ones.
  public var penalty: Double {
    var sum = 0.0
    for index in penalized.indices {
      let (slot, count, regularizer) = penalized[index]
      sum += regularizer.penalty(count, pointer(slot), instructionSet.kernels)
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
    let program = trainingProgram.program.prefix(prefix)
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
      context.augmentationEpoch = run.epoch.map { UInt32(truncatingIfNeeded: $0) }
      ask(&context, for: targets)
      context.targetsAreBinary = run.reduction.targetsAreBinary
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
    var program = inferenceProgram.program.prefix(prefix)
    program.output = output
    program.outputChannels = flattened?.channels ?? shape.channels
    program.outputPixels = flattened?.pixels ?? shape.pixels
    return try run(program, shape, images, hasLoss: false).outputs.values
  }

  /// The last run's losses, each times `factor`, and hits, added in image order.
  func sums(_ count: Int, factor: Double) -> Sums {
    var sums = Sums(images: count)
    for image in 0..<count {
      sums.loss += factor * Double(losses[image])
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

  /// One optimiser step over `images` as one mini-batch. `step`: from 0, what dropout's masks depend on beside `seed`, and
  /// augmentation in the place of the epoch.
  /// Throws: `NetworkError.option` for more images than the plan's batch, or a step of another optimiser than the plan's.
  public func step(_ images: ImageSet, update: UpdateRule, step: Int = 0, seed: UInt64 = 0)
    throws(NetworkError) -> Sums
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
    return try train(images, update: update, step: step, seed: seed)
  }

  private func train(
    _ images: ImageSet, update: UpdateRule?, step: Int = 0, seed: UInt64 = 0
  ) throws(NetworkError) -> Sums {
    try checkTraining(images)
    return images.withPointers { source, targets in
      guard let targets else { preconditionFailure("checked above") }
      var total = Sums()
      let reduction = reduction(of: targets, count: images.count) { $0 }
      while total.images < images.count {
        let first = total.images
        let count = min(plan.options.batch, images.count - first)
        let run = TrainingRun(
          count: count, reduction: reduction, accumulates: first > 0,
          isLastPart: first + count == images.count, update: update, seed: seed, step: step,
          imageOffset: first, epoch: update == nil ? nil : step)
        total.add(train(source, targets, run) { first + $0 })
      }
      return total
    }
  }

  /// Loss and accuracy over all images, in inference mode. Allocates nothing per image.
  /// `batch`: images of a mini-batch, nil for the plan's, where the loss depends on it: reduction `sum`, an ignored
  /// class, hinge of values. As Keras, the mean of the mini-batches' losses, each counted by its images.
  /// Throws: `NetworkError.noLoss` for a model that has none.
  public func evaluate(_ images: ImageSet, batch: Int? = nil) throws(NetworkError) -> Sums {
    if let batch, batch < 1 {
      throw .option(name: "batch", expected: "at least 1", found: "\(batch)")
    }
    try checkRun(images)
    guard plan.loss != nil, images.hasTargets else { throw .noLoss }
    let penalty = penalty
    return images.withPointers { source, targets in
      var total = Sums()
      infer(inferenceProgram.program, source, targets, images.count, batch: batch) {
        total.add($0)
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
    guard let place = planned.outputs[name] else {
      throw .noLayer(name, layers: plan.model.layers.map(\.name))
    }
    var program = inferenceProgram.program.prefix(place.operationCount)
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
    let penalty = hasLoss ? penalty : 0
    outputs.withUnsafeMutableBufferPointer { buffer in
      images.withPointers { source, targets in
        infer(
          program, source, hasLoss ? targets : nil, images.count, outputs: buffer.baseAddress
        ) {
          total.add($0)
        }
      }
    }
    total.loss += penalty * Double(total.images)
    let tensor = Tensor(shape: [images.count] + shape.dimensions, values: outputs)
    return (tensor, hasLoss ? total : nil)
  }

  func infer(
    _ program: Program, _ source: ImageSource, _ targets: TargetSource?, _ count: Int,
    batch: Int? = nil, outputs: UnsafeMutablePointer<Float>? = nil, _ finished: (Sums) -> Void
  ) {
    let width = program.outputChannels * program.outputPixels
    let chunk = max(
      1, min(plan.options.isTraining ? Network.inferenceChunk : plan.options.batch, imageCapacity))
    let batch =
      targets != nil && plan.loss?.dependsOnBatch == true ? batch ?? plan.options.batch : count
    var reduction = BatchReduction(count: count)
    var (first, end) = (0, 0)
    while first < count {
      if first == end {
        (end, reduction) = (min(first + batch, count), BatchReduction(count: 1))
        if let targets {
          reduction = self.reduction(of: targets, count: end - first) { first + $0 }
        }
      }
      let imageCount = min(chunk, end - first)
      for position in 0..<imageCount { indices[position] = UInt32(first + position) }
      var context = context(source, imageCount: imageCount)
      ask(&context, for: targets)
      context.targetsAreBinary = reduction.targetsAreBinary
      context.outputs = outputs.map { $0 + first * width }
      context.outputStride = width
      context.clock = profile?.inferenceClock(for: program)
      inferenceSharing.run(program, &context) { program.infer(&$0, arena: arena) }
      if targets != nil { finished(sums(imageCount, factor: reduction.lossFactor)) }
      first += imageCount
    }
  }
}
