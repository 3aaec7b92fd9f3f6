/// All operands in one allocation, each on a cache line, filled with small numbers.
final class FloatMemory {
  private let base: UnsafeMutablePointer<Float>
  private let capacity: Int
  private var used = 0

  init(capacity: Int) {
    self.capacity = capacity
    let bytes = UnsafeMutableRawPointer.allocate(
      byteCount: capacity * MemoryLayout<Float>.stride, alignment: 64)
    base = bytes.bindMemory(to: Float.self, capacity: capacity)
    for index in 0..<capacity {
      base[index] = Float((index &* 2_654_435_761) >> 7 & 1023) / 1024 - 0.5
    }
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }

  func take(_ count: Int) -> UnsafeMutablePointer<Float> {
    precondition(used + count <= capacity, "the models measured here fit")
    defer { used += (count + 15) / 16 * 16 }
    return base + used
  }
}
