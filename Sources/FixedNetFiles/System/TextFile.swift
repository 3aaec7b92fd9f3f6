/// Whole files as text.
package enum TextFile {
  /// Reads a regular file of at most `limit` bytes, which must be UTF-8.
  package static func read(_ path: String, limit: Int) throws(FileError) -> String {
    let bytes = try FileBytes.read(path, limit: limit)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw FileError(path: path, action: "read", reason: "it is not UTF-8 text")
    }
    return text
  }
}
