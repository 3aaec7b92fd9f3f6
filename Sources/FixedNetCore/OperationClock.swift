/// Where the time of runs goes: ticks of `cs_ticks`, added up per thread, operation and part of the work. The memory is the
/// caller's.
package struct OperationClock: BitwiseCopyable {
  package enum Part: Int, Sendable {
    case forward
    /// With the sums over stripes of a full batch, and both halves of batch normalisation's.
    case backward
    /// The gradients that are computed over all blocks at once, and the optimiser's step.
    case update
  }

  private static var partCount: Int { 3 }

  private let ticks: UnsafeMutablePointer<UInt64>
  private let operationCount: Int

  /// `ticks`: `count(operations:threads:)` values, 0 to begin with.
  package init(_ ticks: UnsafeMutablePointer<UInt64>, operationCount: Int) {
    self.ticks = ticks
    self.operationCount = operationCount
  }

  /// Values that the clock of a program with so many operations has.
  package static func count(operations: Int, threads: Int) -> Int {
    stride(operations) * threads
  }

  /// Two operations more than the program has, the loading of the input and waiting; no two threads write to one line of
  /// 64 bytes.
  private static func stride(_ operations: Int) -> Int {
    ((operations + 2) * partCount + 7) / 8 * 8 + 8
  }

  /// Why a thread waits.
  package enum Cause: Int, Sendable {
    /// All threads meet within a run.
    case all
    /// The threads that share a block meet in front of an operation.
    case block
  }

  private func part(_ cause: Cause) -> Part {
    switch cause {
    case .all: .forward
    case .block: .backward
    }
  }

  package func waitingTicks(thread: Int, _ cause: Cause) -> UInt64 {
    ticks(thread: thread, operation: operationCount + 1, part(cause))
  }

  func addWaiting(_ count: UInt64, thread: Int, _ cause: Cause) {
    add(count, thread: thread, operation: operationCount + 1, part(cause))
  }

  /// `operation`: the number of operations for the input.
  package func ticks(thread: Int, operation: Int, _ part: Part) -> UInt64 {
    ticks[place(thread, operation, part)]
  }

  func add(_ count: UInt64, thread: Int, operation: Int, _ part: Part) {
    ticks[place(thread, operation, part)] &+= count
  }

  private func place(_ thread: Int, _ operation: Int, _ part: Part) -> Int {
    thread * OperationClock.stride(operationCount) + operation * OperationClock.partCount
      + part.rawValue
  }
}
