import ArgumentParser
import ConformanceSupport
import Foundation

@main
struct ConformanceTool: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conformance",
    abstract: "Compares this program with what others say is right, and prints a table.",
    subcommands: [Check.self, Stream.self], defaultSubcommand: Check.self)
}

/// All groups of cases, the functions and the random numbers.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs everything; fails where a case fails or a row has fewer passes than before.")

  @Option(help: "The folder that Tests/Conformance/make_cases.py wrote.")
  var cases: String

  @Option(help: "The list of minimum counts.")
  var minimum: String

  @Option(help: "The folder of eval and train. (default: this program's)")
  var tools: String?

  @Option(help: "Try the functions on every so many floats; 1: on all of them.")
  var step: UInt32 = 1

  @Option(help: "Words of each random stream for the statistics of our own.")
  var words = 1 << 22

  @Flag(inversion: .prefixedNo, help: "Give the random streams to dieharder too.")
  var dieharder = true

  func validate() throws {
    guard step > 0, words >= 65_536 else {
      throw ValidationError("--step must be at least 1, --words at least 65536")
    }
  }

  func run() throws {
    let started = Date()
    let scratch = FileManager.default.temporaryDirectory.appending(
      path: "fixednet-conformance-\(UUID().uuidString)"
    ).path
    try FileManager.default.createDirectory(
      atPath: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path
    let tools = tools ?? URL(filePath: program).deletingLastPathComponent().path
    let least = try Table.minimum(path: minimum)
    let folder = try CaseFolder(cases)
    var rows = folder.run(tools: tools, scratch: scratch)
    rows.append(FunctionCheck.run(step: step))
    rows.append(RandomStream.ownChecks(count: words))
    if dieharder { rows.append(try Dieharder(program: program).run()) }
    let table = Table(rows)
    let complaints = table.complaints(minimum: least)
    for complaint in complaints { print("FAILED: \(complaint)") }
    print(table.text)
    let versions = folder.versions.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    print(
      "\nconformance: \(rows.reduce(0) { $0 + $1.passed }) of "
        + "\(rows.reduce(0) { $0 + $1.cases }) cases passed "
        + "(\(Int(Date().timeIntervalSince(started).rounded())) s; "
        + versions.joined(separator: ", ") + ")")
    if !complaints.isEmpty { throw ExitCode.failure }
  }
}

/// What dieharder reads: raw words on standard output until it has enough.
struct Stream: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes the random words of a stream to standard output, without end.")

  @Argument(help: "One of: \(RandomStream.all.map(\.name).joined(separator: ", ")).")
  var name: String

  @Option(help: "The seed.")
  var seed: UInt64 = 0

  func run() throws {
    guard let stream = RandomStream.all.first(where: { $0.name == name }) else {
      throw ValidationError("there is no stream '\(name)'")
    }
    stream.write(seed: seed)
  }
}
