import FixedNetCore

/// Optimisers in Keras' words: {"class_name": "Adam", "config": {...}}.
extension OptimizerConfiguration {
  /// Keras' configuration at this rate, with the keys that Keras 2 and 3 both know. A `schedule` that Keras has takes the
  /// place of the rate.
  package static func json(
    _ optimizer: Optimizer, learningRate: Double, schedule: Schedule? = nil, clipping: Clipping
  ) -> JSONValue {
    func number(_ value: Float) -> JSONValue { .number(shortest(value)) }
    let method = optimizer.method
    var config: [String: JSONValue] = [:]
    for number in method.numbers { config[number.rawValue] = .number(optimizer[number]) }
    for flag in method.flags { config[flag.rawValue] = .bool(optimizer[flag]) }
    if method.knowsAMSGrad { config["amsgrad"] = false }
    // Keras 2 refuses a file that has it, be it null.
    if optimizer.weightDecay != 0 { config["weight_decay"] = .number(optimizer.weightDecay) }
    switch clipping {
    case .none: break
    case .value(let limit): config["clipvalue"] = number(limit)
    case .norm(let limit): config["clipnorm"] = number(limit)
    case .globalNorm(let limit): config["global_clipnorm"] = number(limit)
    }
    config["name"] = .string(method.className)
    config["learning_rate"] = schedule?.kerasJSON ?? .number(learningRate)
    return ["class_name": .string(method.className), "config": .object(config)]
  }

  /// The double that prints like the float: 0.9, not 0.8999999761581421.
  static func shortest(_ value: Float) -> Double { Double("\(value)") ?? Double(value) }

  /// An optimiser as Keras describes it.
  package struct Described: Equatable, Sendable {
    package var optimizer: Optimizer
    package var clipping: Clipping
    /// nil where a schedule has it, or where nothing is said: Keras' default then.
    package var learningRate: Double?
    /// What Keras has in place of a rate.
    package var schedule: Schedule?
  }

  /// Reads what Keras 1 to 3 and TF-Keras write of an optimiser: an object, or a name alone ("adam"). Every key is
  /// followed or refused.
  /// Throws: `ModelError.optimizer` for a class, a key or a number that is not supported.
  package static func parse(_ json: JSONValue) throws(ModelError) -> Described {
    let (method, members) = try named(json)
    let config = try KerasConfig(members, of: method.className)
    var keys = method.numbers.map(\.rawValue) + method.flags.map(\.rawValue)
    if method.knowsAMSGrad { keys.append("amsgrad") }
    try config.check(commonKeys.union(keys))
    var optimizer = Optimizer(method)
    let isOwn = method.numbers.contains(.weightDecay)
    if isOwn { try config.checkIsNoNull("weight_decay") }
    for number in isOwn ? method.numbers : method.numbers + [.weightDecay] {
      optimizer[number] = try config.number(number.rawValue, number.range, optimizer[number])
    }
    for flag in method.flags { optimizer[flag] = try config.flag(flag.rawValue) }
    // Without momentum Keras does not look at it.
    if !optimizer.hasMomentum { optimizer.isNesterov = false }
    if method.knowsAMSGrad { try config.refuse("amsgrad", expected: "false") }
    optimizer.isLegacy = try isLegacy(method, config, json)
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

  /// The class, be it TF-Keras' "Custom>...", and its configuration.
  private static func named(_ json: JSONValue) throws(ModelError) -> (Optimizer.Method, JSONValue) {
    if case .string(let name) = json { return (try method(of: name), [:]) }
    guard case .string(let className)? = json["class_name"], let config = json["config"] else {
      throw .optimizer(
        key: "the optimiser", expected: "a class_name and a config", found: json.summary)
    }
    try checkIsKeras(json)
    let name = className.hasPrefix(custom) ? String(className.dropFirst(custom.count)) : className
    return (try method(of: name), config)
  }

  private static let custom = "Custom>"

  private static func method(of name: String) throws(ModelError) -> Optimizer.Method {
    guard let method = Optimizer.Method(className: name) else {
      throw .optimizer(
        key: "the optimiser", expected: Optimizer.Method.classNames(joinedBy: "or"),
        found: OneLine.short(name))
    }
    return method
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

  /// Whether TF-Keras' legacy optimisers wrote it, whose formula is another one that is followed.
  /// Throws: `ModelError.optimizer` where it is one that is not.
  private static func isLegacy(
    _ method: Optimizer.Method, _ config: KerasConfig, _ json: JSONValue
  ) throws(ModelError) -> Bool {
    // They alone have a `decay`, be it 0.
    let isInModule = json["module"] == "keras.optimizers.legacy"
    let isSaid = try config.flag("is_legacy_optimizer")
    let isLegacy = isInModule || isSaid || config.isGiven("decay") || config.isGiven("lr")
    func refusal(_ program: String) -> ModelError {
      .optimizer(
        key: "\(method.className)'s formula", expected: "Keras 3's", found: "that of \(program)")
    }
    switch method.legacy {
    case .same: return false
    case .followed: return isLegacy
    case .refused:
      if isLegacy { throw refusal("Keras 2's legacy optimiser") }
      return false
    case .allRefused:
      // TF-Keras' Nadam multiplies its momenta's product once for every weight, where the paper and Keras 3 do once for
      // all. Its files have one of these keys or "Custom>", or nothing but the name.
      let keys = ["jit_compile", "is_legacy_optimizer"]
      var isTFKeras = isLegacy || keys.contains(where: config.isGiven)
      if case .string(let name)? = json["class_name"] {
        isTFKeras = isTFKeras || name.hasPrefix(custom)
      } else {
        isTFKeras = true
      }
      if isTFKeras { throw refusal("TF-Keras 2") }
      return false
    }
  }

  /// What is not followed must not be asked for. What only changes how fast Keras computes may be: `jit_compile`, and the
  /// scale of the loss, which Keras takes off the gradients again.
  private static func checkCommon(_ config: KerasConfig) throws(ModelError) {
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
