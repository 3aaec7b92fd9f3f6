import FixedNet
import FixedNetFiles
import Foundation

/// A model that was named on the command line: built in, a Keras JSON file, an `.h5` or a `.keras`.
package struct ModelSource {
  package var name: String
  package var model: Model
  /// The weights that an `.h5` or a `.keras` brought along.
  package var weights: [LayerWeights]?
  /// The names of the weights that hold NaN or infinity.
  package var nonFinite: [String] = []
  /// The loss that the file was trained with.
  package var lossStatement = LossStatement.none
  /// The optimiser that the file names; nil where there is none.
  package var optimizer: FileOptimizer?
  /// What the file was trained on; nil where it does not say.
  package var recorded: RecordedData?
  /// What became of subnormal numbers in the file's training; nil where it does not say.
  package var subnormals: Subnormals?
  private var architecture: ModelArchitecture?

  /// Throws: `ModelError`, `CheckpointError`, `ToolError`.
  package init(_ name: String) throws {
    self.name = name
    if ModelSource.isKerasFile(name) {
      let file = try KerasFile.read(path: name, trainingState: .ifPresent)
      (model, weights, nonFinite) = (file.model, file.weights, file.nonFinite)
      lossStatement = file.lossStatement
      optimizer = FileOptimizer(file, path: name)
      recorded = file.training.map(RecordedData.init)
      subnormals = file.training?.subnormals
    } else if name.hasSuffix(".json") {
      let text: String
      do {
        guard let found = try TextFile.read(name, limit: JSONValue.sizeLimit) else {
          throw FileError(path: name, action: "read", reason: "there is no such file")
        }
        text = found
      } catch {
        throw ToolError("\(error); name a model's JSON file")
      }
      do {
        model = try Model(json: JSONValue(parsing: text))
      } catch {
        throw ToolError("'\(name)': \(error)")
      }
    } else {
      let named = try ModelSource.architecture(name)
      (architecture, model) = (named, named.model())
      if let loss = named.loss(for: nil) { lossStatement = .computed(loss) }
    }
  }

  /// Throws: `ToolError`, `ModelError`.
  private static func architecture(_ name: String) throws -> ModelArchitecture {
    do { return try ModelArchitecture(named: name) } catch {
      guard case .unknownModel = error else { throw error }
      throw ToolError(
        "\(error); or describe one, such as mlp:64,32 or cnn:32,64, or give a Keras .json, .h5 or "
          + ".keras file")
    }
  }

  /// Whether a name is that of a file with architecture and weights, and perhaps a loss and an optimiser.
  package static func isKerasFile(_ name: String) -> Bool {
    if [".h5", ".hdf5", ".keras"].contains(where: { name.hasSuffix($0) }) { return true }
    let isBuiltIn = (try? ModelArchitecture(named: name)) != nil
    return !isBuiltIn && !name.hasSuffix(".json") && KerasFile.isModel(path: name)
  }

  /// The input that the data must have; nil for a built-in model, which takes what there is.
  package var input: Shape? { architecture == nil ? model.input : nil }

  /// What labels must suit; nil for a built-in model, which has an output for each class. `loss`: the one that was asked
  /// for, which goes before the file's.
  package func ends(loss: Loss?) -> ModelEnds? {
    architecture == nil ? model.ends(loss: loss ?? lossStatement.computed) : nil
  }

  /// The model for some data: a built-in one takes its input's shape and its outputs from them. `loss`: the one that was
  /// asked for; numbers are predicted by linear outputs unless it is one for classes.
  /// Throws: `ToolError` where it needs images and the data are vectors; `ModelError`.
  package func model(for data: DataSet, loss: Loss? = nil) throws -> Model {
    guard let architecture else { return model }
    let images = data.train.count > 0 ? data.train : data.test
    if let label = images.labels.first, images.labels.allSatisfy({ $0 == label }) {
      throw ToolError(
        "'\(data.name)': all \(Format.grouped(images.count)) samples are of one class "
          + "(\(data.classNames[Int(label)])), and nothing can be told apart; give data of two or more"
      )
    }
    if architecture == .builtIn(.autoencoder), images.targetWidth != images.shape.elementCount {
      throw ToolError(
        "model autoencoder learns its own inputs: '\(data.name)' must have "
          + "\(images.shape.elementCount) numbers per sample to predict, the sample itself (y equal to x, "
          + "with --regression), not classes")
    }
    let model = architecture.model(
      input: images.shape, outputs: ModelSource.outputs(for: data, loss: loss))
    do { _ = try model.shapes() } catch {
      guard case .vector(let count) = images.shape else { throw error }
      let side = Int(Double(count).squareRoot())
      let example = side * side == count ? ", such as --image \(side)x\(side)" : ""
      throw ToolError(
        "model \(name) takes images, but '\(data.name)' has vectors of \(count); say which images "
          + "they are with --image HxWxC\(example)")
    }
    return model
  }

  /// The same model for samples and classes that were named, where it is built in.
  /// Throws: `ToolError` for a model that has a shape of its own; `ModelError`.
  package func reshaped(input: Shape?, classCount: Int?) throws -> ModelSource {
    guard input != nil || classCount != nil else { return self }
    guard let architecture else {
      throw ToolError(
        "--image, --features and --classes are for built-in models; '\(name)' says itself that it "
          + "takes \(model.input)")
    }
    var source = self
    source.model = architecture.model(input: input, outputs: classCount.map { .classes($0) })
    _ = try source.model.shapes()
    return source
  }

  /// What the data ask for where neither the user nor the model says it, nor its end: the squared error of numbers,
  /// cross-entropy of classes on the logits of linear outputs.
  package func loss(for data: DataSet) -> Loss? {
    if let architecture { return architecture.loss(for: ModelSource.outputs(for: data, loss: nil)) }
    guard model.endFunction == .linear, let count = try? model.shapes().output.elementCount else {
      return nil
    }
    guard data.train.labels.isEmpty else {
      var loss = Loss.crossEntropy
      loss.fromLogits = true
      return count > 1 ? loss : nil
    }
    return data.train.predictsNumbers ? .meanSquaredError : nil
  }

  private static func outputs(for data: DataSet, loss: Loss?) -> ModelArchitecture.Outputs {
    let images = data.train.count > 0 ? data.train : data.test
    guard images.predictsNumbers else { return .classes(data.classCount) }
    return loss?.isForClasses == true ? .classes(images.targetWidth) : .numbers(images.targetWidth)
  }

  /// Reads weights that were saved without their model (or with it): those of `model`.
  /// Throws: `CheckpointError`.
  package static func readWeights(_ path: String, of model: Model) throws -> KerasModelFile {
    // A scaled sigmoid is two layers in files. Normalization stays: its mean may be among the weights.
    var form = model.kerasForm
    form.layers = form.layers.map { layer in
      model.layers.first { $0 is Normalization && $0.name == layer.name } ?? layer
    }
    return try KerasFile.readWeights(path: path, model: form)
  }
}

extension Model {
  /// What to say where the file asks for another precision than float32; nil where it does not.
  package var precisionNote: String? {
    guard !otherPrecisions.isEmpty else { return nil }
    let types = otherPrecisions.joined(separator: ", ")
    return "asks for \(types); everything is computed in float32 here"
  }
}
