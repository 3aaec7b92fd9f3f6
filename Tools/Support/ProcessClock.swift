import Foundation

/// Seconds since this process was started.
package enum ProcessClock {
  /// When it was started, by the clock of `ProgressLine.now`. What the dynamic linker does before `main` is known as processor
  /// time only, which for it is all its time.
  private static let start: Double = {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return ProgressLine.now - Double(time.tv_sec) - Double(time.tv_nsec) * 1e-9
  }()

  /// The first thing that a program does.
  package static func begin() { _ = start }

  package static var seconds: Double { ProgressLine.now - start }
}
