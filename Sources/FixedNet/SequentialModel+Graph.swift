/// How the layers of a model are connected.
extension SequentialModel {
  /// What stands for the model's input among the positions of layers.
  static let inputPosition = -1

  /// The positions of the layers that each layer reads, in the order of its inputs; `inputPosition` is the model's input.
  /// Throws: `ModelError.connection` where a layer reads one that there is not, or that comes after it, or where nothing
  /// reads a layer before the last.
  package func sources() throws(ModelError) -> [[Int]] {
    guard let connections else { return layers.indices.map { [$0 - 1] } }
    var positions = [inputName: SequentialModel.inputPosition]
    for (position, layer) in layers.enumerated() { positions[layer.name] = position }
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

  /// How many layers read each layer's output, and whether the last one's is the model's.
  func readerCounts() throws(ModelError) -> [Int] {
    var counts = [Int](repeating: 0, count: layers.count)
    for source in try sources().joined() where source >= 0 { counts[source] += 1 }
    return counts
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
