import CISAL

/// A gzip file of one member, unpacked piece by piece through ISA-L, so that neither all packed bytes nor all unpacked ones
/// need be in memory.
package struct GzipReader: ~Copyable {
  package enum Failure: Error, Equatable {
    /// The packed data end too early.
    case cutOff
    case damaged(String)
    /// Bytes behind the end of the packed data.
    case trailingBytes(Int)
    /// More than `limit` bytes.
    case tooLong(limit: Int)
    case file(FileError)
  }

  private var packed: ByteReader
  private let state: UnsafeMutablePointer<inflate_state>
  /// Packed bytes that come next.
  private let window: UnsafeMutableRawBufferPointer

  static func isGzip(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1F, 0x8B]) }

  /// `windowLength`: packed bytes that are read at once.
  package init(_ packed: consuming ByteReader, windowLength: Int = 1 << 16) {
    self.packed = packed
    state = .allocate(capacity: 1)
    isal_inflate_init(state)
    state.pointee.crc_flag = UInt32(ISAL_GZIP)
    window = .allocate(byteCount: windowLength, alignment: 64)
  }

  deinit {
    state.deallocate()
    window.deallocate()
  }

  private var isFinished: Bool { state.pointee.block_state == ISAL_BLOCK_FINISH }

  /// Unpacks into `bytes` until they are full or the member ends. Returns the number of bytes.
  package mutating func read(
    into bytes: UnsafeMutableRawBufferPointer
  ) throws(Failure) -> Int {
    state.pointee.next_out = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    state.pointee.avail_out = UInt32(bytes.count)
    while state.pointee.avail_out > 0, !isFinished {
      if state.pointee.avail_in == 0 { try refill() }
      let before = (state.pointee.avail_in, state.pointee.avail_out)
      let status = isal_inflate(state)
      guard status >= ISAL_DECOMP_OK else { throw .damaged(GzipReader.reason(status)) }
      let isStuck = before == (state.pointee.avail_in, state.pointee.avail_out)
      guard isFinished || !isStuck || packed.position < packed.count else { throw .cutOff }
    }
    return bytes.count - Int(state.pointee.avail_out)
  }

  /// What is left must be the trailer, right and at the end.
  /// `limit`: the bytes that there were to be in all.
  package mutating func finish(limit: Int) throws(Failure) {
    let byte = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
    defer { byte.deallocate() }
    guard try read(into: byte) == 0 else { throw .tooLong(limit: limit) }
    // Whole bytes that were taken in for the bits to come count as not read.
    let unread = Int(state.pointee.avail_in) + Int(state.pointee.read_in_length) / 8
    let trailing = packed.count - packed.position + unread
    guard trailing == 0 else { throw .trailingBytes(trailing) }
  }

  private mutating func refill() throws(Failure) {
    let length: Int
    do { length = try packed.read(into: window) } catch { throw .file(error) }
    state.pointee.next_in = window.baseAddress?.assumingMemoryBound(to: UInt8.self)
    state.pointee.avail_in = UInt32(length)
  }

  private static func reason(_ status: Int32) -> String {
    switch status {
    case ISAL_INVALID_BLOCK: "an invalid block"
    case ISAL_INVALID_SYMBOL: "an invalid code"
    case ISAL_INVALID_LOOKBACK: "a distance too far back"
    case ISAL_INVALID_WRAPPER: "no gzip header"
    case ISAL_UNSUPPORTED_METHOD: "an unknown compression method"
    case ISAL_INCORRECT_CHECKSUM: "an incorrect data check"
    default: "ISA-L's error \(status)"
    }
  }
}
