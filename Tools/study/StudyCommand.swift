import ArgumentParser
import FixedNet
import FixedNetStudies
import Foundation
import ToolSupport

package struct StudyCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "study",
    abstract: "Runs the experiments and writes reports with figures.",
    discussion: """
      Each study writes FOLDER/NAME/report.md, data.csv and its figures as SVG and PNG; all adds \
      FOLDER/summary.md. After Ctrl-C the same command goes on where it stopped.
      """,
    version: FixedNetVersion.current)

  @Argument(
    help: ArgumentHelp(
      "list, all, or names of studies: \(StudyRegistry.names.joined(separator: ", ")).",
      valueName: "name"), completion: .list(["list", "all"] + StudyRegistry.names))
  var names: [String]

  @Option(help: ArgumentHelp("Where the reports go.", valueName: "folder"), completion: .directory)
  var output = "Reports"

  @Flag(help: "A smoke run on little data: under a minute for all; its figures say nothing.")
  var quick = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Repeat with this many seeds, 0 and up. (default: what the study's protocol says)",
      valueName: "count"))
  var seeds: Int?

  @Option(
    help: ArgumentHelp(
      "Folder with mnist/, fashion-mnist/ and digits20x20.mat or ex3data1.mat; looked at before "
        + "$FIXEDNET_DATA, Data and ~/.cache/fixednet.", valueName: "folder"),
    completion: .directory)
  var dataDir: String?

  @Option(
    parsing: .unconditional,
    help: "Threads; the results do not depend on it. (default: one per processor)")
  var threads: Int?

  @Flag(help: "Begin anew: forget what an interrupted run has kept, and repeat finished studies.")
  var fresh = false

  @Flag(help: "initialization: all hidden layers start with the same weights, as the notebook's.")
  var referenceInit = false

  @Flag(
    name: .customLong("continue"),
    help: ArgumentHelp(
      "learning-rate-range: the notebook's way alone, each rate from the weights of the last; without "
        + "it that way and every rate from the same weights."))
  var continues = false

  @Flag(help: "perceptron: the notebook's gradient, which is not its cost's, alone.")
  var referenceGradient = false

  @Flag(
    help: ArgumentHelp(
      "architectures: Keras trains the same networks too, from the same start over the same batches.",
      discussion: """
        Its Python is $FIXEDNET_PYTHON, or that of make test in the checkout that this program was built in. Takes several \
        times as long.
        """))
  var keras = false

  @Flag(help: "Print one JSON object at the end and nothing else.")
  var json = false

  package init() {}

  private var isAll: Bool { names == ["all"] }

  package func validate() throws {
    if let seeds { try checked(seeds, "--seeds", in: 1...1000) }
    if let threads { try checked(threads, "--threads", in: 1...256) }
    guard !names.isEmpty else { throw ValidationError("name a study, all or list") }
    if output.isEmpty { throw ValidationError("--output must name a folder") }
  }

  /// Not part of `validate`, which the parser calls before it mentions an option that it does not know: what belongs to
  /// that option would be taken for a name.
  private func checkNames() throws {
    guard names != ["list"], !isAll else { return }
    if names.count > 1, let whole = names.first(where: ["all", "list"].contains) {
      throw ValidationError(
        "'\(whole)' stands alone, found '\(OneLine.short(names.joined(separator: " ")))'")
    }
    for name in names where StudyRegistry.named(name) == nil {
      let known = StudyRegistry.names + ["all", "list"]
      throw ValidationError("\(StudyError.unknown(name: name, known: known))")
    }
  }

  package func run() throws {
    try checkNames()
    guard names != ["list"] else { return list() }
    let kerasTraining = keras ? try KerasTraining.ofCheckout() : nil
    let studies = isAll ? StudyRegistry.all : names.compactMap { StudyRegistry.named($0) }
    try StudyRun(self, studies: studies, isAll: isAll, keras: kerasTraining).run()
  }

  private func list() {
    let studies = StudyRegistry.all
    let width = StudyRegistry.names.map(\.count).max() ?? 0
    if json {
      let entries = studies.map { study -> JSONValue in
        ["name": .string(study.name), "title": .string(study.title)]
      }
      printJSON(.array(entries))
    } else {
      for study in studies {
        printLine(
          study.name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + study.title)
      }
    }
  }

  /// Whatever a study runs, which may be several networks.
  var threadChoice: ThreadChoice { .all(asked: threads) }

  var options: StudyOptions {
    var options = StudyOptions()
    options.isQuick = quick
    options.seeds = seeds
    options.threads = threadChoice.count
    options.dataDirectory = dataDir
    let switches = [
      ("reference-init", referenceInit), ("continue", continues),
      ("reference-gradient", referenceGradient), ("keras", keras),
    ]
    options.switches = Set(switches.filter(\.1).map(\.0))
    return options
  }

  /// The command line that repeats the run.
  var commandLine: String {
    var words = [RunningTool.command("study", release: true)] + names.map(shellQuoted)
    if output != "Reports" { words += ["--output", shellQuoted(output)] }
    if quick { words.append("--quick") }
    if let seeds { words += ["--seeds", "\(seeds)"] }
    if let dataDir { words += ["--data-dir", shellQuoted(dataDir)] }
    if let threads { words += ["--threads", "\(threads)"] }
    words += options.switches.sorted().map { "--\($0)" }
    return words.joined(separator: " ")
  }
}
