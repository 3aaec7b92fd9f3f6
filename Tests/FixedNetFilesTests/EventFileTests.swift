import FixedNetFiles
import Foundation
import TestSupport
import Testing

@Suite("Event files")
struct EventFileTests {
  @Test("CRC32C has the published values, and its mask")
  func checksum() {
    // RFC 3720, appendix B.4, and the check value of the catalogue of CRCs.
    #expect(CRC32C.checksum("123456789".utf8) == 0xE306_9283)
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum(0..<32) == 0x46DD_794E)
    #expect(CRC32C.checksum([]) == 0)
    // 0x2507C60D = (0xE3069283 turned right by 15) ; plus 0xA282EAD8.
    #expect(CRC32C.masked("123456789".utf8) == 0x2507_C60D &+ 0xA282_EAD8)
  }

  @Test(
    "a record is its length, the length's checksum, its bytes and theirs; a file is not replaced")
  func records() throws {
    let folder = try Fixtures.temporaryFolder()
    let path = "\(folder)/records"
    let file = try RecordFile(path: path)
    let contents = Array("123456789".utf8)
    try file.append([contents, []])
    try file.append([[7]])
    let bytes = Array(try #require(FileManager.default.contents(atPath: path)))
    #expect(bytes.count == (16 + 9) + 16 + (16 + 1))
    #expect(Array(bytes[..<8]) == [9, 0, 0, 0, 0, 0, 0, 0])
    #expect(Array(bytes[12..<21]) == contents)
    // 0xC78AB0E5, lowest byte first.
    #expect(Array(bytes[21..<25]) == [0xE5, 0xB0, 0x8A, 0xC7])
    #expect(bytes[25] == 0 && bytes[41] == 1 && bytes[53] == 7)
    #expect(throws: FileError.self) { try RecordFile(path: path) }
    #expect(throws: FileError.self) { try RecordFile(path: "\(folder)/none/records") }
  }

  @Test("a histogram has 30 buckets between the ends; equal values have one; others are left out")
  func histogram() {
    // 0 ... 300 in steps of 1: ten in each bucket of width 10, and the last one's end.
    let whole = ValueHistogram((0...300).map { Float($0) } + [.nan, .infinity])
    #expect(whole.counts == [Int](repeating: 10, count: 29) + [11])
    #expect(whole.limits == (1...30).map { Double(10 * $0) })
    #expect(whole.minimum == 0 && whole.maximum == 300 && whole.count == 301)
    #expect(whole.sum == 300 * 301 / 2 && whole.sumOfSquares == 300 * 301 * 601 / 6)
    let equal = ValueHistogram([-0.5, -0.5])
    #expect(equal.counts == [2] && equal.limits == [-0.5] && equal.minimum == -0.5)
    let none = ValueHistogram([.nan])
    #expect(none.count == 0 && none.counts.isEmpty)
  }
}
