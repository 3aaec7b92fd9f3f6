/// NumPy's files.
/// Source: numpy.lib.format, version 1.0.
enum NumPyWriter {
  /// A zip archive of `.npy` members; nil where it would need Zip64.
  static func npz(_ arrays: [NamedArray]) -> [UInt8]? {
    ZipWriter.bytes(of: arrays.map { (name: "\($0.name).npy", bytes: npy($0)) })
  }

  /// A magic number, the header's length, the header as a Python literal filled up with spaces so that the values begin
  /// at a multiple of 64, and the values in row-major order.
  static func npy(_ array: NamedArray) -> [UInt8] {
    let (type, values) = encoded(array.values)
    let extents = array.shape.map(String.init).joined(separator: ", ")
    let shape = array.shape.count == 1 ? "(\(extents),)" : "(\(extents))"
    var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }"
    let start = 10
    header += String(repeating: " ", count: 63 - (start + header.utf8.count) % 64) + "\n"
    let count = header.utf8.count
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(count & 0xFF), UInt8(count >> 8)]
      + Array(header.utf8) + values
  }

  private static func encoded(_ values: NamedArray.Values) -> (type: String, bytes: [UInt8]) {
    switch values {
    case .floats(let floats): return ("<f4", ArrayBytes.little(floats.map(\.bitPattern)))
    case .integers(let integers): return ("<i8", ArrayBytes.little(integers))
    case .texts(let texts):
      // UCS-4, each text filled up with zeros to the longest.
      let scalars = texts.map { $0.unicodeScalars.map(\.value) }
      let width = max(1, scalars.map(\.count).max() ?? 1)
      let codes = scalars.flatMap { $0 + [UInt32](repeating: 0, count: width - $0.count) }
      return ("<U\(width)", ArrayBytes.little(codes))
    }
  }
}

enum ArrayBytes {
  /// The bytes of whole numbers, the lowest of each first.
  static func little<Value: FixedWidthInteger>(_ values: [Value]) -> [UInt8] {
    values.map(\.littleEndian).withUnsafeBytes { Array($0) }
  }
}
