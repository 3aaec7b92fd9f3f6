import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// Names of the files beside a file: locks and temporary ones.
@Suite("names of files") struct FileNameTests {
  /// 255 bytes, the most that a name may have, of which the first 200 characters are alike.
  private static let long = [
    String(repeating: "x", count: 252) + "a.b", String(repeating: "x", count: 252) + "c.b",
    String(repeating: "é", count: 126) + ".h5", String(repeating: "é", count: 125) + "e.h5",
    String(repeating: "数", count: 84) + ".h5", String(repeating: "😀", count: 63) + ".h5",
  ]

  @Test(
    "a name of 255 bytes can be locked and written, and shares nothing with another",
    arguments: long)
  func longNames(_ name: String) throws {
    #expect((251...255).contains(name.utf8.count))
    let folder = try TemporaryFolder()
    let path = folder.file(name)
    var lock: OutputLock? = try OutputLock(path)
    #expect(lock != nil)
    let locks = TestFiles.names(in: folder.path)
    #expect(locks.count == 1 && locks[0].utf8.count <= 143 && locks[0].hasSuffix(".lock"))
    try AtomicFile.write([1, 2, 3], to: path)
    try AtomicFile.tryWriting(to: path)
    #expect(FileManager.default.contents(atPath: path) == Data([1, 2, 3]))
    lock = nil
    #expect(TestFiles.names(in: folder.path) == [name])
  }

  @Test("no two names have the same lock or the same temporary files")
  func stems() throws {
    let folder = try TemporaryFolder()
    let names =
      Self.long + [
        "a", "b", String(repeating: "x", count: 100), String(repeating: "x", count: 101),
      ]
    let locks = try names.map { try OutputLock(folder.file($0)) }
    #expect(TestFiles.names(in: folder.path).count == names.count)
    withExtendedLifetime(locks) {}
    let stems = names.map(FilePath.stem)
    #expect(Set(stems).count == names.count && stems.allSatisfy { $0.utf8.count <= 100 })
    #expect(FilePath.stem(of: "run.h5") == "run.h5")
    // printf '%0101d' 0 | sha256sum
    #expect(
      FilePath.stem(of: String(repeating: "0", count: 101))
        == String(repeating: "0", count: 64) + "-befbce1694961d93d520f5631bcb6a39")
  }

  @Test("what a killed run left of a long name goes, what belongs to another stays")
  func orphans() throws {
    let folder = try TemporaryFolder()
    let stems = Self.long.prefix(2).map(FilePath.stem)
    for stem in stems { try Data([1]).write(to: URL(filePath: folder.file(".\(stem).7-1.tmp"))) }
    let lock = try OutputLock(folder.file(Self.long[0]))
    #expect(
      Set(TestFiles.names(in: folder.path)) == [".\(stems[0]).lock", ".\(stems[1]).7-1.tmp"])
    withExtendedLifetime(lock) {}
  }

  @Test(
    "names that differ in their bytes alone are two files, and a mark behind a slash is in the folder"
  )
  func bytes() throws {
    let folder = try TemporaryFolder()
    // The same letter in one code point and in two.
    try Data([1]).write(to: URL(filePath: folder.file(".\u{E9}.7-1.tmp")))
    let lock = try OutputLock(folder.file("e\u{301}"))
    #expect(TestFiles.names(in: folder.path).count == 2)
    withExtendedLifetime(lock) {}
    #expect(
      FilePath.folder(of: "a/\u{308}b") == "a" && FilePath.name(of: "a/\u{308}b") == "\u{308}b")
    #expect(FilePath.folder(of: "a") == "." && FilePath.folder(of: "/a") == "/")
    #expect(FilePath.name(of: "a/") == "" && FilePath.folder(of: "a//b") == "a/")
    try AtomicFile.write([2], to: "\(folder.path)/\u{308}b")
    #expect(TestFiles.names(in: folder.path).contains { $0.unicodeScalars.first == "\u{308}" })
  }

  @Test(
    "a file of the user's is no lock, and stays", arguments: ["file", "pipe", "link", "folder"])
  func foreignLock(_ kind: String) throws {
    let folder = try TemporaryFolder()
    let (path, name) = (folder.file("run.h5"), folder.file(".run.h5.lock"))
    switch kind {
    case "file": try Data("mine".utf8).write(to: URL(filePath: name))
    case "pipe": #expect(mkfifo(name, 0o600) == 0)
    case "link": #expect(symlink("elsewhere", name) == 0)
    default: #expect(mkdir(name, 0o700) == 0)
    }
    let error = try #require(throws: FileError.self) { try OutputLock(path) }
    #expect(error.path == name)
    #expect(TestFiles.names(in: folder.path) == [".run.h5.lock"])
  }

  @Test("a link to a name that is not UTF-8 is refused in a line; its folder may have any name")
  func foreignNames() throws {
    let folder = try TemporaryFolder()
    let script = """
      cd '\(folder.path)' && printf x > "$(printf 'a\\377')" && ln -s "$(printf 'a\\377')" link && \
      mkdir "$(printf 'd\\377')" && ln -s "$(printf 'd\\377')" folder
      """
    #expect(try Finished("/bin/sh", ["-c", script]).exitCode == 0)
    let error = try #require(throws: FileError.self) {
      try AtomicFile.write([1], to: folder.file("link"))
    }
    #expect("\(error)".contains("it is a link to a name that is not UTF-8"))
    try AtomicFile.write([1, 2], to: folder.file("folder/x"))
    #expect(FileManager.default.contents(atPath: folder.file("folder/x")) == Data([1, 2]))
    // Nothing was made under a repaired name.
    let names = TestFiles.names(in: folder.path)
    #expect(names.count == 4)
  }
}
