import CZlib

extension FuzzTarget {
  /// `bytes` with the checksums that they should have, so that a mutation gets past them.
  public func repaired(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    switch self {
    case .keras, .npz: Repair.zip(&bytes)
    case .idx: Repair.gzip(&bytes)
    case .mat: Repair.mat(&bytes)
    case .image: Repair.png(&bytes)
    case .h5, .weights, .csv, .json, .options, .answer: break
    }
    return bytes
  }
}

/// Checksums of damaged files.
enum Repair {
  /// The CRCs of members, stored or deflated, that are where the directory says.
  static func zip(_ bytes: inout [UInt8]) {
    var place = 0
    while let entry = find([0x50, 0x4B, 1, 2], in: bytes, from: place), entry + 46 <= bytes.count {
      place = entry + 46
      let (count, local) = (number(bytes, entry + 24), number(bytes, entry + 42))
      guard local + 30 <= bytes.count else { continue }
      let start =
        local + 30 + number(bytes, local + 26, size: 2) + number(bytes, local + 28, size: 2)
      if bytes[entry + 10] == 8, start < bytes.count {
        guard let (_, unpacked) = inflate(bytes, from: start) else { continue }
        set(&bytes, entry + 16, crc(unpacked[...]))
      } else if start + count <= bytes.count {
        set(&bytes, entry + 16, crc(bytes[start..<start + count]))
      }
    }
  }

  /// The CRC and the size behind a gzip member with a header of ten bytes.
  static func gzip(_ bytes: inout [UInt8]) {
    guard bytes.starts(with: [0x1F, 0x8B, 8, 0]), bytes.count > 18,
      let (end, unpacked) = inflate(bytes, from: 10), end + 8 <= bytes.count
    else { return }
    set(&bytes, end, crc(unpacked[...]))
    set(&bytes, end + 4, UInt32(truncatingIfNeeded: unpacked.count))
  }

  /// The Adler-32 of every compressed variable of a little-endian MAT-file.
  static func mat(_ bytes: inout [UInt8]) {
    var place = 128
    while place + 10 <= bytes.count {
      let (type, length) = (number(bytes, place), number(bytes, place + 4))
      if type == 15, let (end, unpacked) = inflate(bytes, from: place + 10), end + 4 <= bytes.count
      {
        let sum = UInt32(adler32(1, unpacked, UInt32(unpacked.count)))
        set(&bytes, end, sum.byteSwapped)
      }
      place += 8 + length
    }
  }

  /// The CRC of every chunk of a PNG.
  static func png(_ bytes: inout [UInt8]) {
    var place = 8
    while place + 12 <= bytes.count, bytes[0] == 0x89 {
      let length = bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - place - 12 else { return }
      let end = place + 8 + length
      set(&bytes, end, crc(bytes[place + 4..<end]).byteSwapped)
      place = end + 4
    }
  }

  // MARK: - Parts

  private static func find(_ pattern: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
    guard bytes.count >= pattern.count, start <= bytes.count - pattern.count else { return nil }
    return (start...bytes.count - pattern.count).first {
      bytes[$0] == pattern[0] && bytes[$0..<$0 + pattern.count].elementsEqual(pattern)
    }
  }

  private static func number(_ bytes: [UInt8], _ place: Int, size: Int = 4) -> Int {
    bytes[place..<place + size].reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  private static func set(_ bytes: inout [UInt8], _ place: Int, _ value: UInt32) {
    for index in 0..<4 { bytes[place + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
  }

  private static func crc(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.withUnsafeBufferPointer { UInt32(crc32(0, $0.baseAddress, UInt32($0.count))) }
  }

  /// Unpacks a bare DEFLATE stream of at most 1 MiB. Returns where it ends; nil where it is damaged.
  private static func inflate(_ bytes: [UInt8], from start: Int) -> (end: Int, unpacked: [UInt8])? {
    var stream = z_stream()
    guard
      inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { inflateEnd(&stream) }
    var unpacked = [UInt8](repeating: 0, count: 1 << 20)
    let status = bytes.withUnsafeBufferPointer { bytes in
      unpacked.withUnsafeMutableBufferPointer { unpacked in
        stream.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress! + start)
        stream.avail_in = UInt32(bytes.count - start)
        stream.next_out = unpacked.baseAddress
        stream.avail_out = UInt32(unpacked.count)
        return CZlib.inflate(&stream, Z_FINISH)
      }
    }
    guard status == Z_STREAM_END else { return nil }
    return (bytes.count - Int(stream.avail_in), Array(unpacked.prefix(Int(stream.total_out))))
  }
}
