import FixedNetCore

/// Schedules in Keras' words: {"class_name": "ExponentialDecay", "config": {...}} in place of an optimiser's rate.
///
/// Source: Keras 3.15 `optimizers/schedules/learning_rate_schedule.py`; the classes of TF-Keras 2 are the same.
extension Schedule {
  /// Keras' classes that are read and written.
  static let kerasClasses = [
    "ExponentialDecay", "PiecewiseConstantDecay", "PolynomialDecay", "InverseTimeDecay",
    "CosineDecay", "CosineDecayRestarts",
  ]

  /// What Keras' `deserialize` takes; nil where Keras has no such schedule, or it is a fixed rate.
  package var kerasJSON: JSONValue? {
    switch self {
    case .constant, .oneCycle, .cyclical: return nil
    case .step(let initial, let factor, let every):
      return Schedule.exponential(
        initial: initial, rate: factor, steps: every, isStaircase: true
      ).kerasJSON
    case .exponential(let initial, let rate, let steps, let isStaircase):
      return Schedule.object(
        "ExponentialDecay", initial,
        [
          "decay_rate": .number(rate), "decay_steps": .integer(steps),
          "staircase": .bool(isStaircase),
        ])
    case .inverseTime(let initial, let rate, let steps, let isStaircase):
      return Schedule.object(
        "InverseTimeDecay", initial,
        [
          "decay_rate": .number(rate), "decay_steps": .integer(steps),
          "staircase": .bool(isStaircase),
        ])
    case .polynomial(let initial, let steps, let end, let power, let isCyclic):
      return Schedule.object(
        "PolynomialDecay", initial,
        [
          "decay_steps": .integer(steps), "end_learning_rate": .number(end),
          "power": .number(power), "cycle": .bool(isCyclic),
        ])
    case .piecewise(let pieces):
      return Schedule.object(
        "PiecewiseConstantDecay", nil,
        [
          "boundaries": .array((0..<pieces.boundaryCount).map { .integer(pieces.boundary($0)) }),
          "values": .array((0...pieces.boundaryCount).map { .number(pieces.value($0)) }),
        ])
    case .cosine(let initial, let steps, let alpha):
      return Schedule.object(
        "CosineDecay", initial, ["decay_steps": .integer(steps), "alpha": .number(alpha)])
    case .warmupCosine(let initial, let target, let warmup, let steps, let alpha):
      return Schedule.object(
        "CosineDecay", initial,
        [
          "decay_steps": .integer(steps), "alpha": .number(alpha),
          "warmup_target": .number(target), "warmup_steps": .integer(warmup),
        ])
    case .cosineRestarts(let initial, let firstSteps, let growth, let factor, let alpha):
      return Schedule.object(
        "CosineDecayRestarts", initial,
        [
          "first_decay_steps": .integer(firstSteps), "t_mul": .number(growth),
          "m_mul": .number(factor), "alpha": .number(alpha),
        ])
    }
  }

  private static func object(
    _ name: String, _ initial: Double?, _ config: [String: JSONValue]
  ) -> JSONValue {
    var config = config
    if let initial { config["initial_learning_rate"] = .number(initial) }
    config["name"] = .string(name)
    return [
      "module": "keras.optimizers.schedules", "class_name": .string(name),
      "config": .object(config), "registered_name": nil,
    ]
  }

  /// What the rate is a multiple of: the first one, or the largest where that is another.
  package var baseRate: Double {
    switch self {
    case .constant(let rate): rate
    case .step(let initial, _, _), .exponential(let initial, _, _, _),
      .inverseTime(let initial, _, _, _), .polynomial(let initial, _, _, _, _),
      .cosine(let initial, _, _), .cosineRestarts(let initial, _, _, _, _):
      initial
    case .warmupCosine(_, let target, _, _, _): target
    case .piecewise(let pieces):
      (0...pieces.boundaryCount).map(pieces.value).max() ?? 0
    case .oneCycle(let max, _, _, _, _), .cyclical(_, let max, _, _): max
    }
  }

  /// Reads what Keras wrote in place of a rate.
  /// Throws: `ModelError.optimizer` for a class, a key or a number that is not supported.
  init(keras json: JSONValue) throws(ModelError) {
    guard case .string(let name)? = json["class_name"], Schedule.kerasClasses.contains(name) else {
      throw .optimizer(
        key: "the learning rate's schedule",
        expected: Schedule.kerasClasses.joined(separator: ", "),
        found: json["class_name"]?.summary ?? json.summary)
    }
    try OptimizerConfiguration.checkIsKeras(json)
    let config = try KerasConfig(json["config"], of: name)
    switch name {
    case "ExponentialDecay", "InverseTimeDecay":
      try config.check(["initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name"])
      let (initial, steps) = (try config.initialRate, try config.count("decay_steps"))
      let isStaircase = try config.flag("staircase")
      guard name == "ExponentialDecay" else {
        self = .inverseTime(
          initial: initial, rate: try config.number("decay_rate", 0...1e12), steps: steps,
          isStaircase: isStaircase)
        return
      }
      self = .exponential(
        initial: initial,
        rate: try config.number("decay_rate", Double.leastNormalMagnitude...1e6),
        steps: steps, isStaircase: isStaircase)
    case "PolynomialDecay":
      try config.check([
        "initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle", "name",
      ])
      self = .polynomial(
        initial: try config.initialRate, steps: try config.count("decay_steps"),
        end: try config.number("end_learning_rate", 0...1e6, 1e-4),
        power: try config.number("power", 0...1e3, 1), isCyclic: try config.flag("cycle"))
    case "PiecewiseConstantDecay":
      try config.check(["boundaries", "values", "name"])
      self = .piecewise(try config.pieces)
    case "CosineDecay": self = try Schedule.cosine(config)
    default:
      try config.check([
        "initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name",
      ])
      self = .cosineRestarts(
        initial: try config.initialRate, firstSteps: try config.count("first_decay_steps"),
        growth: try Schedule.checkedGrowth(
          try config.number("t_mul", 0...1e12, 2), "\(name)'s t_mul"),
        factor: try config.number("m_mul", 0...1e6, 1),
        alpha: try config.number("alpha", 0...1e6, 0))
    }
  }

  private static func cosine(_ config: KerasConfig) throws(ModelError) -> Schedule {
    try config.check([
      "initial_learning_rate", "decay_steps", "alpha", "warmup_target", "warmup_steps", "name",
    ])
    let (initial, steps) = (try config.initialRate, try config.count("decay_steps"))
    let alpha = try config.number("alpha", 0...1e6, 0)
    // Without a target Keras does not look at the steps of the warm-up.
    guard config.isGiven("warmup_target") else {
      return .cosine(initial: initial, steps: steps, alpha: alpha)
    }
    return .warmupCosine(
      initial: initial, target: try config.number("warmup_target", 0...1e6),
      warmup: try config.count("warmup_steps", from: 0, 0), steps: steps, alpha: alpha)
  }
}

extension KerasConfig {
  fileprivate var initialRate: Double {
    get throws(ModelError) { try number("initial_learning_rate", 0...1e6) }
  }

  fileprivate var pieces: Schedule.Pieces {
    get throws(ModelError) {
      let boundaries = try list("boundaries").map { value throws(ModelError) in
        try KerasConfig.count(value, "\(owner)'s boundaries", from: 0)
      }
      let values = try list("values").map { value throws(ModelError) in
        try KerasConfig.number(value, "\(owner)'s values", 0...1e6)
      }
      guard zip(boundaries, boundaries.dropFirst()).allSatisfy({ $0 < $1 }) else {
        throw .optimizer(
          key: "\(owner)'s boundaries", expected: "growing",
          found: JSONValue.array(boundaries.map { .integer($0) }).summary)
      }
      guard let pieces = Schedule.Pieces(boundaries: boundaries, values: values) else {
        throw .optimizer(
          key: "\(owner)'s values",
          expected: "one more than boundaries, of which there may be \(Schedule.Pieces.limit)",
          found: "\(values.count) and \(boundaries.count)")
      }
      return pieces
    }
  }
}
