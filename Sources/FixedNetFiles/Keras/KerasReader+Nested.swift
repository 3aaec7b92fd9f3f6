#if HDF5
  import FixedNetCompute

  /// Weights of nested models, whose layers are in the model under the names of both.
  extension KerasReader {
    /// What the legacy layout stores for each layer of `model`: the group of a nested model lists the weights of all layers
    /// in it, the trainable ones first, under names that end in the layer's and the weight's own.
    func unnested(
      _ stored: [StoredLayer], _ model: Model, _ descriptions: [[WeightDescription]]
    ) throws(CheckpointError) -> [StoredLayer] {
      guard let items = model.fileItems else { return stored }
      let weights = Dictionary(
        zip(model.layers, descriptions).map { ($0.name, $1) }
      ) { first, _ in first }
      var result: [StoredLayer] = []
      for layer in stored {
        guard let item = items.first(where: { $0.name == layer.layer && $0.items != nil }) else {
          result.append(layer)
          continue
        }
        for leaf in KerasReader.leaves(of: item, path: []) {
          let roles = weights[leaf.layer] ?? []
          guard !roles.isEmpty else { continue }
          var names: [String] = []
          for role in roles { names.append(try name(of: role, path: leaf.path, in: layer)) }
          result.append(StoredLayer(layer: leaf.layer, group: layer.group, names: names))
        }
      }
      // The model's order is Keras' for layers that are not nested.
      let places = Dictionary(zip(model.layers.map(\.name), 0...)) { first, _ in first }
      return result.sorted { places[$0.layer ?? ""] ?? 0 < places[$1.layer ?? ""] ?? 0 }
    }

    /// Whether the file's order of nested layers is the model's, so that values without names can be told apart.
    static func hasFileOrder(_ model: Model) -> Bool {
      guard let items = model.fileItems else { return true }
      return items.flatMap { leaves(of: $0, path: []) }.map(\.layer) == model.layers.map(\.name)
    }

    /// The layers of `model` that the legacy layout stores something for.
    func layers(in stored: [StoredLayer], of model: Model) -> Set<String> {
      var result = Set(stored.compactMap(\.layer))
      for item in model.fileItems ?? [] {
        guard let group = stored.first(where: { $0.layer == item.name }), item.items != nil else {
          continue
        }
        let owners = Set(group.names.map { $0.split(separator: "/").dropLast().last ?? "" })
        for leaf in KerasReader.leaves(of: item, path: [])
        where owners.contains(leaf.path.last.map { $0[...] } ?? "") {
          result.insert(leaf.layer)
        }
      }
      return result
    }

    /// The layers of a nested model in the file's order, with their paths there.
    private static func leaves(of item: KerasModelGraph.Item, path: [String])
      -> [(layer: String, path: [String])]
    {
      let path = path + [item.name]
      guard let items = item.items else { return [(item.layer, path)] }
      return items.flatMap { leaves(of: $0, path: path) }
    }

    /// The one name in the group of a nested model that ends as a layer's path and weight do; where several do, the one
    /// that agrees with more of the path.
    private func name(of weight: WeightDescription, path: [String], in stored: StoredLayer)
      throws(CheckpointError) -> String
    {
      func agreement(_ name: String) -> Int {
        let parts = name.split(separator: "/").map(String.init)
        guard let role = parts.last.map(KerasNames.role),
          role == weight.name || role == weight.otherName
        else { return 0 }
        return zip(parts.dropLast().reversed(), path.reversed()).prefix { $0 == $1 }.count
      }
      let best = stored.names.map(agreement).max() ?? 0
      let matches = stored.names.filter { agreement($0) == best }
      guard best > 0, matches.count == 1 else {
        throw .item(
          path: file.path, item: "attribute weight_names of /\(stored.group)",
          expected: "one \(weight.name) of layer '\(path.joined(separator: "/"))'",
          found: best == 0 ? "none" : "\(matches.count)")
      }
      return matches[0]
    }

    /// Where a `.weights.h5` has each layer of `model`: groups in the groups of nested models.
    static func groups(of model: Model, in group: String) -> [String] {
      guard let items = model.fileItems else {
        return KerasNames.keys(ofClasses: model.layers.map { type(of: $0).className })
          .map { "\(group)/\($0)" }
      }
      var places: [String: String] = [:]
      func walk(_ items: [KerasModelGraph.Item], _ group: String) {
        for (item, key) in zip(items, KerasNames.keys(ofClasses: items.map(\.className))) {
          let place = "\(group)/\(key)"
          if let inner = item.items {
            walk(inner, "\(place)/layers")
          } else {
            places[item.layer] = place
          }
        }
      }
      walk(items, group)
      return model.layers.map { places[$0.name] ?? "" }
    }
  }
#endif
