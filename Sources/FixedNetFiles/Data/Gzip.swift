import CZlib

/// Gzip files unpacked in memory, within bounds that are known beforehand.
package enum Gzip {
  package enum Failure: Error, Equatable {
    /// The packed data end too early.
    case cutOff
    case damaged(String)
    /// Bytes behind the end of the packed data.
    case trailingBytes(Int)
    /// More than `limit` bytes.
    case tooLong(limit: Int)
  }

  static func isGzip(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1F, 0x8B]) }

  /// Unpacks one gzip member that is all of `packed`.
  /// `count`: asked once, with the first `headCount` bytes (or all there are), how many bytes there must be in all; at
  /// most one more is unpacked. It may throw.
  package static func unpack<Problem: Error>(
    _ packed: [UInt8], headCount: Int, count: ([UInt8]) throws(Problem) -> Int,
    failed: (Failure) -> Problem
  ) throws(Problem) -> [UInt8] {
    var stream = z_stream()
    guard
      inflateInit2_(&stream, 16 + MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        == Z_OK
    else { throw failed(.damaged("zlib cannot start")) }
    defer { inflateEnd(&stream) }
    var head = [UInt8](repeating: 0, count: headCount)
    var position = 0
    var status = inflate(packed, &position, into: &head, from: 0, &stream)
    head.removeLast(Int(stream.avail_out))
    let total = try count(head)
    // One byte more than there should be, so that zlib reaches and checks the trailer.
    var bytes = [UInt8](repeating: 0, count: max(total, head.count) + 1)
    bytes.replaceSubrange(0..<head.count, with: head)
    if status == Z_OK || status == Z_BUF_ERROR {
      status = inflate(packed, &position, into: &bytes, from: head.count, &stream)
    }
    switch status {
    case Z_STREAM_END: break
    case Z_OK, Z_BUF_ERROR:
      throw failed(stream.avail_out == 0 ? .tooLong(limit: total) : .cutOff)
    default:
      throw failed(.damaged(stream.msg.map { String(cString: $0) } ?? "zlib error \(status)"))
    }
    guard position == packed.count else {
      throw failed(.trailingBytes(packed.count - position))
    }
    bytes.removeLast(bytes.count - Int(stream.total_out))
    return bytes
  }

  /// Unpacks from `packed[position...]` into `bytes[start...]` until one of them ends. Returns zlib's status.
  private static func inflate(
    _ packed: [UInt8], _ position: inout Int, into bytes: inout [UInt8], from start: Int,
    _ stream: inout z_stream
  ) -> Int32 {
    packed.withUnsafeBufferPointer { packed in
      bytes.withUnsafeMutableBufferPointer { bytes in
        guard let input = packed.baseAddress, let output = bytes.baseAddress else {
          return Z_BUF_ERROR
        }
        // Both stay far below zlib's 4 GiB: see the callers' limits.
        stream.next_in = UnsafeMutablePointer(mutating: input + position)
        stream.avail_in = UInt32(packed.count - position)
        stream.next_out = output + start
        stream.avail_out = UInt32(bytes.count - start)
        let status = CZlib.inflate(&stream, Z_NO_FLUSH)
        position = packed.count - Int(stream.avail_in)
        return status
      }
    }
  }
}
