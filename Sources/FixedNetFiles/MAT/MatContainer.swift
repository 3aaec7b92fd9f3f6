import CZlib

/// The outer form of a MATLAB file, checked before any library sees it: signature, the lengths of its parts, and that
/// compressed parts unpack without error.
/// Source: MathWorks, "MAT-File Format"; Level 5 (versions 5 to 7) and Level 4.
enum MatContainer {
  /// Version 7.3: HDF5 behind 512 bytes of text.
  case version7HDF5
  /// `unpackedBytes`: of all its variables.
  case plain(unpackedBytes: Int, variableCount: Int)

  /// Bytes that all variables may have when they are unpacked.
  static let unpackedLimit = 3 << 30

  /// Where the HDF5 part of a version 7.3 file begins.
  static let userBlock = 512
  private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Throws: `MatFileError`.
  static func check(path: String) throws(MatFileError) -> MatContainer {
    let start: [UInt8]
    do {
      _ = try FileBytes.size(of: path, limit: 4 << 30)
      start = try FileBytes.start(of: path, count: 4096)
    } catch { throw .file(error) }
    guard start.count >= 20 else {
      throw .wrongFormat(
        path: path,
        found: start.isEmpty
          ? "the file is empty; save it again" : "\(start.count) bytes are too few for a MAT-file")
    }
    if let found = otherFormat(start) { throw .wrongFormat(path: path, found: found) }
    let mark = start.count >= 128 ? Array(start[126..<128]) : []
    let isLittle = mark == [0x49, 0x4D]
    guard isLittle || mark == [0x4D, 0x49] else {
      return try walkVersion4(path: path, bytes: bytes(of: path))
    }
    switch isLittle ? start[125] : start[124] {
    case 1:
      return try walkVersion5(path: path, bytes: bytes(of: path), isLittle: isLittle)
    case 2:
      guard start.dropFirst(userBlock).starts(with: signature) else {
        throw .damaged(path: path, reason: "version 7.3 without HDF5 behind its header")
      }
      return .version7HDF5
    case let version:
      throw .wrongFormat(
        path: path, found: "a MAT-file of version \(version); save it with -v7 or -v7.3")
    }
  }

  /// What a file is that is named `.mat` and none of MATLAB's, and what to do; nil for others.
  private static func otherFormat(_ start: [UInt8]) -> String? {
    let advice = "in Octave save it with save('-v7', 'FILE.mat', 'X', 'y')"
    if start.starts(with: signature) {
      let isOctave = String(decoding: start, as: UTF8.self).contains("# Created by Octave")
      return isOctave
        ? "Octave's HDF5 (save -hdf5), not MATLAB's; \(advice)"
        : "a plain HDF5 file, not MATLAB's; name it .h5"
    }
    if start.starts(with: Array("# Created by Octave".utf8)) {
      return "Octave's own text format, which it saves by default; \(advice)"
    }
    if start.starts(with: Array("Octave-1-".utf8)) {
      return "Octave's own binary format (save -binary); \(advice)"
    }
    return nil
  }

  private static func bytes(of path: String) throws(MatFileError) -> [UInt8] {
    do { return try FileBytes.read(path, limit: MatFile.sizeLimit) } catch { throw .file(error) }
  }

  // MARK: - Versions 5 to 7

  /// Layout: 128 bytes of header; then variables, each a tag (type and length of 32 bits) and that many bytes: a matrix
  /// (14), or a zlib stream (15) that holds one.
  private static func walkVersion5(path: String, bytes: [UInt8], isLittle: Bool)
    throws(MatFileError) -> MatContainer
  {
    var (place, total, count) = (128, 0, 0)
    while place < bytes.count {
      guard bytes.count - place >= 8 else { throw cut(path, variable: count) }
      let type = word(bytes, place, isLittle: isLittle)
      let length = word(bytes, place + 4, isLittle: isLittle)
      place += 8
      guard length <= bytes.count - place else { throw cut(path, variable: count) }
      switch type {
      case 14: total += length
      case 15:
        total += try unpackedCount(
          bytes, place..<place + length, limit: unpackedLimit - total, path: path, variable: count)
      default:
        throw .damaged(path: path, reason: "variable \(count + 1) is of the unknown type \(type)")
      }
      guard total <= unpackedLimit else { throw tooLong(path) }
      place += length
      count += 1
    }
    return .plain(unpackedBytes: total, variableCount: count)
  }

  private static func cut(_ path: String, variable: Int) -> MatFileError {
    .damaged(path: path, reason: "variable \(variable + 1) reaches beyond the end: cut off?")
  }

  private static func tooLong(_ path: String) -> MatFileError {
    .wrongFormat(path: path, found: "its variables unpack to more than 3 GiB; save fewer of them")
  }

  private static func word(_ bytes: [UInt8], _ place: Int, isLittle: Bool) -> Int {
    let part = bytes[place..<place + 4]
    return isLittle
      ? part.reversed().reduce(0) { $0 << 8 | Int($1) } : part.reduce(0) { $0 << 8 | Int($1) }
  }

  /// Unpacks a zlib stream to nowhere: libmatio reads as much as it needs and never gets to the checksum.
  private static func unpackedCount(
    _ bytes: [UInt8], _ range: Range<Int>, limit: Int, path: String, variable: Int
  ) throws(MatFileError) -> Int {
    var stream = z_stream()
    guard inflateInit_(&stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw .damaged(path: path, reason: "zlib cannot start")
    }
    defer { inflateEnd(&stream) }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    var total = 0
    let status = bytes.withUnsafeBufferPointer { bytes in
      buffer.withUnsafeMutableBufferPointer { buffer in
        stream.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress! + range.lowerBound)
        stream.avail_in = UInt32(range.count)
        var status = Z_OK
        while status == Z_OK, total <= limit {
          stream.next_out = buffer.baseAddress
          stream.avail_out = UInt32(buffer.count)
          status = inflate(&stream, Z_NO_FLUSH)
          total += buffer.count - Int(stream.avail_out)
        }
        return status
      }
    }
    guard total <= limit else { throw tooLong(path) }
    guard status == Z_STREAM_END, stream.avail_in == 0 else {
      let reason =
        switch status {
        case Z_STREAM_END: "\(stream.avail_in) bytes behind its end"
        case Z_BUF_ERROR: "cut off"
        default: stream.msg.map { String(cString: $0) } ?? "error \(status)"
        }
      throw .damaged(path: path, reason: "variable \(variable + 1), zlib: \(reason)")
    }
    return total
  }

  // MARK: - Version 4

  /// Layout: variables without a file header; each 5 words of 32 bits (type 1000 M + 100 O + 10 P + T, rows, columns,
  /// has an imaginary part, length of the name), the name, the values.
  private static func walkVersion4(path: String, bytes: [UInt8]) throws(MatFileError)
    -> MatContainer
  {
    let isLittle = (0..<5000).contains(word(bytes, 0, isLittle: true))
    var (place, count) = (0, 0)
    while place < bytes.count {
      guard bytes.count - place >= 20 else { throw cut(path, variable: count) }
      let words = (0..<5).map { word(bytes, place + 4 * $0, isLittle: isLittle) }
      let (order, reserved) = (words[0] / 1000, words[0] / 100 % 10)
      let (precision, kind) = (words[0] / 10 % 10, words[0] % 10)
      guard order == (isLittle ? 0 : 1), reserved == 0, precision <= 5, kind <= 2, words[3] <= 1,
        (1...1024).contains(words[4])
      else {
        guard count == 0 else {
          throw .damaged(path: path, reason: "variable \(count + 1) has no valid header")
        }
        throw .wrongFormat(
          path: path, found: "not a MATLAB file; give one that MATLAB, Octave or scipy.io saved")
      }
      place += 20
      let size = [8, 4, 4, 2, 2, 1][precision] * (words[3] + 1)
      let (elements, overflow) = words[1].multipliedReportingOverflow(by: words[2])
      guard !overflow, elements <= bytes.count, words[4] + elements * size <= bytes.count - place
      else { throw cut(path, variable: count) }
      place += words[4] + elements * size
      count += 1
    }
    return .plain(unpackedBytes: bytes.count, variableCount: count)
  }
}
