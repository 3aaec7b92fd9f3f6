import Foundation

/// Programs that tests put into folders of their own.
///
/// A process of its own writes them. Whatever another test starts meanwhile inherits what this process has open, and
/// Linux starts no program that anybody has open for writing ("text file busy").
public enum Executable {
  /// A copy of the program `source`.
  public static func copy(_ source: String, to destination: String) throws {
    try install(source, destination)
  }

  /// A script: `text` says in its first line what runs it.
  public static func write(_ text: String, to destination: String) throws {
    let folder = try Fixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let draft = "\(folder)/script"
    try Data(text.utf8).write(to: URL(filePath: draft))
    try install(draft, destination)
  }

  private static func install(_ source: String, _ destination: String) throws {
    let run = try Finished("/usr/bin/install", ["-m", "755", source, destination])
    guard run.exitCode == 0 else {
      throw CocoaError(.fileWriteUnknown, userInfo: [NSDebugDescriptionErrorKey: run.errors])
    }
  }
}
