import CSupport

/// One run of a program: what every thread of the team reads.
struct Work {
  let program: Program
  let context: RunContext
  let arena: UnsafeMutableRawPointer

  var layout: ArenaLayout { program.layout }
  var operations: UnsafeBufferPointer<Operation> { program.operations }
  var blockCount: Int {
    (context.imageCount + layout.blockSize - 1) / layout.blockSize
  }

  // MARK: - Training

  func train(thread: Int) {
    let batch = batchContext(thread: thread)
    let share = share(of: thread)
    if program.updatesInBackward {
      load(share, batch)
      forward(share, batch)
      if lossesAreFinite { backward(share, batch) }
      return
    }
    if couplesBatch {
      load(share, batch)
      forward(share, batch)
      backward(share, batch)
    } else {
      trainOneByOne(share, batch)
    }
    meet(thread)
    guard lossesAreFinite else { return }
    for step in steps.reversed() where !step.isAgain { update(step.operation, batch) }
    clipAndUpdate(batch)
  }

  private var couplesBatch: Bool {
    for index in forwardIndices where operations[index].couplesBatch { return true }
    return false
  }

  /// The operations of the forward pass.
  var forwardIndices: Range<Int> { 0..<program.forwardCount }
  var steps: UnsafeBufferPointer<BackwardStep> { program.backwardSteps }

  /// Each block from its input to its gradients, while the cache holds it: no operation couples the batch.
  private func trainOneByOne(_ share: WorkShare, _ batch: BatchContext) {
    prepare(batch)
    let blocks = share.blocks
    for block in blocks {
      let c = blockContext(thread: batch.threadIndex, block: block, place: block)
      if !context.inputIsLoaded {
        loadInput(c, batch)
        if block + 1 < blocks.upperBound {
          timed(operations.count, .forward, batch) { fetchImages(of: block + 1) }
        }
      }
      for index in forwardIndices { forward(index, c, batch) }
      for step in steps { backward(step, c, batch) }
      if let stripes = program.stripes { sumStripe(stripes, endingWith: block, blocks, batch) }
    }
    if let shared = share.shared { train(shared, batch) }
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

  private func load(_ share: WorkShare, _ batch: BatchContext) {
    prepare(batch)
    guard !context.inputIsLoaded else { return }
    for block in share.blocks {
      loadInput(blockContext(thread: batch.threadIndex, block: block, place: block), batch)
    }
    if let shared = share.shared { load(shared, batch) }
  }

  private func meet(_ thread: Int) {
    waiting(.all, thread) { cs_team_barrier(context.team, Int32(truncatingIfNeeded: thread)) }
  }

  /// Runs `body`, which waits for others, and adds its time to the clock where there is one.
  @inline(__always)
  func waiting(_ cause: OperationClock.Cause, _ thread: Int, _ body: () -> Void) {
    guard let clock = context.clock else { return body() }
    let start = cs_ticks()
    body()
    clock.addWaiting(cs_ticks() &- start, thread: thread, cause)
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
    // Whoever reads the passing slots wants every block to be one thread's.
    let share = WorkShare(blocks: blocks(of: thread))
    let batch = batchContext(thread: thread)
    if couplesBatch {
      load(share, batch)
      forward(share, batch)
    } else {
      prepare(batch)
      for block in share.blocks {
        let c = blockContext(thread: thread, block: block, place: block)
        loadInput(c, batch)
        for index in forwardIndices { forward(index, c, batch) }
      }
    }
  }

  /// A thread's contiguous share of the run's blocks: whole parts where there are stripes.
  func blocks(of thread: Int) -> Range<Int> {
    batchContext(thread: thread).share(
      of: blockCount, granule: program.stripes?.partBlockCount ?? 1)
  }

  /// Runs stretches of operations block by block, so that a block stays in the cache; a stretch ends where an
  /// operation couples the batch and the threads must meet.
  private func forward(_ share: WorkShare, _ batch: BatchContext) {
    var start = 0
    var hasMet = false
    repeat {
      var end = hasMet ? start + 1 : start
      while end < program.forwardCount, !operations[end].couplesBatch { end += 1 }
      for block in share.blocks {
        let c = blockContext(thread: batch.threadIndex, block: block, place: block)
        for index in start..<end { forward(index, c, batch) }
        if end < program.forwardCount {
          timed(end, .forward, batch) { operations[end].gatherForward(c) }
        }
      }
      if let shared = share.shared { forward(start..<end, shared, hasMet: hasMet, batch) }
      if end < program.forwardCount {
        meet(batch.threadIndex)
        timed(end, .forward, batch) { operations[end].combineForward(batch) }
      }
      start = end
      hasMet = true
    } while start < program.forwardCount
  }

  /// `forward` turned round: over the steps of the backward pass.
  private func backward(_ share: WorkShare, _ batch: BatchContext) {
    var start = 0
    var hasMet = false
    repeat {
      var end = hasMet ? start + 1 : start
      while end < steps.count, !couplesGradients(steps[end]) { end += 1 }
      for block in share.blocks {
        let c = blockContext(thread: batch.threadIndex, block: block, place: block)
        for step in steps[start..<end] {
          backward(step, c, batch)
          if program.updatesInBackward, !step.isAgain { update(step.operation, batch) }
        }
        if end < steps.count {
          let index = steps[end].operation
          timed(index, .backward, batch) { operations[index].gatherBackward(c) }
        }
      }
      if let shared = share.shared { backward(start..<end, shared, hasMet: hasMet, batch) }
      if end < steps.count {
        let index = steps[end].operation
        meet(batch.threadIndex)
        timed(index, .backward, batch) { operations[index].combineBackward(batch) }
      }
      start = end
      hasMet = true
    } while start < steps.count
  }

  private func couplesGradients(_ step: BackwardStep) -> Bool {
    !step.isAgain && operations[step.operation].couplesGradients
  }

  /// Every thread asks and every thread gets the same answer.
  private var lossesAreFinite: Bool {
    guard let losses = context.losses else { return true }
    for image in 0..<context.imageCount where !losses[image].isFinite { return false }
    return true
  }

  // MARK: - Inference

  /// Each worker has room for one block: of n workers it takes every n-th block and hands its outputs out. A block of
  /// the last round is shared where some would have none.
  func infer(thread: Int) {
    let workerCount = min(context.threadCount, layout.blockCount)
    let isShared = sharesBlocks && min(context.threadCount, layout.threadCount) > 1
    guard thread < workerCount || (isShared && thread < layout.threadCount) else { return }
    let batch = batchContext(thread: thread)
    prepare(batch)
    guard !isShared else { return inferTogether(batch) }
    for block in stride(from: thread, to: blockCount, by: workerCount) {
      inferBlock(block, place: thread, batch)
    }
  }

  func inferBlock(_ block: Int, place: Int, _ batch: BatchContext) {
    let c = blockContext(thread: batch.threadIndex, block: block, place: place)
    loadInput(c, batch)
    for index in forwardIndices { forward(index, c, batch) }
    storeOutput(c)
  }

  // MARK: - One operation

  private func prepare(_ batch: BatchContext) {
    for index in forwardIndices {
      timed(index, .forward, batch) { operations[index].prepare(batch) }
    }
  }

  func forward(_ index: Int, _ c: BlockContext, _ batch: BatchContext) {
    timed(index, .forward, batch) { operations[index].forward(c) }
  }

  func backward(_ step: BackwardStep, _ c: BlockContext, _ batch: BatchContext) {
    let index = step.operation
    timed(index, .backward, batch) {
      if step.isAgain { runAgain(index, c) } else { operations[index].backward(c) }
    }
  }

  func runAgain(_ index: Int, _ c: BlockContext) {
    if case .input(let operation) = operations[index] {
      loadImages(c, to: operation.pointee.output)
    } else {
      operations[index].forward(c)
    }
  }

  private func update(_ index: Int, _ batch: BatchContext) {
    timed(index, .update, batch) { operations[index].update(batch) }
  }

  func loadInput(_ c: BlockContext, _ batch: BatchContext) {
    timed(operations.count, .forward, batch) { loadInput(c) }
  }

  /// Runs `body`, and adds its time to the clock where there is one.
  @inline(__always)
  func timed(
    _ index: Int, _ part: OperationClock.Part, _ batch: BatchContext, _ body: () -> Void
  ) {
    guard let clock = context.clock else { return body() }
    let start = cs_ticks()
    body()
    clock.add(cs_ticks() &- start, thread: batch.threadIndex, operation: index, part)
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
  func blockContext(thread: Int, block: Int, place: Int) -> BlockContext {
    let firstImage = block * layout.blockSize
    return BlockContext(
      kernels: context.kernels, shared: arena,
      thread: arena + (layout.threadsOffset + thread * layout.threadStride),
      passing: arena + (layout.threadsOffset + thread * layout.threadStride),
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
