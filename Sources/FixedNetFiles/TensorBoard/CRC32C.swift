/// The checksum of the records in an event file.
///
/// The remainder of the bits, lowest first, by Castagnoli's polynomial 0x1EDC6F41 (0x82F63B78 with its bits reversed), from
/// 0xFFFFFFFF and inverted at the end.
/// Source: RFC 3720, section 12.1 and appendix B.4.
package enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in
      value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1
    }
  }

  package static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    table.withUnsafeBufferPointer { table in
      ~bytes.reduce(~0) { value, byte in
        table[Int(truncatingIfNeeded: value & 0xFF ^ UInt32(byte))] ^ value >> 8
      }
    }
  }

  /// As it is stored, so that the checksum of bytes that hold one is no special case: turned right by 15 bits, plus
  /// 0xA282EAD8.
  /// Source: TensorFlow, core/lib/hash/crc32c.h.
  package static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let value = checksum(bytes)
    return (value >> 15 | value << 17) &+ 0xA282_EAD8
  }
}
