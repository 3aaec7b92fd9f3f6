import FixedNet
import FixedNetExport
import FixedNetFiles
import ToolSupport

/// What a device saved, on its way back to a file of Keras.
struct ReadBack {
  private let saved: String
  private let output: String
  private let file: KerasModelFile
  private let steps: Int
  private let subnormals: Subnormals

  /// `saved`: the bytes of a slot; `model`: what the library was exported from.
  /// Throws: `ToolError`, `FileError`, and whatever reading the model does.
  init(_ saved: String, model name: String, output: String) throws {
    (self.saved, self.output) = (saved, output)
    let bytes = try FileBytes.read(saved, limit: SavedWeights.sizeLimit)
    do {
      let weights = try SavedWeights(bytes)
      let source = try ModelSource(name)
      file = try weights.kerasFile(
        source.model, weights: source.weights ?? source.model.initialWeights(seed: 0))
      (steps, subnormals) = (weights.steps, weights.subnormals)
    } catch let error as ExportError {
      throw ToolError("'\(saved)': \(error)")
    }
  }

  func write() throws {
    try KerasFile.write(file, to: output)
    printLine("wrote \(output): the weights after \(Format.grouped(steps)) steps on the device")
    if subnormals == .keep {
      printLine("the device keeps subnormal numbers: go on with --subnormals keep")
    }
    printLine("weights sha256: \(WeightsDigest.sha256(file.weights, of: file.model))")
  }
}
