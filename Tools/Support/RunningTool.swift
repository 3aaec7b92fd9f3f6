import ArgumentParser
import FixedNet
import FixedNetFiles
import Foundation

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
  // Swift reads them from /proc, and takes what it cannot read for no arguments.
  guard CommandLine.argc > 0 else {
    throw ToolError("the system does not say what this program was called with; try again")
  }
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
private func noteReading() {
  guard !FileReading.isFiltered else { return }
  printError(
    "note: this system does not filter system calls (seccomp): the process that read the files had "
      + "limits of memory, time and files only")
}

/// The tool that runs in this process.
package enum RunningTool {
  /// As a user calls it: "train", or "fixednet train". Set once, before anything runs.
  package nonisolated(unsafe) fileprivate(set) static var name = ""

  /// The words that call another tool, or this one again, as this one was called: "fixednet train", or "swift run train"
  /// in a checkout. `release`: the checkout's debug build would be too slow.
  package static func command(_ tool: String, release: Bool = false) -> String {
    let isWhole = name.contains(" ")
    return isWhole ? "fixednet \(tool)" : "swift run \(release ? "-c release " : "")\(tool)"
  }
}

extension ParsableCommand {
  /// "train", or "fixednet train" where the first argument is a subcommand.
  private static func calledName(_ argument: String?) -> String {
    let own = configuration.commandName ?? ""
    for subcommand in configuration.subcommands
    where subcommand.configuration.commandName == argument {
      return "\(own) \(argument ?? "")"
    }
    return own
  }

  /// Runs the command; every failure is one line on standard error: exit 64 for wrong use, 1 for the rest.
  package static func runTool() -> Never {
    ProcessClock.begin()
    keepStandardStreams()
    Interrupt.prepare()
    RunningTool.name = calledName(CommandLine.arguments.dropFirst().first)
    do {
      try checkArguments()
      prepareReading()
      var command = try parseAsRoot()
      do {
        defer { noteReading() }
        try command.run()
      }
      try finishOutput()
      Foundation.exit(0)
    } catch {
      let code = exitCode(for: error)
      if code.isSuccess {
        // --help and the like.
        let columns = TerminalWidth.room(of: STDOUT_FILENO) + 1
        let text = fullMessage(for: error)
        // What programs read has lines as long as it needs.
        printLines(
          text.contains("USAGE: ")
            ? HelpText.wrapped(text, columns: columns) : CompletionScript.mended(text))
        do { try finishOutput() } catch {
          printError("\(error)")
          Foundation.exit(1)
        }
        Foundation.exit(0)
      }
      let isUsage = code == .validationFailure
      printError(
        isUsage ? "\(usageMessage(for: error)); see \(RunningTool.name) --help" : "\(error)")
      Foundation.exit((error as? ToolError)?.exitCode ?? (isUsage ? 64 : 1))
    }
  }
}
