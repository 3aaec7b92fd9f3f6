import FixedNetCore

/// Optimisers in Keras' words: {"class_name": "Adam", "config": {...}}.
extension OptimizerConfiguration {
  /// Keras' configuration at this rate, with the keys that Keras 2 and 3 both know. A `schedule` that Keras has takes the
  /// place of the rate.
  public static func json(
    _ optimizer: Optimizer, learningRate: Double, schedule: Schedule? = nil, clipping: Clipping
  ) -> JSONValue {
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
    config["learning_rate"] = schedule?.kerasJSON ?? .number(learningRate)
    return ["class_name": .string(name), "config": .object(config)]
  }

  /// The double that prints like the float: 0.9, not 0.8999999761581421.
  static func shortest(_ value: Float) -> Double { Double("\(value)") ?? Double(value) }

  /// An optimiser as Keras describes it.
  public struct Described: Equatable, Sendable {
    public var optimizer: Optimizer
    public var clipping: Clipping
    /// nil where a schedule has it, or where nothing is said: Keras' default then.
    public var learningRate: Double?
    /// What Keras has in place of a rate.
    public var schedule: Schedule?
  }

  /// Reads what Keras 1 to 3 and TF-Keras write of an optimiser: an object, or a name alone ("adam"). Every key is
  /// followed or refused.
  /// Throws: `ModelError.optimizer` for a class, a key or a number that is not supported.
  public static func parse(_ json: JSONValue) throws(ModelError) -> Described {
    let (name, members) = try named(json)
    let config = try KerasConfig(members, of: name)
    let isLegacy = try isLegacy(config, json)
    let optimizer: Optimizer
    switch name {
    case "SGD":
      try config.check(commonKeys.union(["momentum", "nesterov"]))
      let momentum = try config.number("momentum", 0...1, 0)
      let isNesterov = try config.flag("nesterov")
      optimizer = momentum == 0 ? .sgd : .momentum(Float(momentum), isNesterov: isNesterov)
    case "RMSprop":
      try config.check(commonKeys.union(["rho", "momentum", "epsilon", "centered"]))
      optimizer = .rmsprop(
        rho: try config.number("rho", 0...1, 0.9),
        momentum: Float(try config.number("momentum", 0...1, 0)),
        epsilon: Float(try config.number("epsilon", 0...1, 1e-7)),
        isCentered: try config.flag("centered"), isLegacy: isLegacy)
    case "Adam":
      try config.check(commonKeys.union(["beta_1", "beta_2", "epsilon", "amsgrad"]))
      try config.refuse("amsgrad", expected: "false")
      optimizer = .adam(
        beta1: try config.number("beta_1", 0...Double(Float(1).nextDown), 0.9),
        beta2: try config.number("beta_2", 0...Double(Float(1).nextDown), 0.999),
        epsilon: Float(try config.number("epsilon", 0...1, 1e-7)))
    default:
      throw .optimizer(
        key: "the optimiser", expected: "SGD, RMSprop or Adam", found: OneLine.short(name))
    }
    try checkCommon(config)
    let rate = try rate(config)
    return Described(
      optimizer: optimizer, clipping: try clipping(config), learningRate: rate.constant,
      schedule: rate.schedule)
  }

  /// What every optimiser of Keras or of TF-Keras may have.
  private static let commonKeys: Set<String> = [
    "name", "learning_rate", "lr", "decay", "weight_decay", "clipnorm", "clipvalue",
    "global_clipnorm", "use_ema", "ema_momentum", "ema_overwrite_frequency", "loss_scale_factor",
    "gradient_accumulation_steps", "jit_compile", "is_legacy_optimizer",
  ]

  /// The class without TF-Keras' "Custom>", and its configuration.
  private static func named(_ json: JSONValue) throws(ModelError) -> (String, JSONValue) {
    if case .string(let name) = json { return (kerasClass(name) ?? name, [:]) }
    guard case .string(let className)? = json["class_name"], let config = json["config"] else {
      throw .optimizer(
        key: "the optimiser", expected: "a class_name and a config", found: json.summary)
    }
    try checkIsKeras(json)
    let name = className.hasPrefix("Custom>") ? String(className.dropFirst(7)) : className
    return (kerasClass(name) ?? name, config)
  }

  /// Keras takes its own classes in any case.
  private static func kerasClass(_ name: String) -> String? {
    ["SGD", "RMSprop", "Adam"].first { $0.lowercased() == name.lowercased() }
  }

  /// A class of one's own may be called as Keras' is.
  static func checkIsKeras(_ json: JSONValue) throws(ModelError) {
    if case .string(let module)? = json["module"],
      !["keras", "tf_keras", "tensorflow"].contains(where: { module.hasPrefix($0) })
    {
      throw .optimizer(
        key: "the module of \(json["class_name"]?.summary ?? "the optimiser")",
        expected: "Keras' own", found: OneLine.short(module))
    }
    guard case .string(let name)? = json["registered_name"],
      case .string(let className)? = json["class_name"], name != className,
      name != "Custom>\(className)"
    else { return }
    throw .optimizer(
      key: "the registered_name of \(OneLine.short(className))",
      expected: "none: a class of Keras", found: OneLine.short(name))
  }

  /// Whether TF-Keras' old optimisers wrote it: they alone have a `decay`, be it 0.
  private static func isLegacy(_ config: KerasConfig, _ json: JSONValue) throws(ModelError) -> Bool
  {
    let isInModule = json["module"] == "keras.optimizers.legacy"
    let isSaid = try config.flag("is_legacy_optimizer")
    return isInModule || isSaid || config.isGiven("decay") || config.isGiven("lr")
  }

  /// What is not followed must not be asked for. What only changes how fast Keras computes may be: `jit_compile`, and the
  /// scale of the loss, which Keras takes off the gradients again.
  private static func checkCommon(_ config: KerasConfig) throws(ModelError) {
    if try config.number("weight_decay", -1e30...1e30, 0) != 0 {
      try config.refuse("weight_decay", expected: "null")
    }
    try config.refuse("use_ema", expected: "false")
    if try config.number("gradient_accumulation_steps", 0...1e12, 0) != 0 {
      try config.refuse("gradient_accumulation_steps", expected: "null")
    }
    _ = try config.number("loss_scale_factor", Double.leastNormalMagnitude...1e30, 1)
    _ = try config.flag("jit_compile")
  }

  private static func clipping(_ config: KerasConfig) throws(ModelError) -> Clipping {
    var limits: [(key: String, clipping: Clipping)] = []
    for (key, make) in [
      ("clipvalue", Clipping.value), ("clipnorm", Clipping.norm),
      ("global_clipnorm", Clipping.globalNorm),
    ] {
      let limit = Float(try config.number(key, 0...1e30, 0))
      if limit > 0 { limits.append((key, make(limit))) }
    }
    guard limits.count <= 1 else {
      throw .optimizer(
        key: "\(config.owner)'s clipping", expected: "one kind",
        found: limits.map(\.key).joined(separator: " and "))
    }
    return limits.first?.clipping ?? .none
  }

  /// A number, or a schedule; neither where nothing is said. Keras 1 and 2 called it `lr`, and had a `decay` beside it:
  /// rate / (1 + decay t).
  private static func rate(_ config: KerasConfig) throws(ModelError) -> (
    constant: Double?, schedule: Schedule?
  ) {
    guard !config.isGiven("lr") || !config.isGiven("learning_rate") else {
      throw .optimizer(
        key: "\(config.owner)'s learning rate", expected: "given once",
        found: "lr and learning_rate")
    }
    let key = config.isGiven("lr") ? "lr" : "learning_rate"
    let decay = try config.number("decay", 0...1e12, 0)
    guard let value = config[key] else {
      try config.checkNull(key, "a number or a schedule")
      guard decay == 0 else {
        throw .optimizer(
          key: "\(config.owner)'s decay", expected: "beside a learning rate", found: "\(decay)")
      }
      return (nil, nil)
    }
    guard case .object = value else {
      let rate = try config.number(key, 0...1e6)
      guard decay > 0 else { return (rate, nil) }
      return (nil, .inverseTime(initial: rate, rate: decay, steps: 1))
    }
    guard decay == 0 else {
      throw .optimizer(
        key: "\(config.owner)'s decay", expected: "0 beside a schedule", found: "\(decay)")
    }
    return (nil, try Schedule(keras: value))
  }
}

extension KerasConfig {
  /// Throws: `ModelError.optimizer` where `key` is there and neither null, false nor 0.
  fileprivate func refuse(_ key: String, expected: String) throws(ModelError) {
    guard let value = self[key], value != false, value != .integer(0), value != .number(0) else {
      return
    }
    throw .optimizer(key: "\(owner)'s \(key)", expected: expected, found: value.summary)
  }
}
