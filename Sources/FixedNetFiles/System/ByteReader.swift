/// Bytes of a file or in memory, read from the first to the last.
package struct ByteReader: ~Copyable {
  /// All there are.
  package let count: Int
  package private(set) var position = 0
  private let memory: [UInt8]
  /// nil: the bytes are in memory.
  private let file: OpenFile?

  package init(_ bytes: [UInt8]) {
    (memory, count) = (bytes, bytes.count)
    file = nil
  }

  /// A regular file of at most `limit` bytes.
  init(path: String, limit: Int) throws(FileError) {
    let file = try OpenFile(path: path, limit: limit)
    (memory, count) = ([], file.count)
    self.file = consume file
  }

  /// A helper that unpacks all of them. It may have the file itself: what becomes of that meanwhile is in the bytes that come
  /// out, and nothing else is taken from it.
  func unpacker(path: String, limit: Int, isText: Bool) throws(GzipReader.Failure) -> GzipReader {
    switch file {
    case .some(let file):
      return try GzipReader(
        file.descriptor, count: count, path: path, limit: limit, isText: isText)
    case nil:
      let sealed: SealedFile
      do { sealed = try SealedFile(memory, path: path, for: .unpacker) } catch {
        throw .file(error)
      }
      return try GzipReader(
        sealed.descriptor, count: count, path: path, limit: limit, isText: isText)
    }
  }

  /// Fills `buffer`, or as much of it as there are bytes left. Returns the number of bytes.
  mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
    let length = min(buffer.count, count - position)
    guard length > 0 else { return 0 }
    let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<length])
    if file != nil {
      try file?.read(into: part, at: position)
    } else {
      memory.withUnsafeBytes { bytes in
        part.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[position..<position + length]))
      }
    }
    position += length
    return length
  }

  /// The first `count` bytes, or all there are, which stay to be read.
  mutating func peek(_ count: Int) throws(FileError) -> [UInt8] {
    let start = position
    var bytes = [UInt8](repeating: 0, count: min(count, self.count - position))
    var failure: FileError?
    bytes.withUnsafeMutableBytes { buffer in
      do throws(FileError) { _ = try read(into: buffer) } catch { failure = error }
    }
    position = start
    if let failure { throw failure }
    return bytes
  }
}
