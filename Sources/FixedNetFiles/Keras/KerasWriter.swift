#if HDF5
  import FixedNet

  /// Lays a model out as Keras does.
  enum KerasWriter {
    /// The newest version whose dialect Keras 2 and Keras 3 both load.
    private static let dialect = "2.15.0"

    static func bytes(of file: KerasModelFile, path: String) throws(CheckpointError) -> [UInt8] {
      try check(file, path: path)
      let builder = try HDF5Builder(path: path)
      try builder.attribute("keras_version", of: "/", dialect)
      try builder.attribute("backend", of: "/", "tensorflow")
      try builder.attribute("model_config", of: "/", file.model.json.text, .ascii)
      if let config = file.trainingConfig ?? file.training.map(trainingConfig) {
        try builder.attribute("training_config", of: "/", config.text, .ascii)
      }
      try writeWeights(file, builder)
      if let training = file.training {
        try writeOptimizer(training, builder)
        try training.write(to: builder)
      }
      return try builder.finish()
    }

    /// The weights must be the model's, and the names must be usable as paths.
    private static func check(_ file: KerasModelFile, path: String) throws(CheckpointError) {
      let descriptions: [[WeightDescription]]
      do { descriptions = try file.model.weightDescriptions() } catch {
        throw .model(path: path, error)
      }
      for layer in file.model.layers {
        let components = layer.name.split(separator: "/", omittingEmptySubsequences: false)
        guard layer.name != "top_level_model_weights", !layer.name.utf8.contains(0),
          components.allSatisfy({ !["", ".", ".."].contains($0) })
        else {
          throw .item(
            path: path, item: "the name of layer '\(layer.name)'",
            expected: "letters, digits, _ and -", found: "a name that HDF5 cannot hold")
        }
      }
      guard file.weights.map(\.layer) == file.model.layers.map(\.name) else {
        throw .item(
          path: path, item: "the weights", expected: "one entry per layer of the model",
          found: "\(file.weights.count) entries")
      }
      for (layer, descriptions) in zip(file.weights, descriptions)
      where layer.tensors.map(\.shape) != descriptions.map(\.shape) {
        throw .item(
          path: path, item: "the weights of layer '\(layer.layer)'",
          expected: descriptions.map { "\($0.name) \($0.shape)" }.joined(separator: ", "),
          found: layer.tensors.map { "\($0.shape)" }.joined(separator: ", "))
      }
    }

    // MARK: - Weights

    /// /model_weights for `load_model`, and hard links under /layers for `load_weights`.
    private static func writeWeights(_ file: KerasModelFile, _ builder: borrowing HDF5Builder)
      throws(CheckpointError)
    {
      let layers = file.model.layers
      try builder.group("/model_weights")
      try builder.attribute("keras_version", of: "/model_weights", dialect, .ascii)
      try builder.attribute("backend", of: "/model_weights", "tensorflow", .ascii)
      try builder.attribute("layer_names", of: "/model_weights", layers.map(\.name))
      let descriptions: [[WeightDescription]]
      do { descriptions = try file.model.weightDescriptions() } catch {
        throw .model(path: builder.path, error)
      }
      let keys = KerasNames.keys(ofClasses: layers.map { type(of: $0).className })
      for (index, layer) in layers.enumerated() {
        let group = "/model_weights/\(layer.name)"
        let variables = "/layers/\(keys[index])/vars"
        let names = descriptions[index].map { "\(layer.name)/\($0.name):0" }
        try builder.group(group)
        try builder.attribute("weight_names", of: group, names)
        try builder.group(variables)
        try builder.attribute("name", of: variables, layer.name)
        for (number, name) in names.enumerated() {
          let tensor = file.weights[index].tensors[number]
          let dataset = "\(group)/\(name)"
          try builder.dataset(dataset, shape: tensor.shape, tensor.values)
          if let axes = axes(tensor.shape) { try builder.attribute("axes", of: dataset, axes) }
          try builder.link(dataset, as: "\(variables)/\(number)")
        }
      }
      try builder.group("/model_weights/top_level_model_weights")
      try builder.attribute("weight_names", of: "/model_weights/top_level_model_weights", [])
      try builder.group("/vars")
      try builder.attribute("name", of: "/vars", file.model.name)
    }

    /// What the axes of a kernel are, for readers in other languages.
    private static func axes(_ shape: [Int]) -> String? {
      switch shape.count {
      case 4: "HWIO"
      case 2: "IO"
      default: nil
      }
    }

    // MARK: - Training

    private static func trainingConfig(_ training: TrainingState) -> JSONValue {
      [
        "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"],
        "weighted_metrics": nil, "loss_weights": nil, "optimizer_config": training.optimizer,
      ]
    }

    /// The step count and the rate, where a `.weights.h5` has them. Plain SGD has no other state, and `optimizer_weights`
    /// is left out for it: Keras 3 builds the optimiser of an `.h5` that has that group for no variables, and `fit`
    /// then fails (its own files too).
    private static func writeOptimizer(
      _ training: TrainingState, _ builder: borrowing HDF5Builder
    ) throws(CheckpointError) {
      var name = "optimizer"
      if case .string(let className)? = training.optimizer["class_name"] { name = className }
      try builder.group("/optimizer/vars")
      try builder.attribute("name", of: "/optimizer/vars", name.lowercased())
      try builder.dataset("/optimizer/vars/0", training.step)
      try builder.dataset("/optimizer/vars/1", shape: [], [Float(training.learningRate)])
    }
  }
#endif
