import CConfined
import Foundation
import Synchronization

/// What must not outlive the program: temporary files and folders, the locks of outputs, programs that it runs. All of
/// it goes when the program exits; a handler of signals that ends the program sees to it with `removeAll`.
package enum UnfinishedFiles {
  private typealias Name = UnsafeMutablePointer<CChar>

  /// What a signal handler can read: no lock, nothing that allocates.
  private struct Table: @unchecked Sendable {
    let names: UnsafeMutablePointer<Atomic<Name?>>
    /// What `removeAll` found to be a folder, to be removed after the files in it.
    let folders: UnsafeMutablePointer<Atomic<Name?>>
    /// Folders that go with all that is in them.
    let trees: UnsafeMutablePointer<Atomic<Name?>>
    /// Programs that are running; 0: none.
    let programs: UnsafeMutablePointer<Atomic<pid_t>>
    /// A child that was forked does not own its parent's files.
    let owner: pid_t

    static let capacity = 64

    init() {
      names = .allocate(capacity: Table.capacity)
      folders = .allocate(capacity: Table.capacity)
      trees = .allocate(capacity: Table.capacity)
      programs = .allocate(capacity: Table.capacity)
      for index in 0..<Table.capacity {
        (names + index).initialize(to: Atomic(nil))
        (folders + index).initialize(to: Atomic(nil))
        (trees + index).initialize(to: Atomic(nil))
        (programs + index).initialize(to: Atomic(0))
      }
      owner = getpid()
      atexit { UnfinishedFiles.removeAll() }
    }
  }

  private static let table = Table()

  /// A file or folder in the table.
  package struct Entry {
    /// nil where the table was full: the file is then removed by its owner only.
    fileprivate let index: Int?
    fileprivate let name: UnsafeMutablePointer<CChar>?
    fileprivate let isTree: Bool
  }

  /// From here on the file, or the folder once it is empty, is removed when the program ends. `isTree`: a folder of the
  /// program's own, which goes with all that is in it.
  package static func insert(_ path: String, isTree: Bool = false) -> Entry {
    let none = Entry(index: nil, name: nil, isTree: isTree)
    guard let name = wholePath(path) else { return none }
    let places = isTree ? table.trees : table.names
    for index in 0..<Table.capacity {
      let place = places + index
      if place.pointee.compareExchange(
        expected: nil, desired: name, ordering: .acquiringAndReleasing
      ).exchanged {
        return Entry(index: index, name: name, isTree: isTree)
      }
    }
    free(name)
    return none
  }

  /// A relative path would mean another file after a change of the folder. Bytes, as a folder's name need not be UTF-8.
  private static func wholePath(_ path: String) -> UnsafeMutablePointer<CChar>? {
    guard !path.utf8.starts(with: "/".utf8), let folder = getcwd(nil, 0) else {
      return strdup(path)
    }
    defer { free(folder) }
    let (count, size) = (strlen(folder), path.utf8.count + 1)
    guard let result = malloc(count + 1 + size) else { return nil }
    memcpy(result, folder, count)
    memcpy(result + count, "/", 1)
    memcpy(result + count + 1, path, size)
    return result.assumingMemoryBound(to: CChar.self)
  }

  /// The file is whole, or gone.
  package static func remove(_ entry: Entry) {
    guard let index = entry.index, let name = entry.name else { return }
    // A signal handler may have taken the name; then it has it for good.
    let places = entry.isTree ? table.trees : table.names
    let result = places[index].compareExchange(
      expected: name, desired: nil, ordering: .acquiringAndReleasing)
    if result.exchanged { free(name) }
  }

  /// From here on a running program is killed when this one ends. Returns: its place; nil where the table was full.
  static func insert(program: pid_t) -> Int? {
    (0..<Table.capacity).first { index in
      table.programs[index].compareExchange(
        expected: 0, desired: program, ordering: .acquiringAndReleasing
      ).exchanged
    }
  }

  /// The program has ended.
  static func remove(programAt index: Int?) {
    guard let index else { return }
    table.programs[index].store(0, ordering: .releasing)
  }

  /// Kills a program, and what it has started where it leads a group of its own. Safe in a signal handler.
  static func end(program: pid_t) {
    kill(getpgid(program) == program ? -program : program, SIGKILL)
  }

  /// Runs `body` with all signals of this thread held back: no handler comes between a file and its entry.
  package static func withoutSignals<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var (all, before) = (sigset_t(), sigset_t())
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    return try body()
  }

  /// Makes the table, so that a signal handler finds it.
  package static func prepare() { _ = table }

  /// Ends the programs and deletes the files. Safe in a signal handler once `prepare` or any write was called.
  package static func removeAll() {
    guard table.owner == getpid() else { return }
    for index in 0..<Table.capacity {
      let program = table.programs[index].exchange(0, ordering: .acquiringAndReleasing)
      if program > 0 { end(program: program) }
    }
    for index in 0..<Table.capacity {
      guard let name = table.names[index].exchange(nil, ordering: .acquiringAndReleasing) else {
        continue
      }
      if unlink(name) != 0, errno != ENOENT {
        table.folders[index].store(name, ordering: .releasing)
      }
    }
    for index in 0..<Table.capacity {
      if let name = table.trees[index].exchange(nil, ordering: .acquiringAndReleasing) {
        fn_remove_tree(name)
      }
    }
    for index in 0..<Table.capacity {
      if let name = table.folders[index].exchange(nil, ordering: .acquiringAndReleasing) {
        rmdir(name)
      }
    }
  }
}
