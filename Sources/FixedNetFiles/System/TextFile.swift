import Foundation

/// Small files of text.
package enum TextFile {
  /// A regular file of at most `limit` bytes of UTF-8, opened once; nil where there is none.
  /// Throws: `FileError`.
  package static func read(_ path: String, limit: Int) throws(FileError) -> String? {
    // A pipe is not waited for.
    let file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else {
      guard errno == ENOENT else { throw FileError(path: path, action: "read", code: errno) }
      return nil
    }
    defer { close(file) }
    func failure(_ reason: String) -> FileError {
      FileError(path: path, action: "read", reason: reason)
    }
    var status = stat()
    guard fstat(file, &status) == 0 else {
      throw FileError(path: path, action: "read", code: errno)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw failure(
        status.st_mode & S_IFMT == S_IFDIR ? "it is a folder" : "it is no regular file")
    }
    guard status.st_size <= limit else {
      throw failure("\(status.st_size) bytes; at most \(limit) are supported")
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var count = 0
    while count < bytes.count {
      let rest = bytes.count - count
      let more = bytes.withUnsafeMutableBytes {
        Foundation.read(file, $0.baseAddress! + count, rest)
      }
      if more < 0, errno == EINTR { continue }
      guard more >= 0 else { throw FileError(path: path, action: "read", code: errno) }
      guard more > 0 else { throw failure("it shrank while it was read") }
      count += more
    }
    guard let text = String(bytes: bytes, encoding: .utf8) else { throw failure("it is not UTF-8") }
    return text
  }
}
