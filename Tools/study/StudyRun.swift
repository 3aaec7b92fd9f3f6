import FixedNet
import FixedNetStudies
import Foundation
import ToolSupport

/// One call of `study`: the studies one after the other, and what is printed about them.
final class StudyRun {
  private let command: StudyCommand
  private let studies: [any Study.Type]
  private let isAll: Bool
  private let keras: KerasTraining?
  private let progress: StudyProgressLine
  private var records: [StudyRecord] = []

  /// `keras`: what --keras asks for.
  init(
    _ command: StudyCommand, studies: [any Study.Type], isAll: Bool, keras: KerasTraining?
  ) {
    self.command = command
    self.keras = keras
    self.studies = studies
    self.isAll = isAll
    progress = StudyProgressLine(isQuiet: command.json)
  }

  func run() throws {
    Interrupt.watch()
    var options = command.options
    options.keras = keras
    options.bench = DeviceBench.ofCheckout()
    let runner = StudyRunner(
      options: options, output: command.output, command: command.commandLine,
      report: { [progress] in progress.draw($0) }, isInterrupted: { Interrupt.isRequested })
    var advice: [String] = []
    for (index, study) in studies.enumerated() {
      if Interrupt.isRequested { stop() }
      progress.begin(
        studies.count > 1 ? "[\(index + 1)/\(studies.count)] \(study.name)" : study.name)
      do {
        let outcome = try runner.run(study, isFresh: command.fresh, skipsFinished: isAll)
        progress.clear()
        records.append(outcome.record)
        show(outcome)
        if let text = outcome.advice { advice.append(text) }
      } catch StudyError.interrupted {
        stop()
      } catch {
        progress.clear()
        throw ToolError("\(study.name): \(error)")
      }
    }
    if isAll {
      try SummaryWriter.write(
        records, options: command.options, command: command.commandLine, to: command.output)
    }
    finish(advice)
  }

  // MARK: - Printing

  private func show(_ outcome: StudyRunner.Outcome) {
    guard !command.json else { return }
    let record = outcome.record
    let end =
      outcome.isOld
      ? "finished before; --fresh repeats it" : "\(Format.fixed(record.seconds, 1)) s"
    printLine("\(record.name): \(outcome.folder)/report.md (\(end))")
    for check in record.checks {
      printLine("  \(check.isMet ? "met" : "NOT MET"): \(check.what): \(check.found)")
    }
  }

  /// After Ctrl-C: what is done is in the studies' folders already.
  private func stop() -> Never {
    progress.clear()
    fflush(nil)
    printError("interrupted; what is done is kept, and the same command goes on")
    Foundation.exit(Interrupt.exitCode)
  }

  private func finish(_ advice: [String]) {
    let met = records.joined(\.checks).filter(\.isMet).count
    let seconds = records.reduce(0) { $0 + $1.seconds }
    if command.json {
      let value: JSONValue = [
        "output": .string(command.output), "quick": .bool(command.quick),
        "threads": .integer(command.threadChoice.count),
        "threadsReason": .string(command.threadChoice.reason),
        "seconds": .number(seconds), "studies": .array(records.map(\.json)),
      ]
      printJSON(value)
    } else {
      if isAll { printLine("\(command.output)/summary.md") }
      printLine(
        "\(met) of \(records.joined(\.checks).count) checks met; \(Format.fixed(seconds, 1)) s on "
          + command.threadChoice.text)
    }
    guard let first = advice.first else { return }
    printError(first)
  }
}

extension [StudyRecord] {
  /// All checks of all records.
  fileprivate func joined(_ path: KeyPath<StudyRecord, [ReportCheck]>) -> [ReportCheck] {
    flatMap { $0[keyPath: path] }
  }
}

/// How far a study is: one line that is redrawn on a terminal; else a plain line every ten seconds.
final class StudyProgressLine {
  private let isTerminal: Bool
  private let isQuiet: Bool
  private var name = ""
  private var started = 0.0
  private var lastDrawn = 0.0
  /// Where this run began: parts of an earlier one took it no time.
  private var first: (done: Int, seconds: Double)?

  init(isQuiet: Bool) {
    self.isQuiet = isQuiet
    isTerminal = !isQuiet && isatty(STDOUT_FILENO) == 1
  }

  func begin(_ name: String) {
    self.name = name
    started = ProgressLine.now
    lastDrawn = started
    first = nil
    guard isTerminal else { return }
    redrawLine(name)
  }

  func draw(_ progress: StudyProgress) {
    guard !isQuiet else { return }
    let now = ProgressLine.now
    let begin = first ?? (progress.done, now)
    first = begin
    guard now - lastDrawn > (isTerminal ? 0.1 : 10) else { return }
    lastDrawn = now
    let line = "\(name)  \(progress.done)/\(progress.total) \(progress.what)"
    let left = StudyProgressLine.secondsLeft(
      done: progress.done - begin.done, total: progress.total - begin.done,
      seconds: now - begin.seconds)
    let text = line + (left.map { "  \(StudyProgressLine.duration($0)) left" } ?? "")
    guard !isTerminal else { return redrawLine(text) }
    printLine(text)
    fflush(nil)
  }

  func clear() {
    guard isTerminal else { return }
    redrawLine("")
  }

  /// nil before anything is done.
  static func secondsLeft(done: Int, total: Int, seconds: Double) -> Double? {
    done > 0 && total >= done ? seconds / Double(done) * Double(total - done) : nil
  }

  /// "42 s", "3 min".
  static func duration(_ seconds: Double) -> String {
    seconds < 100 ? "\(Int(seconds.rounded(.up))) s" : "\(Int((seconds / 60).rounded(.up))) min"
  }
}
