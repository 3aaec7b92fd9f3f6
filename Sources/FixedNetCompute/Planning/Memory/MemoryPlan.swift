import FixedNetCore

/// What a slot is for.
public enum Region: String, CaseIterable, Sendable {
  /// Weights and biases.
  case parameters
  /// Values that training changes but no optimiser does: BN's moving mean and variance.
  case statistics
  /// Values of the description: the mean and variance of a Normalization layer.
  case constants
  /// The loss' derivatives by the weights.
  case gradients
  /// The optimiser's state.
  case optimizer
  /// The vectors that a Hessian is multiplied by, and the results.
  case directions
  /// What a Hessian gives for the directions.
  case products
  /// What layers give to each other.
  case activations
  /// What one operation alone needs.
  case scratch
}

/// How many copies of a slot there are.
public enum Scope: String, Sendable {
  /// One for all, one for each thread, one for each block of images.
  case shared, thread, block
}

/// One slot of a memory plan.
public struct PlannedSlot: Sendable {
  /// Unique; for parameters the name of the dataset in a checkpoint.
  public var name: String
  /// Extents of one copy; of a block's slot with the block's images last.
  public var shape: [Int]
  /// What it holds.
  public var region: Region
  /// How many copies there are.
  public var scope: Scope
  /// Steps of the program between which the slot holds something, both included.
  public var firstStep: Int
  /// The last of the steps between which the slot holds something.
  public var lastStep: Int
  /// Bytes of one copy.
  public var byteCount: Int
  /// Bytes from the start of the slot's scope: the arena, the thread's or the block's part.
  public var byteOffset: Int = 0
  /// What its place is a multiple of. Units: bytes.
  var alignment = Arena.alignment

  var alignedByteCount: Int { (byteCount + alignment - 1) / alignment * alignment }

  func overlapsInTime(_ other: PlannedSlot) -> Bool {
    firstStep <= other.lastStep && other.firstStep <= lastStep
  }
}

/// Where everything lives, before anything runs. `print(plan)` is the memory at a glance.
public struct MemoryPlan: Sendable {
  /// Everything that lives in the arena.
  public var slots: [PlannedSlot]
  package var layout: ArenaLayout
  /// What happens at each step, for printing.
  public var steps: [String]
  /// No placement of these parts can need less: the shared slots, and for every thread and every block its largest
  /// sum of live slots, without alignment. Units: bytes.
  public var lowerBound: Int
  /// No placement of whole cache lines in these parts can need less; nil where nobody asked. Units: bytes.
  public var leastByteCount: Int?

  /// Bytes of the whole arena.
  public var byteCount: Int { layout.byteCount }

  /// Copies of a slot in the arena.
  public func copies(of slot: PlannedSlot) -> Int {
    switch slot.scope {
    case .shared: 1
    case .thread: layout.threadCount
    case .block: layout.blockCount
    }
  }

  /// Where the first copy of a slot starts in the arena. Units: bytes.
  public func arenaOffset(of slot: PlannedSlot) -> Int {
    switch slot.scope {
    case .shared: slot.byteOffset
    case .thread: layout.threadsOffset + slot.byteOffset
    case .block: layout.blocksOffset + slot.byteOffset
    }
  }

  /// Bytes of all slots of a region, all copies, whether or not they share space.
  public func byteCount(of region: Region) -> Int {
    slots.filter { $0.region == region }.reduce(0) { $0 + $1.byteCount * copies(of: $1) }
  }
}
