import FixedNetFiles
import Foundation
import Testing

/// A python server on 127.0.0.1; see Tests/Python/mirror.py. One child process at a time: see `Python.lock`.
private final class Mirror {
  private let process = Process()
  private let input = Pipe()
  let address: String

  init(serving folder: String) throws {
    Python.lock.lock()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "\(TestFiles.package)/Tests/Python/mirror.py", folder]
    process.standardInput = input
    process.standardOutput = output
    do {
      try process.run()
      let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
      let port = try #require(Int(line.trimmingCharacters(in: .whitespacesAndNewlines)))
      address = "http://127.0.0.1:\(port)"
    } catch {
      Python.lock.unlock()
      throw error
    }
  }

  /// Ends the server. Must be called on the thread that started it.
  func stop() {
    // Not `terminate`: children of worker threads start with SIGTERM blocked.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    Python.lock.unlock()
  }
}

@Suite("Downloader", .enabled(if: Python.hasPython, "needs python3 for the local server"))
struct DownloaderTests {
  @Test(
    "a bad mirror is one line, and nothing is kept",
    arguments: [
      ("missing", "404"), ("cut", "60000 x 28 x 28"), ("other", "another format"),
      ("broken", "127.0.0.1"),
      ("silent", "no answer in time"), ("endless", "more than"),
    ])
  func bad(kind: String, word: String) throws {
    let folder = try TemporaryFolder()
    let source = try TemporaryFolder()
    // A small array, cut in the middle by /cut: its shape is wrong before that shows.
    let name = "train-images-idx3-ubyte.gz"
    try AtomicFile.write(TestFiles.bytes(TestFiles.path("idx/good.gz")), to: source.file(name))
    let mirror = try Mirror(serving: source.path)
    defer { mirror.stop() }
    let downloader = Downloader(mirrors: ["\(mirror.address)/\(kind)"], idleTimeout: 1)
    let error = try #require(throws: DataError.self) {
      try downloader.fetch(.mnist, into: folder.file("cache/mnist"))
    }
    let text = line(error)
    #expect(text.contains(name) && text.contains(word), "\(text)")
    #expect(TestFiles.names(in: folder.file("cache/mnist")).isEmpty)
  }

  @Test("no server and no address are one line")
  func unreachable() throws {
    let folder = try TemporaryFolder()
    for mirror in ["http://127.0.0.1:1", "nonsense", "file:///etc"] {
      let error = try #require(throws: DataError.self) {
        try Downloader(mirrors: [mirror]).fetch(.fashionMNIST, into: folder.path)
      }
      #expect(line(error).contains(mirror))
    }
    let error = try #require(throws: DataError.self) {
      try Downloader(mirrors: []).fetch(.mnist, into: "/dev/null/x")
    }
    #expect(line(error).contains("Not a directory"))
  }

  @Test(
    "the next mirror is tried; what is there is not fetched again",
    .enabled(if: MNISTFilesTests.hasData, MNISTFilesTests.missingData))
  func good() throws {
    let folder = try TemporaryFolder()
    let mirror = try Mirror(serving: "\(MNISTFilesTests.data)/mnist")
    defer { mirror.stop() }
    let mirrors = ["missing", "cut", "good"].map { "\(mirror.address)/\($0)/" }
    var lines: [String] = []
    try Downloader(mirrors: mirrors).fetch(.mnist, into: folder.path) { lines.append($0) }
    #expect(lines.count == 12)
    #expect(Set(TestFiles.names(in: folder.path)) == Set(MNISTFile.allCases.map(\.rawValue)))
    let files = try MNISTFiles.load(.mnist, directory: folder.path)
    #expect(files.testImages.count == 10_000 * 784)
    lines = []
    try FileManager.default.removeItem(atPath: folder.file("t10k-labels-idx1-ubyte"))
    try Downloader(mirrors: [mirrors[2]]).fetch(.mnist, into: folder.path) { lines.append($0) }
    #expect(lines.count == 1)
  }
}
