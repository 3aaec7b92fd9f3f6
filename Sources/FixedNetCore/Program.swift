import CSupport

/// A network ready to run: operations over one arena. Running it allocates nothing, throws nothing and looks nothing up.
package struct Program: BitwiseCopyable {
  package var operations: UnsafeBufferPointer<Operation>
  /// The forward pass runs the first so many operations, in their order.
  package var forwardCount: Int
  /// What the backward pass runs, in its order.
  package var backwardSteps: UnsafeBufferPointer<BackwardStep>
  package var layout: ArenaLayout
  /// Elements of one image.
  package var inputChannels: Int
  package var inputPixels: Int
  package var input: BlockSlot
  /// What is done to images in training; nil: nothing.
  package var augmentation: InputAugmentation?
  package var outputChannels: Int
  package var outputPixels: Int
  package var output: BlockSlot
  /// Where a block's targets go; nil where the program computes no loss.
  package var targets: TargetSlot?
  /// What the optimiser updates.
  package var parameters: UnsafeBufferPointer<Parameter>
  /// One double per parameter: the squared norms of the gradients. nil where no clipping needs them.
  package var squaredNorms: SharedSlot?
  /// Whether each layer's weights are updated right after its part of the backward pass, once dX is computed with the
  /// old ones; for runs of one block on one thread.
  package var updatesInBackward: Bool
  /// How dense gradients are summed up stripe by stripe; nil where each is a chain over the batch, and where an operation
  /// couples the batch.
  package var stripes: StripeLayout?
  /// Whether several threads could work on one block: not where stripes or weights wait for it.
  let canShareBlocks: Bool
  /// Whether it pays that several threads work on one block, where there are fewer blocks than threads: see `BlockWork`.
  package let sharesBlocks: Bool

  package init(
    operations: UnsafeBufferPointer<Operation>, forwardCount: Int,
    backwardSteps: UnsafeBufferPointer<BackwardStep>, parameters: UnsafeBufferPointer<Parameter>,
    layout: ArenaLayout, inputChannels: Int, inputPixels: Int, input: BlockSlot,
    outputChannels: Int, outputPixels: Int, output: BlockSlot, targets: TargetSlot?,
    squaredNorms: SharedSlot? = nil, updatesInBackward: Bool = false, stripes: StripeLayout? = nil
  ) {
    self.operations = operations
    self.forwardCount = forwardCount
    self.backwardSteps = backwardSteps
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
    canShareBlocks = stripes == nil && !updatesInBackward
    sharesBlocks =
      canShareBlocks
      && BlockWork.isShared(
        operations, forwardCount: forwardCount, backwardSteps, blockSize: layout.blockSize)
  }

  /// Of the loading of a block.
  package var inputWork: BlockWork {
    let count = inputChannels * inputPixels * layout.blockSize / 16
    // A slice is what lies side by side in the image and in the block.
    let isDivisible = augmentation == nil && (inputChannels == 1 || inputPixels == 1)
    return BlockWork(cost: 8 * count, slices: isDivisible ? count : 1)
  }

  /// Whether a run over so many images has a block that several threads may share.
  package func canShare(imageCount: Int, threads: Int) -> Bool {
    let blocks = (imageCount + layout.blockSize - 1) / layout.blockSize
    return sharesBlocks && threads > 1 && (layout.blockCount < threads || blocks % threads > 0)
  }

  /// The start of the forward pass: nothing goes back.
  package func prefix(_ count: Int) -> Program {
    var program = self
    program.operations = UnsafeBufferPointer(rebasing: operations[..<count])
    program.forwardCount = count
    program.backwardSteps = UnsafeBufferPointer(start: nil, count: 0)
    return program
  }

  /// Refuses an arena that is smaller than the plan.
  /// Throws: `ArenaError.tooSmall`.
  package func check(_ arena: borrowing Arena) throws(ArenaError) {
    guard arena.byteCount >= layout.byteCount else {
      throw .tooSmall(needed: layout.byteCount, found: arena.byteCount)
    }
  }

  /// One training step over the run's images: forward, loss, backward, and the optimiser's step where
  /// `context.update` asks for it and every loss is finite; else the weights stay as they were.
  package func train(_ context: inout RunContext, arena: borrowing Arena) {
    run(&context, arena) { work, thread in
      work.assumingMemoryBound(to: Work.self).pointee.train(thread: Int(thread))
    }
  }

  /// Products of the Hessian of the mean loss with the parameters' directions, at the point and over the images of the
  /// `train` before, whose values are still in the arena. Every operation of the program has a tangent.
  package func multiply(_ context: inout RunContext, arena: borrowing Arena) {
    run(&context, arena) { work, thread in
      work.assumingMemoryBound(to: Work.self).pointee.multiply(thread: Int(thread))
    }
  }

  /// The forward pass of a training step: batch statistics, no gradients. Passing slots hold each thread's last block.
  package func forward(_ context: inout RunContext, arena: borrowing Arena) {
    run(&context, arena) { work, thread in
      work.assumingMemoryBound(to: Work.self).pointee.forward(thread: Int(thread))
    }
  }

  /// Forward over the run's images; losses and outputs where the context asks for them.
  package func infer(_ context: inout RunContext, arena: borrowing Arena) {
    run(&context, arena) { work, thread in
      work.assumingMemoryBound(to: Work.self).pointee.infer(thread: Int(thread))
    }
  }

  private func run(
    _ context: inout RunContext, _ arena: borrowing Arena,
    _ body: @convention(c) (UnsafeMutableRawPointer, Int32) -> Void
  ) {
    var work = Work(program: self, context: context, arena: arena.base)
    withUnsafeMutablePointer(to: &work) {
      cs_team_run(context.team, context.subnormals, body, $0)
    }
  }
}

/// One step of the backward pass.
package struct BackwardStep: BitwiseCopyable, Sendable {
  /// The operation's number.
  package var operation: Int
  /// Whether the operation's forward pass runs, once more, for values that were not kept; else its backward pass does.
  package var isAgain: Bool

  package init(operation: Int, isAgain: Bool = false) {
    self.operation = operation
    self.isAgain = isAgain
  }
}

/// Where the targets of a block's images go, and in which form the loss wants them.
package struct TargetSlot: BitwiseCopyable, Sendable {
  package var slot: BlockSlot
  /// Whether it holds class numbers, one byte per image, of more than 256 classes two; else floats [outputs][B], where a
  /// label is a one among zeros, and of one output the number itself.
  package var isLabels: Bool
  /// The engine orders outputs [channel][pixel], labels and targets count them [pixel][channel]: the same for one pixel.
  package var channels: Int
  package var pixels: Int

  package init(slot: BlockSlot, isLabels: Bool, channels: Int, pixels: Int) {
    self.slot = slot
    self.isLabels = isLabels
    self.channels = channels
    self.pixels = pixels
  }
}
