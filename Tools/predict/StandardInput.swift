import Foundation
import ToolSupport

/// What comes on standard input, as a table in a file of its own, which goes with this object.
final class StandardInput {
  /// What stands for it on the command line.
  static let name = "-"
  /// Bytes that are taken at most.
  private static let limit = 1 << 30

  let path: String
  private let folder: String

  /// Reads to the end.
  /// Throws: `ToolError` for nothing, for too much, and where there is no place for it.
  init() throws {
    var template = Array("\(NSTemporaryDirectory())/fixednet-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else {
      throw ToolError(
        "standard input: no folder to keep it in: \(String(cString: strerror(errno)))")
    }
    folder = String(cString: made)
    path = "\(folder)/standard-input.csv"
    do {
      let bytes = try FileHandle.standardInput.read(upToCount: StandardInput.limit + 1) ?? Data()
      guard !bytes.isEmpty else { throw ToolError("standard input is empty; give a table") }
      guard bytes.count <= StandardInput.limit else {
        throw ToolError("standard input has more than 1 GiB; put it into a file")
      }
      try bytes.write(to: URL(filePath: path))
    } catch {
      try? FileManager.default.removeItem(atPath: folder)
      throw error
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }
}
