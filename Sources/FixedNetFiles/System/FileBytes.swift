import Foundation

/// Files as bytes. A file is opened once: what it is, its size and its contents are asked of what was opened.
package enum FileBytes {
  /// Reads a regular file of at most `limit` bytes.
  package static func read(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
    let file = try open(path)
    defer { close(file) }
    let count = try size(of: file, path: path, limit: limit)
    let bytes = try start(of: file, path: path, count: count)
    guard bytes.count == count else {
      throw FileError(path: path, action: "read", reason: "it shrank while it was read")
    }
    return bytes
  }

  /// The first `count` bytes of what must be a regular file, or all it has.
  package static func start(ofFile path: String, count: Int) throws(FileError) -> [UInt8] {
    let file = try open(path)
    defer { close(file) }
    _ = try size(of: file, path: path, limit: .max)
    return try start(of: file, path: path, count: count)
  }

  /// Calls `body` with the bytes of a file, a mebibyte at a time.
  static func forEachPart(
    of path: String, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(FileError) {
    let file = try open(path)
    defer { close(file) }
    _ = try size(of: file, path: path, limit: .max)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { buffer.deallocate() }
    var filled = 0
    repeat {
      filled = try fill(buffer, from: file, path: path)
      body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<filled]))
    } while filled == buffer.count
  }

  // MARK: - Open files

  /// Opens a file for reading; never waits for what is no file.
  static func open(_ path: String) throws(FileError) -> Int32 {
    let file = Foundation.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard file >= 0 else { throw FileError(path: path, action: "read", code: errno) }
    return file
  }

  /// The size of a regular file of at most `limit` bytes.
  static func size(of file: Int32, path: String, limit: Int) throws(FileError) -> Int {
    var status = stat()
    guard fstat(file, &status) == 0 else {
      throw FileError(path: path, action: "read", code: errno)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FileError(
        path: path, action: "read",
        reason: status.st_mode & S_IFMT == S_IFDIR ? "it is a folder" : "it is no regular file")
    }
    let count = Int(status.st_size)
    guard count <= limit else {
      throw FileError(
        path: path, action: "read", reason: "\(count) bytes; at most \(limit) are supported")
    }
    return count
  }

  private static func start(of file: Int32, path: String, count: Int) throws(FileError) -> [UInt8] {
    var failure: FileError?
    // What a file claims as its size is not allocated before it is known to be there.
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      do throws(FileError) {
        filled = try fill(UnsafeMutableRawBufferPointer(buffer), from: file, path: path)
      } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Fills `buffer` from where the file is. Returns how many bytes there were.
  static func fill(_ buffer: UnsafeMutableRawBufferPointer, from file: Int32, path: String)
    throws(FileError) -> Int
  {
    guard let base = buffer.baseAddress else { return 0 }
    var filled = 0
    while filled < buffer.count {
      let count = Foundation.read(file, base + filled, buffer.count - filled)
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(path: path, action: "read", code: errno)
      }
      filled += count
    }
    return filled
  }
}
