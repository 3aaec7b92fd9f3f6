#if HDF5
  import FixedNetCompute

  extension KerasReader {
    /// What a file stores for one layer that has weights.
    struct StoredLayer {
      /// The layer's name; nil where the file's layout does not use it.
      var layer: String?
      /// The group of its datasets, a path from the root.
      var group: String
      /// Its datasets in order, paths inside of the group.
      var names: [String]
    }

    /// Where a `.weights.h5` has its layers: Keras 3, and TF-Keras 2.13.
    static let numberedGroups = ["layers", "_layer_checkpoint_dependencies"]

    // MARK: - What the file stores

    /// The legacy layout: lists of names. `group`: "model_weights", or "" where weights were saved alone.
    func legacyLayers(_ group: String, _ root: borrowing HDF5Object) throws(CheckpointError)
      -> [StoredLayer]
    {
      let names: [String]?
      if group.isEmpty {
        names = try root.list("layer_names")
      } else {
        names = try file.open(group, in: root, as: .group).list("layer_names")
      }
      guard let names else {
        throw .missing(
          path: file.path, item: "attribute layer_names of /\(group)",
          advice: "the file is incomplete; save the model again")
      }
      var stored: [StoredLayer] = []
      for name in names {
        let path = group.isEmpty ? name : "\(group)/\(name)"
        let weights = try file.open(path, in: root, as: .group).list("weight_names") ?? []
        if !weights.isEmpty { stored.append(StoredLayer(layer: name, group: path, names: weights)) }
      }
      return stored
    }

    /// The layout of a `.weights.h5`: a group per layer, called after its class, with datasets 0, 1, ... A layer too
    /// many is an error: the weights are those of another model.
    func numberedLayers(
      _ group: String, _ model: Model, _ descriptions: [[WeightDescription]],
      _ root: borrowing HDF5Object
    ) throws(CheckpointError) -> [StoredLayer] {
      if model.fileItems == nil { try checkCount(group, model, root) }
      var stored: [StoredLayer] = []
      for (index, place) in KerasReader.groups(of: model, in: group).enumerated() {
        guard !descriptions[index].isEmpty || file.has(place, in: root) else { continue }
        let layer = try file.open(place, in: root, as: .group)
        guard !descriptions[index].isEmpty || file.has("vars", in: layer) else { continue }
        let path = "\(place)/vars"
        let variables = try file.open(path, in: root, as: .group)
        let names = count(in: variables, limit: descriptions[index].count + 1)
        if names > 0 {
          stored.append(
            StoredLayer(layer: nil, group: path, names: (0..<names).map(String.init)))
        } else if !descriptions[index].isEmpty {
          throw .missing(
            path: file.path, item: "/\(path)/0",
            advice: "the file has no weights for layer '\(model.layers[index].name)'")
        }
      }
      return stored
    }

    /// Refuses a layer that the model does not have.
    private func checkCount(
      _ group: String, _ model: Model, _ root: borrowing HDF5Object
    ) throws(CheckpointError) {
      let layers = try file.open(group, in: root, as: .group)
      var counts: [String: Int] = [:]
      for name in LayerRegistry.classNames { counts[KerasNames.snakeCase(name)] = 0 }
      for layer in model.layers {
        counts[KerasNames.snakeCase(type(of: layer).className), default: 0] += 1
      }
      for (key, count) in counts.sorted(by: { $0.key < $1.key }) {
        let next = count == 0 ? key : "\(key)_\(count)"
        guard !file.has(next, in: layers) else {
          throw .item(
            path: file.path, item: "the layers in /\(group)",
            expected: "those of model '\(model.name)'", found: "\(next) besides")
        }
      }
    }

    /// The Normalization layers that a `.weights.h5` has variables of.
    func normalizationsWithVariables(
      _ group: String, _ model: Model, _ root: borrowing HDF5Object
    ) throws(CheckpointError) -> Set<String> {
      var names: Set<String> = []
      for (layer, group) in zip(model.layers, KerasReader.groups(of: model, in: group)) {
        guard layer is Normalization, file.has(group, in: root) else { continue }
        let place = try file.open(group, in: root, as: .group)
        guard file.has("vars", in: place) else { continue }
        let variables = try file.open("vars", in: place, as: .group)
        if count(in: variables, limit: 1) > 0 { names.insert(layer.name) }
      }
      return names
    }

    /// How many datasets 0, 1, ... a group has; at most `limit` are counted.
    func count(in group: borrowing HDF5Object, limit: Int) -> Int {
      var count = 0
      while count < limit, file.has("\(count)", in: group) { count += 1 }
      return count
    }

    // MARK: - The model's weights

    /// Layers are matched by position, as Keras does, and by name where the file has names.
    func weights(
      of model: Model, _ descriptions: [[WeightDescription]], _ stored: [StoredLayer],
      _ root: borrowing HDF5Object
    ) throws(CheckpointError) -> [LayerWeights] {
      let expected = zip(model.layers, descriptions).filter { !$0.1.isEmpty }.map(\.0.name)
      let isMatched =
        stored.count == expected.count
        && zip(stored, expected).allSatisfy { $0.layer == nil || $0.layer == $1 }
      guard isMatched else {
        let found = stored.map { $0.layer ?? "/\($0.group)" }
        throw .item(
          path: file.path, item: "the layers with weights",
          expected: expected.isEmpty ? "none" : expected.joined(separator: ", "),
          found: found.isEmpty ? "none" : found.joined(separator: ", "))
      }
      var next = 0
      var result: [LayerWeights] = []
      for (layer, descriptions) in zip(model.layers, descriptions) {
        var tensors: [Tensor] = []
        if !descriptions.isEmpty {
          tensors = try self.tensors(of: layer, descriptions, stored[next], root)
          next += 1
        }
        result.append(LayerWeights(layer: layer.name, tensors: tensors))
      }
      return result
    }

    /// One layer's weights from what the file stores for it: the one place where the two meet.
    private func tensors(
      of layer: any Layer, _ descriptions: [WeightDescription], _ stored: StoredLayer,
      _ root: borrowing HDF5Object
    ) throws(CheckpointError) -> [Tensor] {
      let expected = descriptions.map(\.name)
      if stored.layer != nil {
        let roles = stored.names.map(KerasNames.role)
        guard roles.count == expected.count,
          zip(roles, descriptions).allSatisfy({ $0 == $1.name || $0 == $1.otherName })
        else {
          throw .item(
            path: file.path, item: "attribute weight_names of /\(stored.group)",
            expected: expected.joined(separator: ", "),
            found: stored.names.joined(separator: ", "))
        }
      } else {
        guard stored.names.count == expected.count else {
          throw .item(
            path: file.path, item: "/\(stored.group)",
            expected: "\(expected.count) datasets (\(expected.joined(separator: ", "))) for layer "
              + "'\(layer.name)'",
            found: stored.names.count > expected.count ? "more" : "\(stored.names.count)")
        }
      }
      let group = try file.open(stored.group, in: root, as: .group)
      var tensors: [Tensor] = []
      for (name, description) in zip(stored.names, descriptions) {
        let dataset = try file.open(
          name, in: group,
          as: description.isInteger ? .numbers : .real(shape: description.shape))
        // The rule has seen to the others.
        guard !description.isInteger || dataset.shape == description.shape else {
          throw .item(
            path: file.path, item: dataset.path, expected: HDF5File.text(description.shape),
            found: HDF5File.text(dataset.shape))
        }
        tensors.append(Tensor(shape: description.shape, values: try dataset.floats()))
      }
      return tensors
    }
  }
#endif
