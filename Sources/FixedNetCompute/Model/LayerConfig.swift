/// A layer's config as read from a file, with checked access.
package struct LayerConfig: Sendable {
  package let layer: String
  package let members: [String: JSONValue]

  package init(layer: String, members: [String: JSONValue]) {
    self.layer = layer
    self.members = members.mapValues(\.unwrapped)
  }

  /// The same with another value of `key`.
  func replacing(_ key: String, by value: JSONValue) -> LayerConfig {
    LayerConfig(layer: layer, members: members.merging([key: value]) { $1 })
  }

  func fail(_ key: String, _ expected: String) -> ModelError {
    .config(
      layer: layer, key: key, expected: expected, found: members[key]?.summary ?? "nothing")
  }

  /// A whole number within `range`.
  func integer(_ key: String, in range: ClosedRange<Int>) throws(ModelError) -> Int {
    guard case .integer(let value) = members[key], range.contains(value) else {
      throw fail(key, "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// A list of whole numbers within `range`.
  func integers(_ key: String, in range: ClosedRange<Int>) throws(ModelError) -> [Int] {
    let refusal = fail(
      key, "a list of whole numbers from \(range.lowerBound) to \(range.upperBound)")
    guard case .array(let list)? = members[key] else { throw refusal }
    var result: [Int] = []
    for case .integer(let value) in list where range.contains(value) { result.append(value) }
    guard result.count == list.count else { throw refusal }
    return result
  }

  /// Two whole numbers, or one that stands for both. Missing: `fallback`, or an error without one.
  func pair(_ key: String, in range: ClosedRange<Int>, default fallback: (Int, Int)? = nil)
    throws(ModelError) -> (Int, Int)
  {
    let expected = "two whole numbers from \(range.lowerBound) to \(range.upperBound)"
    switch members[key] {
    case .integer(let value) where range.contains(value): return (value, value)
    case .array(let values):
      guard values.count == 2, case .integer(let first) = values[0],
        case .integer(let second) = values[1], range.contains(first), range.contains(second)
      else { throw fail(key, expected) }
      return (first, second)
    case nil:
      guard let fallback else { throw fail(key, expected) }
      return fallback
    default: throw fail(key, expected)
    }
  }

  func number(_ key: String, in range: ClosedRange<Double>, default fallback: Double)
    throws(ModelError) -> Double
  {
    let value: Double
    switch members[key] {
    case .number(let number): value = number
    case .integer(let integer): value = Double(integer)
    case nil: return fallback
    default: throw fail(key, "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    guard value.isFinite, range.contains(value) else {
      throw fail(key, "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// A number, or null. Missing or null: nil.
  func optionalNumber(_ key: String, in range: ClosedRange<Double>) throws(ModelError) -> Double? {
    switch members[key] {
    case nil, .null: nil
    default: try number(key, in: range, default: 0)
    }
  }

  func bool(_ key: String, default fallback: Bool) throws(ModelError) -> Bool {
    switch members[key] {
    case .bool(let value): return value
    case nil: return fallback
    default: throw fail(key, "true or false")
    }
  }

  func string(_ key: String, in allowed: [String], default fallback: String) throws(ModelError)
    -> String
  {
    switch members[key] {
    case .string(let value) where allowed.contains(value): return value
    case nil: return fallback
    default:
      throw fail(key, "one of " + allowed.joined(separator: ", "))
    }
  }

  /// An activation: a name, null (linear), Keras 3's serialised function of that name, or a layer that is one.
  func activation(_ key: String = "activation") throws(ModelError) -> ActivationFunction {
    let names = ActivationFunction.named.map(\.name).joined(separator: ", ")
    let refusal = fail(key, "one of \(names), or a layer ELU, LeakyReLU, ReLU or Softmax")
    switch members[key] {
    case nil, .null: return .linear
    case .string(let name):
      guard let function = ActivationFunction(name: name) else { throw refusal }
      return function
    case .object(let object):
      guard let function = try LayerConfig.activation(object, of: layer) else { throw refusal }
      return function
    default: throw refusal
    }
  }

  /// nil for an object that is none of them.
  private static func activation(_ object: [String: JSONValue], of layer: String)
    throws(ModelError) -> ActivationFunction?
  {
    func isKeras(_ modules: [String]) -> Bool {
      guard case .string(let module)? = object["module"] else { return true }
      return modules.contains { module == $0 || module.hasPrefix("\($0).") }
    }
    guard case .string(let className)? = object["class_name"] else { return nil }
    if className == "function" {
      guard isKeras(["keras.activations", "builtins"]), case .string(let name)? = object["config"]
      else { return nil }
      return ActivationFunction(name: name)
    }
    guard isKeras(["keras.layers", "keras.src.layers", "tf_keras.src.layers"]),
      case .object(let members)? = object["config"]
    else { return nil }
    let config = LayerConfig(layer: layer, members: members)
    switch className {
    case "LeakyReLU":
      let slope = try LeakyReLU(name: layer, config: config).slope
      return .rectifier(Rectifier(negativeSlope: slope))
    case "ReLU":
      let rectifier = try ReLU(name: layer, config: config).rectifier
      return rectifier.isPlain ? .relu : .rectifier(rectifier)
    case "Softmax":
      _ = try Softmax(name: layer, config: config)
      return .softmax
    case "ELU": return .function(try ELU(name: layer, config: config).function)
    default: return nil
    }
  }

  /// Refuses what is neither null, a name nor an object where Keras has an initialiser, a regulariser or a constraint.
  func checkObjects() throws(ModelError) {
    for (key, value) in members.sorted(by: { $0.key < $1.key })
    where ["_initializer", "_regularizer", "_constraint"].contains(where: key.hasSuffix) {
      switch value {
      case .null, .string: continue
      case .object where value["class_name"] != nil: continue
      default: throw fail(key, "a name, an object with a class_name, or null")
      }
    }
  }

  /// The axis that a layer over the channels names, as Keras counts (the batch is 0); it must be the last one, see
  /// `Shape.checkLast`.
  func channelAxis() throws(ModelError) -> Int {
    try require("axis", oneOf: [-1, 1, 2, 3, [-1], [1], [2], [3]])
    switch members["axis"] {
    case .integer(let axis)?: return axis
    case .array(let axes)?: if case .integer(let axis)? = axes.first { return axis }
    default: break
    }
    return -1
  }

  /// Refuses a value other than those listed: a feature of Keras that would change the result.
  func require(_ key: String, oneOf allowed: [JSONValue]) throws(ModelError) {
    guard let value = members[key] else { return }
    guard allowed.contains(value) else {
      throw fail(key, allowed.map(\.summary).joined(separator: " or "))
    }
  }
}
