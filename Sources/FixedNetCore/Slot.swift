import CSupport

/// A slot that exists once: parameters, gradients, optimiser state.
public struct SharedSlot: BitwiseCopyable, Sendable {
  /// Bytes from the start of the arena.
  public var byteOffset: Int
  public init(byteOffset: Int) { self.byteOffset = byteOffset }
}

/// A slot that every thread has its own copy of: kernel scratch and combined batch statistics.
public struct ThreadSlot: BitwiseCopyable, Sendable {
  /// Bytes from the start of the thread's part of the arena.
  public var byteOffset: Int
  public init(byteOffset: Int) { self.byteOffset = byteOffset }
}

/// A slot of one block of images: activations, deltas, partial gradients.
public struct BlockSlot: BitwiseCopyable, Sendable {
  /// Bytes from the start of the block's part of the arena, or of the thread's.
  public var byteOffset: Int
  /// Whether the slot is in the part of the thread that works on the block, which its next block then takes over: nobody
  /// else reads it, and nothing later. Else every block has its own copy.
  public var isPassing: Bool

  public init(byteOffset: Int, isPassing: Bool = false) {
    self.byteOffset = byteOffset
    self.isPassing = isPassing
  }
}

/// Where the three kinds of slots begin in the arena. Units: bytes.
///
/// Arena: `[shared][thread 0][thread 1]...[block 0][block 1]...`
public struct ArenaLayout: BitwiseCopyable, Sendable {
  /// Bytes of the shared part: parameters, gradients, optimiser state.
  public var sharedByteCount: Int
  public var threadCount: Int
  public var threadStride: Int
  public var blockCount: Int
  public var blockStride: Int
  /// Images per block, B: 16 or 1.
  public var blockSize: Int

  public init(
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

  public var threadsOffset: Int { sharedByteCount }
  public var blocksOffset: Int { sharedByteCount + threadCount * threadStride }
  /// Bytes of the whole arena.
  public var byteCount: Int { blocksOffset + blockCount * blockStride }
}
