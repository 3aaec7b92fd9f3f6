/// A layer as it is described, before it has memory: its Keras name and config, its shapes, its weights, and how it
/// asks the plan for slots. Adding one: a file here, its operation in FixedNetCore/Layers, a line in `LayerRegistry`.
public protocol Layer: Sendable {
  /// Keras' class name.
  static var className: String { get }
  var name: String { get set }

  /// Entries of Keras' config that the layer follows, or that cannot change what it does here; any other one is refused.
  static var configKeys: Set<String> { get }

  /// Reads Keras' config.
  /// Throws: `ModelError.config`.
  init(name: String, config: LayerConfig) throws(ModelError)

  /// Keras' config besides name, dtype and trainable, in the form that Keras 2 and Keras 3 both load.
  var config: [String: JSONValue] { get }

  /// Of a layer that reads one other.
  /// Throws: `ModelError.shape` if the layer cannot take `input`.
  func outputShape(for input: Shape) throws(ModelError) -> Shape

  /// Of a layer that reads several others: as many as there are `inputs`.
  /// Throws: `ModelError.shape`, `.connection`.
  func outputShape(of inputs: [Shape]) throws(ModelError) -> Shape

  /// The layer's weights in Keras' order.
  func weights(for input: Shape) -> [WeightDescription]

  /// What a file may hold for the layer instead of `weights`, in Keras' order.
  func fileWeights(for input: Shape) -> [WeightDescription]

  /// The layer that a file with these weights describes, and its weights. `tensors`: as `fileWeights` says.
  func adopting(_ tensors: [Tensor]) -> (layer: any Layer, weights: [Tensor])

  /// Why the layer cannot be trained as its file asks; nil where it can.
  var trainingObstacle: String? { get }

  /// What its file adds to the loss and is not computed here; nil where there is nothing.
  var lossObstacle: String? { get }

  /// Multiply-adds of one image's forward pass.
  func multiplyAdds(for input: Shape) -> Int

  /// The activation that the layer's kernels apply to its output; nil for a class that has none.
  var kernelActivation: ActivationFunction? { get set }

  /// What the layer says of its kernel and bias; nil for a class that has none.
  var weightOptions: WeightOptions? { get set }

  /// Whether flattened images must be put into Keras' order first.
  func needsPlainOrder(of inputs: [Value]) -> Bool

  /// Reserves what the layer needs for its forward pass; the result does the same for the backward pass.
  func plan(_ input: Value, in plan: Planner) -> LayerPlan

  /// The same for a layer that reads several others.
  func plan(_ inputs: [Value], in plan: Planner) -> LayerPlan
}

extension Layer {
  public func weights(for input: Shape) -> [WeightDescription] { [] }
  public func fileWeights(for input: Shape) -> [WeightDescription] { weights(for: input) }
  public func adopting(_ tensors: [Tensor]) -> (layer: any Layer, weights: [Tensor]) {
    (self, tensors)
  }
  public var trainingObstacle: String? { nil }
  public var lossObstacle: String? { nil }
  public var kernelActivation: ActivationFunction? {
    get { nil }
    set {}
  }
  public var weightOptions: WeightOptions? {
    get { nil }
    set {}
  }

  public func needsPlainOrder(of inputs: [Value]) -> Bool { false }

  public func outputShape(of inputs: [Shape]) throws(ModelError) -> Shape {
    guard inputs.count == 1 else {
      throw .connection(
        layer: name, expected: "one layer to read", found: "\(inputs.count)")
    }
    return try outputShape(for: inputs[0])
  }

  public func plan(_ inputs: [Value], in plan: Planner) -> LayerPlan {
    self.plan(inputs[0], in: plan)
  }

  public func multiplyAdds(for input: Shape) -> Int { 0 }
}

/// The layer classes that models may name: a fixed table, nothing is ever looked up elsewhere.
public enum LayerRegistry {
  static let all: [any Layer.Type] = [
    Activation.self, ActivityRegularization.self, Add.self, AlphaDropout.self, Average.self,
    AveragePooling1D.self, AveragePooling2D.self, BatchNormalization.self, Concatenate.self,
    Conv1D.self, Conv2D.self, Conv2DTranspose.self, Cropping1D.self, Cropping2D.self, Dense.self,
    DepthwiseConv1D.self, DepthwiseConv2D.self, Dropout.self, ELU.self, Flatten.self,
    GaussianDropout.self, GaussianNoise.self, GlobalAveragePooling1D.self,
    GlobalAveragePooling2D.self, GlobalMaxPooling1D.self, GlobalMaxPooling2D.self,
    LayerNormalization.self, LeakyReLU.self, MaxPooling1D.self, MaxPooling2D.self, Maximum.self,
    Minimum.self, Multiply.self, Normalization.self, PReLU.self, Permute.self,
    RandomBrightness.self, RandomContrast.self, RandomFlip.self, RandomRotation.self,
    RandomTranslation.self, RandomZoom.self, ReLU.self, RepeatVector.self, Rescaling.self,
    Reshape.self, SeparableConv1D.self, SeparableConv2D.self, Softmax.self, SpatialDropout1D.self,
    SpatialDropout2D.self, Subtract.self, ThresholdedReLU.self, UpSampling1D.self,
    UpSampling2D.self, ZeroPadding1D.self, ZeroPadding2D.self,
  ]

  public static var classNames: [String] { all.map { $0.className } }

  static func layerType(_ className: String) -> (any Layer.Type)? {
    all.first { $0.className == className }
  }
}

/// A layer's config as read from a file, with checked access.
public struct LayerConfig: Sendable {
  public let layer: String
  public let members: [String: JSONValue]

  public init(layer: String, members: [String: JSONValue]) {
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
