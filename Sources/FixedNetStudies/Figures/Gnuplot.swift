import FixedNet
import FixedNetFiles
import Foundation

/// The program that draws, and its language.
package enum Gnuplot {
  /// Where the program is: the first of the folders of $PATH that has it. One that is relative to the working folder does
  /// not count: whoever unpacked something there does not say what is run.
  package static func path(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> String? {
    (environment["PATH"] ?? "").split(separator: ":").filter { $0.hasPrefix("/") }
      .map { "\($0)/gnuplot" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// A text as gnuplot reads it literally. Texts come from files that anybody may have made; hidden characters become
  /// spaces, and long ones are cut.
  static func quoted(_ text: String) -> String {
    let plain = text.unicodeScalars.prefix(200).map { OneLine.isHidden($0) ? " " : $0 }
    // What gnuplot's SVG would write as a numbered character, and the end of a section that XML forbids in a text.
    return quotedPath(
      String(String.UnicodeScalarView(plain)).replacing("&#", with: "& #")
        .replacing("]]>", with: "]] >"))
  }

  /// A file's name, which must have no line break: in single quotes nothing is replaced. gnuplot 5.4 takes two of them at
  /// the beginning of a text for its end; with quotes in it a text stands in double quotes, with nothing but letters
  /// and numbered characters.
  static func quotedPath(_ path: String) -> String {
    guard path.unicodeScalars.contains("'") else { return "'\(path)'" }
    var result = ""
    for scalar in path.unicodeScalars {
      // A digit would count as one more of the number before it.
      let isPlain = scalar == " " || scalar.properties.isAlphabetic || !scalar.isASCII
      if isPlain {
        result.unicodeScalars.append(scalar)
      } else {
        result += String(format: "\\%03o", scalar.value)
      }
    }
    return "\"\(result)\""
  }

  /// A tick's label, in which gnuplot would replace a percent sign.
  static func quotedTick(_ text: String) -> String {
    quoted(text.count > 24 ? text.prefix(23) + "…" : text).replacing("%", with: "%%")
  }

  /// Seconds that a figure may take; they take a tenth of one.
  package static let deadline = 60.0

  /// Runs `script`, a file in `folder`. Returns: what went wrong, in one line; nil: nothing.
  static func run(_ program: String, script: String, in folder: String, deadline: Double)
    -> String?
  {
    let log = "\(folder)/\(Gnuplot.log)"
    let end = ChildProgram.run(
      program, ["-d", script], in: folder, log: log, deadline: deadline)
    switch end {
    case .exited(code: 0): return nil
    case .notStarted: return "'\(program)' does not start"
    case .late: return "'\(program)' did not end within \(Format.fixed(deadline, 0)) s"
    case .exited, .signalled:
      let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
      let line = text.split(separator: "\n").last.map(String.init) ?? "it ended early"
      return OneLine.short(line.trimmingCharacters(in: .whitespaces))
    }
  }

  /// What the program says, in the folder that it draws in.
  static let log = "gnuplot.log"
}
