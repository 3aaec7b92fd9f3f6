import FixedNetFiles
import Foundation
import Testing

/// A python server on 127.0.0.1; see Tests/Python/mirror.py.
private final class Mirror {
  private let process = Process()
  private let input = Pipe()
  let address: String

  init(serving folder: String) throws {
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "\(Fixtures.package)/Tests/Python/mirror.py", folder]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    let port = try #require(Int(line.trimmingCharacters(in: .whitespacesAndNewlines)))
    address = "http://127.0.0.1:\(port)"
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }
}

@Suite("Downloader", .enabled(if: Python.hasPython, "needs python3 for the local server"))
struct DownloaderTests {
  @Test(
    "a bad mirror is one line, and nothing is kept",
    arguments: [
      ("missing", "404"), ("cut", "cut off"), ("other", "another format"), ("broken", ""),
      ("silent", "no answer in time"), ("endless", "more than"),
    ])
  func bad(kind: String, word: String) throws {
    let folder = try TemporaryFolder()
    let source = try TemporaryFolder()
    // A gzip file of random bytes, cut in the middle by /cut.
    let name = "train-images-idx3-ubyte.gz"
    try AtomicFile.write(Fixtures.bytes(Fixtures.path("idx/good.gz")), to: source.file(name))
    let mirror = try Mirror(serving: source.path)
    let downloader = Downloader(mirrors: ["\(mirror.address)/\(kind)"], idleTimeout: 1)
    let error = try #require(throws: DataError.self) {
      try downloader.fetch(.mnist, into: folder.file("cache/mnist"))
    }
    let text = line(error)
    #expect(text.contains(name) && (kind == "cut" || text.contains(word)), "\(text)")
    #expect(Fixtures.names(in: folder.file("cache/mnist")).isEmpty)
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
    let mirrors = ["missing", "cut", "good"].map { "\(mirror.address)/\($0)/" }
    var lines: [String] = []
    try Downloader(mirrors: mirrors).fetch(.mnist, into: folder.path) { lines.append($0) }
    #expect(lines.count == 12)
    #expect(Fixtures.names(in: folder.path).count == 4)
    let files = try MNISTFiles.load(.mnist, directory: folder.path)
    #expect(files.testImages.count == 10_000 * 784)
    lines = []
    try FileManager.default.removeItem(atPath: folder.file("t10k-labels-idx1-ubyte.gz"))
    try Downloader(mirrors: [mirrors[2]]).fetch(.mnist, into: folder.path) { lines.append($0) }
    #expect(lines.count == 1)
  }
}
