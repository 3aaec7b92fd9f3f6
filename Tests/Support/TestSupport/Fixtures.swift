import Foundation

/// Where tests find files and programs.
public enum Fixtures {
  /// The package's root folder.
  public static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  /// A file or folder of the material shared next to the checkout; nil, and the test skips, where it is absent.
  public static func shared(_ name: String) -> String? {
    let path = "\(root)/../shared/\(name)"
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }

  /// A small fixture of the repository.
  public static func local(_ name: String) -> String { "\(root)/Tests/Fixtures/\(name)" }

  /// A Python that has Keras, JAX, h5py and NumPy: FIXEDNET_PYTHON, or the one that `make test` sets up.
  public static let python: String? = {
    let candidates = [
      ProcessInfo.processInfo.environment["FIXEDNET_PYTHON"], "\(root)/.venv/bin/python",
    ]
    return candidates.compactMap { $0 }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  /// Holds the folders of this process, and goes with it.
  private static let temporaryRoot: URL = {
    atexit {
      try? FileManager.default.removeItem(at: Fixtures.temporaryPlace)
    }
    return temporaryPlace
  }()

  private static let temporaryPlace = FileManager.default.temporaryDirectory.appending(
    path: "fixednet-tests-\(getpid())")

  /// A new, empty folder, which is removed when the tests end.
  public static func temporaryFolder() throws -> String {
    let url = temporaryRoot.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return url.path
  }
}

/// A program that was run to its end.
public struct Finished: Sendable {
  public var exitCode: Int32
  public var output: String
  public var errors: String

  /// Runs a program and waits for it. Relative paths are looked up in `folder`.
  public init(
    _ program: String, _ arguments: [String], in folder: String? = nil,
    environment: [String: String] = [:]
  ) throws {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    if let folder { process.currentDirectoryURL = URL(filePath: folder) }
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let outputFile = try Finished.temporaryFile()
    let errorFile = try Finished.temporaryFile()
    defer {
      try? FileManager.default.removeItem(at: outputFile.url)
      try? FileManager.default.removeItem(at: errorFile.url)
    }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = outputFile.handle
    process.standardError = errorFile.handle
    try process.run()
    process.waitUntilExit()
    exitCode =
      process.terminationReason == .exit
      ? process.terminationStatus : 128 + process.terminationStatus
    output = try String(contentsOf: outputFile.url, encoding: .utf8)
    errors = try String(contentsOf: errorFile.url, encoding: .utf8)
  }

  private static func temporaryFile() throws -> (url: URL, handle: FileHandle) {
    let url = FileManager.default.temporaryDirectory.appending(
      path: "fixednet-\(UUID().uuidString).txt")
    try Data().write(to: url)
    return (url, try FileHandle(forWritingTo: url))
  }
}
