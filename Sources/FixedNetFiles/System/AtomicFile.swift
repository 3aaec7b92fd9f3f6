import Foundation
import Synchronization

/// Files that are replaced in one step: after a failure or a power cut there is either the old file or the new one.
package enum AtomicFile {
  private static let counter = Atomic<Int>(0)

  /// Writes `bytes` to a temporary file in the same folder, flushes it to the disk, renames it to `path` and flushes
  /// the folder. The temporary file is removed on every failure; one that a killed program left is removed by the next
  /// that writes `path`. A symbolic link is followed.
  /// Throws: `FileError` with the system's reason; the file that was there before is unchanged then.
  package static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
    _ = ignoreSizeSignal
    let target = try AtomicFile.target(path)
    if cleaned.withLock({ $0.insert(target).inserted }) { removeOrphans(of: target) }
    let (file, temporary, entry) = try UnfinishedFiles.withoutSignals { () throws(FileError) in
      let (file, temporary) = try create(besides: target, path: path)
      return (file, temporary, UnfinishedFiles.insert(temporary))
    }
    var code = bytes.withUnsafeBytes { write($0, to: file) }
    if code == 0, fsync(file) != 0 { code = errno }
    if code == 0, rename(temporary, target) != 0 { code = errno }
    if code != 0 { unlink(temporary) }
    UnfinishedFiles.remove(entry)
    // Its lock ends here, so the file has its name by now.
    close(file)
    guard code == 0 else { throw FileError(path: path, action: "write", code: code) }
    try flushFolder(of: target, path: path)
  }

  /// Tries whether `path` could be written, with a file beside it that is removed at once: permissions do not tell
  /// everything (read-only disks, folders of the system).
  /// Throws: `FileError` with the system's reason.
  package static func tryWriting(to path: String) throws(FileError) {
    try UnfinishedFiles.withoutSignals { () throws(FileError) in
      let (file, temporary) = try create(besides: try target(path), path: path)
      unlink(temporary)
      close(file)
    }
  }

  // MARK: - Orphans

  /// The targets whose orphans this program has removed.
  private static let cleaned = Mutex<Set<String>>([])

  /// Removes the temporary files of `target` that killed programs left. A file that somebody still writes is locked.
  static func removeOrphans(of target: String) {
    let folder = FilePath.folder(of: target)
    guard let entries = opendir(folder) else { return }
    defer { closedir(entries) }
    let start = Array(".\(FilePath.stem(of: FilePath.name(of: target))).".utf8)
    while let entry = readdir(entries) {
      // Bytes: other names need not be UTF-8.
      let found = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      guard found.starts(with: start) else { continue }
      let rest = String(decoding: found.dropFirst(start.count), as: UTF8.self)
      if rest.wholeMatch(of: /[0-9]+-[0-9]+\.tmp/) != nil {
        removeOrphan("\(folder)/\(String(decoding: start, as: UTF8.self))\(rest)")
      }
    }
  }

  private static func removeOrphan(_ path: String) {
    let file = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    if lock(file) == .taken { unlink(path) }
  }

  /// F_OFD_SETLK, which only C programs see that ask for GNU's extensions.
  private static let lockOpenFile: Int32 = 37

  private enum LockAnswer { case taken, refused, unknown }

  /// A lock of the open file, which ends with it, for whoever asks for the same kind: readers of the file that it becomes
  /// do not (HDF5 asks for another).
  private static func lock(_ file: Int32) -> LockAnswer {
    var whole = flock()
    whole.l_type = Int16(F_WRLCK)
    whole.l_whence = Int16(SEEK_SET)
    guard fcntl(file, lockOpenFile, &whole) != 0 else { return .taken }
    return errno == EAGAIN || errno == EACCES ? .refused : .unknown
  }

  /// Beyond a limit on file sizes, `write` is to fail instead of ending the program.
  /// Beyond the limit of `ulimit -f` the system would end the process without a word.
  static let ignoreSizeSignal: Void = { signal(SIGXFSZ, SIG_IGN) }()

  /// The file that is to be replaced: where a symbolic link leads. Refuses what is no regular file, and a file that
  /// the user has write-protected.
  static func target(_ path: String) throws(FileError) -> String {
    var status = stat()
    guard stat(path, &status) == 0 else {
      guard errno == ENOENT else { throw FileError(path: path, action: "write", code: errno) }
      return path
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw FileError(path: path, action: "write", reason: "it is a folder")
    default: throw FileError(path: path, action: "write", reason: "it is no regular file")
    }
    guard access(path, W_OK) == 0 else {
      throw FileError(path: path, action: "write", code: errno)
    }
    var link = stat()
    guard lstat(path, &link) == 0, link.st_mode & S_IFMT == S_IFLNK,
      let resolved = realpath(path, nil)
    else { return path }
    defer { free(resolved) }
    guard let target = String(validatingCString: resolved) else {
      throw FileError(
        path: path, action: "write", reason: "it is a link to a name that is not UTF-8")
    }
    return target
  }

  /// A new file in the folder of `target`, with the permissions of the file that is there.
  private static func create(besides target: String, path: String) throws(FileError)
    -> (file: Int32, name: String)
  {
    let (folder, name) = (FilePath.folder(of: target), FilePath.name(of: target))
    guard !name.isEmpty else {
      throw FileError(path: path, action: "write", reason: "it names no file")
    }
    var status = stat()
    let mode = stat(target, &status) == 0 ? status.st_mode & 0o777 : nil
    for _ in 0..<100 {
      let number = counter.add(1, ordering: .relaxed).newValue
      let temporary = "\(folder)/.\(FilePath.stem(of: name)).\(getpid())-\(number).tmp"
      let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if file >= 0 {
        // Somebody may be removing orphans: then the lock is theirs, or the name is gone.
        var status = stat()
        if lock(file) == .refused || (fstat(file, &status) == 0 && status.st_nlink == 0) {
          close(file)
          continue
        }
        if let mode { fchmod(file, mode) }
        return (file, temporary)
      }
      guard errno == EEXIST else { throw FileError(path: path, action: "write", code: errno) }
    }
    throw FileError(path: path, action: "write", code: EEXIST)
  }

  /// Appends to an open file that grows; parts may be in it after a failure. Returns 0 or an errno.
  static func append(_ bytes: [UInt8], to file: Int32) -> Int32 {
    _ = ignoreSizeSignal
    return bytes.withUnsafeBytes { write($0, to: file) }
  }

  /// Returns 0 or an errno.
  private static func write(_ bytes: UnsafeRawBufferPointer, to file: Int32) -> Int32 {
    guard let base = bytes.baseAddress else { return 0 }
    var written = 0
    while written < bytes.count {
      let count = Foundation.write(file, base + written, min(bytes.count - written, 1 << 30))
      if count < 0 {
        if errno == EINTR { continue }
        return errno
      }
      written += count
    }
    return 0
  }

  private static func flushFolder(of target: String, path: String) throws(FileError) {
    let folder = open(FilePath.folder(of: target), O_RDONLY | O_CLOEXEC)
    guard folder >= 0 else { return }
    defer { close(folder) }
    // Some file systems cannot flush folders; that is no failure of the write.
    guard fsync(folder) != 0, errno != EINVAL, errno != ENOTSUP else { return }
    throw FileError(path: path, action: "flush the folder of", code: errno)
  }
}
