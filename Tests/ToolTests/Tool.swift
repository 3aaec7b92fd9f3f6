import Foundation
import TestSupport
import Testing

/// The tools as they are built beside the tests.
enum Tool {
  static let folder = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().path

  /// The same tool of a release build; nil where there is none.
  static func release(_ name: String) -> String? {
    let path = "\(Fixtures.root)/.build/release/\(name)"
    return FileManager.default.isExecutableFile(atPath: path) ? path : nil
  }

  /// `options`: separated by spaces; `files` go in front of them as they are.
  static func run(
    _ name: String, files: [String] = [], _ options: String, in folder: String,
    environment: [String: String] = [:]
  ) throws -> Finished {
    try Finished(
      "\(Tool.folder)/\(name)", files + options.split(separator: " ").map(String.init),
      in: folder, environment: environment)
  }

  /// One line on standard error, the exit code, and nothing that looks like a crash.
  static func expectRefusal(
    _ finished: Finished, _ fragment: String, exitCode: Int32 = 1,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(finished.exitCode == exitCode, "\(finished.errors)", sourceLocation: sourceLocation)
    let lines = finished.errors.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(
      lines.count == 2 && lines[1].isEmpty, "\(finished.errors)", sourceLocation: sourceLocation)
    #expect(
      finished.errors.contains(fragment), "\(finished.errors)", sourceLocation: sourceLocation)
  }
}

extension Finished {
  /// The hash that `train` prints at the end.
  var weightsHash: String? {
    output.split(separator: "\n").last { $0.hasPrefix("weights sha256: ") }.map(String.init)
  }
}
