import FixedNet
import Foundation
import Testing

@testable import FixedNetFiles

/// More classes than a byte counts.
@Suite("Many classes") struct ManyClassesTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func load(_ name: String) throws -> DataFile {
    try DataFile.load(path: folder.file(name), options: DataFileOptions(testFraction: 0))
  }

  /// A table whose row i has the feature i and the answer `name`(i).
  private func write(_ name: String, count: Int, _ answer: (Int) -> String) throws {
    let rows = (0..<count).map { "\($0),\(answer($0))\n" }
    try AtomicFile.write(Array(("x,label\n" + rows.joined()).utf8), to: folder.file(name))
  }

  @Test("1,000 classes by number and by name")
  func labels() throws {
    try write("numbers.csv", count: 1000) { "\($0)" }
    let numbers = try load("numbers.csv")
    #expect(numbers.set.train.labels == (0..<1000).map { UInt16($0) })
    #expect(numbers.set.classNames.count == 1000)
    try write("names.csv", count: 1000) { "n\(999 - $0)" }
    let names = try load("names.csv")
    let sorted = (0..<1000).map { "n\($0)" }.sorted()
    #expect(names.set.classNames == sorted)
    #expect(names.set.train.labels.map { sorted[Int($0)] } == (0..<1000).map { "n\(999 - $0)" })
    let map = try #require(names.labels)
    #expect(LabelMap(json: map.json) == map)
  }

  @Test("65,536 are taken, one more is refused")
  func limit() throws {
    try write("most.csv", count: 65_536) { "\($0)" }
    #expect(try load("most.csv").set.train.labels.last == 65_535)
    try write("more.csv", count: 65_537) { "\($0)" }
    let error = try #require(throws: DataFileError.self) { try load("more.csv") }
    #expect(line(error).contains("labels of at most 65,536 classes"))
  }

  @Test("IDX labels of 16 and 32 bits", arguments: [("short", 2, 11), ("int", 4, 12)])
  func idx(_ end: String, width: Int, type: UInt8) throws {
    let head: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 1]
    try AtomicFile.write(head + [9, 8, 7], to: folder.file("a-images-idx3-ubyte"))
    let values = [0, 1, 700].flatMap { value in
      (0..<width).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let path = folder.file("a-labels-idx1-\(end)")
    try AtomicFile.write([0, 0, type, 1, 0, 0, 0, 3] + values, to: path)
    let plain = try load("a-images-idx3-ubyte")
    #expect(plain.set.train.labels == [0, 1, 700])
    let gzip = try Python.run("/bin/gzip", [path])
    #expect(gzip.status == 0)
    #expect(try load("a-images-idx3-ubyte").set.train.labels == [0, 1, 700])
    try AtomicFile.write([0, 0, 13, 1, 0, 0, 0, 3] + values, to: path)
    let error = try #require(throws: DataFileError.self) { try load("a-images-idx3-ubyte") }
    #expect(line(error).contains("types 8, 9, 11, 12), found type 13"))
  }
}

/// Tables that are packed.
@Suite("Packed tables") struct PackedTableTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func load(_ name: String) throws -> DataFile {
    try DataFile.load(path: folder.file(name), options: DataFileOptions(testFraction: 0))
  }

  private func gzip(_ name: String, _ bytes: [UInt8]) throws -> [UInt8] {
    try AtomicFile.write(bytes, to: folder.file(name))
    let run = try Python.run("/bin/gzip", ["-n", folder.file(name)])
    #expect(run.status == 0)
    return try TestFiles.bytes(folder.file("\(name).gz"))
  }

  @Test("a table that is packed with gzip is what it was before")
  func packed() throws {
    let text = "a,b,label\n" + (0..<500).map { "\($0),\(2 * $0),k\($0 % 3)\n" }.joined()
    try AtomicFile.write(Array(text.utf8), to: folder.file("plain.csv"))
    let plain = try load("plain.csv")
    let bytes = try gzip("t.csv", Array(text.utf8))
    #expect(try load("t.csv.gz").digest == plain.digest)
    // By what it is, not by its name.
    try AtomicFile.write(bytes, to: folder.file("other.csv"))
    #expect(try load("other.csv").digest == plain.digest)
    for (name, broken, expected) in [
      ("cut.csv.gz", Array(bytes.dropLast(20)), "cut off"),
      ("behind.csv.gz", bytes + [1, 2], "2 bytes behind its end"),
      ("sum.csv.gz", bytes.dropLast(8) + [1, 2, 3, 4] + bytes.suffix(4), "incorrect data check"),
    ] {
      try AtomicFile.write(broken, to: folder.file(name))
      let error = try #require(throws: DataFileError.self) { try load(name) }
      #expect(line(error).contains(expected), "\(name)")
    }
  }

  @Test("one that unpacks to much more than tables do is refused")
  func bomb() throws {
    let row = Array("0,0,1\n".utf8)
    _ = try gzip("bomb.csv", (0..<15_000_000).flatMap { _ in row })
    let error = try #require(throws: DataFileError.self) { try load("bomb.csv.gz") }
    #expect(line(error).contains("must be a table that unpacks to at most"))
  }
}
