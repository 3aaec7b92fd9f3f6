import FixedNetCore

/// Optimisers in Keras' words: {"class_name": "Adam", "config": {...}}.
extension OptimizerConfiguration {
  /// Keras' configuration at this rate, with the keys that Keras 2 and 3 both know.
  public static func json(_ optimizer: Optimizer, learningRate: Double, clipping: Clipping)
    -> JSONValue
  {
    func number(_ value: Float) -> JSONValue { .number(shortest(value)) }
    var name = "SGD"
    var config: [String: JSONValue] = [:]
    switch optimizer {
    case .sgd: config = ["momentum": 0.0, "nesterov": false]
    case .momentum(let momentum, let isNesterov):
      config = ["momentum": number(momentum), "nesterov": .bool(isNesterov)]
    case .rmsprop(let rho, let momentum, let epsilon, let isCentered, _):
      name = "RMSprop"
      config = [
        "rho": .number(rho), "momentum": number(momentum), "epsilon": number(epsilon),
        "centered": .bool(isCentered),
      ]
    case .adam(let beta1, let beta2, let epsilon):
      name = "Adam"
      config = [
        "beta_1": .number(beta1), "beta_2": .number(beta2), "epsilon": number(epsilon),
        "amsgrad": false,
      ]
    }
    switch clipping {
    case .none: break
    case .value(let limit): config["clipvalue"] = number(limit)
    case .norm(let limit): config["clipnorm"] = number(limit)
    case .globalNorm(let limit): config["global_clipnorm"] = number(limit)
    }
    config["name"] = .string(name)
    config["learning_rate"] = .number(learningRate)
    return ["class_name": .string(name), "config": .object(config)]
  }

  /// The double that prints like the float: 0.9, not 0.8999999761581421.
  private static func shortest(_ value: Float) -> Double { Double("\(value)") ?? Double(value) }

  /// The optimiser, clipping and rate of a Keras configuration. A rate that is a schedule's is nil.
  /// Throws: `ModelError.optimizer` for what is not supported.
  public static func parse(_ json: JSONValue) throws(ModelError) -> (
    optimizer: Optimizer, clipping: Clipping, learningRate: Double?
  ) {
    guard case .string(let className)? = json["class_name"],
      case .object(let config)? = json["config"]
    else {
      throw .optimizer(
        key: "the optimiser", expected: "a class_name and a config", found: json.summary)
    }
    func number(_ key: String, _ range: ClosedRange<Double>, _ fallback: Double)
      throws(ModelError) -> Double
    {
      let value: Double
      switch config[key] {
      case nil, .null: return fallback
      case .number(let number): value = number
      case .integer(let integer): value = Double(integer)
      case let other?:
        throw .optimizer(key: key, expected: "a number", found: other.summary)
      }
      guard value.isFinite, range.contains(value) else {
        throw .optimizer(
          key: key, expected: "a number from \(range.lowerBound) to \(range.upperBound)",
          found: "\(value)")
      }
      return value
    }
    func flag(_ key: String) throws(ModelError) -> Bool {
      switch config[key] {
      case nil, .null: return false
      case .bool(let value): return value
      case let other?: throw .optimizer(key: key, expected: "true or false", found: other.summary)
      }
    }
    let optimizer: Optimizer
    let name = className.hasPrefix("Custom>") ? String(className.dropFirst(7)) : className
    switch name {
    case "SGD":
      let momentum = try number("momentum", 0...1, 0)
      optimizer =
        momentum == 0
        ? .sgd : .momentum(Float(momentum), isNesterov: try flag("nesterov"))
    case "RMSprop":
      optimizer = .rmsprop(
        rho: try number("rho", 0...1, 0.9),
        momentum: Float(try number("momentum", 0...1, 0)),
        epsilon: Float(try number("epsilon", 0...1, 1e-7)), isCentered: try flag("centered"))
    case "Adam":
      guard try !flag("amsgrad") else {
        throw .optimizer(key: "amsgrad", expected: "false", found: "true")
      }
      optimizer = .adam(
        beta1: try number("beta_1", 0...1, 0.9),
        beta2: try number("beta_2", 0...1, 0.999),
        epsilon: Float(try number("epsilon", 0...1, 1e-7)))
    default:
      throw .optimizer(key: "the optimiser", expected: "SGD, RMSprop or Adam", found: name)
    }
    var clipping = Clipping.none
    for (key, make) in [
      ("clipvalue", Clipping.value), ("clipnorm", Clipping.norm),
      ("global_clipnorm", Clipping.globalNorm),
    ] {
      let limit = try number(key, 0...1e30, 0)
      if limit > 0 { clipping = make(Float(limit)) }
    }
    var rate: Double?
    switch config["learning_rate"] {
    case .number, .integer: rate = try number("learning_rate", 0...1e6, 0)
    default: break
    }
    return (optimizer, clipping, rate)
  }
}

/// The optimisers that the tools know by name, with Keras' defaults.
public enum OptimizerName: String, CaseIterable, Sendable {
  case sgd
  case momentum
  case nesterov
  case rmsprop
  /// Keras 2's: epsilon behind the root.
  case rmspropLegacy = "rmsprop-legacy"
  case adam

  /// Keras' default rate.
  public var defaultLearningRate: Double {
    switch self {
    case .sgd, .momentum, .nesterov: 0.01
    case .rmsprop, .rmspropLegacy, .adam: 0.001
    }
  }

  /// `momentum`: of momentum and nesterov, 0.9 by default.
  public func optimizer(momentum: Float? = nil) -> Optimizer {
    switch self {
    case .sgd: .sgd
    case .momentum: .momentum(momentum ?? 0.9)
    case .nesterov: .momentum(momentum ?? 0.9, isNesterov: true)
    case .rmsprop: .rmsprop(momentum: momentum ?? 0)
    case .rmspropLegacy: .rmsprop(momentum: momentum ?? 0, isLegacy: true)
    case .adam: .adam()
    }
  }
}
