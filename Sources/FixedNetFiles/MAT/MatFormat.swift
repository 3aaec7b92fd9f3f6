/// What a MATLAB file is by its first bytes.
/// Source: MathWorks, "MAT-File Format"; Level 5 (versions 5 to 7) and Level 4.
enum MatFormat {
  /// Where the HDF5 part of a version 7.3 file begins: behind text.
  static let userBlock = 512
  private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Whether a file is of version 7.3, which is HDF5; else it is of version 4 to 7.
  /// Throws: `MatFileError` for all others.
  static func isVersion7HDF5(_ file: SealedFile) throws(MatFileError) -> Bool {
    let path = file.path
    let start: [UInt8]
    do { start = try file.bytes(at: 0, count: 4096) } catch { throw .file(error) }
    guard start.count >= 20 else {
      throw .wrongFormat(
        path: path,
        found: start.isEmpty
          ? "the file is empty; save it again" : "\(start.count) bytes are too few for a MAT-file")
    }
    if let found = otherFormat(start) { throw .wrongFormat(path: path, found: found) }
    let mark = start.count >= 128 ? Array(start[126..<128]) : []
    let isLittle = mark == [0x49, 0x4D]
    guard isLittle || mark == [0x4D, 0x49] else { return false }
    switch isLittle ? start[125] : start[124] {
    case 1: return false
    case 2:
      guard start.dropFirst(userBlock).starts(with: signature) else {
        throw .damaged(path: path, reason: "version 7.3 without HDF5 behind its header")
      }
      return true
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
}
