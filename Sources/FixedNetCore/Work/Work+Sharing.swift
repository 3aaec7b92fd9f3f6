import CSupport

/// What one thread does of a run's blocks.
struct WorkShare {
  /// Those it works on alone.
  var blocks: Range<Int>
  /// Its part in one that others work on too; these come last.
  var shared: SharedBlock?
}

/// One thread's part in a block that neighbouring threads work on together: operation by operation each computes a slice
/// of the output, and they meet where one reads what another wrote. Which slice an element is in changes nothing in the
/// order of its sum, hence no bit.
struct SharedBlock {
  var block: Int
  /// Which of the arena's block regions holds it.
  var place: Int
  /// Its members; the first one's part of the arena has the passing slots.
  var first: Int
  var count: Int
  /// Whether members come from blocks of their own, at different times.
  var isBehindOthers: Bool
}

/// A shared block on its way through the operations.
private struct SharedWalk {
  var c: BlockContext
  /// This member's part where an operation is cut.
  let slice: cs_slice
  /// Whether the members may be at different operations, or have written what others read.
  var isApart: Bool
}

extension Work {
  var sharesBlocks: Bool {
    guard context.threadCount > 1 else { return false }
    switch context.sharing {
    case .never: return false
    case .worthwhile: return program.sharesBlocks
    case .everywhere: return program.canShareBlocks
    }
  }

  /// Whether the threads that share a block do an operation together.
  private func isCut(_ work: BlockWork) -> Bool {
    if case .everywhere = context.sharing { work.slices > 1 } else { work.isCut }
  }

  /// Of n threads and q n + r blocks each thread has q blocks, and the r last ones are shared by as many groups of threads.
  func share(of thread: Int) -> WorkShare {
    let (whole, rest) = blockCount.quotientAndRemainder(dividingBy: context.threadCount)
    guard sharesBlocks, rest > 0 else { return WorkShare(blocks: blocks(of: thread)) }
    let (group, members) = members(of: thread, groupCount: rest, threadCount: context.threadCount)
    let block = whole * context.threadCount + group
    return WorkShare(
      blocks: thread * whole..<(thread + 1) * whole,
      shared: SharedBlock(
        block: block, place: block, first: members.lowerBound, count: members.count,
        isBehindOthers: whole > 0))
  }

  /// The group that a thread is in, and its members.
  private func members(of thread: Int, groupCount: Int, threadCount: Int)
    -> (group: Int, members: Range<Int>)
  {
    let group = thread * groupCount / threadCount
    let first = (group * threadCount + groupCount - 1) / groupCount
    return (group, first..<((group + 1) * threadCount + groupCount - 1) / groupCount)
  }

  // MARK: - Training

  /// From the input to the gradients: no operation couples the batch.
  func train(_ shared: SharedBlock, _ batch: BatchContext) {
    var walk = walk(shared, isApart: true, batch)
    if !context.inputIsLoaded { load(&walk, batch) }
    for index in forwardIndices { forward(index, &walk, batch) }
    for step in steps { backward(step, &walk, batch) }
  }

  func load(_ shared: SharedBlock, _ batch: BatchContext) {
    var walk = walk(shared, isApart: true, batch)
    load(&walk, batch)
  }

  /// A stretch of the forward pass, up to what the operation behind it gathers. `hasMet`: all threads have met just before.
  func forward(
    _ indices: Range<Int>, _ shared: SharedBlock, hasMet: Bool, _ batch: BatchContext
  ) {
    var walk = walk(shared, isApart: !hasMet || shared.isBehindOthers, batch)
    for index in indices { forward(index, &walk, batch) }
    let next = indices.upperBound
    guard next < program.forwardCount else { return }
    let work = operations[next].forwardWork(blockSize: layout.blockSize)
    together(&walk, work, next, .forward, batch) { operations[next].gatherForward($0) }
  }

  /// The same of the backward pass.
  func backward(
    _ stretch: Range<Int>, _ shared: SharedBlock, hasMet: Bool, _ batch: BatchContext
  ) {
    var walk = walk(shared, isApart: !hasMet || shared.isBehindOthers, batch)
    for step in steps[stretch] { backward(step, &walk, batch) }
    guard stretch.upperBound < steps.count else { return }
    let index = steps[stretch.upperBound].operation
    let work = operations[index].backwardWork(blockSize: layout.blockSize)
    together(&walk, work, index, .backward, batch) { operations[index].gatherBackward($0) }
  }

  // MARK: - Inference

  /// Where there is a region for every thread, whole rounds of blocks and a shared rest; else as many groups as regions.
  func inferTogether(_ batch: BatchContext) {
    let thread = batch.threadIndex
    let threadCount = min(context.threadCount, layout.threadCount)
    let hasAll = layout.blockCount >= threadCount
    let round = hasAll ? threadCount : layout.blockCount
    let wholeCount = hasAll ? blockCount / threadCount * threadCount : 0
    for block in stride(from: thread, to: wholeCount, by: round) {
      inferBlock(block, place: thread, batch)
    }
    let rest = min(blockCount - wholeCount, round)
    guard rest > 0 else { return }
    let (group, members) = members(of: thread, groupCount: rest, threadCount: threadCount)
    for block in stride(from: wholeCount + group, to: blockCount, by: rest) {
      let shared = SharedBlock(
        block: block, place: hasAll ? members.lowerBound : group, first: members.lowerBound,
        count: members.count, isBehindOthers: true)
      infer(shared, batch)
    }
  }

  private func infer(_ shared: SharedBlock, _ batch: BatchContext) {
    var walk = walk(shared, isApart: true, batch)
    load(&walk, batch)
    for index in forwardIndices { forward(index, &walk, batch) }
    together(&walk, .whole, operations.count, .forward, batch) { storeOutput($0) }
  }

  // MARK: - One operation

  private func walk(_ shared: SharedBlock, isApart: Bool, _ batch: BatchContext) -> SharedWalk {
    var c = blockContext(thread: batch.threadIndex, block: shared.block, place: shared.place)
    c.passing = arena + (layout.threadsOffset + shared.first * layout.threadStride)
    c.group = BlockGroup(team: context.team, first: shared.first, count: shared.count)
    let slice = cs_slice(
      index: Int32(truncatingIfNeeded: batch.threadIndex - shared.first),
      count: Int32(truncatingIfNeeded: shared.count))
    return SharedWalk(c: c, slice: slice, isApart: isApart)
  }

  private func load(_ walk: inout SharedWalk, _ batch: BatchContext) {
    together(&walk, program.inputWork, operations.count, .forward, batch) { loadInput($0) }
  }

  private func forward(_ index: Int, _ walk: inout SharedWalk, _ batch: BatchContext) {
    let work = operations[index].forwardWork(blockSize: layout.blockSize)
    together(&walk, work, index, .forward, batch) { operations[index].forward($0) }
  }

  private func backward(_ step: BackwardStep, _ walk: inout SharedWalk, _ batch: BatchContext) {
    let index = step.operation
    let work =
      step.isAgain
      ? operations[index].forwardWork(blockSize: layout.blockSize)
      : operations[index].backwardWork(blockSize: layout.blockSize)
    together(&walk, work, index, .backward, batch) {
      if step.isAgain { runAgain(index, $0) } else { operations[index].backward($0) }
    }
  }

  /// One operation: a slice of it where it is cut, else all of it by the first member. The members meet before and behind
  /// what is cut; between two operations that are not the first member need not wait for anybody.
  @inline(__always)
  private func together(
    _ walk: inout SharedWalk, _ work: BlockWork, _ index: Int, _ part: OperationClock.Part,
    _ batch: BatchContext, _ body: (BlockContext) -> Void
  ) {
    let isCut = walk.slice.count > 1 && isCut(work)
    if isCut || walk.isApart {
      let group = walk.c.group
      waiting(.block, batch.threadIndex) { group.meet() }
    }
    walk.isApart = isCut
    guard isCut || walk.slice.index == 0 else { return }
    walk.c.slice = isCut ? walk.slice : cs_slice(index: 0, count: 1)
    let c = walk.c
    timed(index, part, batch) { body(c) }
  }
}
