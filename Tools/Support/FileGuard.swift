import ArgumentParser
import FixedNetFiles
import Foundation

/// Files that a tool reads and files that it writes: none may be both, or be written twice.
package struct FileGuard {
  private struct Entry {
    var path: String
    /// For messages: "--data", and what it does with the file.
    var what: String
    var verb = "reads"
    var isWritten = false
  }

  private var entries: [Entry] = []

  package init() {}

  /// `what`: the option, for messages. nil paths are passed over.
  package mutating func reads(_ path: String?, _ what: String) {
    if let path { entries.append(Entry(path: path, what: what)) }
  }

  /// The files that data came from, which need not be on the command line.
  package mutating func reads(_ data: LoadedData?) {
    for path in data?.files ?? [] { reads(path, "--data") }
  }

  /// The file that `checkpoint` was trained on: it is the user's, even where other data are read.
  package mutating func keeps(_ recorded: RecordedData?, of checkpoint: String) {
    guard let recorded else { return }
    let path = DataFileOptions.split(recorded.name).path
    guard DataFile.isDataFile(path), access(path, F_OK) == 0 else { return }
    entries.append(Entry(path: path, what: "'\(checkpoint)'", verb: "records as its data"))
  }

  package mutating func writes(_ path: String?, _ what: String) {
    if let path { entries.append(Entry(path: path, what: what, isWritten: true)) }
  }

  /// Throws: `ValidationError` where an output would replace an input or another output; `ToolError` where it is a
  /// folder.
  package func check() throws {
    for (index, entry) in entries.enumerated() where entry.isWritten {
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: entry.path, isDirectory: &isFolder),
        isFolder.boolValue
      {
        throw ToolError(
          "\(entry.what): '\(entry.path)' is a folder; name a file to write")
      }
      try checkFolders(entry)
      for (position, other) in entries.enumerated()
      where position != index && (position < index || !other.isWritten) {
        guard FileGuard.identity(entry.path) == FileGuard.identity(other.path) else { continue }
        throw ValidationError(
          other.isWritten
            ? "\(entry.what) and \(other.what) would write the same file, '\(entry.path)'; choose "
              + "another name for one of them"
            : "\(entry.what) would overwrite '\(entry.path)', which \(other.what) \(other.verb); "
              + "choose another name")
      }
    }
  }

  /// A folder of data stays as it is: none of its files is replaced, and none is put among them.
  /// Throws: `ValidationError`.
  private func checkFolders(_ output: Entry) throws {
    for folder in entries where !folder.isWritten && FileGuard.isFolder(folder.path) {
      var held: (files: Set<String>, folders: Set<String>) = ([], [])
      FileGuard.list(folder.path, depth: 3, &held)
      guard
        held.files.contains(FileGuard.identity(output.path))
          || held.folders.contains(FileGuard.identity(FilePath.folder(of: output.path)))
      else { continue }
      throw ValidationError(
        "\(output.what) would write '\(output.path)' among the files that \(folder.what) "
          + "\(folder.verb); choose another place")
    }
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }

  /// The identities of what is in a folder and in those below it, links followed.
  private static func list(
    _ folder: String, depth: Int, _ held: inout (files: Set<String>, folders: Set<String>)
  ) {
    guard depth > 0, let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
      return
    }
    for name in names {
      let path = "\(folder)/\(name)"
      if isFolder(path) {
        if held.folders.insert(identity(path)).inserted { list(path, depth: depth - 1, &held) }
      } else {
        held.files.insert(identity(path))
      }
    }
  }

  /// A file's device and number, so that links and other spellings are seen through; for one that is not there, its
  /// folder's with its name, in small letters, as some disks do not tell capitals apart.
  private static func identity(_ path: String) -> String {
    var status = stat()
    if stat(path, &status) == 0 { return "\(status.st_dev):\(status.st_ino)" }
    let name = FilePath.name(of: path)
    guard stat(FilePath.folder(of: path), &status) == 0 else { return path }
    return "\(status.st_dev):\(status.st_ino)/\(name.lowercased())"
  }
}
