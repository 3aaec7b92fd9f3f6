import CSupport
import FixedNetCore

/// Layers that merge values of one shape, element by element: everything but their names.
package protocol ElementwiseMerge: PlannedLayer {
  var kind: MergeKind { get }
  init(name: String)
}

extension ElementwiseMerge {
  package static var configKeys: Set<String> { [] }

  package init(name: String, config: LayerConfig) throws(ModelError) { self.init(name: name) }

  public var config: [String: JSONValue] { [:] }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    try outputShape(of: [input])
  }

  public func outputShape(of inputs: [Shape]) throws(ModelError) -> Shape {
    guard inputs.count > 1 else {
      throw .connection(layer: name, expected: "two or more layers to read", found: "1")
    }
    var shape = inputs[0]
    for input in inputs.dropFirst() {
      guard let merged = BinaryMerge.shape(shape, input) else {
        throw .shape(
          layer: name,
          expected: "inputs of one shape (\(shape)), or one value for all pixels or all channels",
          found: "\(input)")
      }
      shape = merged
    }
    return shape
  }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan { self.plan([input], in: plan) }

  package func plan(_ inputs: [Value], in plan: Planner) -> LayerPlan {
    preconditionFailure("a graph has merges of two values, see Graph.splittingMerges")
  }
}

/// The sum of its inputs.
public struct Add: ElementwiseMerge {
  public static let className = "Add"
  public var name: String
  package var kind: MergeKind { .add }
  /// `name`: empty for Keras' default name.
  public init(name: String = "") { self.name = name }
}

/// The first value minus the second.
public struct Subtract: ElementwiseMerge {
  public static let className = "Subtract"
  public var name: String
  package var kind: MergeKind { .subtract }
  /// `name`: empty for Keras' default name.
  public init(name: String = "") { self.name = name }

  public func outputShape(of inputs: [Shape]) throws(ModelError) -> Shape {
    guard inputs.count == 2 else {
      throw .connection(layer: name, expected: "two layers to read", found: "\(inputs.count)")
    }
    return try Add(name: name).outputShape(of: inputs)
  }
}

/// The product of its inputs.
public struct Multiply: ElementwiseMerge {
  public static let className = "Multiply"
  public var name: String
  package var kind: MergeKind { .multiply }
  /// `name`: empty for Keras' default name.
  public init(name: String = "") { self.name = name }
}

/// The sum, times 1 / values.
public struct Average: ElementwiseMerge {
  public static let className = "Average"
  public var name: String
  package var kind: MergeKind { .add }
  /// `name`: empty for Keras' default name.
  public init(name: String = "") { self.name = name }
}

/// The largest of its inputs, element by element.
public struct Maximum: ElementwiseMerge {
  public static let className = "Maximum"
  public var name: String
  package var kind: MergeKind { .maximum }
  /// `name`: empty for Keras' default name.
  public init(name: String = "") { self.name = name }
}

/// The smallest of its inputs, element by element.
public struct Minimum: ElementwiseMerge {
  public static let className = "Minimum"
  public var name: String
  package var kind: MergeKind { .minimum }
  /// `name`: empty for Keras' default name.
  public init(name: String = "") { self.name = name }
}

/// A merge of two values, which graphs have in the place of the others.
struct BinaryMerge: PlannedLayer {
  static let className = "BinaryMerge"
  static let configKeys: Set<String> = []

  var name: String
  let kind: MergeKind

  init(name: String, kind: MergeKind) {
    self.name = name
    self.kind = kind
  }

  init(name: String, config: LayerConfig) throws(ModelError) { self.init(name: name, kind: .add) }

  var config: [String: JSONValue] { [:] }

  func outputShape(for input: Shape) throws(ModelError) -> Shape { input }

  /// The shape that both have, or that one has where the other has one value for all pixels or all channels; nil where
  /// they do not fit.
  static func shape(_ first: Shape, _ second: Shape) -> Shape? {
    if serves(second, first) { return first }
    return serves(first, second) ? second : nil
  }

  /// Whether `other`, of the same rank, has as many pixels and channels as `whole`, or one.
  private static func serves(_ other: Shape, _ whole: Shape) -> Bool {
    let (own, all) = (other.dimensions, whole.dimensions)
    guard own.count == all.count, [1, all.last].contains(own.last) else { return false }
    return own.dropLast() == all.dropLast() || own.dropLast().allSatisfy { $0 == 1 }
  }

  func needsPlainOrder(of inputs: [Value]) -> Bool {
    inputs.contains { $0.flattened ?? (0, 0) != inputs[0].flattened ?? (0, 0) }
  }

  func plan(_ input: Value, in plan: Planner) -> LayerPlan { self.plan([input, input], in: plan) }

  func plan(_ inputs: [Value], in plan: Planner) -> LayerPlan {
    let isSwapped = !BinaryMerge.serves(inputs[1].shape, inputs[0].shape)
    let (a, b) = isSwapped ? (inputs[1], inputs[0]) : (inputs[0], inputs[1])
    plan.use(a.slot)
    plan.use(b.slot)
    let output = plan.reserveOutput(name, shape: a.shape, flattened: a.flattened)
    let operation = MergeOperation(
      merge: cs_merge(
        kind: kind.kernel(isSwapped: isSwapped), channels: Int32(a.shape.channels),
        pixels: Int32(a.shape.pixels), channelsOfB: Int32(b.shape.channels),
        pixelsOfB: Int32(b.shape.pixels)), a: a.slot.block, b: b.slot.block,
      output: output.slot.block, isSwapped: isSwapped)
    return LayerPlan(output: output) { backward in
      guard let backward else { return LayerPlan.Finished(operation) }
      var operation = operation
      let needs = isSwapped ? backward.needsInputGradients.reversed() : backward.needsInputGradients
      plan.use(backward.outputGradient)
      if kind.remembersInputs {
        plan.use(a.slot)
        plan.use(b.slot)
      }
      if kind.remembersOutput { plan.use(output.slot) }
      let gradients = gradients(a, b, needs, backward.outputGradient, isSwapped, plan)
      operation.outputGradient = backward.outputGradient.block
      operation.aGradient = gradients.a?.block
      operation.bGradient = gradients.b?.block
      let slots = [needs[0] ? gradients.a : nil, needs[1] ? gradients.b : nil]
      return LayerPlan.Finished(operation, inputGradients: isSwapped ? slots.reversed() : slots)
    }
  }

  /// One of the gradients takes dY's place; the other one has its own.
  private func gradients(
    _ a: Value, _ b: Value, _ needs: [Bool], _ dy: Slot, _ isSwapped: Bool, _ plan: Planner
  ) -> (a: Slot?, b: Slot?) {
    func own(_ value: Value) -> Slot {
      plan.reserveActivation("\(name)/input gradient", shape: value.shape)
    }
    if kind.remembersOutput {
      // The first takes its part, and dY is what is left for the second.
      if isSwapped { return (dy, own(b)) }
      return a.shape == b.shape
        ? (own(a), dy) : (own(a), plan.reserveActivation("\(name)/rest", shape: b.shape))
    }
    guard needs[1] else { return (needs[0] ? dy : nil, nil) }
    if !needs[0], a.shape == b.shape { return (nil, dy) }
    return (needs[0] ? dy : nil, own(b))
  }
}

/// What a merge of values does with them.
package enum MergeKind: Sendable {
  case add, subtract, multiply, maximum, minimum

  fileprivate func kernel(isSwapped: Bool) -> cs_merge_kind {
    switch self {
    case .add: CS_ADD
    case .subtract: isSwapped ? CS_SUBTRACT_FROM : CS_SUBTRACT
    case .multiply: CS_MULTIPLY
    case .maximum: CS_MAXIMUM
    case .minimum: CS_MINIMUM
    }
  }

  /// Whether the backward pass reads the inputs, and the output.
  fileprivate var remembersInputs: Bool { self != .add && self != .subtract }
  fileprivate var remembersOutput: Bool { self == .maximum || self == .minimum }
}
