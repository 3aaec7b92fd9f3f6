import Foundation

/// The checkout that this program was built in, whose scripts it may run. Nothing is taken from the working folder:
/// whoever unpacked something there does not say what is run.
package struct Checkout {
  /// Its root folder.
  package let folder: String
  private let program: String

  package init() {
    let program = Bundle.main.executableURL?.resolvingSymlinksInPath()
    self.program = program?.path ?? "the program"
    var folder = program ?? URL(filePath: "/")
    while folder.path != "/", !folder.lastPathComponent.hasPrefix(".build") {
      folder.deleteLastPathComponent()
    }
    self.folder = folder.path == "/" ? "" : folder.deletingLastPathComponent().path
  }

  /// The path of one of its files.
  /// Throws: `ToolError` where it is not there.
  package func file(_ place: String) throws -> String {
    let path = "\(folder)/\(place)"
    guard !folder.isEmpty, FileManager.default.fileExists(atPath: path) else {
      throw ToolError(
        "no \(place) where '\(program)' was built: run it in a checkout's .build")
    }
    return path
  }
}
