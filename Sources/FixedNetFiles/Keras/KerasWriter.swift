#if HDF5
  import FixedNetCompute

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
      let config = KerasTrainingConfig.config(of: file)
      if let config { try builder.attribute("training_config", of: "/", config.text, .ascii) }
      try writeWeights(file, builder)
      try writeOptimizer(file, config, builder)
      if config != nil { try writeMetrics(builder) }
      try file.training?.write(to: builder)
      return try builder.finish()
    }

    /// The weights must be the model's, and the names must be usable as paths.
    private static func check(_ file: KerasModelFile, path: String) throws(CheckpointError) {
      let descriptions: [[WeightDescription]]
      do { descriptions = try file.model.weightDescriptions() } catch {
        throw .model(path: path, error)
      }
      try checkNames(file.model, descriptions, path: path)
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

    /// Layers' names are paths, and two things cannot have one path.
    private static func checkNames(
      _ model: Model, _ descriptions: [[WeightDescription]], path: String
    ) throws(CheckpointError) {
      func refusal(_ name: String, _ found: String) -> CheckpointError {
        .item(
          path: path, item: "the name of layer '\(name)'",
          expected: "letters, digits, _ and -, and no other path in the file", found: found)
      }
      var groups = ["top_level_model_weights": "the group that Keras adds"]
      for name in model.layers.map(\.name) {
        let components = name.split(separator: "/", omittingEmptySubsequences: false)
        guard !name.utf8.contains(0), name.utf8.count <= 30_000,
          components.allSatisfy({ !["", ".", ".."].contains($0) })
        else { throw refusal(name, "a name that HDF5 cannot hold") }
        if let other = groups.updateValue("another layer", forKey: name) {
          throw refusal(name, "the name of \(other)")
        }
      }
      for (layer, weights) in zip(model.layers, descriptions) {
        for weight in weights {
          // No group may be where a dataset is, and none below it.
          let dataset = "\(layer.name)/\(layer.name)/\(weight.name):0"
          let clash = model.layers.first {
            $0.name == dataset || $0.name.hasPrefix("\(dataset)/")
          }
          if let clash {
            throw refusal(clash.name, "the path of weight \(weight.name) of layer '\(layer.name)'")
          }
        }
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
      // Those that are there: "block/conv" has made "block".
      var groups: Set<String> = []
      for (index, layer) in layers.enumerated() {
        let group = "/model_weights/\(layer.name)"
        let variables = "/layers/\(keys[index])/vars"
        // The user's own model, which was adapted in Keras, asks for these weights; in a whole model the config has them.
        let adapted =
          builder.path.hasSuffix(".weights.h5")
          ? (layer as? Normalization)?.storedTensors ?? [] : []
        let tensors = file.weights[index].tensors + adapted
        let names =
          (descriptions[index].map(\.name)
          + (adapted.isEmpty ? [] : ["mean", "variance", "count"]))
          .map { "\(layer.name)/\($0):0" }
        if !groups.contains(group) { try builder.group(group) }
        for path in [group] + names.map({ "\(group)/\($0)" }) {
          groups.formUnion(KerasNames.folders(of: path))
        }
        groups.insert(group)
        try builder.attribute("weight_names", of: group, names)
        try builder.group(variables)
        try builder.attribute("name", of: variables, layer.name)
        for (number, name) in names.enumerated() {
          let dataset = "\(group)/\(name)"
          if number < tensors.count {
            let tensor = tensors[number]
            try builder.dataset(dataset, shape: tensor.shape, tensor.values)
            if adapted.isEmpty, let axes = axes(tensor.shape) {
              try builder.attribute("axes", of: dataset, axes)
            }
          } else {
            // Of the samples that it was adapted to: Keras counts them, and does not ask.
            try builder.dataset(dataset, 0)
          }
          try builder.link(dataset, as: "\(variables)/\(number)")
        }
      }
      let top = "/model_weights/top_level_model_weights"
      if !groups.contains(top) { try builder.group(top) }
      try builder.attribute("weight_names", of: top, [])
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

    /// The optimiser's memory where a `.weights.h5` has it, in Keras 3's order. A legacy `/optimizer_weights` is left
    /// out: Keras 3 builds the optimiser of a `.h5` that has that group for no variables, and `fit` then fails for SGD,
    /// RMSprop and Adam alike (its own files too; seen with 3.15.1).
    private static func writeOptimizer(
      _ file: KerasModelFile, _ config: JSONValue?, _ builder: borrowing HDF5Builder
    ) throws(CheckpointError) {
      guard file.training != nil || file.optimizerState != nil else { return }
      let json = file.training?.optimizer ?? config?["optimizer_config"]
      let slots = file.optimizerState?.slots ?? []
      let remembered = json == nil ? KerasOptimizer(memoryOf: file) : nil
      guard let optimizer = KerasOptimizer(json: json) ?? remembered else {
        throw .item(
          path: builder.path, item: "the optimiser", expected: KerasOptimizer.known,
          found: json?["class_name"]?.summary ?? "none")
      }
      let shapes: [[Int]]
      do { shapes = try file.model.trainableShapes() } catch {
        throw .model(path: builder.path, error)
      }
      // A run that has not begun may have no memory yet.
      if !slots.isEmpty || file.optimizerState != nil {
        guard slots.map(\.name) == optimizer.slots,
          slots.allSatisfy({ $0.tensors.map(\.shape) == shapes })
        else {
          throw .item(
            path: builder.path, item: "the optimiser's memory",
            expected: "\(optimizer.slots) with \(shapes.count) tensors in each",
            found: slots.map { "\($0.name) with \($0.tensors.count)" }.joined(separator: ", "))
        }
      }
      let group = "/optimizer/vars"
      try builder.group(group)
      try builder.attribute("name", of: group, optimizer.name)
      let iterations = file.training?.iterations ?? file.iterations ?? 0
      try builder.dataset("\(group)/0", iterations)
      var number = 1
      let described = json == nil ? file.learningRate : rate(json)
      if let rate = file.training.map(\.rateForKeras) ?? described {
        try builder.dataset("\(group)/1", shape: [], [Float(rate)])
        number = 2
      }
      guard !slots.isEmpty else { return }
      for place in optimizer.places(weightCount: shapes.count) {
        let tensor = slots[place.slot].tensors[place.weight]
        try builder.dataset("\(group)/\(number)", shape: tensor.shape, tensor.values)
        number += 1
      }
      let product = optimizer.product(json, iterations: iterations) ?? file.momentumProduct
      if let product { try builder.dataset("\(group)/\(number)", shape: [], [Float(product)]) }
    }

    /// A fixed learning rate; nil for a schedule, of which Keras keeps no value.
    private static func rate(_ optimizer: JSONValue?) -> Double? {
      switch optimizer?["config"]?["learning_rate"] {
      case .number(let rate): rate
      case .integer(let rate): Double(rate)
      default: nil
      }
    }

    /// The two metrics of a compiled model, without which TF-Keras refuses a `.weights.h5`; Keras 3 does not look.
    private static func writeMetrics(_ builder: borrowing HDF5Builder) throws(CheckpointError) {
      for metric in ["mean", "mean_metric_wrapper"] {
        for number in 0..<2 {
          try builder.dataset("/metrics/\(metric)/vars/\(number)", shape: [], [0])
        }
      }
    }
  }
#endif
