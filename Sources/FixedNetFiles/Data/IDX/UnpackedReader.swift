import Dispatch

/// The contents of a file, plain or gzip, read from the first byte to the last, and their digest.
struct UnpackedReader: ~Copyable {
  /// For messages.
  private let path: String
  /// Bytes of the file itself.
  private let fileCount: Int
  /// One of the two is there.
  private var plain: ByteReader?
  private var gzip: GzipReader?
  private let digest: TrailingDigest

  /// `queue`: where the digest is computed while bytes are read; nil: in between.
  init(
    _ file: consuming ByteReader, path: String, limit: Int, digestOn queue: DispatchQueue?,
    isText: Bool = false
  ) throws(DataError) {
    self.path = path
    fileCount = file.count
    digest = TrailingDigest(on: queue)
    plain = nil
    gzip = nil
    do throws(FileError) {
      guard GzipReader.isGzip(try file.peek(2)) else {
        plain = consume file
        return
      }
      do {
        gzip = try file.unpacker(path: path, limit: limit, isText: isText)
      } catch { throw GzipReader.fileError(error, path: path) }
    } catch { throw .file(error) }
  }

  /// Whether there can be `count` bytes, before memory is reserved for them.
  func check(canHold count: Int) throws(DataError) {
    if gzip == nil {
      guard fileCount == count else {
        throw .malformed(path: path, expected: "\(count) bytes", found: "\(fileCount)")
      }
    } else {
      // DEFLATE expands at most 1032-fold.
      guard count / 1032 <= fileCount else {
        throw .malformed(
          path: path, expected: "\(count) bytes unpacked", found: "only \(fileCount) packed")
      }
    }
  }

  /// The next `count` bytes, or all there are.
  mutating func read(_ count: Int) throws(DataError) -> [UInt8] {
    var failure: DataError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { array, filled in
      do throws(DataError) {
        filled = try read(filling: UnsafeMutableRawBufferPointer(array))
      } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }

  /// The next bytes until `buffer` is full, or all there are. Returns their number.
  mutating func read(filling buffer: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
    defer { digest.wait() }
    var filled = 0
    while filled < buffer.count {
      let end = min(buffer.count, filled + TrailingDigest.pieceLength)
      filled += try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<end]))
      if filled < end { break }
    }
    return filled
  }

  private mutating func read(
    into piece: UnsafeMutableRawBufferPointer
  ) throws(DataError) -> Int {
    var length = 0
    if gzip == nil {
      do { length = try plain?.read(into: piece) ?? 0 } catch { throw .file(error) }
    } else {
      do { length = try gzip?.read(into: piece) ?? 0 } catch { throw self.error(error) }
    }
    digest.add(UnsafeRawBufferPointer(rebasing: piece[..<length]))
    return length
  }

  /// There must be no more bytes than those `limit` that were read. Returns their SHA-256.
  mutating func finish(limit: Int) throws(DataError) -> String {
    do { try gzip?.finish(limit: limit) } catch { throw self.error(error) }
    return digest.finish()
  }

  private func error(_ failure: GzipReader.Failure) -> DataError {
    var found = ""
    switch failure {
    case .cutOff: found = "a file that is cut off"
    case .damaged(let reason): found = "damaged data (\(reason))"
    case .trailingBytes(let count): found = "\(count) bytes behind its end"
    case .tooLong(let limit): found = "more than the \(limit) bytes its header says"
    case .other:
      return .malformed(path: path, expected: "an IDX file, plain or gzip", found: "another format")
    case .file(let error): return .file(error)
    }
    return .malformed(path: path, expected: "a complete gzip file", found: found)
  }
}
