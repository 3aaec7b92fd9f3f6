import FixedNet
import FixedNetFiles
import Foundation
import ToolSupport

/// One line per step in a .csv file, written behind every epoch.
struct BatchHistory {
  private static let header = "epoch,step,learning_rate,loss"

  private let path: String

  /// Begins the file, or keeps the lines up to `position` of the run that is resumed.
  /// Throws: `ToolError` where the file is another one; `FileError`.
  init(path: String, position: TrainingPosition, isResumed: Bool) throws {
    self.path = path
    let old = isResumed ? try BatchHistory.lines(of: path) : []
    let kept = old.prefix { line in
      line.split(separator: ",").dropFirst().first.flatMap { Int($0) }.map { $0 <= position.step }
        ?? false
    }
    let text = ([BatchHistory.header] + kept).joined(separator: "\n") + "\n"
    try AtomicFile.write(Array(text.utf8), to: path)
  }

  /// The lines of an earlier part of the run; none where there is no file.
  private static func lines(of path: String) throws -> [String] {
    let text: String
    do {
      guard let found = try TextFile.read(path, limit: BatchHistory.limit) else { return [] }
      text = found
    } catch { throw ToolError("--batch-history: \(error); choose another file") }
    var lines = text.split(separator: "\n").map(String.init)
    // What a full disk cut off could pass for an earlier step.
    if !text.hasSuffix("\n") { _ = lines.popLast() }
    guard lines.first == header else {
      throw refusal(path, "its first line is not \(header)")
    }
    let steps = Array(lines.dropFirst())
    if let line = steps.first(where: { !isStep($0) }) {
      throw refusal(path, "it has the line '\(OneLine.short(line))'")
    }
    return steps
  }

  /// Bytes: of ten million steps.
  private static let limit = 1 << 30

  /// Whether a line has an epoch, a step, a rate and a loss.
  private static func isStep(_ line: String) -> Bool {
    let cells = line.split(separator: ",", omittingEmptySubsequences: false)
    return cells.count == 4 && cells.prefix(2).allSatisfy { Int($0) != nil }
      && cells.suffix(2).allSatisfy { Double($0) != nil }
  }

  private static func refusal(_ path: String, _ reason: String) -> ToolError {
    ToolError(
      "--batch-history: '\(path)' is no history of steps (\(reason)); choose another file")
  }

  /// Adds a line per step to the file, and flushes it to the disk: a checkpoint that is written next must not know more
  /// steps than the file.
  /// Throws: `ToolError` with the system's reason.
  func write(_ steps: [StepLog.Step]) throws {
    var text = ""
    for step in steps {
      text += "\(step.epoch),\(step.step),\(step.learningRate),\(step.loss)\n"
    }
    let bytes = Array(text.utf8)
    let file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    defer { if file >= 0 { close(file) } }
    guard file >= 0, Foundation.write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0
    else {
      throw ToolError("cannot write '\(path)': \(String(cString: strerror(errno)))")
    }
  }
}
