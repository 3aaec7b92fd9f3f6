import FixedNetCore

/// What is written into the arena before anything runs.
package typealias PlannedConstant = (slot: SharedSlot, values: () -> [Float])

/// The slots of one program, with their places within their scopes.
struct PlacedSlots {
  let slots: [PlannedSlot]
  let sharedByteCount: Int
  let threadByteCount: Int
  let blockByteCount: Int
  /// What no placement of aligned slots can do without. Units: bytes.
  let leastBytes: (shared: Int, thread: Int, block: Int)
  /// The largest sums of live slots, which no placement can do without. Units: bytes.
  let liveBytes: (shared: Int, thread: Int, block: Int)

  /// The least that any placement takes in this arena. `inference`: the other program, which shares the threads' parts.
  func leastByteCount(_ layout: ArenaLayout, inference: PlacedSlots) -> Int {
    let thread = max(leastBytes.thread, inference.leastBytes.thread)
    return leastBytes.shared + layout.threadCount * thread + layout.blockCount * leastBytes.block
  }

  func slot(_ slot: Slot) -> PlannedSlot { slots[slot.index] }

  /// `inference`: the other program of the arena, which shares the threads' parts.
  func lowerBound(_ layout: ArenaLayout, inference: PlacedSlots) -> Int {
    let thread = max(liveBytes.thread, inference.liveBytes.thread)
    return liveBytes.shared + layout.threadCount * thread + layout.blockCount * liveBytes.block
  }
}
