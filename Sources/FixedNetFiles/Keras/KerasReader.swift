#if HDF5
  import FixedNetCompute

  /// Reads an open file. Only known names are opened.
  struct KerasReader: ~Copyable {
    let file: HDF5File

    init(_ file: consuming HDF5File) { self.file = file }

    /// A whole model: a `.h5`.
    func read(_ policy: KerasFile.TrainingStatePolicy) throws(CheckpointError) -> KerasModelFile {
      let root = try file.root()
      let described = try model(root)
      let stored = try legacyLayers("model_weights", root)
      let present = layers(in: stored, of: described)
      let model = unadapted(described) { present.contains($0) }
      let descriptions = try descriptions(model)
      return try assemble(
        model, descriptions, try unnested(stored, model, descriptions),
        trainingConfig: trainingConfig(root), policy, root)
    }

    /// The weights of a model that is known from elsewhere: a `.weights.h5`, the one inside of a `.keras`, a `.h5`.
    /// `described`: the model that the file itself describes, where that is not in the HDF5 file.
    func readWeights(
      of model: Model, describedAs described: Model? = nil,
      trainingConfig: JSONValue?, _ policy: KerasFile.TrainingStatePolicy
    ) throws(CheckpointError) -> KerasModelFile {
      let root = try file.root()
      var model = model
      let stored: [StoredLayer]
      if let group = KerasReader.numberedGroups.first(where: { file.has($0, in: root) }) {
        let present = try normalizationsWithVariables(group, model, root)
        model = unadapted(model) { present.contains($0) }
        model = try describedNormalizations(
          model, described ?? (try? self.model(root)), stored: present)
        stored = try numberedLayers(group, model, descriptions(model), root)
      } else {
        if file.has("model_weights", in: root) {
          stored = try legacyLayers("model_weights", root)
        } else if try root.list("layer_names") != nil {
          stored = try legacyLayers("", root)
        } else {
          throw .wrongFormat(
            path: file.path,
            found: "an HDF5 file, but no weights of Keras (neither /layers nor /model_weights)")
        }
        let present = layers(in: stored, of: model)
        model = unadapted(model) { present.contains($0) }
        model = try describedNormalizations(
          model, described ?? (try? self.model(root)), stored: present)
      }
      let descriptions = try descriptions(model)
      return try assemble(
        model, descriptions, try unnested(stored, model, descriptions),
        trainingConfig: trainingConfig ?? self.trainingConfig(root), policy, root)
    }

    /// The model without the means and variances that the file has too: whether they are weights of a Normalization
    /// depends on the program that saved it.
    private func unadapted(_ model: Model, isStored: (String) -> Bool) -> Model {
      var model = model
      for (index, layer) in model.layers.enumerated()
      where isStored(layer.name) {
        if let normalization = layer as? Normalization {
          model.layers[index] = normalization.unadapted
        }
      }
      return model
    }

    /// The model with the means and variances that the file describes, for Normalization layers that have none and whose
    /// weights are not `stored`: the statistics of a mean that was given are in the config only.
    /// Throws: `CheckpointError.missing` where nobody knows them.
    private func describedNormalizations(
      _ model: Model, _ described: Model?, stored: Set<String>
    ) throws(CheckpointError) -> Model {
      var model = model
      for (index, layer) in model.layers.enumerated() {
        guard let normalization = layer as? Normalization, !stored.contains(layer.name) else {
          continue
        }
        let same = described?.layers.first { $0.name == layer.name } as? Normalization
        if let mean = normalization.mean {
          guard let other = same?.mean, other != mean || same?.variance != normalization.variance
          else { continue }
          throw .item(
            path: file.path, item: "the mean and variance of layer '\(layer.name)'",
            expected: "those of the model", found: "others; the file describes its own model")
        }
        guard let same, same.mean != nil, same.axes == normalization.axes else {
          throw .missing(
            path: file.path, item: "the mean and variance of layer '\(layer.name)'",
            advice: "the file holds the weights of a model whose Normalization was never adapted, "
              + "or of another one")
        }
        model.layers[index] = same
      }
      return model
    }

    private func assemble(
      _ model: Model, _ descriptions: [[WeightDescription]], _ stored: [StoredLayer],
      trainingConfig: JSONValue?, _ policy: KerasFile.TrainingStatePolicy,
      _ root: borrowing HDF5Object
    ) throws(CheckpointError) -> KerasModelFile {
      var result = adopted(model, try weights(of: model, descriptions, stored, root))
      for (layer, descriptions) in zip(result.weights, try self.weightDescriptions(result.model)) {
        for (tensor, description) in zip(layer.tensors, descriptions)
        where !KerasReader.isFinite(tensor.values) {
          result.nonFinite.append("\(layer.layer)/\(description.name)")
        }
      }
      result.trainingConfig = trainingConfig
      switch policy {
      case .ignore: break
      case .ifPresent:
        result.training = (try? TrainingState(file, root)) ?? nil
        do {
          if let rate = try storedLearningRate(root) { result.restoreRate(rate) }
          if try hasOptimizerMemory(root) { result.take(try optimizerMemory(of: result, root)) }
        } catch { result.memoryProblem = error }
      case .require: try readState(into: &result, root)
      }
      return result
    }

    /// The model that the file describes with these weights: some of Keras' weights are no weights here.
    private func adopted(_ model: Model, _ weights: [LayerWeights]) -> KerasModelFile {
      var result = KerasModelFile(model: model, weights: weights)
      for index in model.layers.indices {
        guard let layer = model.layers[index].planned else { continue }
        let adopted = layer.adopting(weights[index].tensors)
        result.model.layers[index] = adopted.layer
        if var normalization = adopted.layer as? Normalization, !weights[index].tensors.isEmpty {
          normalization.areStored = true
          result.model.layers[index] = normalization
        }
        result.weights[index].tensors = adopted.weights
      }
      return result
    }

    /// Everything that a run needs to go on.
    private func readState(into result: inout KerasModelFile, _ root: borrowing HDF5Object)
      throws(CheckpointError)
    {
      result.training = try TrainingState(file, root)
      guard let training = result.training else {
        throw .missing(
          path: file.path, item: "the training state /fixednet",
          advice: "files of other programs and of full-batch solvers have none; start a new run "
            + "from these weights, with --model or --weights in place of --resume")
      }
      let memory = try optimizerMemory(of: result, root)
      guard memory.iterations == training.iterations else {
        throw .item(
          path: file.path, item: "the optimiser's step count",
          expected: "\(training.iterations), as /fixednet says", found: "\(memory.iterations)")
      }
      result.take(memory)
    }

    // MARK: - The model

    private func model(_ root: borrowing HDF5Object) throws(CheckpointError) -> Model {
      guard let text = try root.string("model_config") else { throw withoutModel(root) }
      let json: JSONValue
      do { json = try JSONValue(parsing: text) } catch {
        throw .json(path: file.path, item: "attribute model_config of /", error)
      }
      do {
        let model = try Model(json: json)
        return try root.string("keras_version")?.hasPrefix("2") == true ? model.asKeras2 : model
      } catch let error as ModelError {
        throw .model(path: file.path, error)
      } catch {
        throw error as? CheckpointError ?? .model(path: file.path, .malformed("\(error)"))
      }
    }

    /// What a file has for each layer.
    private func descriptions(_ model: Model) throws(CheckpointError)
      -> [[WeightDescription]]
    {
      do {
        return zip(model.layers, try model.shapes().inputs).map { layer, inputs in
          layer.planned?.fileWeights(for: inputs[0]) ?? []
        }
      } catch {
        throw .model(path: file.path, error)
      }
    }

    private func weightDescriptions(_ model: Model) throws(CheckpointError)
      -> [[WeightDescription]]
    {
      do { return try model.weightDescriptions() } catch {
        throw .model(path: file.path, error)
      }
    }

    /// Says which of Keras' other files this is.
    private func withoutModel(_ root: borrowing HDF5Object) -> CheckpointError {
      if KerasReader.numberedGroups.contains(where: { file.has($0, in: root) }) {
        return .wrongFormat(
          path: file.path,
          found:
            "a .weights.h5 file holds no architecture; give it with --model, or save the whole "
            + "model: model.save(\"model.keras\")")
      }
      let isWeightsOnly = ((try? root.list("layer_names")) ?? nil) != nil
      guard file.has("model_weights", in: root) || isWeightsOnly else {
        return .wrongFormat(
          path: file.path, found: "an HDF5 file, but no Keras model (no attribute model_config)")
      }
      return .missing(
        path: file.path, item: "attribute model_config of /",
        advice: "weights without an architecture; give it with --model, or save the whole model: "
          + "model.save(\"model.keras\")")
    }

    private static func isFinite(_ values: [Float]) -> Bool {
      values.withUnsafeBufferPointer { values in values.allSatisfy(\.isFinite) }
    }

    /// Never an error: a model can be used without it.
    private func trainingConfig(_ root: borrowing HDF5Object) -> JSONValue? {
      guard let text = (try? root.string("training_config")) ?? nil else { return nil }
      return (try? JSONValue(parsing: text)).map(KerasTrainingConfig.withFloats)
    }
  }
#endif
