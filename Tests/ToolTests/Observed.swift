import Foundation
import TestSupport

/// A program's run together with what it took.
struct Measured {
  var run: Finished
  var wallSeconds: Double
  var cpuSeconds: Double
  var peakBytes: Int

  /// Runs a program, for at most `limit` seconds, under Tests/Support/Measure.
  init(_ program: String, _ arguments: [String], in folder: String, limit: Int = 10) throws {
    let result = "\(folder)/measured-\(UUID().uuidString).txt"
    defer { try? FileManager.default.removeItem(atPath: result) }
    run = try Finished(
      "\(Tool.folder)/measure", [result, "\(limit)", program] + arguments, in: folder)
    let text = try String(contentsOfFile: result, encoding: .utf8)
    let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    guard numbers.count == 3 else { throw CocoaError(.fileReadCorruptFile) }
    (wallSeconds, cpuSeconds, peakBytes) = (numbers[0], numbers[1], Int(numbers[2]) * 1024)
  }
}

/// The files that a program and its children ask the kernel for, whether they exist or not.
enum Opened {
  /// strace, where it is installed and allowed to trace.
  static let strace: String? = {
    let path = "/usr/bin/strace"
    guard FileManager.default.isExecutableFile(atPath: path) else { return nil }
    let run = try? Finished(path, ["-f", "-qq", "-o", "/dev/null", "/bin/true"])
    return run?.exitCode == 0 ? path : nil
  }()

  /// Every path that was opened or executed, as the program gave it, and the name of every call for the network.
  static func names(
    _ program: String, _ arguments: [String], in folder: String
  ) throws -> (run: Finished, names: Set<String>) {
    guard let strace else { throw CocoaError(.featureUnsupported) }
    let log = "\(folder)/opened-\(UUID().uuidString).txt"
    defer { try? FileManager.default.removeItem(atPath: log) }
    let calls = "open,openat,openat2,creat,open_by_handle_at,execve,execveat,%network"
    let run = try Finished(
      strace, ["-f", "-qq", "-o", log, "-e", "trace=\(calls)", program] + arguments, in: folder)
    let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
    return (run, Set(lines.compactMap(name)))
  }

  /// `1234 openat(AT_FDCWD, "/path", ...` gives /path; the end of a call that was printed in two parts, and signals, nil.
  private static func name(_ line: Substring) -> String? {
    let call = line.drop { $0.isNumber || $0 == " " }
    guard let end = call.firstIndex(of: "("), !call.hasPrefix("<"), !call.hasPrefix("-") else {
      return nil
    }
    guard call.hasPrefix("open") || call.hasPrefix("creat") || call.hasPrefix("exec") else {
      return String(call[..<end])
    }
    let parts = call.split(separator: "\"", maxSplits: 2, omittingEmptySubsequences: false)
    return parts.count == 3 ? String(parts[1]) : String(call)
  }
}
