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
  /// The block's labels, bytes; nil where the program computes no loss.
  public var labels: BlockSlot?
  /// The engine orders classes [channel][pixel], labels count them [pixel][channel]: the same for one pixel.
  public var labelChannels: Int
  public var labelPixels: Int

  public init(
    operations: UnsafeBufferPointer<Operation>, layout: ArenaLayout,
    inputChannels: Int, inputPixels: Int, input: BlockSlot, outputChannels: Int, outputPixels: Int,
    output: BlockSlot, labels: BlockSlot?, labelChannels: Int = 1, labelPixels: Int = 1
  ) {
    self.operations = operations
    self.layout = layout
    self.inputChannels = inputChannels
    self.inputPixels = inputPixels
    self.input = input
    self.outputChannels = outputChannels
    self.outputPixels = outputPixels
    self.output = output
    self.labels = labels
    self.labelChannels = labelChannels
    self.labelPixels = labelPixels
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

  /// The forward pass of a training step: batch statistics, no gradients.
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
    for block in blocks { loadInput(blockContext(thread: thread, block: block, place: block)) }
    forward(blocks, batch)
    backward(blocks, batch)
    cs_team_barrier(context.team, Int32(truncatingIfNeeded: thread))
    guard lossesAreFinite else { return }
    for operation in operations { operation.update(batch) }
  }

  func forward(thread: Int) {
    let blocks = blocks(of: thread)
    for block in blocks { loadInput(blockContext(thread: thread, block: block, place: block)) }
    if !operations.isEmpty { forward(blocks, batchContext(thread: thread)) }
  }

  /// A thread's contiguous share of the run's blocks.
  private func blocks(of thread: Int) -> Range<Int> {
    let first = blockCount * thread / context.threadCount
    return first..<(blockCount * (thread + 1) / context.threadCount)
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
        for index in start..<end { operations[index].forward(c) }
        if end < operations.count { operations[end].gatherForward(c) }
      }
      if end < operations.count {
        cs_team_barrier(context.team, Int32(truncatingIfNeeded: batch.threadIndex))
        operations[end].combineForward(batch)
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
      while end >= 0, !operations[end].couplesBatch { end -= 1 }
      for block in blocks {
        let c = blockContext(thread: batch.threadIndex, block: block, place: block)
        var index = start
        while index > end {
          operations[index].backward(c)
          index -= 1
        }
        if end >= 0 { operations[end].gatherBackward(c) }
      }
      if end >= 0 {
        cs_team_barrier(context.team, Int32(truncatingIfNeeded: batch.threadIndex))
        operations[end].combineBackward(batch)
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
    for operation in operations { operation.prepare(batch) }
    var block = thread
    while block < blockCount {
      let c = blockContext(thread: thread, block: block, place: thread)
      loadInput(c)
      for operation in operations { operation.forward(c) }
      storeOutput(c)
      block += workerCount
    }
  }

  // MARK: - Input and output of one block

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
    guard let labels = context.labels, let slot = program.labels else { return }
    let place = UnsafeMutableRawPointer(c(slot)).assumingMemoryBound(to: UInt8.self)
    for image in 0..<Int(c.lanes) {
      let label = labels[Int(indices[image])]
      place[image] = program.labelPixels > 1 ? inEngineOrder(label) : label
    }
  }

  private func inEngineOrder(_ label: UInt8) -> UInt8 {
    let (pixel, channel) = Int(label).quotientAndRemainder(dividingBy: program.labelChannels)
    return UInt8(truncatingIfNeeded: channel * program.labelPixels + pixel)
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
      update: context.update)
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
      firstImage: firstImage, imageCount: context.imageCount, labels: context.labels,
      losses: context.losses, hits: context.hits, gradientScale: context.gradientScale)
  }
}
