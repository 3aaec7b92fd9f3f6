import Foundation

/// A file of records (TFRecord) that only grows: each is appended as a whole, or not at all.
///
/// Layout: the length (UInt64), its masked checksum (UInt32), the bytes, their masked checksum (UInt32); little-endian.
/// Source: TensorFlow, core/lib/io/record_writer.h.
package final class RecordFile {
  package let path: String
  private let file: Int32
  private var byteCount = 0

  /// Makes the file.
  /// Throws: `FileError`, also where there is one already.
  package init(path: String) throws(FileError) {
    self.path = path
    file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw FileError(path: path, action: "write", code: errno) }
  }

  deinit { if file >= 0 { close(file) } }

  /// A record around `bytes`.
  package static func record(_ bytes: [UInt8]) -> [UInt8] {
    let length = littleEndian(UInt64(bytes.count))
    return length + littleEndian(CRC32C.masked(length)) + bytes
      + littleEndian(CRC32C.masked(bytes))
  }

  private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  /// Appends a record for each of `contents`; whoever reads the file finds them at once.
  /// Throws: `FileError`; the file is as it was before then.
  package func append(_ contents: [[UInt8]]) throws(FileError) {
    let bytes = contents.flatMap(RecordFile.record)
    let code = AtomicFile.append(bytes, to: file)
    guard code == 0 else {
      ftruncate(file, off_t(byteCount))
      throw FileError(path: path, action: "write", code: code)
    }
    byteCount += bytes.count
  }
}
