import CConfined
import Foundation

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
    output.copy(from: place, into: bytes)
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
