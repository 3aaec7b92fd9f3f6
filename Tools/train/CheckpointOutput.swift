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

  /// What a message about a broken run says about the file.
  var kept: String {
    FileManager.default.fileExists(atPath: path)
      ? "; '\(path)' keeps the last good checkpoint" : "; nothing was saved"
  }

  /// nil where nothing is to be written. The folder is made and tried before training starts, so that an hour's work
  /// does not end at a folder that cannot be written.
  /// Throws: `FileError`.
  init?(_ options: Train, modelName: String) throws {
    if let output = options.output {
      path = output
    } else if options.checkpoint {
      path = options.resume ?? "Models/\(CheckpointOutput.fileName(modelName)).h5"
    } else {
      return nil
    }
    bestPath = String(path.dropLast(3)) + ".best.h5"
    guard KerasFile.isAvailable else { throw CheckpointError.unavailable(path: path) }
    try prepareFolder(of: path)
  }

  /// A built-in model's name, or the name of the file that the model came from.
  private static func fileName(_ modelName: String) -> String {
    let last = modelName.split(separator: "/").last.map(String.init) ?? "model"
    return last.split(separator: ".").first.map(String.init) ?? "model"
  }

  /// Writes the last state, and the same file as the best one where it is.
  func save(_ network: Network, _ state: TrainingState, isBest: Bool) throws {
    let file = KerasModelFile(
      model: network.plan.model, weights: network.weights, training: state)
    if isBest {
      try KerasFile.write(file, to: bestPath)
      hasSavedBest = true
    }
    try KerasFile.write(file, to: path)
    hasSaved = true
  }
}

/// Makes the folder of a file to be written, and tries whether it can be.
/// Throws: `ToolError`.
func prepareFolder(of path: String) throws {
  let folder = (path as NSString).deletingLastPathComponent
  if !folder.isEmpty {
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw ToolError("cannot make the folder '\(folder)' for '\(path)'; choose another place")
    }
  }
  func refusal() -> ToolError {
    ToolError("cannot write '\(path)': \(String(cString: strerror(errno))); choose another place")
  }
  if FileManager.default.fileExists(atPath: path), access(path, W_OK) != 0 { throw refusal() }
  // Permissions do not tell everything (read-only disks, folders of the system): make a file and remove it.
  let trial = "\(folder.isEmpty ? "." : folder)/.train-\(getpid()).tmp"
  let file = open(trial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
  guard file >= 0 else { throw refusal() }
  close(file)
  unlink(trial)
}
