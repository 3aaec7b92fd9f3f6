import CZlib
import FixedNetFiles
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
    "what zlib packed comes out the same, whatever the pieces",
    arguments: [(0, Z_DEFAULT_STRATEGY), (1, Z_DEFAULT_STRATEGY), (9, Z_DEFAULT_STRATEGY)]
      + [(6, Z_HUFFMAN_ONLY), (6, Z_RLE), (6, Z_FIXED)])
  func unpacks(level: Int, strategy: Int32) throws {
    for bytes in GzipReaderTests.contents {
      let packed = Zlib.pack(bytes, level: Int32(level), strategy: strategy)
      for (window, piece) in [(1, 977), (13, 1 << 20), (65_536, 65_536), (4096, 1)] {
        guard piece > 1 || bytes.count < 10 else { continue }
        #expect(try unpack(packed, window: window, piece: piece) == bytes)
      }
    }
  }

  @Test("a file that is cut off anywhere, or goes on, is refused")
  func cutOff() throws {
    let packed = Zlib.pack(Array(GzipReaderTests.contents[4].prefix(3_000)), level: 6)
    for length in 0..<packed.count {
      for window in [1, 5, 65_536] {
        #expect(throws: GzipReader.Failure.cutOff, "\(length) of \(packed.count), \(window)") {
          try unpack(Array(packed[..<length]), window: window, piece: 1_000)
        }
      }
    }
    for (extra, window) in [(1, 1), (1, 65_536), (7, 3), (9, 65_536), (300, 65_536)] {
      #expect(throws: GzipReader.Failure.trailingBytes(extra)) {
        try unpack(packed + [UInt8](repeating: 0x1F, count: extra), window: window, piece: 1_000)
      }
    }
  }

  @Test("a bit that is wrong is noticed where zlib notices it")
  func damaged() throws {
    for (bytes, level) in [(GzipReaderTests.contents[4], 6), (GzipReaderTests.contents[2], 0)] {
      let packed = Zlib.pack(Array(bytes.prefix(300)), level: Int32(level))
      // Behind the header, whose reserved flags ISA-L passes over.
      for bit in 8 * 10..<8 * packed.count {
        var damaged = packed
        damaged[bit / 8] ^= 1 << (bit % 8)
        let expected = Zlib.unpack(damaged, limit: 100_000)
        let found = try? unpack(damaged, window: 64, piece: 1_000)
        #expect(found == expected, "bit \(bit) of level \(level)")
      }
    }
  }

  @Test("more than was announced is refused")
  func tooLong() throws {
    let packed = Zlib.pack([1, 2, 3, 4, 5], level: 6)
    var reader = GzipReader(ByteReader(packed))
    var bytes = [UInt8](repeating: 0, count: 4)
    #expect(try bytes.withUnsafeMutableBytes { try reader.read(into: $0) } == 4)
    #expect(throws: GzipReader.Failure.tooLong(limit: 4)) { try reader.finish(limit: 4) }
  }

  /// All bytes, `piece` at a time.
  private func unpack(_ packed: [UInt8], window: Int, piece: Int) throws -> [UInt8] {
    var reader = GzipReader(ByteReader(packed), windowLength: window)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: piece)
    while true {
      let length = try buffer.withUnsafeMutableBytes { try reader.read(into: $0) }
      bytes += buffer[..<length]
      if length < piece { break }
    }
    try reader.finish(limit: bytes.count)
    return bytes
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
