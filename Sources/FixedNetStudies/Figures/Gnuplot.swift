import Foundation

/// The program that draws, and its language.
public enum Gnuplot {
  /// Where the program is: the first of the folders of $PATH that has it.
  public static func path(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> String? {
    (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/gnuplot" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// A text as gnuplot reads it literally: in single quotes nothing is replaced. Texts come from files that anybody may
  /// have made; control characters become spaces, and long ones are cut.
  static func quoted(_ text: String) -> String {
    var plain = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(200) {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator: plain.append(" ")
      default: plain.append(scalar)
      }
    }
    // gnuplot's SVG would take a numbered character as one.
    return quotedPath(String(plain).replacing("&#", with: "& #"))
  }

  /// A file's name, which must have no line break.
  static func quotedPath(_ path: String) -> String {
    "'" + path.replacing("'", with: "''") + "'"
  }

  /// A tick's label, in which gnuplot would replace a percent sign.
  static func quotedTick(_ text: String) -> String {
    quoted(text.count > 24 ? text.prefix(23) + "…" : text).replacing("%", with: "%%")
  }

  /// Runs `script`, a file in `folder`. Returns: what went wrong, in one line; nil: nothing.
  static func run(_ program: String, script: String, in folder: String) -> String? {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = ["-d", script]
    process.currentDirectoryURL = URL(filePath: folder)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    let log = "\(folder)/gnuplot.log"
    _ = FileManager.default.createFile(atPath: log, contents: nil)
    guard let errors = FileHandle(forWritingAtPath: log) else { return "cannot write '\(log)'" }
    process.standardError = errors
    do { try process.run() } catch { return "'\(program)' does not start" }
    process.waitUntilExit()
    guard process.terminationReason == .exit, process.terminationStatus == 0 else {
      let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
      let line = text.split(separator: "\n").last.map(String.init) ?? "it ended early"
      return "\(line.trimmingCharacters(in: .whitespaces))"
    }
    return nil
  }
}
