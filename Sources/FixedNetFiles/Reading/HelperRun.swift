import CConfined
import Foundation

/// A helper at work on a file.
final class HelperRun {
  private let started: StartedHelper
  private let milliseconds: Int
  private let begin = ContinuousClock.now
  private let output: HelperOutput
  private var code: Int?

  /// `room`: bytes of its answer. `expected`: those of them that it may well take, where that may be much: if memory is short of
  /// them it is kept in a file. `certain`: those that it certainly takes. `seconds`: of the processor, as in the request; on a busy machine it gets ten times as long.
  convenience init(
    _ program: HelperProgram, _ file: SealedFile, _ request: HelperRequest, room: Int,
    expected: Int = 0, certain: Int? = nil, seconds: Int
  ) throws(HelperFailure) {
    let scratch: ScratchFile?
    do {
      scratch = try ScratchFile.ifNeeded(min(room, expected), certain: certain, for: file.path)
    } catch {
      throw .disk(error.reason)
    }
    let started: StartedHelper
    if let scratch {
      started = try StartedHelper(program, input: file.descriptor, output: scratch)
    } else if let fresh = file.helper, fresh.claim() {
      started = fresh
    } else {
      started = try StartedHelper(program, input: file.descriptor)
    }
    try self.init(started, request, room: room, seconds: seconds)
  }

  init(_ started: StartedHelper, _ request: HelperRequest, room: Int, seconds: Int)
    throws(HelperFailure)
  {
    let size = Int(FN_ANSWER_HEADER) + room
    try started.begin(request, size: size)
    output = try HelperOutput(started.output, size: size, scratch: started.scratch)
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
    // The first page that finds no place on the disk.
    if code == -Int(SIGBUS), let scratch = started.scratch {
      throw .disk(
        "the disk of \(scratch.folder) is full; it is kept there because it takes more than a quarter "
          + "of the memory that is free (TMPDIR says another folder)")
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
    case Int(FN_EXIT_WORK):
      throw .system("the helper beside this program is of another version; build both again")
    case Int(FN_EXIT_UNKNOWN):
      throw .system("how it ended is unknown; this program must not ignore SIGCHLD")
    case -Int(SIGXCPU), -Int(SIGKILL): throw .endless
    default: throw .crashed
    }
  }

  /// The next bytes that it writes while it works, as many as there are at once; 0 at the end.
  /// Throws: `.endless` where none come in its time.
  func read(into bytes: UnsafeMutableRawBufferPointer) throws(HelperFailure) -> Int {
    let passed = begin.duration(to: .now)
    let left = milliseconds - Int(passed.components.seconds) * 1000
    let length = left > 0 ? output.read(from: started, into: bytes, within: left) : -1
    guard length != -2 else {
      started.stop()
      throw .answer
    }
    guard length >= 0 else {
      started.stop()
      throw .endless
    }
    return length
  }

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
