import FixedNetCore

/// Values one after the other along the last axis.
public struct Concatenate: PlannedLayer {
  public static let className = "Concatenate"
  package static let configKeys: Set = ["axis"]

  public var name: String
  /// As Keras counts (the batch is 0); it must be the last one.
  private var axis = -1

  /// `name`: empty for Keras' default name.
  public init(name: String = "") { self.name = name }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    self.name = name
    axis = try config.members["axis"] == nil ? -1 : config.integer("axis", in: -3...3)
  }

  public var config: [String: JSONValue] { ["axis": -1] }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    try outputShape(of: [input])
  }

  public func outputShape(of inputs: [Shape]) throws(ModelError) -> Shape {
    guard inputs.count > 1 else {
      throw .connection(layer: name, expected: "two or more layers to read", found: "1")
    }
    try inputs[0].checkLast(axis: axis, layer: name)
    let extents = inputs[0].dimensions
    for other in inputs where other.dimensions.dropLast() != extents.dropLast() {
      throw .shape(
        layer: name, expected: "inputs of \(inputs[0]) but for the last extent", found: "\(other)")
    }
    let width = inputs.reduce(0) { $0 + $1.channels }
    guard let shape = Shape(dimensions: extents.dropLast() + [width]) else { return inputs[0] }
    return shape
  }

  package func needsPlainOrder(of inputs: [Value]) -> Bool { true }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan { self.plan([input], in: plan) }

  package func plan(_ inputs: [Value], in plan: Planner) -> LayerPlan {
    for input in inputs { plan.use(input.slot) }
    let shape = (try? outputShape(of: inputs.map(\.shape))) ?? inputs[0].shape
    let output = plan.reserveOutput(name, shape: shape)
    return LayerPlan(output: output) { backward in
      if let backward { plan.use(backward.outputGradient) }
      var operations: [CopyOperation] = []
      var gradients: [Slot?] = []
      var offset = 0
      for (index, input) in inputs.enumerated() {
        let count = input.shape.elementCount
        func part(_ slot: Slot) -> BlockSlot {
          var block = slot.block
          block.byteOffset += offset * plan.blockSize * MemoryLayout<Float>.stride
          return block
        }
        var operation = CopyOperation(
          count: count, input: input.slot.block, output: part(output.slot))
        var gradient: Slot?
        if let backward, backward.needsInputGradients[index] {
          let slot = plan.reserveActivation("\(name)/input gradient \(index)", shape: input.shape)
          operation.outputGradient = part(backward.outputGradient)
          operation.inputGradient = slot.block
          gradient = slot
        }
        operations.append(operation)
        gradients.append(gradient)
        offset += count
      }
      return LayerPlan.Finished(operations, inputGradients: gradients)
    }
  }
}
