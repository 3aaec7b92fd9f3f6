/// How the layers of a model are connected.
extension Model {
  /// What stands for the model's input among the positions of layers.
  static let inputPosition = -1

  /// Of all layers together.
  static let connectionLimit = 4 * layerLimit

  /// The positions of the layers that each layer reads, in the order of its inputs; `inputPosition` is the model's input.
  /// Throws: `ModelError.connection` where a layer reads one that there is not, or that comes after it, or where nothing
  /// reads a layer before the last.
  package func sources() throws(ModelError) -> [[Int]] {
    guard let connections else { return layers.indices.map { [$0 - 1] } }
    var positions = [inputName: Model.inputPosition]
    for (position, layer) in layers.enumerated() { positions[layer.name] = position }
    let count = connections.values.reduce(0) { $0 + $1.count }
    guard count <= Model.connectionLimit else {
      throw .malformed(
        "its layers read \(count) others; at most \(Model.connectionLimit) are supported")
    }
    var isRead = [Bool](repeating: false, count: layers.count)
    var result: [[Int]] = []
    for (position, layer) in layers.enumerated() {
      guard let names = connections[layer.name], !names.isEmpty else {
        throw .connection(layer: layer.name, expected: "the layers that it reads", found: "none")
      }
      var sources: [Int] = []
      for name in names {
        guard let source = positions[name] else {
          throw .connection(
            layer: layer.name, expected: "layers of the model to read",
            found: "'\(OneLine.short(name))', which it does not have")
        }
        guard source < position else {
          throw .connection(
            layer: layer.name, expected: "layers before it to read",
            found: source == position ? "itself" : "'\(OneLine.short(name))', which comes after it")
        }
        if source >= 0 { isRead[source] = true }
        sources.append(source)
      }
      result.append(sources)
    }
    for (position, layer) in layers.dropLast().enumerated() where !isRead[position] {
      throw .connection(
        layer: layer.name, expected: "a layer that reads it (one output is supported)",
        found: "none")
    }
    return result
  }

  /// Whether every layer reads the one before it, and nothing else.
  package var isChain: Bool {
    guard connections != nil else { return true }
    return (try? sources()) == layers.indices.map { [$0 - 1] }
  }

  /// The same with its layers in the order that Keras gives them, which is that of their weights in files: those with the
  /// longest way to the output first; of equal ones the one that a walk back from the output, depth first, meets first.
  package var inKerasOrder: Model {
    guard connections != nil, let sources = try? sources() else { return self }
    var depth = [Int](repeating: 0, count: layers.count)
    for position in layers.indices.reversed() {
      for source in sources[position] where source >= 0 {
        depth[source] = max(depth[source], depth[position] + 1)
      }
    }
    var number = [Int?](repeating: nil, count: layers.count)
    var waiting = [layers.count - 1]
    var met = 0
    while let position = waiting.popLast() {
      guard position >= 0, number[position] == nil else { continue }
      number[position] = met
      met += 1
      waiting += sources[position].reversed()
    }
    var result = self
    result.layers = layers.indices.sorted {
      (-depth[$0], number[$0] ?? 0) < (-depth[$1], number[$1] ?? 0)
    }.map { layers[$0] }
    return result
  }
}

/// The shapes of what the layers of a model read and write.
public struct ModelShapes: Equatable, Sendable {
  /// Of each layer, in the order of its inputs.
  public var inputs: [[Shape]]
  /// Of each layer.
  public var outputs: [Shape]
  /// The model's output.
  public var output: Shape
}
