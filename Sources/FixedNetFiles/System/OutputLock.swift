import Foundation

/// The right to replace a file, for one program at a time: a record lock on `.NAME.lock` beside it, which the system
/// takes back however the program ends. The lock file is deleted at the end; one that a crash left is used again by the
/// next run. Two locks of one process do not exclude each other.
package final class OutputLock {
  private let file: Int32
  private let path: String
  private let entry: UnfinishedFiles.Entry

  /// nil where the file system has no locks. Also deletes the temporary files that killed runs left of `path`.
  /// Throws: `FileError`: the lock file cannot be made, or another process has the lock; the reason names it.
  package init?(_ path: String) throws(FileError) {
    let target = try AtomicFile.target(path)
    let name = try OutputLock.name(besides: target)
    let locked = try UnfinishedFiles.withoutSignals { () throws(FileError) in
      try OutputLock.acquire(name, path: path).map { ($0, UnfinishedFiles.insert(name)) }
    }
    guard let locked else { return nil }
    (file, entry) = locked
    self.path = name
    AtomicFile.removeOrphans(of: target)
  }

  deinit {
    // Before the lock ends: whoever waits for this name makes a new file.
    unlink(path)
    UnfinishedFiles.remove(entry)
    close(file)
  }

  private static func name(besides target: String) throws(FileError) -> String {
    let name = FilePath.name(of: target)
    guard !name.isEmpty else {
      throw FileError(path: target, action: "write", reason: "it names no file")
    }
    return "\(FilePath.folder(of: target))/.\(FilePath.stem(of: name)).lock"
  }

  /// The lock file, and whether it is new.
  private static func open(_ name: String) throws(FileError) -> (file: Int32, isNew: Bool) {
    let flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
    while true {
      var file = Foundation.open(name, flags | O_CREAT | O_EXCL, 0o666)
      if file >= 0 { return (file, true) }
      if errno == EEXIST { file = Foundation.open(name, flags) }
      if file >= 0 {
        var status = stat()
        if fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size == 0 {
          return (file, false)
        }
        close(file)
        throw FileError(
          path: name, action: "lock", reason: "it is none of this program's locks; rename it")
      }
      // Its owner may have deleted it between the two.
      guard errno == ENOENT, access(FilePath.folder(of: name), F_OK) == 0 else {
        throw FileError(path: name, action: "write", code: errno)
      }
    }
  }

  /// The open lock file; nil where there are no locks.
  private static func acquire(_ name: String, path: String) throws(FileError) -> Int32? {
    while true {
      let (file, isNew) = try open(name)
      var whole = flock()
      whole.l_type = Int16(F_WRLCK)
      whole.l_whence = Int16(SEEK_SET)
      guard fcntl(file, F_SETLK, &whole) == 0 else {
        let code = errno
        let owner = code == EACCES || code == EAGAIN ? OutputLock.owner(file) : nil
        close(file)
        if let owner {
          throw FileError(
            path: path, action: "write",
            reason: "\(owner) is writing it; wait for its end, or choose another file")
        }
        // Its owner may have gone between the two questions.
        if code == EACCES || code == EAGAIN || code == EINTR { continue }
        if isNew { unlink(name) }
        return nil
      }
      // The owner before may have deleted the file between `open` and the lock.
      var (opened, named) = (stat(), stat())
      if fstat(file, &opened) == 0, stat(name, &named) == 0, opened.st_ino == named.st_ino,
        opened.st_dev == named.st_dev
      {
        return file
      }
      close(file)
    }
  }

  /// "process 123"; nil where nobody has the lock.
  private static func owner(_ file: Int32) -> String? {
    var whole = flock()
    whole.l_type = Int16(F_WRLCK)
    whole.l_whence = Int16(SEEK_SET)
    guard fcntl(file, F_GETLK, &whole) == 0 else { return "another process" }
    guard whole.l_type != Int16(F_UNLCK) else { return nil }
    // 0: it runs in another container or on another machine.
    return whole.l_pid > 0 ? "process \(whole.l_pid)" : "another process"
  }
}
