import CConfined
import Foundation
import Synchronization

/// A helper at work on a file.
final class HelperRun {
  private let started: StartedHelper
  private let milliseconds: Int
  private let begin = ContinuousClock.now
  private let output: HelperOutput
  private var code: Int?
  private var forgotten = 0

  /// `room`: bytes of its answer. `seconds`: of the processor, as in the request; on a busy machine it gets ten times as long.
  init(
    _ program: HelperProgram, _ file: SealedFile, _ request: HelperRequest, room: Int, seconds: Int
  ) throws(HelperFailure) {
    let started: StartedHelper
    if let fresh = file.helper, fresh.claim() {
      started = fresh
    } else {
      started = try StartedHelper(program, input: file.descriptor)
    }
    let size = Int(FN_ANSWER_HEADER) + room
    try started.begin(request, size: size)
    output = try HelperOutput(started.output, size: size)
    self.started = started
    milliseconds = seconds * 10_000
  }

  /// Whether it has ended well, after at most `wait` milliseconds.
  /// Throws: why it did not.
  func hasEnded(within wait: Int) throws(HelperFailure) -> Bool {
    if code == nil { code = started.end(within: wait) }
    guard let code else {
      guard begin.duration(to: .now) > .milliseconds(milliseconds) else { return false }
      started.stop()
      throw .endless
    }
    try HelperRun.check(code)
    return true
  }

  private static func check(_ code: Int) throws(HelperFailure) {
    switch code {
    case Int(FN_EXIT_DONE): return
    case Int(FN_EXIT_FULL): throw .room
    case Int(FN_EXIT_MEMORY): throw .memory
    case Int(FN_EXIT_OPEN): throw .unconfined
    case -Int(SIGXCPU), -Int(SIGKILL): throw .endless
    default: throw .crashed
    }
  }

  /// Bytes at `place` of the output, which are complete while it goes on; to be copied before they are looked at.
  func copy(from place: Int, into bytes: UnsafeMutableRawBufferPointer) {
    let all = output.bytes
    guard place >= 0, bytes.count <= all.count - place else { return }
    bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[place..<place + bytes.count]))
  }

  /// Bytes of the output in front of `place` are not needed any more: the memory is given back.
  func forget(upTo place: Int) {
    let page = Int(getpagesize())
    // The header stays.
    let (start, end) = (max(forgotten, page), place / page * page)
    guard end - start >= 1 << 20 else { return }
    fn_forget(started.output, Int64(start), Int64(end - start))
    forgotten = end
  }

  /// What it says of its progress.
  var progress: Int { output.progress }

  /// Waits for the end. Only a complete answer counts.
  func answer() throws(HelperFailure) -> HelperOutput {
    guard try hasEnded(within: milliseconds) else {
      started.stop()
      throw .endless
    }
    try output.complete()
    return output
  }
}

/// A helper's output: memory that nobody writes to any more once the helper has ended.
final class HelperOutput: @unchecked Sendable {
  /// All of it.
  let bytes: UnsafeRawBufferPointer
  /// Bytes of records, once it is complete.
  private var used = 0

  /// Whether the helper's system calls were filtered by all answers so far.
  static let isFiltered = Atomic(true)

  init(_ file: Int32, size: Int) throws(HelperFailure) {
    guard let place = mmap(nil, size, PROT_READ, MAP_SHARED, file, 0), place != MAP_FAILED else {
      throw .system(String(cString: strerror(errno)))
    }
    bytes = UnsafeRawBufferPointer(start: place, count: size)
  }

  /// An answer that is in memory, for tests.
  package init(answer: [UInt8]) {
    let place = mmap(
      nil, max(answer.count, 1), PROT_READ | PROT_WRITE, MAP_PRIVATE | mapAnonymous, -1, 0)!
    place.copyMemory(from: answer, byteCount: answer.count)
    bytes = UnsafeRawBufferPointer(start: place, count: answer.count)
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }

  private func number(_ field: Int) -> UInt64 {
    bytes.loadUnaligned(fromByteOffset: 8 * field, as: UInt64.self)
  }

  fileprivate var progress: Int { Int(clamping: number(3)) }

  /// The helper has ended: its answer must say that it is whole.
  package func complete() throws(HelperFailure) {
    guard bytes.count >= Int(FN_ANSWER_HEADER), number(0) == fn_answer_magic(),
      number(1) <= UInt64(bytes.count - Int(FN_ANSWER_HEADER))
    else { throw .answer }
    if number(2) != 0 { HelperOutput.isFiltered.store(false, ordering: .relaxed) }
    used = Int(number(1))
  }

  /// What the places in records count from.
  var table: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[Int(FN_ANSWER_HEADER)..<Int(FN_ANSWER_HEADER) + used])
  }

  /// The records, from the first on.
  var records: AnswerRecords { AnswerRecords(table) }
}

#if os(Linux)
  private let mapAnonymous = MAP_ANONYMOUS
#else
  private let mapAnonymous = MAP_ANON
#endif

/// The records of an answer. Every length is checked: nothing is believed that a helper says.
struct AnswerRecords {
  private let bytes: UnsafeRawBufferPointer
  private var place = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The next one; nil at the end.
  mutating func next() throws(HelperFailure) -> AnswerRecord? {
    guard place < bytes.count else { return nil }
    guard bytes.count - place >= 16 else { throw .answer }
    let tag = bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)
    let length = bytes.loadUnaligned(fromByteOffset: place + 8, as: UInt64.self)
    guard length <= UInt64(bytes.count - place - 16) else { throw .answer }
    let start = place + 16
    place = start + (Int(length) + 7) / 8 * 8
    return AnswerRecord(
      tag: Int(tag), bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(length)]))
  }
}

/// One record, read from its first number to the last.
struct AnswerRecord {
  let tag: Int
  private let bytes: UnsafeRawBufferPointer
  private var place = 0

  init(tag: Int, bytes: UnsafeRawBufferPointer) {
    self.tag = tag
    self.bytes = bytes
  }

  mutating func bits() throws(HelperFailure) -> UInt64 {
    guard bytes.count - place >= 8 else { throw .answer }
    defer { place += 8 }
    return bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
  }

  /// A number that is 0 or more.
  mutating func count() throws(HelperFailure) -> Int {
    guard let value = Int(exactly: try bits()) else { throw .answer }
    return value
  }

  mutating func signed() throws(HelperFailure) -> Int { Int(Int64(bitPattern: try bits())) }

  mutating func text() throws(HelperFailure) -> [UInt8] {
    let length = try count()
    guard length <= bytes.count - place else { throw .answer }
    defer { place += min(bytes.count - place, (length + 7) / 8 * 8) }
    return [UInt8](bytes[place..<place + length])
  }

  /// As many texts as the next number says.
  mutating func texts() throws(HelperFailure) -> [[UInt8]] {
    let length = try count()
    // Each takes 8 bytes at least.
    guard length <= (bytes.count - place) / 8 else { throw .answer }
    var texts: [[UInt8]] = []
    texts.reserveCapacity(length)
    for _ in 0..<length { texts.append(try text()) }
    return texts
  }

  /// As many numbers as the next number says.
  mutating func counts() throws(HelperFailure) -> [Int] {
    let length = try count()
    guard length <= (bytes.count - place) / 8 else { throw .answer }
    var numbers: [Int] = []
    for _ in 0..<length { numbers.append(try count()) }
    return numbers
  }

  var hasMore: Bool { place < bytes.count }

  /// Where bytes are: how many, their place in the table.
  mutating func bytes(in table: UnsafeRawBufferPointer) throws(HelperFailure)
    -> UnsafeRawBufferPointer
  {
    let (count, place) = (try self.count(), try self.count())
    guard place <= table.count, count <= table.count - place else { throw .answer }
    return UnsafeRawBufferPointer(rebasing: table[place..<place + count])
  }

  /// Where values are: as what, how many, their place in the table.
  mutating func values(in table: UnsafeRawBufferPointer) throws(HelperFailure) -> AnswerValues {
    let (how, count, place) = (try self.count(), try self.count(), try self.count())
    let size = how == 1 ? 4 : 8
    guard [1, 2].contains(how), place <= table.count, count <= (table.count - place) / size else {
      throw .answer
    }
    return AnswerValues(isDouble: how == 2, count: count, place: place)
  }
}

/// Values in the table of an answer.
struct AnswerValues {
  let isDouble: Bool
  let count: Int
  let place: Int

  func floats(in table: UnsafeRawBufferPointer) -> [Float] {
    isDouble ? doubles(in: table).map { Float($0) } : copy(in: table, zero: Float(0))
  }

  func doubles(in table: UnsafeRawBufferPointer) -> [Double] {
    isDouble ? copy(in: table, zero: 0.0) : floats(in: table).map { Double($0) }
  }

  private func copy<Value: BitwiseCopyable>(in table: UnsafeRawBufferPointer, zero: Value)
    -> [Value]
  {
    [Value](unsafeUninitializedCapacity: count) { values, filled in
      let size = count * MemoryLayout<Value>.stride
      UnsafeMutableRawBufferPointer(values).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: table[place..<place + size]))
      filled = count
    }
  }
}
