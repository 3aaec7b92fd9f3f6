import ArgumentParser
import Foundation

/// Files that a tool reads and files that it writes: none may be both, or be written twice.
public struct FileGuard {
  private var entries: [(path: String, what: String, isWritten: Bool)] = []

  public init() {}

  /// `what`: the option, for messages. nil paths are passed over.
  public mutating func reads(_ path: String?, _ what: String) {
    if let path { entries.append((path, what, false)) }
  }

  public mutating func writes(_ path: String?, _ what: String) {
    if let path { entries.append((path, what, true)) }
  }

  /// Throws: `ValidationError` where an output would replace an input or another output; `ToolError` where it is a
  /// folder.
  public func check() throws {
    for (index, entry) in entries.enumerated() where entry.isWritten {
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: entry.path, isDirectory: &isFolder),
        isFolder.boolValue
      {
        throw ToolError(
          "\(entry.what): '\(entry.path)' is a folder; name a file to write")
      }
      for (position, other) in entries.enumerated()
      where position != index && (position < index || !other.isWritten) {
        guard FileGuard.identity(entry.path) == FileGuard.identity(other.path) else { continue }
        throw ValidationError(
          other.isWritten
            ? "\(entry.what) and \(other.what) would write the same file, '\(entry.path)'; choose "
              + "another name for one of them"
            : "\(entry.what) would overwrite '\(entry.path)', which \(other.what) reads; choose "
              + "another name")
      }
    }
  }

  /// A file's device and number, so that links and other spellings are seen through; for one that is not there, its
  /// folder's with its name.
  private static func identity(_ path: String) -> String {
    var status = stat()
    if stat(path, &status) == 0 { return "\(status.st_dev):\(status.st_ino)" }
    let url = URL(filePath: path)
    let folder = url.deletingLastPathComponent().path
    guard stat(folder.isEmpty ? "." : folder, &status) == 0 else { return url.standardized.path }
    return "\(status.st_dev):\(status.st_ino)/\(url.lastPathComponent)"
  }
}
