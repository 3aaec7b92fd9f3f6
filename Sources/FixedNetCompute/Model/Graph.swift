/// The layers of a model as a program runs them, each after those that it reads.
struct Graph {
  /// What stands for the model's input among the layers' numbers.
  static let input = Model.inputPosition

  var nodes: [Node]

  /// A layer of a program.
  struct Node {
    var layer: any PlannedLayer
    /// What others know it by, whatever is put before it or taken away.
    var id: Int
    /// The layers that it reads, in the order of its inputs.
    var sources: [Int]
    /// The layer of the model whose output this is.
    var origin: String
    /// The first layer of the model that is part of it: another one than `origin` where that was absorbed.
    var first: String

    var function: ActivationFunction? { (layer as? Activation)?.function }
  }

  /// Throws: as `Model.sources`.
  init(_ model: Model) throws(ModelError) {
    nodes = []
    for (id, (layer, sources)) in zip(model.layers, try model.sources()).enumerated() {
      nodes.append(
        Node(
          layer: try Model.known(layer), id: id, sources: sources, origin: layer.name,
          first: layer.name))
    }
  }

  /// How many inputs read each layer's output, by its number.
  var readerCounts: [Int: Int] {
    nodes.reduce(into: [:]) { counts, node in
      for source in node.sources { counts[source, default: 0] += 1 }
    }
  }

  /// The place of the one layer that `node` reads where nothing else reads that; nil where there is none.
  /// `counts`: `readerCounts`, which joining layers does not change.
  private func soleSource(of node: Node, _ counts: [Int: Int]) -> Int? {
    guard node.sources.count == 1, counts[node.sources[0]] == 1 else { return nil }
    return nodes.firstIndex { $0.id == node.sources[0] }
  }

  /// The layer whose output is the model's.
  var end: Node? { nodes.last }

  /// The layer at the end goes; what it reads is the output then.
  func droppingLast() -> Graph {
    var graph = self
    graph.nodes.removeLast()
    return graph
  }
}

// MARK: - Passes

extension Graph {
  /// The layers as programs run them.
  ///
  /// - A merge of more than two values becomes merges of two; their average a sum and a factor.
  /// - An activation that is no kernel's own (softmax) becomes a layer.
  /// - Rescaling(2) and a sigmoid are one scaled sigmoid; so are tanh and Rescaling(1/2, 1/2). A hard sigmoid's Rescaling
  ///   and ReLU are one too.
  /// - An activation that alone reads a linear Dense or Conv2D is applied by its kernel.
  /// - A ReLU that alone reads a batch normalisation is applied by its kernel.
  /// - `fuses`: false leaves every layer's output where it can be looked at.
  /// - `keepsLast`: the last activation stays a layer, because a loss may take its place.
  func lowered(fuses: Bool, keepsLast: Bool = true) -> Graph {
    var graph = splittingMerges().splittingActivations()
    if fuses {
      graph = graph.joiningSigmoids().puttingActivationsIntoKernels(keepsLast: keepsLast)
        .joiningRectifiers(keepsLast: keepsLast)
    }
    return graph.namingActivations()
  }

  /// Merges of two values each: ((a + b) + c) + ..., as Keras computes them.
  func splittingMerges() -> Graph {
    var graph = self
    var nextID = (nodes.map(\.id).max() ?? 0) + 1
    graph.nodes = nodes.flatMap { node -> [Node] in
      guard let merge = node.layer as? any ElementwiseMerge else { return [node] }
      var parts: [Node] = []
      var sum = node.sources[0]
      for (number, source) in node.sources.enumerated().dropFirst() {
        var part = node
        part.id = nextID
        part.sources = [sum, source]
        part.layer = BinaryMerge(name: "\(node.layer.name)/\(number)", kind: merge.kind)
        parts.append(part)
        sum = nextID
        nextID += 1
      }
      if merge is Average {
        var factor = node
        factor.sources = [sum]
        factor.layer = Rescaling(
          name: node.layer.name, scale: 1 / Double(node.sources.count))
        return parts + [factor]
      }
      parts[parts.count - 1].id = node.id
      parts[parts.count - 1].layer = BinaryMerge(name: node.layer.name, kind: merge.kind)
      return parts
    }
    return graph
  }

  /// Layers and their activations apart.
  func splittingActivations() -> Graph {
    var graph = self
    var nextID = (nodes.map(\.id).max() ?? 0) + 1
    graph.nodes = nodes.flatMap { node -> [Node] in
      var node = node
      if let softmax = node.layer as? Softmax { node.layer = softmax.activation }
      if let rectifier = node.layer as? ReLU, rectifier.rectifier.isPlain {
        node.layer = Activation(name: rectifier.name, function: .relu)
      }
      guard let function = node.layer.kernelActivation, function != .linear else { return [node] }
      var linear = node
      linear.layer.kernelActivation = .linear
      linear.id = nextID
      node.layer = Activation(name: "\(node.layer.name)/\(function.name)", function: function)
      node.sources = [nextID]
      nextID += 1
      return [linear, node]
    }
    return graph
  }

  /// What our files have as two layers, or a program with other layers makes of them, is one here: a checkpoint has the
  /// bits of the model that was trained.
  func joiningSigmoids() -> Graph {
    var graph = self
    let counts = readerCounts
    for node in nodes {
      guard let own = graph.index(of: node.id),
        let place = graph.soleSource(of: graph.nodes[own], counts),
        let function = Graph.sigmoid(graph.nodes[place], node)
      else { continue }
      graph.nodes[own].layer = Activation(name: node.layer.name, function: function)
      graph.absorb(place, into: own)
    }
    return graph
  }

  /// The sigmoid, scaled or hard, that two layers are together.
  private static func sigmoid(_ first: Node, _ second: Node) -> ActivationFunction? {
    if first.function == .tanh, let rescaling = second.layer as? Rescaling, rescaling.isUniform {
      return rescaling.scale == 0.5 && rescaling.offset == 0.5 ? .scaledSigmoid : nil
    }
    guard let rescaling = first.layer as? Rescaling, rescaling.isUniform else { return nil }
    if rescaling.scale == 2, rescaling.offset == 0, second.function == .sigmoid {
      return .scaledSigmoid
    }
    guard rescaling.offset == 0.5,
      (second.layer as? ReLU)?.rectifier == Rectifier(maxValue: 1)
    else { return nil }
    return [ActivationFunction.hardSigmoid, .hardSigmoid2].first {
      $0.hardSlope == rescaling.scale
    }
  }

  func puttingActivationsIntoKernels(keepsLast: Bool) -> Graph {
    var graph = self
    let counts = readerCounts
    for node in keepsLast ? nodes.dropLast() : nodes[...] {
      guard let function = node.function, function.isInKernels,
        let own = graph.index(of: node.id),
        let place = graph.soleSource(of: graph.nodes[own], counts),
        graph.nodes[place].layer.kernelActivation == .linear
      else { continue }
      graph.nodes[own].layer = graph.nodes[place].layer
      graph.nodes[own].layer.kernelActivation = function
      graph.absorb(place, into: own)
    }
    return graph
  }

  /// Batch normalisation and ReLU in one pass over the batch.
  func joiningRectifiers(keepsLast: Bool) -> Graph {
    var graph = self
    let counts = readerCounts
    for node in keepsLast ? nodes.dropLast() : nodes[...] where node.function == .relu {
      guard let own = graph.index(of: node.id),
        let place = graph.soleSource(of: graph.nodes[own], counts),
        var normalization = graph.nodes[place].layer as? BatchNormalization
      else { continue }
      normalization.rectifies = true
      graph.nodes[own].layer = normalization
      graph.absorb(place, into: own)
    }
    return graph
  }

  /// The layer at `place` becomes part of the one at `own`, which runs in its stead.
  private mutating func absorb(_ place: Int, into own: Int) {
    var node = nodes[own]
    node.sources = nodes[place].sources
    node.first = nodes[place].first
    nodes[place] = node
    nodes.remove(at: own)
  }

  private func index(of id: Int) -> Int? { nodes.firstIndex { $0.id == id } }

  /// Layers' names are slots' names, so they are unique; an activation that was split off may meet one.
  func namingActivations() -> Graph {
    var graph = self
    var names = Set(nodes.filter { !($0.layer is Activation) }.map(\.layer.name))
    for index in nodes.indices {
      guard var activation = nodes[index].layer as? Activation else { continue }
      while !names.insert(activation.name).inserted { activation.name += "'" }
      graph.nodes[index].layer = activation
    }
    return graph
  }
}
