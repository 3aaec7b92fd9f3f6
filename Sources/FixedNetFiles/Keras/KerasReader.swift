#if HDF5
  import FixedNet

  /// Reads an open file. Only known names are opened.
  struct KerasReader: ~Copyable {
    private let file: HDF5File

    init(_ file: consuming HDF5File) { self.file = file }

    func read(_ policy: KerasFile.TrainingStatePolicy) throws(CheckpointError) -> KerasModelFile {
      let root = try file.root()
      let model = try model(root)
      let descriptions: [[WeightDescription]]
      do { descriptions = try model.weightDescriptions() } catch {
        throw .model(path: file.path, error)
      }
      var result = KerasModelFile(
        model: model, weights: try weights(of: model, descriptions, root))
      for (layer, descriptions) in zip(result.weights, descriptions) {
        for (tensor, description) in zip(layer.tensors, descriptions)
        where !KerasReader.isFinite(tensor.values) {
          result.nonFinite.append("\(layer.layer)/\(description.name)")
        }
      }
      result.trainingConfig = trainingConfig(root)
      switch policy {
      case .ignore: break
      case .ifPresent: result.training = (try? TrainingState(file, root)) ?? nil
      case .require:
        result.training = try TrainingState(file, root)
        guard result.training != nil else {
          throw .missing(
            path: file.path, item: "the training state /fixednet",
            advice: "start a new run from these weights instead of resuming")
        }
      }
      return result
    }

    // MARK: - The model

    private func model(_ root: borrowing HDF5Object) throws(CheckpointError) -> SequentialModel {
      guard let text = try root.string("model_config") else { throw withoutModel(root) }
      let json: JSONValue
      do { json = try JSONValue(parsing: text) } catch {
        throw .json(path: file.path, item: "attribute model_config of /", error)
      }
      do { return try SequentialModel(json: json) } catch {
        throw .model(path: file.path, error)
      }
    }

    /// Says which of Keras' other files this is.
    private func withoutModel(_ root: borrowing HDF5Object) -> CheckpointError {
      if file.has("layers", in: root) || file.has("_layer_checkpoint_dependencies", in: root) {
        return .wrongFormat(
          path: file.path,
          found: "a .weights.h5 file holds no architecture; "
            + "save the whole model: model.save(\"model.h5\")")
      }
      guard file.has("model_weights", in: root) else {
        return .wrongFormat(
          path: file.path, found: "an HDF5 file, but no Keras model (no attribute model_config)")
      }
      return .missing(
        path: file.path, item: "attribute model_config of /",
        advice: "weights without an architecture; save the whole model: model.save(\"model.h5\")")
    }

    // MARK: - Weights

    /// Layers are matched by position, as Keras does, and by name.
    private func weights(
      of model: SequentialModel, _ descriptions: [[WeightDescription]],
      _ root: borrowing HDF5Object
    ) throws(CheckpointError) -> [LayerWeights] {
      let group = try file.open("model_weights", in: root, as: .group)
      guard let names = try group.list("layer_names") else {
        throw .missing(
          path: file.path, item: "attribute layer_names of /model_weights",
          advice: "the file is incomplete; save the model again")
      }
      var stored: [(layer: String, weights: [String])] = []
      for name in names {
        let layer = try file.open(name, in: group, as: .group)
        let weights = try layer.list("weight_names") ?? []
        if !weights.isEmpty { stored.append((name, weights)) }
      }
      let expected = zip(model.layers, descriptions).filter { !$0.1.isEmpty }.map(\.0.name)
      guard stored.map(\.layer) == expected else {
        throw .item(
          path: file.path, item: "the layers with weights in /model_weights",
          expected: expected.joined(separator: ", "),
          found: stored.isEmpty ? "none" : stored.map(\.layer).joined(separator: ", "))
      }
      var next = 0
      var result: [LayerWeights] = []
      for (layer, descriptions) in zip(model.layers, descriptions) {
        var tensors: [Tensor] = []
        if !descriptions.isEmpty {
          tensors = try self.tensors(stored[next].weights, descriptions, layer.name, group)
          next += 1
        }
        result.append(LayerWeights(layer: layer.name, tensors: tensors))
      }
      return result
    }

    private func tensors(
      _ names: [String], _ descriptions: [WeightDescription], _ layer: String,
      _ group: borrowing HDF5Object
    ) throws(CheckpointError) -> [Tensor] {
      guard names.map(KerasNames.role) == descriptions.map(\.name) else {
        throw .item(
          path: file.path, item: "attribute weight_names of /model_weights/\(layer)",
          expected: descriptions.map(\.name).joined(separator: ", "),
          found: names.joined(separator: ", "))
      }
      let layerGroup = try file.open(layer, in: group, as: .group)
      var tensors: [Tensor] = []
      for (name, description) in zip(names, descriptions) {
        let dataset = try file.open(name, in: layerGroup, as: .real(shape: description.shape))
        tensors.append(Tensor(shape: description.shape, values: try dataset.floats()))
      }
      return tensors
    }

    private static func isFinite(_ values: [Float]) -> Bool {
      values.withUnsafeBufferPointer { values in values.allSatisfy(\.isFinite) }
    }

    // MARK: - Training

    /// Never an error: a model can be used without it.
    private func trainingConfig(_ root: borrowing HDF5Object) -> JSONValue? {
      guard let text = (try? root.string("training_config")) ?? nil else { return nil }
      return try? JSONValue(parsing: text)
    }
  }
#endif
