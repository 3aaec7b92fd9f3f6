import Foundation

/// A regular file, open for reading at any place.
struct OpenFile: ~Copyable {
  let path: String
  let count: Int
  private let descriptor: Int32

  /// `limit`: bytes that the file may have.
  init(path: String, limit: Int) throws(FileError) {
    let count = try FileBytes.size(of: path, limit: limit)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path: path, action: "read", code: errno) }
    self.path = path
    self.count = count
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Fills `buffer` from `offset` on.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileError) {
    guard let base = buffer.baseAddress else { return }
    var done = 0
    while done < buffer.count {
      let count = pread(descriptor, base + done, buffer.count - done, off_t(offset + done))
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(path: path, action: "read", code: errno)
      }
      guard count > 0 else {
        throw FileError(path: path, action: "read", reason: "it shrank while it was read")
      }
      done += count
    }
  }

  /// `count` bytes from `offset` on.
  func bytes(at offset: Int, count: Int) throws(FileError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var failure: FileError?
    bytes.withUnsafeMutableBytes { buffer in
      do throws(FileError) { try read(into: buffer, at: offset) } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }
}
