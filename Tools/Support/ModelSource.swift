import FixedNet
import FixedNetFiles
import Foundation

/// A model that was named on the command line: built in, a Keras JSON file, or an `.h5`.
public struct ModelSource {
  public var name: String
  public var model: SequentialModel
  /// The weights that an `.h5` brought along.
  public var weights: [LayerWeights]?
  private var builtIn: BuiltInModel?

  /// Throws: `ModelError`, `CheckpointError`, `ToolError`.
  public init(_ name: String) throws {
    self.name = name
    if name.hasSuffix(".h5") || name.hasSuffix(".hdf5") {
      let file = try KerasFile.read(path: name, trainingState: .ignore)
      (model, weights) = (file.model, file.weights)
    } else if name.hasSuffix(".json") {
      guard let data = FileManager.default.contents(atPath: name) else {
        throw ToolError("cannot read '\(name)': no such file, or no permission")
      }
      guard data.count <= 16 << 20, let text = String(data: data, encoding: .utf8) else {
        throw ToolError("'\(name)': expected a model's JSON, UTF-8 of at most 16 MiB")
      }
      do {
        model = try SequentialModel(json: JSONValue(parsing: text))
      } catch {
        throw ToolError("'\(name)': \(error)")
      }
    } else {
      do {
        let named = try BuiltInModel.named(name)
        (builtIn, model) = (named, named.model())
      } catch {
        throw ToolError("\(error); or give a Keras .json or .h5 file")
      }
    }
  }

  /// The model for some data: a built-in one takes its input's shape and its classes from them.
  public func model(for data: DataSet) -> SequentialModel {
    builtIn?.model(input: data.train.shape, classCount: data.classCount) ?? model
  }
}
