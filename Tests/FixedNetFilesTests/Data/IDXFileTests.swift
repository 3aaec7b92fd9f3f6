import FixedNetFiles
import Testing

@Suite("IDXFile") struct IDXFileTests {
  @Test("plain and gzip", arguments: ["good", "good.gz"])
  func reads(name: String) throws {
    let file = try IDXFile.read(TestFiles.path("idx/\(name)"), rank: 3)
    #expect(file.shape == [2, 3, 4] && file.values == Array(0..<24))
    #expect(try file.contents == TestFiles.bytes(TestFiles.path("idx/good")))
    #expect(file.sha256 == Digest.sha256(file.contents))
  }

  @Test(
    "anything else is refused in one line",
    arguments: [
      ("short", "40 bytes, found 39"), ("long", "found 41"), ("cut.gz", "cut off"),
      ("trailing.gz", "4 bytes behind its end"), ("two_members.gz", "behind its end"),
      ("longer_inside.gz", "more than the 40 bytes"), ("shorter_inside.gz", "found 35"),
      ("bad_crc.gz", "incorrect data check"), ("bomb.gz", "packed"), ("overflow", "values"),
      ("zero", "0 x 28 x 28"), ("floats", "type 13"), ("rank1", "1 axes"), ("text", "format"),
      ("empty", "format"),
    ])
  func refused(name: String, word: String) throws {
    let path = TestFiles.path("idx/\(name)")
    let error = try #require(throws: DataError.self) { try IDXFile.read(path, rank: 3) }
    let text = line(error)
    #expect(text.contains(word) && text.contains(path), "\(text)")
  }

  @Test("a missing file and a folder are refused")
  func notFiles() throws {
    let folder = try TemporaryFolder()
    for (path, word) in [(folder.file("none"), "No such file"), (folder.path, "folder")] {
      let error = try #require(throws: DataError.self) { try IDXFile.read(path, rank: 1) }
      #expect(line(error).contains(word))
    }
  }
}
