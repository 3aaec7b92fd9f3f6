import FixedNetFiles
import Foundation
import TestSupport
import Testing

@Suite("OutputLock") struct OutputLockTests {
  /// A Python that has the system's record lock on a file, until its end.
  private func holder(of path: String) throws -> Process? {
    let python = "/usr/bin/python3"
    guard FileManager.default.isExecutableFile(atPath: python) else { return nil }
    let process = Process()
    process.executableURL = URL(filePath: python)
    process.arguments = [
      "-c",
      "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX); "
        + "print(1, flush=True); time.sleep(60)",
      path,
    ]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    _ = try pipe.fileHandleForReading.read(upToCount: 1)
    return process
  }

  @Test("names the process that has the file, ends with it, and leaves nothing")
  func otherProcess() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("run.h5")
    guard let process = try holder(of: folder.file(".run.h5.lock")) else {
      print("skipped: no /usr/bin/python3")
      return
    }
    let error = try #require(throws: FileError.self) { try OutputLock(path) }
    #expect(
      line(error)
        == "cannot write '\(path)': process \(process.processIdentifier) is writing it; wait for its "
        + "end, or choose another file")
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    #expect(TestFiles.names(in: folder.path) == [".run.h5.lock"])
    var lock: OutputLock? = try OutputLock(path)
    #expect(lock != nil)
    #expect(TestFiles.names(in: folder.path) == [".run.h5.lock"])
    lock = nil
    #expect(TestFiles.names(in: folder.path).isEmpty)
  }

  @Test("a link and its file have the same lock")
  func link() throws {
    let folder = try TemporaryFolder()
    try AtomicFile.write([1], to: folder.file("run.h5"))
    symlink("run.h5", folder.file("link.h5"))
    guard let process = try holder(of: folder.file(".run.h5.lock")) else { return }
    defer { process.terminate() }
    #expect(throws: FileError.self) { try OutputLock(folder.file("link.h5")) }
  }

  @Test("places that cannot be written")
  func refusals() throws {
    let folder = try TemporaryFolder()
    for path in [folder.path, folder.file("none/x"), folder.file("none/"), ""] {
      let error = try #require(throws: FileError.self, "\(path)") { try OutputLock(path) }
      #expect(!line(error).isEmpty)
    }
    #expect(TestFiles.names(in: folder.path).isEmpty)
  }

  @Test("orphans of killed programs are removed, but nothing that is written or is not ours")
  func orphans() throws {
    let folder = try TemporaryFolder()
    let others = [
      ".run.h5.tmp", ".run.h5.1-2.tmp.txt", ".run.h5.a-2.tmp", ".other.h5.1-2.tmp",
      "run.h5.1-2.tmp",
    ]
    for name in [".run.h5.1-2.tmp", ".run.h5.77777-10.tmp"] + others {
      try Data([1, 2]).write(to: URL(filePath: folder.file(name)))
    }
    // Somebody is writing this one.
    let written = folder.file(".run.h5.9-9.tmp")
    let process = try holder(of: written)
    defer { process?.terminate() }
    let kept = others + (process == nil ? [] : [".run.h5.9-9.tmp"])
    try AtomicFile.write([1], to: folder.file("run.h5"))
    #expect(Set(TestFiles.names(in: folder.path)) == Set(kept + ["run.h5"]))
    try Data([1, 2]).write(to: URL(filePath: folder.file(".run.h5.3-4.tmp")))
    let lock = try OutputLock(folder.file("run.h5"))
    #expect(!TestFiles.names(in: folder.path).contains(".run.h5.3-4.tmp"))
    withExtendedLifetime(lock) {}
  }
}
