import Foundation

/// Another program that runs to its end, but not beyond a deadline nor beyond the end of this one.
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
    guard FileManager.default.createFile(atPath: log, contents: nil),
      let errors = FileHandle(forWritingAtPath: log)
    else { return .notStarted }
    defer { try? errors.close() }
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.currentDirectoryURL = URL(filePath: folder)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors
    let end = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in end.signal() }
    let entry: Int?
    do {
      entry = try UnfinishedFiles.withoutSignals {
        try process.run()
        return UnfinishedFiles.insert(program: process.processIdentifier)
      }
    } catch { return .notStarted }
    let isLate = end.wait(timeout: .now() + deadline) == .timedOut
    if isLate {
      UnfinishedFiles.end(program: process.processIdentifier)
      end.wait()
    }
    UnfinishedFiles.remove(programAt: entry)
    guard !isLate else { return .late }
    return process.terminationReason == .exit
      ? .exited(code: process.terminationStatus) : .signalled
  }
}
