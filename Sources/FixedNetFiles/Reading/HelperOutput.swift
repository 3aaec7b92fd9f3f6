import CConfined
import Foundation
import Synchronization

/// A helper's output: memory that nobody writes to any more once the helper has ended. It is only looked at through these
/// functions, each of which checks where it reads.
final class HelperOutput: @unchecked Sendable {
  private let base: UnsafeMutableRawPointer
  /// Bytes of all, header included.
  let size: Int
  /// Bytes of records behind the header, once they are complete.
  private(set) var count = 0
  /// What keeps it where it is no memory.
  let scratch: ScratchFile?

  private static let header = Int(FN_ANSWER_HEADER)

  /// Whether the helper's system calls were filtered by all answers so far.
  static let isFiltered = Atomic(true)

  init(_ file: Int32, size: Int, scratch: ScratchFile? = nil) throws(HelperFailure) {
    self.scratch = scratch
    guard let place = mmap(nil, size, PROT_READ, MAP_SHARED, file, 0), place != MAP_FAILED else {
      throw .system(String(cString: strerror(errno)))
    }
    (base, self.size) = (place, size)
  }

  /// A complete answer of these records, for tests.
  init(records: [UInt8]) throws(HelperFailure) {
    scratch = nil
    size = HelperOutput.header + records.count
    let flags = MAP_PRIVATE | mapAnonymous
    guard let place = mmap(nil, size, PROT_READ | PROT_WRITE, flags, -1, 0), place != MAP_FAILED
    else { throw .system(String(cString: strerror(errno))) }
    base = place
    let head = [fn_answer_magic(), UInt64(records.count), 0, 0, 0, 0, 0, 0]
    base.copyMemory(from: head, byteCount: HelperOutput.header)
    (base + HelperOutput.header).copyMemory(from: records, byteCount: records.count)
  }

  deinit { munmap(base, size) }

  private func field(_ index: Int) -> UInt64 {
    base.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)
  }

  /// The helper has ended: its answer must say that it is whole.
  func complete() throws(HelperFailure) {
    guard size >= HelperOutput.header, field(0) == fn_answer_magic(),
      field(1) <= UInt64(size - HelperOutput.header)
    else { throw .answer }
    if let scratch {
      // Of a file the size has no seal; nobody but the helper had it.
      var status = stat()
      guard fstat(scratch.descriptor, &status) == 0, Int(status.st_size) == size else {
        throw .answer
      }
    }
    if field(2) != 0 { HelperOutput.isFiltered.store(false, ordering: .relaxed) }
    count = Int(field(1))
  }

  /// Fills `bytes` from `place` of all, header included; nothing where there are not so many.
  func copy(from place: Int, into bytes: UnsafeMutableRawBufferPointer) {
    guard place >= 0, place <= size, bytes.count <= size - place else { return }
    bytes.copyMemory(from: UnsafeRawBufferPointer(start: base + place, count: bytes.count))
  }

  /// The next bytes of the ring.
  func read(
    from helper: StartedHelper, into bytes: UnsafeMutableRawBufferPointer,
    within milliseconds: Int
  ) -> Int {
    guard size >= HelperOutput.ringSize else { return -2 }
    return helper.read(into: bytes, from: base, within: milliseconds)
  }

  /// Bytes of an output with a ring.
  static let ringSize = Int(FN_RING) + Int(FN_RING_PARTS) * Int(FN_RING_BYTES)

  // MARK: - Places that count from the first record

  func number<Value: FixedWidthInteger & BitwiseCopyable>(at place: Int, as type: Value.Type)
    throws(HelperFailure) -> Value
  {
    guard place >= 0, place <= count, MemoryLayout<Value>.size <= count - place else {
      throw .answer
    }
    return base.loadUnaligned(fromByteOffset: HelperOutput.header + place, as: type)
  }

  /// Where `count` bytes are that stay as they are as long as this is there.
  func address(at place: Int, count: Int) throws(HelperFailure) -> UnsafeRawPointer {
    guard place >= 0, count >= 0, place <= self.count, count <= self.count - place else {
      throw .answer
    }
    return UnsafeRawPointer(base + HelperOutput.header + place)
  }

  func values<Value: BitwiseCopyable>(at place: Int, count: Int, as type: Value.Type)
    throws(HelperFailure) -> [Value]
  {
    let width = MemoryLayout<Value>.stride
    guard place >= 0, count >= 0, place <= self.count, count <= (self.count - place) / width else {
      throw .answer
    }
    return [Value](unsafeUninitializedCapacity: count) { values, filled in
      copy(from: HelperOutput.header + place, into: UnsafeMutableRawBufferPointer(values))
      filled = count
    }
  }
}

#if os(Linux)
  private let mapAnonymous = MAP_ANONYMOUS
#else
  private let mapAnonymous = MAP_ANON
#endif
