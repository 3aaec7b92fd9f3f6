import FixedNetCore

/// Layers that merge values of one shape, element by element: everything but their names.
public protocol ElementwiseMerge: Layer {
  var kind: MergeOperation.Kind { get }
  init(name: String)
}

extension ElementwiseMerge {
  public static var configKeys: Set<String> { [] }

  public init(name: String, config: LayerConfig) throws(ModelError) { self.init(name: name) }

  public var config: [String: JSONValue] { [:] }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    try outputShape(of: [input])
  }

  public func outputShape(of inputs: [Shape]) throws(ModelError) -> Shape {
    guard inputs.count > 1 else {
      throw .connection(layer: name, expected: "two or more layers to read", found: "1")
    }
    guard let other = inputs.first(where: { $0 != inputs[0] }) else { return inputs[0] }
    throw .shape(layer: name, expected: "inputs of one shape (\(inputs[0]))", found: "\(other)")
  }

  public func plan(_ input: Value, in plan: Planner) -> LayerPlan { self.plan([input], in: plan) }

  public func plan(_ inputs: [Value], in plan: Planner) -> LayerPlan {
    preconditionFailure("a graph has merges of two values, see Graph.splittingMerges")
  }
}

public struct Add: ElementwiseMerge {
  public static let className = "Add"
  public var name: String
  public var kind: MergeOperation.Kind { .add }
  public init(name: String) { self.name = name }
}

/// The first value minus the second.
public struct Subtract: ElementwiseMerge {
  public static let className = "Subtract"
  public var name: String
  public var kind: MergeOperation.Kind { .subtract }
  public init(name: String) { self.name = name }

  public func outputShape(of inputs: [Shape]) throws(ModelError) -> Shape {
    guard inputs.count == 2 else {
      throw .connection(layer: name, expected: "two layers to read", found: "\(inputs.count)")
    }
    return try Add(name: name).outputShape(of: inputs)
  }
}

public struct Multiply: ElementwiseMerge {
  public static let className = "Multiply"
  public var name: String
  public var kind: MergeOperation.Kind { .multiply }
  public init(name: String) { self.name = name }
}

/// The sum, times 1 / values.
public struct Average: ElementwiseMerge {
  public static let className = "Average"
  public var name: String
  public var kind: MergeOperation.Kind { .add }
  public init(name: String) { self.name = name }
}

public struct Maximum: ElementwiseMerge {
  public static let className = "Maximum"
  public var name: String
  public var kind: MergeOperation.Kind { .maximum }
  public init(name: String) { self.name = name }
}

public struct Minimum: ElementwiseMerge {
  public static let className = "Minimum"
  public var name: String
  public var kind: MergeOperation.Kind { .minimum }
  public init(name: String) { self.name = name }
}

/// A merge of two values, which graphs have in the place of the others.
struct BinaryMerge: Layer {
  static let className = "BinaryMerge"
  static let configKeys: Set<String> = []

  var name: String
  let kind: MergeOperation.Kind

  init(name: String, kind: MergeOperation.Kind) {
    self.name = name
    self.kind = kind
  }

  init(name: String, config: LayerConfig) throws(ModelError) { self.init(name: name, kind: .add) }

  var config: [String: JSONValue] { [:] }

  func outputShape(for input: Shape) throws(ModelError) -> Shape { input }

  func needsPlainOrder(of inputs: [Value]) -> Bool {
    inputs.contains { $0.flattened ?? (0, 0) != inputs[0].flattened ?? (0, 0) }
  }

  func plan(_ input: Value, in plan: Planner) -> LayerPlan { self.plan([input, input], in: plan) }

  func plan(_ inputs: [Value], in plan: Planner) -> LayerPlan {
    let (first, second) = (inputs[0], inputs[1])
    plan.use(first.slot)
    plan.use(second.slot)
    let output = plan.reserveOutput(name, shape: first.shape, flattened: first.flattened)
    let operation = MergeOperation(
      kind: kind, count: first.shape.elementCount,
      inputs: (first.slot.block, second.slot.block), output: output.slot.block)
    return LayerPlan(output: output) { [operation] backward in
      var operation = operation
      guard let backward else { return LayerPlan.Finished(operation) }
      let needs = (backward.needsInputGradients[0], backward.needsInputGradients[1])
      plan.use(backward.outputGradient)
      if kind != .add, kind != .subtract {
        plan.use(first.slot)
        plan.use(second.slot)
      }
      // One of the gradients takes dY's place; the other one has its own.
      let own =
        needs.0 && needs.1
        ? plan.reserveActivation("\(name)/input gradient", shape: first.shape) : nil
      let slots = (
        needs.0 ? own ?? backward.outputGradient : nil, needs.1 ? backward.outputGradient : nil
      )
      operation.outputGradient = backward.outputGradient.block
      operation.inputGradients = (slots.0?.block, slots.1?.block)
      return LayerPlan.Finished(operation, inputGradients: [slots.0, slots.1])
    }
  }
}
