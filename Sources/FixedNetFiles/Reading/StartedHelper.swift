import CConfined
import Foundation
import Synchronization

/// A helper that waits for its work, or does it.
final class StartedHelper: Sendable {
  private struct State {
    var helper: fn_helper
    /// -1 once somebody took it.
    var input: Int32
    var isClaimed = false
  }

  private let state: Mutex<State>
  private let request: Int32
  let output: Int32
  /// What the output is, where it is no file in memory.
  let scratch: ScratchFile?

  /// `input`: a file in memory, which stays the caller's. nil: an empty one of its own, for `takeInput`. `scratch`: for the
  /// output; nil: memory.
  init(_ program: HelperProgram, input given: Int32? = nil, output scratch: ScratchFile? = nil)
    throws(HelperFailure)
  {
    let files = [
      fn_memory_file(), scratch.map { dup($0.descriptor) } ?? fn_memory_file(),
      given == nil ? fn_memory_file() : -1,
    ]
    self.scratch = scratch
    var helper = fn_helper()
    let own = given ?? files[2]
    var code = files[0] < 0 || files[1] < 0 || own < 0 ? errno : 0
    if code == 0 {
      code = fn_helper_start(
        &helper, program.path, program.name, getenv("LD_LIBRARY_PATH"), own, files[0], files[1],
        program.streams ? 1 : 0)
    }
    guard code == 0 else {
      for file in files where file >= 0 { close(file) }
      throw .system(String(cString: strerror(code)))
    }
    (request, output) = (files[0], files[1])
    state = Mutex(State(helper: helper, input: files[2]))
  }

  deinit {
    state.withLock { state in
      fn_helper_stop(&state.helper)
      if state.input >= 0 { close(state.input) }
    }
    close(request)
    close(output)
  }

  /// The empty file that it will read, which is the caller's from now on.
  func takeInput() -> Int32 {
    state.withLock { state in
      defer { state.input = -1 }
      return state.input
    }
  }

  /// Whether it has had no work so far; now it has.
  func claim() -> Bool {
    state.withLock { state in
      defer { state.isClaimed = true }
      return !state.isClaimed
    }
  }

  /// The input is complete: gives it its work. `size`: bytes of the output.
  func begin(_ request: HelperRequest, size: Int) throws(HelperFailure) {
    _ = AtomicFile.ignoreSizeSignal
    let written = request.bytes.withUnsafeBytes { write(self.request, $0.baseAddress, $0.count) }
    guard written == request.bytes.count, ftruncate(output, off_t(size)) == 0,
      fn_seal_contents(self.request) == 0, scratch != nil || fn_seal_size(output) == 0
    else { throw .system(String(cString: strerror(errno))) }
    state.withLock { fn_helper_begin(&$0.helper) }
  }

  /// What it exited with, or the negative number of the signal that ended it; nil where it goes on after `milliseconds`.
  func end(within milliseconds: Int) -> Int? {
    state.withLock { state in
      var status: Int32 = 0
      guard fn_helper_has_ended(&state.helper, Int32(clamping: milliseconds), &status) != 0 else {
        return nil
      }
      return status & 0x7F != 0 ? -Int(status & 0x7F) : Int(status >> 8 & 0xFF)
    }
  }

  /// Copies what it has in its ring; see `fn_helper_read`. `output`: all of it, mapped.
  func read(
    into bytes: UnsafeMutableRawBufferPointer, from output: UnsafeRawPointer,
    within milliseconds: Int
  ) -> Int {
    state.withLock { state in
      Int(
        fn_helper_read(
          &state.helper, output, bytes.baseAddress, UInt64(bytes.count),
          Int32(clamping: milliseconds)))
    }
  }

  func stop() { state.withLock { fn_helper_stop(&$0.helper) } }

  // MARK: - Beforehand

  private static let waiting = Mutex<[HelperProgram: StartedHelper]>([:])

  /// Starts the helper that the next file will need.
  static func prepare(_ program: HelperProgram) {
    // Where this fails it fails again when there is a file to say it about.
    guard let started = try? StartedHelper(program) else { return }
    waiting.withLock { $0[program] = started }
  }

  static func take(_ program: HelperProgram) -> StartedHelper? {
    waiting.withLock { $0.removeValue(forKey: program) }
  }
}
