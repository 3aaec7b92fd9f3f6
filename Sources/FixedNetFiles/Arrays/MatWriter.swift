/// MATLAB's files of version 5, uncompressed.
/// Source: MathWorks, MAT-File Format, "Level 5 MAT-File Format".
enum MatWriter {
  /// Types of data elements.
  private enum Element: Int32 {
    case int8 = 1
    case int32 = 5
    case uint32 = 6
    case single = 7
    case int64 = 12
    case matrix = 14
    case utf16 = 17
  }

  /// Classes of arrays.
  private enum ArrayClass: UInt32 {
    case cell = 1
    case char = 4
    case single = 7
    case int64 = 14
  }

  /// Nil where an array takes 2 GiB and more, which version 5 cannot say.
  static func bytes(_ arrays: [NamedArray]) -> [UInt8]? {
    let text = "MATLAB 5.0 MAT-file, written by FixedNet"
    var file = Array(text.utf8) + [UInt8](repeating: 0x20, count: 116 - text.utf8.count)
    // No subsystem data; version 1.0; "IM" tells the order of bytes.
    file += [UInt8](repeating: 0, count: 8) + [0x00, 0x01] + Array("IM".utf8)
    for array in arrays {
      let matrix = matrix(array)
      guard matrix.count < 1 << 31 else { return nil }
      file += matrix
    }
    return file
  }

  private static func matrix(_ array: NamedArray) -> [UInt8] {
    // MATLAB has no lists: a column.
    let shape = array.shape.count < 2 ? [array.shape.first ?? 1, 1] : array.shape
    switch array.values {
    case .floats(let values):
      let data = ArrayBytes.little(columnMajor(values, shape).map(\.bitPattern))
      return matrix(array.name, .single, shape, element(.single, data))
    case .integers(let values):
      let data = ArrayBytes.little(columnMajor(values, shape))
      return matrix(array.name, .int64, shape, element(.int64, data))
    case .texts(let texts):
      let cells = texts.flatMap { text in
        let codes = Array(text.utf16)
        return matrix("", .char, [1, codes.count], element(.utf16, ArrayBytes.little(codes)))
      }
      return matrix(array.name, .cell, shape, cells)
    }
  }

  private static func matrix(
    _ name: String, _ kind: ArrayClass, _ shape: [Int], _ data: [UInt8]
  ) -> [UInt8] {
    let flags = element(.uint32, ArrayBytes.little([kind.rawValue, 0]))
    let extents = element(.int32, ArrayBytes.little(shape.map { Int32($0) }))
    return element(.matrix, flags + extents + element(.int8, Array(name.utf8)) + data)
  }

  /// Type, length, data, zeros up to a multiple of 8.
  private static func element(_ type: Element, _ data: [UInt8]) -> [UInt8] {
    ArrayBytes.little([type.rawValue, Int32(truncatingIfNeeded: data.count)]) + data
      + [UInt8](repeating: 0, count: (8 - data.count % 8) % 8)
  }

  /// The first index varies fastest.
  private static func columnMajor<Value>(_ values: [Value], _ shape: [Int]) -> [Value] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    var index = [Int](repeating: 0, count: shape.count)
    return values.indices.map { _ in
      let place = zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 }
      for axis in shape.indices {
        index[axis] += 1
        guard index[axis] == shape[axis] else { break }
        index[axis] = 0
      }
      return values[place]
    }
  }
}
