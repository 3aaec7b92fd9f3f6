import CSupport

/// The one block of memory that a network lives in: parameters, gradients, optimiser state, scratch and
/// activations, at the offsets that the plan fixed. The arena borrows its bytes; the caller owns and frees them.
package struct Arena: ~Copyable {
  /// First byte; aligned to `Arena.alignment`.
  package let base: UnsafeMutableRawPointer
  package let byteCount: Int

  /// Every slot, and the arena itself, starts on a cache line.
  package static var alignment: Int { 64 }

  /// Throws: `ArenaError.misaligned` if `base` is not a multiple of `alignment`.
  package init(base: UnsafeMutableRawPointer, byteCount: Int) throws(ArenaError) {
    guard UInt(bitPattern: base) % UInt(Arena.alignment) == 0 else { throw .misaligned }
    self.base = base
    self.byteCount = byteCount
  }

  /// All bytes to zero: the state that a new run starts from.
  package func clear() { base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount) }
}

/// Why an arena was refused before the first sample.
public enum ArenaError: Error, Equatable {
  /// The memory does not start on a 64-byte boundary.
  case misaligned
  /// The memory is smaller than the plan. Units: bytes.
  case tooSmall(needed: Int, found: Int)
}
