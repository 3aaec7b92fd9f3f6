import CSupport

/// A network ready to run: operations in forward order over one arena. Running it allocates nothing, throws
/// nothing and looks nothing up.
public struct Program: BitwiseCopyable {
  public var operations: UnsafeBufferPointer<Operation>
  public var layout: ArenaLayout
  /// Elements of one image.
  public var inputChannels: Int
  public var inputPixels: Int
  public var input: BlockSlot
  public var outputChannels: Int
  public var outputPixels: Int
  public var output: BlockSlot
  /// Where a block's targets go; nil where the program computes no loss.
  public var targets: TargetSlot?
  /// What the optimiser updates.
  public var parameters: UnsafeBufferPointer<Parameter>
  /// One double per parameter: the squared norms of the gradients. nil where no clipping needs them.
  public var squaredNorms: SharedSlot?
  /// Whether each layer's weights are updated right after its part of the backward pass, once dX is computed with the
  /// old ones; for runs of one block on one thread.
  public var updatesInBackward: Bool
  /// How dense gradients are summed up stripe by stripe; nil where each is a chain over the batch, and where an operation
  /// couples the batch.
  public var stripes: StripeLayout?

  public init(
    operations: UnsafeBufferPointer<Operation>, parameters: UnsafeBufferPointer<Parameter>,
    layout: ArenaLayout, inputChannels: Int, inputPixels: Int, input: BlockSlot,
    outputChannels: Int, outputPixels: Int, output: BlockSlot, targets: TargetSlot?,
    squaredNorms: SharedSlot? = nil, updatesInBackward: Bool = false, stripes: StripeLayout? = nil
  ) {
    self.operations = operations
    self.parameters = parameters
    self.layout = layout
    self.inputChannels = inputChannels
    self.inputPixels = inputPixels
    self.input = input
    self.outputChannels = outputChannels
    self.outputPixels = outputPixels
    self.output = output
    self.targets = targets
    self.squaredNorms = squaredNorms
    self.updatesInBackward = updatesInBackward
    self.stripes = stripes
  }

  /// Refuses an arena that is smaller than the plan.
  /// Throws: `ArenaError.tooSmall`.
  public func check(_ arena: borrowing Arena) throws(ArenaError) {
    guard arena.byteCount >= layout.byteCount else {
      throw .tooSmall(needed: layout.byteCount, found: arena.byteCount)
    }
  }

  /// One training step over the run's images: forward, loss, backward, and the optimiser's step where
  /// `context.update` asks for it and every loss is finite; else the weights stay as they were.
  public func train(_ context: inout RunContext, arena: borrowing Arena) {
    run(&context, arena) { work, thread in
      work.assumingMemoryBound(to: Work.self).pointee.train(thread: Int(thread))
    }
  }

  /// Products of the Hessian of the mean loss with the parameters' directions, at the point and over the images of the
  /// `train` before, whose values are still in the arena. Every operation of the program has a tangent.
  public func multiply(_ context: inout RunContext, arena: borrowing Arena) {
    run(&context, arena) { work, thread in
      work.assumingMemoryBound(to: Work.self).pointee.multiply(thread: Int(thread))
    }
  }

  /// The forward pass of a training step: batch statistics, no gradients. Passing slots hold each thread's last block.
  public func forward(_ context: inout RunContext, arena: borrowing Arena) {
    run(&context, arena) { work, thread in
      work.assumingMemoryBound(to: Work.self).pointee.forward(thread: Int(thread))
    }
  }

  /// Forward over the run's images; losses and outputs where the context asks for them.
  public func infer(_ context: inout RunContext, arena: borrowing Arena) {
    run(&context, arena) { work, thread in
      work.assumingMemoryBound(to: Work.self).pointee.infer(thread: Int(thread))
    }
  }

  private func run(
    _ context: inout RunContext, _ arena: borrowing Arena,
    _ body: @convention(c) (UnsafeMutableRawPointer, Int32) -> Void
  ) {
    var work = Work(program: self, context: context, arena: arena.base)
    withUnsafeMutablePointer(to: &work) { cs_team_run(context.team, body, $0) }
  }
}

/// Where the targets of a block's images go, and in which form the loss wants them.
public struct TargetSlot: BitwiseCopyable, Sendable {
  public var slot: BlockSlot
  /// Whether it holds class numbers, one byte per image; else floats [outputs][B], where a label is a one among zeros,
  /// and of one output the number itself.
  public var isLabels: Bool
  /// The engine orders outputs [channel][pixel], labels and targets count them [pixel][channel]: the same for one pixel.
  public var channels: Int
  public var pixels: Int

  public init(slot: BlockSlot, isLabels: Bool, channels: Int, pixels: Int) {
    self.slot = slot
    self.isLabels = isLabels
    self.channels = channels
    self.pixels = pixels
  }
}

/// One run of a program: what every thread of the team reads.
struct Work {
  let program: Program
  let context: RunContext
  let arena: UnsafeMutableRawPointer

  private var layout: ArenaLayout { program.layout }
  private var operations: UnsafeBufferPointer<Operation> { program.operations }
  private var blockCount: Int {
    (context.imageCount + layout.blockSize - 1) / layout.blockSize
  }

  // MARK: - Training

  func train(thread: Int) {
    let batch = batchContext(thread: thread)
    let blocks = blocks(of: thread)
    if program.updatesInBackward {
      load(blocks, batch)
      forward(blocks, batch)
      if lossesAreFinite { backward(blocks, batch) }
      return
    }
    if couplesBatch {
      load(blocks, batch)
      forward(blocks, batch)
      backward(blocks, batch)
    } else {
      trainOneByOne(blocks, batch)
    }
    meet(thread)
    guard lossesAreFinite else { return }
    for index in operations.indices { update(index, batch) }
    clipAndUpdate(batch)
  }

  private var couplesBatch: Bool {
    for operation in operations where operation.couplesBatch { return true }
    return false
  }

  /// Each block from its input to its gradients, while the cache holds it: no operation couples the batch.
  private func trainOneByOne(_ blocks: Range<Int>, _ batch: BatchContext) {
    prepare(batch)
    for block in blocks {
      let c = blockContext(thread: batch.threadIndex, block: block, place: block)
      if !context.inputIsLoaded {
        loadInput(c, batch)
        if block + 1 < blocks.upperBound {
          timed(operations.count, .forward, batch) { fetchImages(of: block + 1) }
        }
      }
      for index in operations.indices { forward(index, c, batch) }
      for index in operations.indices.reversed() { backward(index, c, batch) }
      if let stripes = program.stripes { sumStripe(stripes, endingWith: block, blocks, batch) }
    }
  }

  /// The gradients over the stripe that ends with `block`, if one does.
  private func sumStripe(
    _ stripes: StripeLayout, endingWith block: Int, _ blocks: Range<Int>, _ batch: BatchContext
  ) {
    let end = block + 1
    guard end % stripes.blockCount == 0 || end == blocks.upperBound else { return }
    let first = block / stripes.blockCount * stripes.blockCount
    for index in operations.indices {
      timed(index, .backward, batch) { operations[index].sumStripe(first..<end, batch) }
    }
  }

  func multiply(thread: Int) {
    for block in blocks(of: thread) {
      let c = blockContext(thread: thread, block: block, place: block)
      for operation in operations { operation.forwardTangent(c) }
      for operation in operations.reversed() { operation.backwardTangent(c) }
    }
    meet(thread)
    let batch = batchContext(thread: thread)
    for operation in operations { operation.multiply(batch) }
  }

  private func load(_ blocks: Range<Int>, _ batch: BatchContext) {
    prepare(batch)
    guard !context.inputIsLoaded else { return }
    for block in blocks {
      loadInput(blockContext(thread: batch.threadIndex, block: block, place: block), batch)
    }
  }

  private func meet(_ thread: Int) {
    cs_team_barrier(context.team, Int32(truncatingIfNeeded: thread))
  }

  /// The optimiser's step where it had to wait for the norms of the gradients: every thread takes the norms of some
  /// parameters, and when all have met its share of each step.
  private func clipAndUpdate(_ c: BatchContext) {
    guard c.update != nil, c.clipping.needsNorms, let slot = program.squaredNorms else { return }
    let norms = UnsafeMutableRawPointer(c(slot)).assumingMemoryBound(to: Double.self)
    let parameters = program.parameters
    meet(c.threadIndex)
    var index = c.threadIndex
    while index < parameters.count {
      norms[index] = parameters[index].squaredNorm(c)
      index += c.threadCount
    }
    meet(c.threadIndex)
    switch c.clipping {
    case .none, .value: break
    case .norm(let limit):
      for index in parameters.indices {
        parameters[index].clipAndUpdate(squaredNorm: norms[index], limit: limit, c)
      }
    case .globalNorm(let limit):
      var sum = 0.0
      for index in parameters.indices { sum += norms[index] }
      for index in parameters.indices {
        parameters[index].clipAndUpdate(squaredNorm: sum, limit: limit, c)
      }
    }
  }

  func forward(thread: Int) {
    let blocks = blocks(of: thread)
    let batch = batchContext(thread: thread)
    if couplesBatch {
      load(blocks, batch)
      forward(blocks, batch)
    } else {
      prepare(batch)
      for block in blocks {
        let c = blockContext(thread: thread, block: block, place: block)
        loadInput(c, batch)
        for index in operations.indices { forward(index, c, batch) }
      }
    }
  }

  /// A thread's contiguous share of the run's blocks: whole parts where there are stripes.
  private func blocks(of thread: Int) -> Range<Int> {
    batchContext(thread: thread).share(
      of: blockCount, granule: program.stripes?.partBlockCount ?? 1)
  }

  /// Runs stretches of operations block by block, so that a block stays in the cache; a stretch ends where an
  /// operation couples the batch and the threads must meet.
  private func forward(_ blocks: Range<Int>, _ batch: BatchContext) {
    var start = 0
    var hasMet = false
    repeat {
      var end = hasMet ? start + 1 : start
      while end < operations.count, !operations[end].couplesBatch { end += 1 }
      for block in blocks {
        let c = blockContext(thread: batch.threadIndex, block: block, place: block)
        for index in start..<end { forward(index, c, batch) }
        if end < operations.count {
          timed(end, .forward, batch) { operations[end].gatherForward(c) }
        }
      }
      if end < operations.count {
        meet(batch.threadIndex)
        timed(end, .forward, batch) { operations[end].combineForward(batch) }
      }
      start = end
      hasMet = true
    } while start < operations.count
  }

  /// `forward` turned round.
  private func backward(_ blocks: Range<Int>, _ batch: BatchContext) {
    var start = operations.count - 1
    var hasMet = false
    repeat {
      var end = hasMet ? start - 1 : start
      while end >= 0, !operations[end].couplesGradients { end -= 1 }
      for block in blocks {
        let c = blockContext(thread: batch.threadIndex, block: block, place: block)
        var index = start
        while index > end {
          backward(index, c, batch)
          if program.updatesInBackward { update(index, batch) }
          index -= 1
        }
        if end >= 0 { timed(end, .backward, batch) { operations[end].gatherBackward(c) } }
      }
      if end >= 0 {
        meet(batch.threadIndex)
        timed(end, .backward, batch) { operations[end].combineBackward(batch) }
      }
      start = end
      hasMet = true
    } while start >= 0
  }

  /// Every thread asks and every thread gets the same answer.
  private var lossesAreFinite: Bool {
    guard let losses = context.losses else { return true }
    for image in 0..<context.imageCount where !losses[image].isFinite { return false }
    return true
  }

  // MARK: - Inference

  /// Each worker has room for one block: of n workers it takes every n-th block and hands its outputs out.
  func infer(thread: Int) {
    let workerCount = min(context.threadCount, layout.blockCount)
    guard thread < workerCount else { return }
    let batch = batchContext(thread: thread)
    prepare(batch)
    var block = thread
    while block < blockCount {
      let c = blockContext(thread: thread, block: block, place: thread)
      loadInput(c, batch)
      for index in operations.indices { forward(index, c, batch) }
      storeOutput(c)
      block += workerCount
    }
  }

  // MARK: - One operation

  private func prepare(_ batch: BatchContext) {
    for index in operations.indices {
      timed(index, .forward, batch) { operations[index].prepare(batch) }
    }
  }

  private func forward(_ index: Int, _ c: BlockContext, _ batch: BatchContext) {
    timed(index, .forward, batch) { operations[index].forward(c) }
  }

  private func backward(_ index: Int, _ c: BlockContext, _ batch: BatchContext) {
    timed(index, .backward, batch) { operations[index].backward(c) }
  }

  private func update(_ index: Int, _ batch: BatchContext) {
    timed(index, .update, batch) { operations[index].update(batch) }
  }

  /// Runs `body`, and adds its time to the clock where there is one.
  @inline(__always)
  private func timed(
    _ index: Int, _ part: OperationClock.Part, _ batch: BatchContext, _ body: () -> Void
  ) {
    guard let clock = context.clock else { return body() }
    let start = cs_ticks()
    body()
    clock.add(cs_ticks() &- start, thread: batch.threadIndex, operation: index, part)
  }

  // MARK: - Input and output of one block

  /// Asks for the images of a block while the one before it is worked on: they lie anywhere in the data set, where the
  /// processor does not foresee them. Of large ones it asks for the start: the cache has other things to hold.
  private func fetchImages(of block: Int) {
    let first = block * layout.blockSize
    let end = min(first + layout.blockSize, context.imageCount)
    let limit = Work.fetchedBytes / layout.blockSize
    for image in first..<end {
      let index = Int(context.indices[image])
      switch context.images {
      case .bytes(let images, let stride, _):
        cs_fetch(images + index * stride, min(stride, limit))
      case .floats(let images, let stride):
        cs_fetch(images + index * stride, min(stride * MemoryLayout<Float>.stride, limit))
      }
    }
  }

  /// Of a block's images: a small part of the second-level cache.
  private static var fetchedBytes: Int { 1 << 16 }

  private func loadInput(_ c: BlockContext, _ batch: BatchContext) {
    timed(operations.count, .forward, batch) { loadInput(c) }
  }

  private func loadInput(_ c: BlockContext) {
    let channels = Int32(truncatingIfNeeded: program.inputChannels)
    let pixels = Int32(truncatingIfNeeded: program.inputPixels)
    let indices = context.indices + c.firstImage
    switch context.images {
    case .bytes(let images, let stride, let divisor):
      c.kernels.pointee.gather_u8(
        channels, pixels, c.blockSize, c.lanes, images, stride, indices, divisor, c(program.input))
    case .floats(let images, let stride):
      c.kernels.pointee.gather_f32(
        channels, pixels, c.blockSize, c.lanes, images, stride, indices, 1, c(program.input))
    }
    guard let source = context.targets, let target = program.targets else { return }
    switch source.answers {
    case .labels(let labels):
      if target.isLabels {
        let place = UnsafeMutableRawPointer(c(target.slot)).assumingMemoryBound(to: UInt8.self)
        for image in 0..<Int(c.lanes) {
          let label = inEngineOrder(Int(labels[Int(indices[image])]), target)
          place[image] = UInt8(truncatingIfNeeded: label)
        }
      } else {
        loadOneHot(labels, indices, target, c)
      }
    case .values(let values, let stride):
      c.kernels.pointee.gather_f32(
        Int32(truncatingIfNeeded: target.channels), Int32(truncatingIfNeeded: target.pixels),
        c.blockSize, c.lanes, values, stride, indices, 1, c(target.slot))
    }
  }

  private func loadOneHot(
    _ labels: UnsafePointer<UInt8>, _ indices: UnsafePointer<UInt32>, _ target: TargetSlot,
    _ c: BlockContext
  ) {
    let place = c(target.slot)
    let blockSize = Int(c.blockSize)
    // One output tells two classes apart: it is to be the label, 0 or 1.
    guard target.channels * target.pixels > 1 else {
      for image in 0..<blockSize {
        place[image] = image < Int(c.lanes) ? Float(Int(labels[Int(indices[image])])) : 0
      }
      return
    }
    for index in 0..<target.channels * target.pixels * blockSize { place[index] = 0 }
    for image in 0..<Int(c.lanes) {
      let label = inEngineOrder(Int(labels[Int(indices[image])]), target)
      place[label * blockSize + image] = 1
    }
  }

  private func inEngineOrder(_ label: Int, _ target: TargetSlot) -> Int {
    guard target.pixels > 1 else { return label }
    let (pixel, channel) = label.quotientAndRemainder(dividingBy: target.channels)
    return channel * target.pixels + pixel
  }

  private func storeOutput(_ c: BlockContext) {
    guard let outputs = context.outputs else { return }
    c.kernels.pointee.scatter_f32(
      Int32(truncatingIfNeeded: program.outputChannels),
      Int32(truncatingIfNeeded: program.outputPixels), c.blockSize, c.lanes, c(program.output),
      outputs + c.firstImage * context.outputStride, context.outputStride)
  }

  // MARK: - Contexts

  private func batchContext(thread: Int) -> BatchContext {
    BatchContext(
      kernels: context.kernels, shared: arena,
      thread: arena + (layout.threadsOffset + thread * layout.threadStride),
      blocks: arena + layout.blocksOffset, blockStride: layout.blockStride,
      blockCount: blockCount, blockSize: layout.blockSize, imageCount: context.imageCount,
      threadIndex: thread, threadCount: context.threadCount, accumulates: context.accumulates,
      isLastPart: context.isLastPart, clipping: context.clipping, update: context.update)
  }

  /// `place`: which of the arena's block regions holds block number `block` of the run.
  private func blockContext(thread: Int, block: Int, place: Int) -> BlockContext {
    let firstImage = block * layout.blockSize
    return BlockContext(
      kernels: context.kernels, shared: arena,
      thread: arena + (layout.threadsOffset + thread * layout.threadStride),
      block: arena + (layout.blocksOffset + place * layout.blockStride),
      blockSize: Int32(truncatingIfNeeded: layout.blockSize),
      lanes: Int32(
        truncatingIfNeeded: min(layout.blockSize, context.imageCount - firstImage)),
      firstImage: firstImage, imageCount: context.imageCount, hasTargets: context.targets != nil,
      losses: context.losses, hits: context.hits, imageWeights: context.imageWeights,
      targetsAreBinary: context.targetsAreBinary, gradientScale: context.gradientScale,
      seed: context.seed, step: context.step,
      imageOffset: context.imageOffset)
  }
}
