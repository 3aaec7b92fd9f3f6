import Foundation
import Synchronization

private let received = Atomic<Int32>(0)

/// SIGINT and SIGTERM as a question that the training loop asks between two batches.
public enum Interrupt {
  /// From here on the signals are noted instead of ending the program. A second one ends it at once.
  public static func watch() {
    // Whoever started this program may have left the signals blocked.
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM] {
      sigaddset(&signals, number)
      signal(number) { number in
        if received.exchange(number, ordering: .relaxed) != 0 { _exit(128 + number) }
      }
    }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  public static var isRequested: Bool { received.load(ordering: .relaxed) != 0 }

  /// 130 after SIGINT, 143 after SIGTERM.
  public static var exitCode: Int32 { 128 + received.load(ordering: .relaxed) }
}
