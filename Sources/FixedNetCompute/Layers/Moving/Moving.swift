/// Layers that only move values: Keras' Reshape, Permute, RepeatVector and their like.

/// The same values in Keras' order under other extents.
public struct Reshape: PlannedLayer {
  public static let className = "Reshape"
  package static let configKeys: Set = ["target_shape"]

  public var name: String
  /// One of them may be -1: what is left.
  public var target: [Int]

  /// `target`: the output's extents; one of them may be -1, which is what is left for it. `name`: empty for Keras'
  /// default name.
  public init(name: String = "", target: [Int]) {
    self.name = name
    self.target = target
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    let target = try config.integers("target_shape", in: -1...Shape.extentLimit)
    guard (1...3).contains(target.count), target.count(where: { $0 == -1 }) <= 1,
      !target.contains(0)
    else {
      throw config.fail("target_shape", "one to three extents, one of which may be -1")
    }
    self.init(name: name, target: target)
  }

  public var config: [String: JSONValue] {
    ["target_shape": .array(target.map { .integer($0) })]
  }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    let count = input.elementCount
    let known = Shape.product(target.filter { $0 != -1 })
    let extents = target.map { $0 == -1 ? count / known : $0 }
    guard Shape.product(extents) == count, let shape = Shape(dimensions: extents) else {
      throw .config(
        layer: name, key: "target_shape", expected: "extents of \(count) values, as \(input) has",
        found: JSONValue.array(target.map { .integer($0) }).summary)
    }
    return shape
  }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    let shape = (try? outputShape(for: input.shape)) ?? input.shape
    return plan.reshaped(name, input, as: shape)
  }
}

/// The axes in another order.
public struct Permute: PlannedLayer {
  public static let className = "Permute"
  package static let configKeys: Set = ["dims"]

  public var name: String
  /// For each axis of the output the input's, from 1.
  public var axes: [Int]

  /// `axes`: the input's axis for each of the output's, from 1 as Keras counts. `name`: empty for Keras' default name.
  public init(name: String = "", axes: [Int]) {
    self.name = name
    self.axes = axes
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    let axes = try config.integers("dims", in: 1...3)
    guard axes.sorted() == Array(1...max(axes.count, 1)) else {
      throw config.fail("dims", "the axes 1, 2, ... each once")
    }
    self.init(name: name, axes: axes)
  }

  public var config: [String: JSONValue] { ["dims": .array(axes.map { .integer($0) })] }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    let extents = input.dimensions
    guard extents.count == axes.count, let shape = Shape(dimensions: axes.map { extents[$0 - 1] })
    else {
      throw .config(
        layer: name, key: "dims", expected: "\(extents.count) axes, as \(input) has",
        found: "\(axes.count)")
    }
    return shape
  }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    let shape = (try? outputShape(for: input.shape)) ?? input.shape
    let from = Strides(input.shape.dimensions)
    let to = Strides(shape.dimensions)
    return plan.gather(name, input, shape: shape) { index in
      let place = to.place(index)
      return zip(axes, place).reduce(0) { $0 + from.strides[$1.0 - 1] * $1.1 }
    }
  }
}

/// A vector as every row of a matrix.
public struct RepeatVector: PlannedLayer {
  public static let className = "RepeatVector"
  package static let configKeys: Set = ["n"]

  public var name: String
  /// Rows of the output.
  public var count: Int

  /// `count`: rows of the output. `name`: empty for Keras' default name.
  public init(name: String = "", count: Int) {
    self.name = name
    self.count = count
  }

  package init(name: String, config: LayerConfig) throws(ModelError) {
    self.init(name: name, count: try config.integer("n", in: 1...Shape.extentLimit))
  }

  public var config: [String: JSONValue] { ["n": .integer(count)] }

  public func outputShape(for input: Shape) throws(ModelError) -> Shape {
    guard case .vector(let width) = input else {
      throw .shape(layer: name, expected: "a vector", found: "\(input)")
    }
    return .matrix(rows: count, columns: width)
  }

  package func plan(_ input: Value, in plan: Planner) -> LayerPlan {
    let width = input.shape.elementCount
    return plan.gather(name, input, shape: .matrix(rows: count, columns: width)) { $0 % width }
  }
}

/// Row-major places of some extents.
struct Strides {
  let extents: [Int]
  let strides: [Int]

  init(_ extents: [Int]) {
    self.extents = extents
    strides = extents.indices.map { extents[($0 + 1)...].reduce(1, *) }
  }

  func place(_ index: Int) -> [Int] { zip(strides, extents).map { index / $0 % $1 } }

  /// nil outside.
  func index(_ place: [Int]) -> Int? {
    guard zip(place, extents).allSatisfy({ $0 >= 0 && $0 < $1 }) else { return nil }
    return zip(place, strides).reduce(0) { $0 + $1.0 * $1.1 }
  }
}
