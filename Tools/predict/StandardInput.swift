import Foundation
import ToolSupport

/// What comes on standard input, as a table in a file of its own, which goes with this object.
final class StandardInput {
  /// What stands for it on the command line.
  static let name = "-"
  /// Bytes that are taken at most.
  private static let limit = 1 << 30

  let path: String

  /// Reads to the end.
  /// Throws: `ToolError` for nothing, for too much, and where there is no place for it.
  init() throws {
    // All is here before there is a file: whoever waits for a pipe may be ended at any time.
    let bytes = try FileHandle.standardInput.read(upToCount: StandardInput.limit + 1) ?? Data()
    guard !bytes.isEmpty else { throw ToolError("standard input is empty; give a table") }
    guard bytes.count <= StandardInput.limit else {
      throw ToolError("standard input has more than 1 GiB; put it into a file")
    }
    var template = Array("\(NSTemporaryDirectory())/fixednet-XXXXXX.csv".utf8CString)
    let descriptor = mkstemps(&template, 4)
    guard descriptor >= 0 else {
      throw ToolError(
        "standard input: no file to keep it in: \(String(cString: strerror(errno)))")
    }
    path = String(cString: template)
    do {
      let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
      try file.write(contentsOf: bytes)
    } catch {
      unlink(path)
      throw error
    }
  }

  deinit { unlink(path) }
}
