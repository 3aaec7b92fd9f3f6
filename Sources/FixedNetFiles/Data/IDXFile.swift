/// An array of bytes in the IDX format of the MNIST files, plain or gzip.
/// Layout: two zero bytes, the element type (8: unsigned byte), the rank, one big-endian 32-bit extent per axis, the
/// values in row-major order.
/// Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits".
public struct IDXFile: Sendable {
  public var shape: [Int]
  public var values: [UInt8]
  /// Of the unpacked file, header and values.
  public var md5: String

  /// Bytes that a file may have, packed or unpacked.
  static let limit = 1 << 30

  /// Reads a file of unsigned bytes.
  /// Throws: `DataError.malformed` unless it is exactly one array of `rank` axes.
  public static func read(_ path: String, rank: Int) throws(DataError) -> IDXFile {
    let file: [UInt8]
    do { file = try FileBytes.read(path, limit: limit) } catch { throw .file(error) }
    return try IDXFile(file, rank: rank, path: path)
  }

  /// `path`: for messages.
  init(_ file: [UInt8], rank: Int, path: String) throws(DataError) {
    var shape: [Int] = []
    var bytes = file
    if Gzip.isGzip(file) {
      bytes = try Gzip.unpack(file, headCount: 4 + 4 * rank) { head throws(DataError) in
        shape = try IDXFile.shape(head, rank: rank, path: path)
        let count = try IDXFile.byteCount(shape, path: path)
        // DEFLATE expands at most 1032-fold.
        guard count / 1032 <= file.count else {
          throw .malformed(
            path: path, expected: "\(count) bytes unpacked", found: "only \(file.count) packed")
        }
        return count
      } failed: {
        IDXFile.error($0, path: path)
      }
    } else {
      shape = try IDXFile.shape(Array(file.prefix(4 + 4 * rank)), rank: rank, path: path)
    }
    let count = try IDXFile.byteCount(shape, path: path)
    guard bytes.count == count else {
      throw .malformed(path: path, expected: "\(count) bytes", found: "\(bytes.count)")
    }
    self.shape = shape
    md5 = Digest.md5(bytes)
    bytes.removeFirst(4 + 4 * rank)
    values = bytes
  }

  private static func shape(_ head: [UInt8], rank: Int, path: String) throws(DataError) -> [Int] {
    guard head.count == 4 + 4 * rank, head[0] == 0, head[1] == 0 else {
      throw .malformed(path: path, expected: "an IDX file, plain or gzip", found: "another format")
    }
    guard head[2] == 8 else {
      throw .malformed(
        path: path, expected: "IDX of unsigned bytes (type 8)", found: "type \(head[2])")
    }
    guard head[3] == rank else {
      throw .malformed(path: path, expected: "IDX of \(rank) axes", found: "\(head[3]) axes")
    }
    return (0..<rank).map { axis in
      head[4 + 4 * axis..<8 + 4 * axis].reduce(0) { $0 << 8 | Int($1) }
    }
  }

  /// Bytes of the whole file.
  private static func byteCount(_ shape: [Int], path: String) throws(DataError) -> Int {
    var count = 1
    for extent in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard extent > 0, !overflow, product < limit else {
        throw .malformed(
          path: path, expected: "1 to \(limit) values",
          found: shape.map(String.init).joined(separator: " x "))
      }
      count = product
    }
    return 4 + 4 * shape.count + count
  }

  private static func error(_ failure: Gzip.Failure, path: String) -> DataError {
    let found =
      switch failure {
      case .cutOff: "a file that is cut off"
      case .damaged(let reason): "damaged data (zlib: \(reason))"
      case .trailingBytes(let count): "\(count) bytes behind its end"
      case .tooLong(let limit): "more than the \(limit) bytes its header says"
      }
    return .malformed(path: path, expected: "a complete gzip file", found: found)
  }
}
