import CConfined
import Foundation

/// Another program that runs to its end, but not beyond a deadline nor beyond the end of this one. No thread waits for it:
/// where the system gives none, nobody would be told of the end.
package enum ChildProgram {
  package enum End: Equatable {
    case exited(code: Int32)
    case signalled
    /// It was killed after the deadline.
    case late
    case notStarted
  }

  /// Runs `program` in `folder` without input; what it prints goes nowhere, what it says on standard error to the file
  /// `log`. `deadline`: seconds.
  package static func run(
    _ program: String, _ arguments: [String], in folder: String, log: String, deadline: Double
  ) -> End {
    let errors = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard errors >= 0 else { return .notStarted }
    defer { close(errors) }
    var child = fn_helper()
    // Nothing may come between the program and its place in the table.
    let (code, entry) = UnfinishedFiles.withoutSignals { () -> (Int32, Int?) in
      let code = start(program, arguments, in: folder, errors: errors, as: &child)
      return (code, code == 0 ? UnfinishedFiles.insert(program: child.process) : nil)
    }
    guard code == 0 else { return .notStarted }
    var status: Int32 = 0
    let milliseconds = Int32(clamping: Int(deadline * 1000))
    let hasEnded = fn_helper_has_ended(&child, milliseconds, &status) != 0
    if !hasEnded { UnfinishedFiles.end(program: child.process) }
    UnfinishedFiles.remove(programAt: entry)
    fn_helper_stop(&child)
    guard hasEnded else { return .late }
    return status & 0x7F == 0 ? .exited(code: status >> 8 & 0xFF) : .signalled
  }

  /// Returns 0 or an errno.
  private static func start(
    _ program: String, _ arguments: [String], in folder: String, errors: Int32,
    as child: inout fn_helper
  ) -> Int32 {
    let words = ([program] + arguments).map { strdup($0) }
    defer { for word in words { free(word) } }
    guard words.allSatisfy({ $0 != nil }) else { return ENOMEM }
    let list: [UnsafePointer<CChar>?] = words.map { UnsafePointer($0) } + [nil]
    return list.withUnsafeBufferPointer {
      fn_program_start(&child, program, $0.baseAddress, folder, errors)
    }
  }
}
