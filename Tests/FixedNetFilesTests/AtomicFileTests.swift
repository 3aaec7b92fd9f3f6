import FixedNetFiles
import Foundation
import Testing

@Suite("AtomicFile") struct AtomicFileTests {
  private let old: [UInt8] = Array("the old contents".utf8)
  private let new: [UInt8] = [UInt8](repeating: 7, count: 300_000)

  @Test("replaces contents, keeps permissions, leaves nothing behind")
  func replaces() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("file")
    try AtomicFile.write(old, to: path)
    chmod(path, 0o640)
    try AtomicFile.write(new, to: path)
    #expect(try TestFiles.bytes(path) == new)
    #expect(TestFiles.names(in: folder.path) == ["file"])
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o640)
    try AtomicFile.write([], to: path)
    #expect(try TestFiles.bytes(path).isEmpty)
  }

  @Test("follows a symbolic link")
  func followsLink() throws {
    let folder = try TemporaryFolder()
    try AtomicFile.write(old, to: folder.file("file"))
    symlink("file", folder.file("link"))
    try AtomicFile.write(new, to: folder.file("link"))
    #expect(try TestFiles.bytes(folder.file("file")) == new)
    var status = stat()
    #expect(lstat(folder.file("link"), &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
  }

  @Test("refuses folders, devices and places that do not exist")
  func refuses() throws {
    let folder = try TemporaryFolder()
    try AtomicFile.write(old, to: folder.file("file"))
    for (path, word) in [
      (folder.path, "folder"), (folder.file("none/x"), "No such file"), ("/dev/null", "regular"),
      (folder.file("file/x"), "Not a directory"), (folder.file("none/"), "names no file"),
      ("", "No such file"),
    ] {
      let error = try #require(throws: FileError.self, "\(path)") {
        try AtomicFile.write(new, to: path)
      }
      #expect(line(error).contains(word) || path.isEmpty, "\(error)")
    }
    #expect(TestFiles.names(in: folder.path) == ["file"])
  }

  @Test("an unwritable folder", .enabled(if: geteuid() != 0, "root may write everywhere"))
  func unwritableFolder() throws {
    let folder = try TemporaryFolder()
    try AtomicFile.write(old, to: folder.file("file"))
    chmod(folder.path, 0o555)
    defer { chmod(folder.path, 0o755) }
    let error = try #require(throws: FileError.self) {
      try AtomicFile.write(new, to: folder.file("file"))
    }
    #expect(line(error).contains("Permission denied"))
    #expect(try TestFiles.bytes(folder.file("file")) == old)
  }

  @Test("a full disk and a read-only one", .enabled(if: geteuid() == 0, "mounting needs root"))
  func fullDisk() throws {
    let folder = try TemporaryFolder()
    let mounted = try Python.run(
      "/usr/bin/env", ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder.path])
    guard mounted.status == 0 else { return }  // a container that may not mount
    defer { _ = try? Python.run("/usr/bin/env", ["umount", folder.path]) }
    let path = folder.file("file")
    try AtomicFile.write(old, to: path)
    let full = try #require(throws: FileError.self) { try AtomicFile.write(new, to: path) }
    #expect(line(full).contains("No space left on device"))
    #expect(try TestFiles.bytes(path) == old)
    #expect(TestFiles.names(in: folder.path) == ["file"])
    #if HDF5
      let arrays = try #require(throws: CheckpointError.self) {
        try HDF5Arrays.write(
          path: path, datasets: [("y", [100_000], [Float](repeating: 1, count: 100_000))])
      }
      #expect(line(arrays).contains("No space left on device"))
      #expect(TestFiles.names(in: folder.path) == ["file"])
    #endif
    _ = try Python.run("/usr/bin/env", ["mount", "-o", "remount,ro", folder.path])
    let readOnly = try #require(throws: FileError.self) { try AtomicFile.write(new, to: path) }
    #expect(line(readOnly).contains("Read-only file system"))
    #expect(try TestFiles.bytes(path) == old)
  }

  @Test(
    "temporary files of killed programs go; those that somebody writes, and others' names, stay")
  func orphans() throws {
    let folder = try TemporaryFolder()
    for name in [".file.12-1.tmp", ".file.12-2.tmp", ".file.x-1.tmp", ".files.12-1.tmp"] {
      try AtomicFile.write(old, to: folder.file(name))
    }
    let open = open(folder.file(".file.12-2.tmp"), O_RDWR)
    defer { close(open) }
    var lock = flock()
    lock.l_type = Int16(F_WRLCK)
    // F_OFD_SETLK: of the open file, so that it holds against this program too.
    try #require(fcntl(open, 37, &lock) == 0)
    try AtomicFile.write(new, to: folder.file("file"))
    #expect(
      TestFiles.names(in: folder.path)
        == [".file.12-2.tmp", ".file.x-1.tmp", ".files.12-1.tmp", "file"])
  }

  @Test("many writers at once leave one whole file")
  func concurrent() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("file")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for value in UInt8(0)..<16 {
        group.addTask {
          try AtomicFile.write([UInt8](repeating: value, count: 100_000), to: path)
        }
      }
      try await group.waitForAll()
    }
    let bytes = try TestFiles.bytes(path)
    #expect(bytes.count == 100_000 && Set(bytes).count == 1)
    #expect(TestFiles.names(in: folder.path) == ["file"])
  }
}
