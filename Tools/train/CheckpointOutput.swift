import FixedNet
import FixedNetFiles
import Foundation
import ToolSupport

/// Where checkpoints go: the last state, and next to it the best one.
final class CheckpointOutput {
  let path: String
  let bestPath: String
  private(set) var hasSaved = false
  private(set) var hasSavedBest = false
  /// Where the run that is resumed may have left its best state.
  private let earlierBest: String?
  /// No other program writes these files meanwhile.
  private let locks: [OutputLock]

  /// What a message about a broken run says about the file.
  var kept: String {
    FileManager.default.fileExists(atPath: path)
      ? "; '\(path)' keeps the last good checkpoint" : "; nothing was saved"
  }

  /// nil where nothing is to be written. The folder is tried before training starts, so that an hour's work does not
  /// end at a folder that cannot be written; only the default one, Models, is made. Two runs cannot write one file.
  /// Throws: `ToolError`, `FileError` where another run has the file, `CheckpointError.unavailable`.
  init?(_ options: Train) throws {
    guard let path = CheckpointOutput.path(options) else { return nil }
    self.path = path
    bestPath = CheckpointOutput.bestPath(path)
    earlierBest = options.resume.map(CheckpointOutput.bestPath)
    guard KerasFile.isAvailable else { throw CheckpointError.unavailable(path: path) }
    if options.output == nil, options.resume == nil {
      try? FileManager.default.createDirectory(
        atPath: "Models", withIntermediateDirectories: false)
    }
    try checkFolder(of: path)
    locks = try [path, bestPath].compactMap { path in try OutputLock(path) }
  }

  /// The file of the best state where a resumed run found no better one; nil where there is none any more.
  var remainingBest: String? {
    earlierBest.flatMap { FileManager.default.fileExists(atPath: $0) ? $0 : nil }
  }

  /// Where the last state goes; nil: nowhere.
  static func path(_ options: Train) -> String? {
    if let output = options.output { return output }
    guard options.checkpoint else { return nil }
    return options.resume ?? "Models/\(CheckpointOutput.fileName(options.modelName)).h5"
  }

  /// Where the best state goes: run.best.keras beside run.keras.
  static func bestPath(_ path: String) -> String {
    let end = CheckpointOutput.end(of: path) ?? ""
    return "\(path.dropLast(end.count)).best\(end)"
  }

  /// The end of a name that says in which format to write; nil for other names.
  static func end(of path: String) -> String? {
    [".weights.h5", ".h5", ".hdf5", ".keras"].first { path.hasSuffix($0) }
  }

  /// A built-in model's name, or the name of the file that the model came from.
  private static func fileName(_ modelName: String) -> String {
    let last = modelName.split(separator: "/").last.map(String.init) ?? "model"
    return last.split(separator: ".").first.map(String.init) ?? "model"
  }

  /// Finds what cannot be written before the first step: names that are paths in each other's way, for example.
  /// Throws: as `save` does.
  func check(_ network: Network, _ training: TrainingState?) throws {
    let file = KerasModelFile(
      model: network.plan.model, weights: network.weights, training: training,
      optimizerState: training == nil ? nil : network.optimizerState)
    try KerasFile.checkWriting(file, to: path)
  }

  /// Writes the weights alone, without a training state.
  func save(_ network: Network, _ training: TrainingState?) throws {
    let file = KerasModelFile(
      model: network.plan.model, weights: network.weights, training: training)
    try KerasFile.write(file, to: path)
    hasSaved = true
  }

  /// Writes the last state, and the same file as the best one where it is.
  func save(_ network: Network, _ state: TrainingState, isBest: Bool) throws {
    let file = KerasModelFile(
      model: network.plan.model, weights: network.weights, training: state,
      optimizerState: network.optimizerState)
    if isBest {
      try KerasFile.write(file, to: bestPath)
      hasSavedBest = true
    }
    try KerasFile.write(file, to: path)
    hasSaved = true
  }
}

/// Tries whether a file can be written.
/// Throws: `ToolError`.
func checkFolder(of path: String) throws {
  do { try AtomicFile.tryWriting(to: path) } catch {
    throw ToolError("\(error); choose another place")
  }
}
