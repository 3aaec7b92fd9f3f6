import Foundation

/// A regular file, opened once and open for reading at any place.
struct OpenFile: ~Copyable {
  let path: String
  let count: Int
  let descriptor: Int32

  /// `limit`: bytes that the file may have.
  init(path: String, limit: Int) throws(FileError) {
    let file = try FileBytes.open(path)
    do throws(FileError) { count = try FileBytes.size(of: file, path: path, limit: limit) } catch {
      close(file)
      throw error
    }
    self.path = path
    descriptor = file
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
}
