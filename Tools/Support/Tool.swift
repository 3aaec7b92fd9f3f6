import ArgumentParser
import FixedNet
import FixedNetFiles
import Foundation

/// What a tool says when it cannot go on: one line, and the exit code.
package struct ToolError: Error, CustomStringConvertible {
  package var description: String
  package var exitCode: Int32

  package init(_ description: String, exitCode: Int32 = 1) {
    self.description = description
    self.exitCode = exitCode
  }
}

/// Text as one word for a shell.
package func shellQuoted(_ text: String) -> String {
  let plain = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./".contains($0)) }
  return plain && !text.isEmpty ? text : "'" + text.replacing("'", with: "'\\''") + "'"
}

extension ParsableCommand {
  /// What is wrong with the options, in one line; the parser's own messages have several, and repeat an option however
  /// long it is: of a long message only the beginning and the end are kept.
  package static func usageMessage(for error: any Error) -> String {
    let lines = message(for: error).split(whereSeparator: \.isNewline)
    let text = OneLine.text(lines.joined(separator: " ")).unicodeScalars
    return text.count > 600
      ? String(text.prefix(400)) + "..." + String(text.suffix(100)) : String(text)
  }
}

/// Whole numbers with a bound, so that an absurd option is answered before anything runs.
package func checked(_ value: Int, _ option: String, in range: ClosedRange<Int>) throws {
  guard range.contains(value) else {
    throw ValidationError(
      "\(option) must be from \(range.lowerBound) to \(range.upperBound), found \(value)")
  }
}

/// A size such as 1MiB, in bytes.
package struct ByteCount: ExpressibleByArgument {
  package var bytes: Int

  package init?(argument: String) {
    let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1), ("", 1)]
    for (unit, factor) in units where argument.hasSuffix(unit) {
      let digits = argument.dropLast(unit.count)
      guard let number = Double(digits), number > 0, number * Double(factor) < 0x1p52 else {
        return nil
      }
      bytes = Int(number * Double(factor))
      return
    }
    return nil
  }

  package static let help = "a size in B, KiB, MiB or GiB, such as 1MiB"
}
