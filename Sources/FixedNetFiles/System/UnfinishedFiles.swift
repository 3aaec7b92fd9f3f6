import Foundation
import Synchronization

/// Files that must not outlive the program: temporary ones while they are written, and the locks of outputs. They are
/// removed when the program exits; a handler of signals that ends the program removes them with `removeAll`.
public enum UnfinishedFiles {
  private typealias Name = UnsafeMutablePointer<CChar>

  /// What a signal handler can read: no lock, nothing that allocates.
  private struct Table: @unchecked Sendable {
    let names: UnsafeMutablePointer<Atomic<Name?>>
    /// A child that was forked does not own its parent's files.
    let owner: pid_t

    static let capacity = 64

    init() {
      names = .allocate(capacity: Table.capacity)
      for index in 0..<Table.capacity { (names + index).initialize(to: Atomic(nil)) }
      owner = getpid()
      atexit { UnfinishedFiles.removeAll() }
    }
  }

  private static let table = Table()

  /// A file in the table.
  struct Entry {
    /// nil where the table was full: the file is then removed by its owner only.
    fileprivate let index: Int?
    fileprivate let name: UnsafeMutablePointer<CChar>?
  }

  /// From here on `path` is removed when the program ends.
  static func insert(_ path: String) -> Entry {
    // A relative path would mean another file after a change of the folder.
    let whole = path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
    guard let name = strdup(whole) else { return Entry(index: nil, name: nil) }
    for index in 0..<Table.capacity {
      let place = table.names + index
      if place.pointee.compareExchange(
        expected: nil, desired: name, ordering: .acquiringAndReleasing
      ).exchanged {
        return Entry(index: index, name: name)
      }
    }
    free(name)
    return Entry(index: nil, name: nil)
  }

  /// The file is whole, or gone.
  static func remove(_ entry: Entry) {
    guard let index = entry.index, let name = entry.name else { return }
    // A signal handler may have taken the name; then it has it for good.
    let result = table.names[index].compareExchange(
      expected: name, desired: nil, ordering: .acquiringAndReleasing)
    if result.exchanged { free(name) }
  }

  /// Runs `body` with all signals of this thread held back: no handler comes between a file and its entry.
  static func withoutSignals<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var (all, before) = (sigset_t(), sigset_t())
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    return try body()
  }

  /// Makes the table, so that a signal handler finds it.
  public static func prepare() { _ = table }

  /// Deletes the files. Safe in a signal handler once `prepare` or any write was called.
  public static func removeAll() {
    guard table.owner == getpid() else { return }
    for index in 0..<Table.capacity {
      if let name = table.names[index].exchange(nil, ordering: .acquiringAndReleasing) {
        unlink(name)
      }
    }
  }
}
