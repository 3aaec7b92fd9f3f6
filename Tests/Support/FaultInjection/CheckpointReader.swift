import Foundation
import Synchronization

/// Loads a checkpoint again and again while somebody writes it: every time it must be the old one or the new one.
final class CheckpointReader: Sendable {
  private let isStopped = Atomic<Bool>(false)
  private let loads = Atomic<Int>(0)
  private let failure = Mutex<String?>(nil)
  private let ended = DispatchSemaphore(value: 0)

  /// Reads `path` every few milliseconds until `stop`.
  init(_ run: FaultRun, _ path: String) {
    nonisolated(unsafe) let run = run
    Thread.detachNewThread { [self] in
      while !isStopped.load(ordering: .relaxed) {
        do {
          if try run.load(path) != nil { loads.add(1, ordering: .relaxed) }
        } catch {
          failure.withLock { $0 = $0 ?? "\(error)" }
        }
        usleep(3_000)
      }
      ended.signal()
    }
  }

  /// The loads that were made.
  /// Throws: `FaultError` where one of them failed.
  func stop() throws -> Int {
    isStopped.store(true, ordering: .relaxed)
    ended.wait()
    if let text = failure.withLock({ $0 }) { throw FaultError("while it was written: \(text)") }
    return loads.load(ordering: .relaxed)
  }
}
