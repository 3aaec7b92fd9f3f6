import FixedNetCompute

extension TableFile {
  /// Bytes of a table, and what a packed one may have: text hardly packs to less than a hundredth.
  private static let limit = 4 << 30
  private static let allowance = 64 << 20
  private static let expansion = 128

  /// A table's bytes; those of one that is packed with gzip are unpacked by a helper first.
  /// Throws: `DataFileError.file`, `.wrongFormat`.
  static func open(_ path: String) throws(DataFileError) -> SealedFile {
    do throws(FileError) {
      let start = try FileBytes.start(ofFile: path, count: 2)
      guard GzipReader.isGzip(start) else {
        return try SealedFile(path: path, limit: limit, for: .reader)
      }
    } catch { throw .file(error) }
    return try unpacked(path)
  }

  /// Text packs to less than an eighth, seldom to much less: where memory is short of eight times the file it is unpacked to a
  /// disk.
  private static func unpacked(_ path: String) throws(DataFileError) -> SealedFile {
    do throws(DataError) {
      let file: ByteReader
      do { file = try ByteReader(path: path, limit: limit) } catch { throw .file(error) }
      let scratch: ScratchFile?
      do { scratch = try ScratchFile.ifNeeded(8 * file.count, for: path) } catch {
        throw .file(error)
      }
      let most = min(limit, allowance + expansion * file.count)
      var reader = try UnpackedReader(file, path: path, limit: most, digestOn: nil, isText: true)
      var (bytes, count) = ([UInt8](), 0)
      while true {
        let part = try reader.read(1 << 22)
        if let scratch {
          do throws(FileError) { try scratch.append(part, at: count) } catch { throw .file(error) }
        } else {
          bytes += part
        }
        count += part.count
        guard count <= most else {
          throw .malformed(
            path: path, expected: "a table that unpacks to at most \(Format.bytes(most))",
            found: "more")
        }
        if part.count < 1 << 22 { break }
      }
      _ = try reader.finish(limit: most)
      do throws(FileError) {
        guard let scratch else { return try SealedFile(bytes, path: path, for: .reader) }
        return try SealedFile(scratch, count: count, path: path)
      } catch { throw .file(error) }
    } catch {
      switch error {
      case .file(let error): throw .file(error)
      case .malformed(_, let expected, let found):
        throw .wrongFormat(path: path, found: "must be \(expected), found \(found)")
      case .missing, .digest, .label, .download:
        throw .wrongFormat(path: path, found: error.description)
      }
    }
  }
}
