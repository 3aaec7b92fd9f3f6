import CSupport

/// The activations that a layer may apply to its output.
public enum ActivationFunction: Hashable, Sendable {
  /// x
  case linear
  /// The hyperbolic tangent.
  case tanh
  /// max(x, 0)
  case relu
  /// 1 / (1 + exp(-x))
  case sigmoid
  /// 1 / (1 + exp(-2 z)). Keras has no name for it: in files it is Rescaling(2) and a sigmoid.
  case scaledSigmoid
  /// exp(z_i) / sum_j exp(z_j) over the features: couples them, so it runs as an operation of its own.
  case softmax
  /// The logarithm of softmax; an operation of its own.
  case logSoftmax
  /// leaky_relu, relu6, and Keras' LeakyReLU and ReLU layers given as an activation; an operation of its own.
  case rectifier(Rectifier)
  /// Functions whose derivative needs their input; an operation of its own.
  case function(ElementFunction)

  /// The kernels' code of an element-wise activation.
  var kernelCode: cs_activation {
    switch self {
    case .linear, .softmax, .logSoftmax, .rectifier, .function: CS_LINEAR
    case .tanh: CS_TANH
    case .relu: CS_RELU
    case .sigmoid: CS_SIGMOID
    case .scaledSigmoid: CS_SCALED_SIGMOID
    }
  }

  /// Whether Dense and Conv2D can apply it in their kernels.
  var isInKernels: Bool {
    switch self {
    case .softmax, .logSoftmax, .rectifier, .function: false
    default: true
    }
  }
}

// MARK: - Keras' form

extension ActivationFunction {
  /// Those that Keras knows by name.
  static let named: [ActivationFunction] =
    [
      .linear, .tanh, .relu, .sigmoid, .softmax, .logSoftmax, .rectifier(.leakyReLU),
      .rectifier(.relu6),
    ]
    + ElementFunction.Kind.allCases.map { ElementFunction($0) }.filter(\.isNamed).map {
      .function($0)
    }

  /// Keras' name, where it has one.
  public var name: String {
    switch self {
    case .linear: "linear"
    case .tanh: "tanh"
    case .relu: "relu"
    case .sigmoid: "sigmoid"
    case .scaledSigmoid: "scaled_sigmoid"
    case .softmax: "softmax"
    case .logSoftmax: "log_softmax"
    case .rectifier(.leakyReLU): "leaky_relu"
    case .rectifier(.relu6): "relu6"
    case .rectifier: "rectifier"
    case .function(let function): function.kind.rawValue
    }
  }

  init?(name: String) {
    if let function = ActivationFunction.named.first(where: { $0.name == name }) {
      self = function
    } else if let function = ElementFunction(name: name) {
      self = .function(function)
    } else {
      return nil
    }
  }

  /// The name, or the layer that stands for it: Keras 2 and Keras 3 load both.
  var json: JSONValue {
    let layer: (className: String, config: [String: JSONValue])
    switch self {
    case .rectifier(let rectifier) where ActivationFunction(name: name) == nil:
      layer = ("ReLU", rectifier.config)
    case .function(let function) where !function.isNamed && function.kind == .elu:
      layer = ("ELU", ["alpha": .number(function.parameter)])
    default: return .string(name)
    }
    return [
      "module": "keras.layers", "class_name": .string(layer.className), "registered_name": .null,
      "config": .object(layer.config.merging(["dtype": "float32"]) { $1 }),
    ]
  }
}

/// y = min(x > threshold ? x : negativeSlope (x - threshold), maxValue).
public struct Rectifier: Hashable, Sendable {
  /// The slope up to the threshold.
  public var negativeSlope: Double
  /// Values above it pass unchanged.
  public var threshold: Double
  /// nil: no limit.
  public var maxValue: Double?

  /// A plain ReLU unless numbers are given. `maxValue`: nil for no upper limit.
  public init(negativeSlope: Double = 0, threshold: Double = 0, maxValue: Double? = nil) {
    self.negativeSlope = negativeSlope
    self.threshold = threshold
    self.maxValue = maxValue
  }

  /// Keras' function leaky_relu; its layer LeakyReLU has 0.3.
  public static let leakyReLU = Rectifier(negativeSlope: 0.2)
  /// min(max(x, 0), 6)
  public static let relu6 = Rectifier(maxValue: 6)

  /// Whether it is max(x, 0).
  var isPlain: Bool { self == Rectifier() }

  /// The config of Keras' layer ReLU.
  var config: [String: JSONValue] {
    [
      "max_value": maxValue.map { .number($0) } ?? .null,
      "negative_slope": .number(negativeSlope), "threshold": .number(threshold),
    ]
  }

  var kernel: cs_rectifier {
    cs_rectifier(
      negativeSlope: Float(negativeSlope), threshold: Float(threshold),
      maxValue: maxValue.map { Float($0) } ?? .infinity)
  }
}
