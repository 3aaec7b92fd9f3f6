import KernelCheck

/// Floats in front of and behind which nothing may be written: both sides are filled with a NaN
/// that no kernel makes, which also shows in the result of a kernel that reads too far.
final class KernelBuffer {
  let count: Int
  let values: UnsafeMutablePointer<Float>
  private let memory: UnsafeMutableRawPointer
  private let before: Int

  /// `count` floats marked as not written, `offset` floats behind a multiple of 64 bytes.
  init(_ count: Int, offset: Int) {
    self.count = count
    before = KernelBuffer.guardCount + offset
    let total = before + count + KernelBuffer.guardCount
    memory = .allocate(byteCount: total * MemoryLayout<Float>.size, alignment: 64)
    let floats = memory.bindMemory(to: Float.self, capacity: total)
    values = floats + before
    kc_fill_bits(floats, total, KC_GUARD)
    kc_fill_bits(values, count, KC_UNWRITTEN)
  }

  deinit { memory.deallocate() }

  private static let guardCount = 64

  /// The index of a float outside the buffer that was written, counted from the buffer's start.
  var brokenGuard: Int? {
    let front = kc_first_change(values - before, before, KC_GUARD)
    if front < before { return front - before }
    let back = kc_first_change(values + count, KernelBuffer.guardCount, KC_GUARD)
    return back < KernelBuffer.guardCount ? count + back : nil
  }

  func copy(from other: KernelBuffer) {
    values.update(from: other.values, count: count)
  }
}

/// Sums in double precision, zero at first.
final class ExactSums {
  let count: Int
  let values: UnsafeMutablePointer<kc_sum>

  init(_ count: Int) {
    self.count = count
    values = .allocate(capacity: count)
    values.initialize(repeating: kc_sum(), count: count)
  }

  deinit { values.deallocate() }
}
