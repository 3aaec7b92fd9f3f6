import Dispatch
import FixedNetCompute
import Foundation

/// An array of bytes, or of labels in wider whole numbers, in the IDX format of the MNIST files, plain or gzip.
/// Layout: two zero bytes, the element type (8: unsigned byte, 9: signed, 11 and 12: big-endian of 16 and 32 bits), the rank,
/// one big-endian 32-bit extent per axis, the values in row-major order.
/// Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits".
package struct IDXFile: Sendable {
  package var shape: [Int]
  /// The elements' bytes; none where they are in `mapped`.
  package var values: [UInt8]
  /// The elements, where memory is short of them.
  private var mapped: ImageSet.Pixels?
  /// The element type.
  private(set) var type: UInt8 = 8
  /// Of the unpacked file, header and values.
  package var sha256: String

  /// Bytes that a file may have, packed or unpacked.
  static let limit = 1 << 30

  /// Reads a file of unsigned bytes.
  /// Throws: `DataError.malformed` unless it is exactly one array of `rank` axes.
  package static func read(_ path: String, rank: Int) throws(DataError) -> IDXFile {
    try IDXFile(open(path), rank: rank, path: path)
  }

  /// Reads images: the same, kept in a file where memory is short of them.
  /// Throws: `DataError.malformed`.
  static func images(_ path: String, rank: Int) throws(DataError) -> IDXFile {
    try IDXFile(open(path), rank: rank, path: path, mayMap: true)
  }

  /// The elements as values of images.
  var pixels: ImageSet.Pixels { mapped ?? .bytes(values) }

  /// Reads labels: a list of whole numbers of one to four bytes.
  /// Throws: `DataError.malformed`.
  static func labels(_ path: String) throws(DataError) -> IDXFile {
    try IDXFile(open(path), rank: 1, path: path, types: [8, 9, 11, 12])
  }

  /// The elements as numbers.
  var numbers: [Int] {
    let width = IDXFile.elementSize(type)
    guard type != 8 else { return values.map(Int.init) }
    return stride(from: 0, to: values.count, by: width).map { place in
      let first = Int(Int8(bitPattern: values[place]))
      return values[place + 1..<place + width].reduce(first) { $0 << 8 | Int($1) }
    }
  }

  private static func elementSize(_ type: UInt8) -> Int {
    type == 12 ? 4 : type == 11 ? 2 : 1
  }

  /// The same for a file of which the shape is known: nothing is read of another. `queue`: where the digest is computed
  /// while the values are read.
  static func read(
    _ path: String, shape: [Int], digestOn queue: DispatchQueue?
  ) throws(DataError) -> IDXFile {
    try IDXFile(open(path), rank: shape.count, path: path, shape: shape, digestOn: queue)
  }

  private static func open(_ path: String) throws(DataError) -> ByteReader {
    do { return try ByteReader(path: path, limit: limit) } catch { throw .file(error) }
  }

  /// `path`: for messages. `shape`: what it must be, where that is known.
  init(
    _ file: consuming ByteReader, rank: Int, path: String, shape expected: [Int]? = nil,
    digestOn queue: DispatchQueue? = nil, types: [UInt8] = [8], mayMap: Bool = false
  ) throws(DataError) {
    var bytes = try UnpackedReader(
      file, path: path, limit: expected?.reduce(1, *) ?? IDXFile.limit, digestOn: queue)
    let headCount = 4 + 4 * rank
    let head = try bytes.read(headCount)
    shape = try IDXFile.shape(head, rank: rank, path: path, types: types)
    type = head[2]
    guard shape == expected ?? shape else {
      throw .malformed(
        path: path, expected: (expected ?? []).map(String.init).joined(separator: " x "),
        found: shape.map(String.init).joined(separator: " x "))
    }
    let count = try IDXFile.byteCount(shape, of: IDXFile.elementSize(type), path: path)
    try bytes.check(canHold: count)
    let found: Int
    if mayMap, FreeMemory.isShort(of: count),
      let memory = try IDXFile.memory(count - headCount, path)
    {
      values = []
      found = try bytes.read(filling: memory.bytes)
      mapped = memory.pixels(isBytes: true, imageCount: shape[0], width: found / shape[0])
    } else {
      values = try bytes.read(count - headCount)
      found = values.count
    }
    guard found == count - headCount else {
      throw .malformed(path: path, expected: "\(count) bytes", found: "\(headCount + found)")
    }
    sha256 = try bytes.finish(limit: count)
  }

  private static func memory(_ count: Int, _ path: String) throws(DataError) -> ScratchMemory? {
    do { return try ScratchMemory.ifNeeded(count, for: path) } catch { throw .file(error) }
  }

  /// The unpacked file.
  package var contents: [UInt8] {
    let extents = shape.flatMap { extent in
      [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: extent >> $0) }
    }
    return [0, 0, type, UInt8(shape.count)] + extents + values
  }

  private static func shape(_ head: [UInt8], rank: Int, path: String, types: [UInt8])
    throws(DataError) -> [Int]
  {
    guard head.count == 4 + 4 * rank, head[0] == 0, head[1] == 0 else {
      throw .malformed(path: path, expected: "an IDX file, plain or gzip", found: "another format")
    }
    guard types.contains(head[2]) else {
      throw .malformed(
        path: path,
        expected: types.count > 1
          ? "IDX of whole numbers of 1 to 4 bytes (types 8, 9, 11, 12)"
          : "IDX of unsigned bytes (type 8)", found: "type \(head[2])")
    }
    guard head[3] == rank else {
      throw .malformed(path: path, expected: "IDX of \(rank) axes", found: "\(head[3]) axes")
    }
    return (0..<rank).map { axis in
      head[4 + 4 * axis..<8 + 4 * axis].reduce(0) { $0 << 8 | Int($1) }
    }
  }

  /// Bytes of the whole file.
  private static func byteCount(_ shape: [Int], of size: Int, path: String) throws(DataError) -> Int
  {
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
    return 4 + 4 * shape.count + count * size
  }
}
