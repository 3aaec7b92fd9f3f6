import CConfined
import CUnpack
import CZlib
import FixedNetFiles
import Foundation
import Testing

/// Against zlib, which packs and unpacks the same.
@Suite("GzipReader") struct GzipReaderTests {
  /// Contents that pack into every kind of block: nothing, one byte, noise, runs, text with long distances.
  static let contents: [[UInt8]] = {
    var state: UInt64 = 1
    func random() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    let noise = (0..<100_000).map { _ in UInt8(truncatingIfNeeded: random()) }
    let runs = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 777) }
    let words = (0..<40).map { _ in (0..<9).map { _ in UInt8(97 + random() % 26) } }
    let text = (0..<9_000).flatMap { _ in words[Int(random() % 40)] + [32] }
    return [[], [7], noise, runs, text, Array(noise.prefix(40_000) + noise.prefix(40_000))]
  }()

  @Test(
    "what zlib packed comes out the same",
    arguments: [(0, Z_DEFAULT_STRATEGY), (1, Z_DEFAULT_STRATEGY), (9, Z_DEFAULT_STRATEGY)]
      + [(6, Z_HUFFMAN_ONLY), (6, Z_RLE), (6, Z_FIXED)])
  func unpacks(level: Int, strategy: Int32) throws {
    // An array has one value at least.
    for bytes in GzipReaderTests.contents.dropFirst().map(GzipReaderTests.idx) {
      let packed = Zlib.pack(bytes, level: Int32(level), strategy: strategy)
      #expect(Unpacked(packed) == Unpacked(fault: FN_UNPACK_DONE, bytes: bytes))
    }
  }

  @Test("a file that is cut off anywhere, or goes on, is refused")
  func cutOff() throws {
    let bytes = GzipReaderTests.idx(Array(GzipReaderTests.contents[4].prefix(3_000)))
    let packed = Zlib.pack(bytes, level: 6)
    for length in 0..<packed.count {
      #expect(Unpacked(Array(packed[..<length])).fault == Int(FN_UNPACK_CUT), "\(length)")
    }
    for extra in [1, 7, 9, 300] {
      let found = Unpacked(packed + [UInt8](repeating: 0x1F, count: extra))
      #expect(found == Unpacked(fault: FN_UNPACK_DONE, bytes: bytes, trailing: extra))
    }
  }

  @Test("a bit that is wrong is noticed where zlib notices it")
  func damaged() throws {
    for (contents, level) in [(GzipReaderTests.contents[4], 6), (GzipReaderTests.contents[2], 0)] {
      let bytes = GzipReaderTests.idx(Array(contents.prefix(300)))
      let packed = Zlib.pack(bytes, level: Int32(level))
      // Behind the header, whose reserved flags ISA-L passes over.
      for bit in 8 * 10..<8 * packed.count {
        var damaged = packed
        damaged[bit / 8] ^= 1 << (bit % 8)
        let found = Unpacked(damaged)
        // zlib has no opinion on a header that says another length.
        guard let expected = Zlib.unpack(damaged, limit: 100_000) else {
          #expect(!found.isWhole || found.bytes != bytes, "bit \(bit) of level \(level)")
          continue
        }
        #expect(
          found == Unpacked(fault: FN_UNPACK_DONE, bytes: expected), "bit \(bit) of level \(level)")
      }
    }
  }

  @Test("more than was announced, and what is no IDX file, is not unpacked any further")
  func tooLong() throws {
    let long = Unpacked(Zlib.pack(GzipReaderTests.idx([1, 2, 3]) + [4, 5], level: 6))
    #expect(long.fault == Int(FN_UNPACK_TOO_LONG) && (12...64).contains(long.bytes.count))
    let other = Unpacked(Zlib.pack([UInt8](repeating: 7, count: 1 << 22), level: 6))
    #expect(other.fault == Int(FN_UNPACK_OTHER) && other.bytes.count == 64)
    // An array of 2^32 - 1 bytes, of which none is there.
    let huge = Unpacked(Zlib.pack([0, 0, 8, 1, 255, 255, 255, 255], level: 6))
    #expect(huge.fault == Int(FN_UNPACK_OTHER))
  }

  @Test("through the helper: the same bytes, piece by piece, and one line for what is wrong")
  func helper() throws {
    let folder = try TemporaryFolder()
    let bytes = GzipReaderTests.contents[3] + GzipReaderTests.contents[2]
    let packed = Zlib.pack(GzipReaderTests.idx(bytes), level: 6)
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
      try Data(bytes).write(to: URL(fileURLWithPath: folder.file(name)))
      return folder.file(name)
    }
    #expect(try IDXFile.read(write("good.gz", packed), rank: 1).values == bytes)
    for (packed, found) in [
      (Array(packed.dropLast(9)), "a file that is cut off"),
      (packed + [0], "1 bytes behind its end"),
    ] {
      let path = try write("bad.gz", packed)
      #expect(
        throws: DataError.malformed(path: path, expected: "a complete gzip file", found: found)
      ) { try IDXFile.read(path, rank: 1) }
    }
  }

  /// An IDX file of one axis.
  private static func idx(_ bytes: [UInt8]) -> [UInt8] {
    [0, 0, 8, 1] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: bytes.count >> $0) } + bytes
  }
}

/// What the helper's unpacking says, in this process.
private struct Unpacked: Equatable {
  var fault: Int
  var bytes: [UInt8]
  var trailing = 0

  init(fault: some BinaryInteger, bytes: [UInt8], trailing: Int = 0) {
    (self.fault, self.bytes, self.trailing) = (Int(fault), bytes, trailing)
  }

  var isWhole: Bool { fault == Int(FN_UNPACK_DONE) && trailing == 0 }

  init(_ packed: [UInt8]) {
    var request = [UInt64(1 << 20)]
    var table = [UInt64](repeating: 0, count: 64)
    let stream = fn_memory_file()
    defer { close(stream) }
    table.withUnsafeMutableBytes { table in
      packed.withUnsafeBytes { packed in
        request.withUnsafeMutableBytes { request in
          var job = fn_job()
          job.bytes = packed.baseAddress?.assumingMemoryBound(to: UInt8.self)
          job.size = UInt64(packed.count)
          job.request = UnsafePointer(request.baseAddress?.assumingMemoryBound(to: UInt8.self))
          job.request_size = UInt64(request.count)
          job.kind = UInt64(FN_UNPACK_GZIP)
          job.table.bytes = table.baseAddress?.assumingMemoryBound(to: UInt8.self)
          job.table.size = UInt64(table.count)
          job.stream = stream
          #expect(fn_unpack(&job) == Int32(FN_EXIT_DONE) && job.table.is_full == 0)
        }
      }
    }
    // Tag and length, then the numbers.
    (fault, trailing) = (Int(table[2]), Int(table[4]))
    var bytes = [UInt8](repeating: 0, count: Int(table[3]))
    #expect(pread(stream, &bytes, bytes.count, 0) == bytes.count)
    self.bytes = bytes
  }
}

/// zlib's gzip.
private enum Zlib {
  static func pack(
    _ bytes: [UInt8], level: Int32, strategy: Int32 = Z_DEFAULT_STRATEGY
  ) -> [UInt8] {
    run(bytes, limit: bytes.count * 2 + 1_000) { stream in
      deflateInit2_(
        &stream, level, Z_DEFLATED, 16 + MAX_WBITS, 8, strategy, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size))
      defer { deflateEnd(&stream) }
      return deflate(&stream, Z_FINISH)
    } ?? []
  }

  /// nil where it is not exactly one member.
  static func unpack(_ bytes: [UInt8], limit: Int) -> [UInt8]? {
    run(bytes, limit: limit) { stream in
      inflateInit2_(&stream, 16 + MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
      defer { inflateEnd(&stream) }
      let status = inflate(&stream, Z_FINISH)
      return stream.avail_in == 0 ? status : Z_DATA_ERROR
    }
  }

  private static func run(
    _ bytes: [UInt8], limit: Int, _ work: (inout z_stream) -> Int32
  ) -> [UInt8]? {
    var input = bytes
    var output = [UInt8](repeating: 0, count: limit)
    return input.withUnsafeMutableBufferPointer { input in
      let count = output.withUnsafeMutableBufferPointer { output -> Int? in
        var stream = z_stream()
        (stream.next_in, stream.avail_in) = (input.baseAddress, UInt32(input.count))
        (stream.next_out, stream.avail_out) = (output.baseAddress, UInt32(output.count))
        return work(&stream) == Z_STREAM_END ? output.count - Int(stream.avail_out) : nil
      }
      return count.map { Array(output[..<$0]) }
    }
  }
}
