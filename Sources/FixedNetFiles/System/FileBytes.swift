import Foundation

/// Whole files as bytes.
enum FileBytes {
  /// Reads a regular file of at most `limit` bytes.
  static func read(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
    try start(of: path, count: size(of: path, limit: limit), whole: true)
  }

  /// The first `count` bytes of what must be a regular file, or all it has.
  static func start(ofFile path: String, count: Int) throws(FileError) -> [UInt8] {
    _ = try size(of: path, limit: .max)
    return try start(of: path, count: count)
  }

  /// Reads the first `count` bytes of a regular file, or all it has. `whole`: fewer are an error.
  static func start(of path: String, count: Int, whole: Bool = false) throws(FileError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw FileError(path: path, action: "read", code: errno) }
    defer { close(file) }
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      code = fill(buffer, from: file, &filled)
    }
    guard code == 0 else { throw FileError(path: path, action: "read", code: code) }
    guard !whole || bytes.count == count else {
      throw FileError(path: path, action: "read", reason: "it shrank while it was read")
    }
    return bytes
  }

  /// Calls `body` with the bytes of a file, a mebibyte at a time.
  static func forEachPart(
    of path: String, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(FileError) {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw FileError(path: path, action: "read", code: errno) }
    defer { close(file) }
    let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 1 << 20)
    defer { buffer.deallocate() }
    var filled = 0
    repeat {
      filled = 0
      let code = fill(buffer, from: file, &filled)
      guard code == 0 else { throw FileError(path: path, action: "read", code: code) }
      body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<filled]))
    } while filled == buffer.count
  }

  /// The size of a regular file of at most `limit` bytes.
  static func size(of path: String, limit: Int) throws(FileError) -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else {
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

  /// Returns 0 or an errno.
  private static func fill(
    _ buffer: UnsafeMutableBufferPointer<UInt8>, from file: Int32, _ filled: inout Int
  ) -> Int32 {
    guard let base = buffer.baseAddress else { return 0 }
    while filled < buffer.count {
      let count = Foundation.read(file, base + filled, buffer.count - filled)
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        return errno
      }
      filled += count
    }
    return 0
  }
}
