import ArgumentParser
import FixedNet
import FixedNetFiles
import Foundation

/// What a tool says when it cannot go on: one line, and the exit code.
public struct ToolError: Error, CustomStringConvertible {
  public var description: String
  public var exitCode: Int32

  public init(_ description: String, exitCode: Int32 = 1) {
    self.description = description
    self.exitCode = exitCode
  }
}

/// Text as one word for a shell.
public func shellQuoted(_ text: String) -> String {
  let plain = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./".contains($0)) }
  return plain && !text.isEmpty ? text : "'" + text.replacing("'", with: "'\\''") + "'"
}

/// Fills the places of standard streams that are closed, or the next file that is opened takes one, and what is printed
/// would go into it. Reading and writing there fail as before.
private func keepStandardStreams() {
  for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(stream, F_GETFD) < 0 {
    _ = open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY)
  }
}

/// Sees to it that all that was printed has been written: a result on a full disk is none.
/// Throws: `ToolError` with the system's reason.
private func finishOutput() throws(ToolError) {
  errno = 0
  // A stream keeps what could not be written, so that an earlier failure shows here too.
  guard fflush(nil) != 0 else { return }
  throw ToolError("cannot write to standard output: \(String(cString: strerror(errno)))")
}

/// Arguments are bytes. Those that are no text would be made one, and name another file.
/// Throws: `ToolError` with the first.
private func checkArguments() throws(ToolError) {
  for index in 1..<max(1, Int(CommandLine.argc)) {
    guard let bytes = CommandLine.unsafeArgv[index], String(validatingCString: bytes) == nil else {
      continue
    }
    throw ToolError(
      "argument \(index) is not UTF-8: '\(asciiText(bytes))'; names of files must be, so rename it")
  }
  for name in ["HOME", "FIXEDNET_DATA"] {
    guard let bytes = getenv(name), String(validatingCString: bytes) == nil else { continue }
    throw ToolError("$\(name) is not UTF-8: '\(asciiText(bytes))'; name another folder")
  }
}

/// At most 120 bytes, those that are no letters, digits or signs of ASCII as \xNN.
private func asciiText(_ bytes: UnsafePointer<CChar>) -> String {
  let count = strlen(bytes)
  let text = (0..<min(count, 120)).map { index in
    let byte = UInt8(bitPattern: bytes[index])
    return (0x20..<0x7F).contains(byte)
      ? String(Unicode.Scalar(byte)) : "\\x" + String(format: "%02x", byte)
  }
  return text.joined() + (count > 120 ? "..." : "")
}

/// Starts the process that reads a model or data file while the arguments are still being parsed. What is only written needs
/// none, which would wait until the tool ends.
private func prepareReading() {
  // Who started this program may ignore the ends of children, which is inherited: then nobody would learn how one ended.
  signal(SIGCHLD, SIG_DFL)
  let ends = [".h5", ".hdf5", ".keras", ".mat"]
  let outputs = ["--output", "--outputs", "--gradients"]
  let arguments = CommandLine.arguments
  for (before, argument) in zip(arguments, arguments.dropFirst())
  where ends.contains(where: { argument.hasSuffix($0) }) {
    let isOutput = outputs.contains { before == $0 || argument.hasPrefix("\($0)=") }
    if !isOutput { return FileReading.prepare() }
  }
}

/// Says so where files were read in a process that is confined less than it could be.
private func noteReading(_ name: String) {
  guard !FileReading.isFiltered else { return }
  printError(
    name,
    "note: this system does not filter system calls (seccomp): the process that read the files had "
      + "limits of memory, time and files only")
}

extension ParsableCommand {
  /// Runs the command; every failure is one line on standard error: exit 64 for wrong use, 1 for the rest.
  public static func runTool() -> Never {
    ProcessClock.begin()
    keepStandardStreams()
    Interrupt.prepare()
    let name = configuration.commandName ?? "\(Self.self)".lowercased()
    do {
      try checkArguments()
      prepareReading()
      var command = try parseAsRoot()
      do {
        defer { noteReading(name) }
        try command.run()
      }
      try finishOutput()
      Foundation.exit(0)
    } catch {
      let code = exitCode(for: error)
      if code.isSuccess {
        // --help and the like.
        printLines(fullMessage(for: error))
        do { try finishOutput() } catch {
          printError(name, "\(error)")
          Foundation.exit(1)
        }
        Foundation.exit(0)
      }
      let isUsage = code == .validationFailure
      printError(name, isUsage ? "\(usageMessage(for: error)); see \(name) --help" : "\(error)")
      Foundation.exit((error as? ToolError)?.exitCode ?? (isUsage ? 64 : 1))
    }
  }
}

extension ParsableCommand {
  /// What is wrong with the options, in one line; the parser's own messages have several, and repeat an option however
  /// long it is: of a long message only the beginning and the end are kept.
  public static func usageMessage(for error: any Error) -> String {
    let lines = message(for: error).split(whereSeparator: \.isNewline)
    let text = OneLine.text(lines.joined(separator: " ")).unicodeScalars
    return text.count > 600
      ? String(text.prefix(400)) + "..." + String(text.suffix(100)) : String(text)
  }
}

/// Whole numbers with a bound, so that an absurd option is answered before anything runs.
public func checked(_ value: Int, _ option: String, in range: ClosedRange<Int>) throws {
  guard range.contains(value) else {
    throw ValidationError(
      "\(option) must be from \(range.lowerBound) to \(range.upperBound), found \(value)")
  }
}

/// A size such as 1MiB, in bytes.
public struct ByteCount: ExpressibleByArgument {
  public var bytes: Int

  public init?(argument: String) {
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

  public static let help = "a size in B, KiB, MiB or GiB, such as 1MiB"
}
