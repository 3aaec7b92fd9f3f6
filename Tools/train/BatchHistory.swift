import FixedNet
import FixedNetFiles
import Foundation
import ToolSupport

/// One line per step in a .csv file. The steps of an epoch are kept in memory that is allocated before it, so that
/// nothing is allocated between two steps; the lines are written behind it.
final class BatchHistory {
  private static let header = "epoch,step,learning_rate,loss"

  private struct Step {
    /// Since the start of training, from 1.
    var step: Int
    /// From 1.
    var epoch: Int
    var learningRate: Double
    /// The mean over the mini-batch.
    var loss: Double
  }

  private let path: String
  private let steps: UnsafeMutableBufferPointer<Step>
  private var count = 0
  /// The sums that the epoch had after the last step that was noted.
  private var before: Network.Sums

  /// Begins the file, or keeps the lines up to `position` of the run that is resumed.
  /// Throws: `ToolError` where the file is another one; `FileError`.
  init(path: String, stepsPerEpoch: Int, position: TrainingPosition, isResumed: Bool) throws {
    self.path = path
    before = position.partial
    steps = .allocate(capacity: stepsPerEpoch)
    let old = isResumed ? try BatchHistory.lines(of: path) : []
    let kept = old.prefix { line in
      line.split(separator: ",").dropFirst().first.flatMap { Int($0) }.map { $0 <= position.step }
        ?? false
    }
    let text = ([BatchHistory.header] + kept).joined(separator: "\n") + "\n"
    try AtomicFile.write(Array(text.utf8), to: path)
  }

  deinit { steps.deallocate() }

  /// The lines of an earlier part of the run; none where there is no file.
  private static func lines(of path: String) throws -> [String] {
    guard let data = FileManager.default.contents(atPath: path) else { return [] }
    let text = String(decoding: data, as: UTF8.self)
    var lines = text.split(separator: "\n").map(String.init)
    // What a full disk cut off could pass for an earlier step.
    if !text.hasSuffix("\n") { _ = lines.popLast() }
    guard lines.first == header else {
      throw ToolError(
        "--batch-history: '\(path)' is no history of steps (its first line is not \(header)); "
          + "choose another file")
    }
    return Array(lines.dropFirst())
  }

  /// Notes the step that has just been made. Allocates nothing.
  func note(_ position: TrainingPosition, learningRate: Double) {
    guard count < steps.count else { return }
    let images = position.partial.images - before.images
    steps[count] = Step(
      step: position.step, epoch: position.epoch + 1, learningRate: learningRate,
      loss: (position.partial.loss - before.loss) / Double(images))
    count += 1
    before = position.partial
  }

  /// Adds the lines of the steps since the last call to the file, and flushes it to the disk: a checkpoint that is
  /// written next must not know more steps than the file.
  /// Throws: `ToolError` with the system's reason.
  func write() throws {
    var text = ""
    for step in steps[..<count] {
      text += "\(step.epoch),\(step.step),\(step.learningRate),\(step.loss)\n"
    }
    count = 0
    let bytes = Array(text.utf8)
    let file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    defer { if file >= 0 { close(file) } }
    guard file >= 0, Foundation.write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0
    else {
      throw ToolError("cannot write '\(path)': \(String(cString: strerror(errno)))")
    }
  }

  /// The next step is the first of an epoch.
  func beginEpoch() { before = Network.Sums() }
}
