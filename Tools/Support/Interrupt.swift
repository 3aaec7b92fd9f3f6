import FixedNetFiles
import Foundation
import Synchronization

private let received = Atomic<Int32>(0)
private let isWatching = Atomic<Bool>(false)

/// SIGINT, SIGTERM, SIGHUP and SIGPIPE as a question that the training loop asks between two batches.
package enum Interrupt {
  /// From here on the signals end the program without leaving its unfinished files.
  package static func prepare() {
    UnfinishedFiles.prepare()
    // Whoever started this program may have left the signals blocked.
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] {
      sigaddset(&signals, number)
      let before = signal(number) { number in
        let isFirst = received.exchange(number, ordering: .relaxed) == 0
        guard isFirst, isWatching.load(ordering: .relaxed) else {
          UnfinishedFiles.removeAll()
          _exit(128 + number)
        }
      }
      // Whoever started this program may want these ignored, as `nohup` does.
      let wasIgnored = before.map { unsafeBitCast($0, to: Int.self) } == 1
      if wasIgnored, number == SIGHUP || number == SIGPIPE { signal(number, SIG_IGN) }
    }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// From here on the signals are noted instead of ending the program. A second one ends it at once.
  package static func watch() {
    prepare()
    isWatching.store(true, ordering: .relaxed)
  }

  package static var isRequested: Bool { received.load(ordering: .relaxed) != 0 }

  /// 130 after SIGINT, 143 after SIGTERM, 129 after SIGHUP, 141 after SIGPIPE.
  package static var exitCode: Int32 { 128 + received.load(ordering: .relaxed) }
}
