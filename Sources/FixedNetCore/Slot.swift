import CSupport

/// A slot that exists once: parameters, gradients, optimiser state.
package struct SharedSlot: BitwiseCopyable, Sendable {
  /// Bytes from the start of the arena.
  package var byteOffset: Int
  package init(byteOffset: Int) { self.byteOffset = byteOffset }
}

/// A slot that every thread has its own copy of: kernel scratch and combined batch statistics.
package struct ThreadSlot: BitwiseCopyable, Sendable {
  /// Bytes from the start of the thread's part of the arena.
  package var byteOffset: Int
  package init(byteOffset: Int) { self.byteOffset = byteOffset }
}

/// A slot of one block of images: activations, deltas, partial gradients.
package struct BlockSlot: BitwiseCopyable, Sendable {
  /// Bytes from the start of the block's part of the arena, or of the thread's.
  package var byteOffset: Int
  /// Whether the slot is in the part of the thread that works on the block, which its next block then takes over: nobody
  /// else reads it, and nothing later. Else every block has its own copy.
  package var isPassing: Bool

  package init(byteOffset: Int, isPassing: Bool = false) {
    self.byteOffset = byteOffset
    self.isPassing = isPassing
  }
}

/// Where the three kinds of slots begin in the arena. Units: bytes.
///
/// Arena: `[shared][thread 0][thread 1]...[block 0][block 1]...`
package struct ArenaLayout: BitwiseCopyable, Sendable {
  /// Bytes of the shared part: parameters, gradients, optimiser state.
  package var sharedByteCount: Int
  package var threadCount: Int
  package var threadStride: Int
  package var blockCount: Int
  package var blockStride: Int
  /// Images per block, B: 16 or 1.
  package var blockSize: Int

  package init(
    sharedByteCount: Int, threadCount: Int, threadStride: Int, blockCount: Int, blockStride: Int,
    blockSize: Int
  ) {
    self.sharedByteCount = sharedByteCount
    self.threadCount = threadCount
    self.threadStride = threadStride
    self.blockCount = blockCount
    self.blockStride = blockStride
    self.blockSize = blockSize
  }

  package var threadsOffset: Int { sharedByteCount }
  package var blocksOffset: Int { sharedByteCount + threadCount * threadStride }
  /// Bytes of the whole arena.
  package var byteCount: Int { blocksOffset + blockCount * blockStride }
}
