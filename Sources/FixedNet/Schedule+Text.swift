import FixedNetCore

/// Schedules as options and as JSON: a name and numbers.
extension Schedule {
  /// What a schedule's name stands for where nothing else is said.
  public struct Defaults: Sendable {
    /// The initial, constant or largest rate.
    public var learningRate: Double
    public var stepsPerEpoch: Int
    public var epochs: Int

    public init(learningRate: Double, stepsPerEpoch: Int, epochs: Int) {
      self.learningRate = learningRate
      self.stepsPerEpoch = stepsPerEpoch
      self.epochs = epochs
    }

    var steps: Int { stepsPerEpoch * epochs }
  }

  /// The names, each with its numbers and what they are by default.
  public static let forms = [
    "constant", "step:factor=0.5,every=<an epoch>",
    "exponential:rate=0.96,steps=<an epoch>,staircase=0", "cosine:steps=<all>,alpha=0",
    "one-cycle:steps=<all>,warmup=0.3,start=25,end=10000", "triangular:base=0.00001,step-size=2000",
    "triangular2:base=0.00001,step-size=2000", "exp-range:base=0.00001,step-size=2000,gamma=1",
  ]

  public static var names: [String] { forms.map(name) }

  private static func name(_ form: String) -> String {
    form.split(separator: ":").first.map(String.init) ?? form
  }

  /// Reads `name:key=value,...`; what is left out is the default; nothing is given twice. Steps are iterations (mini-batches).
  /// Throws: `ModelError.optimizer`.
  public init(text: String, _ defaults: Defaults) throws(ModelError) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts.first ?? "")
    guard let form = Schedule.forms.first(where: { Schedule.name($0) == name }) else {
      throw .optimizer(
        key: "the schedule", expected: "one of " + Schedule.names.joined(separator: ", "),
        found: "'\(OneLine.short(name))'")
    }
    let allowed = form.split(separator: ":").dropFirst().joined().split(separator: ",")
      .map { String($0.split(separator: "=")[0]) }
    var given: [String: Double] = [:]
    for pair in parts.count > 1 ? parts[1].split(separator: ",") : [] {
      let sides = pair.split(separator: "=", omittingEmptySubsequences: false)
      guard sides.count == 2, allowed.contains(String(sides[0])), let value = Double(sides[1]),
        value.isFinite, value >= 0, value <= 1e12
      else {
        throw .optimizer(
          key: "the schedule \(name)", expected: form, found: "'\(OneLine.short(String(pair)))'")
      }
      guard given.updateValue(value, forKey: String(sides[0])) == nil else {
        throw .optimizer(
          key: "the schedule's \(sides[0])", expected: "given once",
          found: "'\(OneLine.short(text))'")
      }
    }
    let rate = defaults.learningRate
    func count(_ key: String, _ fallback: Int) throws(ModelError) -> Int {
      guard let value = given[key] else { return max(1, fallback) }
      guard let count = Int(exactly: value), count >= 1 else {
        throw .optimizer(
          key: "the schedule's \(key)", expected: "a whole number from 1", found: "\(value)")
      }
      return count
    }
    switch name {
    case "step":
      self = .step(
        initial: rate, factor: given["factor"] ?? 0.5,
        every: try count("every", defaults.stepsPerEpoch))
    case "exponential":
      guard given["rate"] ?? 0.96 > 0 else {
        throw .optimizer(key: "the schedule's rate", expected: "a number above 0", found: "0")
      }
      self = .exponential(
        initial: rate, rate: given["rate"] ?? 0.96,
        steps: try count("steps", defaults.stepsPerEpoch),
        isStaircase: given["staircase"] ?? 0 != 0)
    case "cosine":
      self = .cosine(
        initial: rate, steps: try count("steps", defaults.steps), alpha: given["alpha"] ?? 0)
    case "one-cycle":
      let divisors = [given["start"] ?? 25, given["end"] ?? 1e4]
      guard divisors.allSatisfy({ $0 > 0 }), (0...1).contains(given["warmup"] ?? 0.3) else {
        throw .optimizer(
          key: "the schedule one-cycle", expected: "start and end above 0, warmup 0 to 1",
          found: "'\(OneLine.short(text))'")
      }
      self = .oneCycle(
        max: rate, steps: try count("steps", defaults.steps), warmup: given["warmup"] ?? 0.3,
        startDivisor: divisors[0], endDivisor: divisors[1])
    case "triangular", "triangular2", "exp-range":
      let amplitude: Amplitude =
        switch name {
        case "triangular": .triangular
        case "triangular2": .triangular2
        default: .exponentialRange(gamma: given["gamma"] ?? 1)
        }
      self = .cyclical(
        base: given["base"] ?? 1e-5, max: rate, stepSize: try count("step-size", 2000), amplitude)
    default: self = .constant(rate)
    }
  }

  /// {"class_name": name, "config": {...}}: what a checkpoint remembers.
  public var json: JSONValue {
    func object(_ name: String, _ config: [String: JSONValue]) -> JSONValue {
      ["class_name": .string(name), "config": .object(config)]
    }
    switch self {
    case .constant(let rate): return object("constant", ["learning_rate": .number(rate)])
    case .step(let initial, let factor, let every):
      return object(
        "step", ["initial": .number(initial), "factor": .number(factor), "every": .integer(every)])
    case .exponential(let initial, let rate, let steps, let isStaircase):
      return object(
        "exponential",
        [
          "initial": .number(initial), "rate": .number(rate), "steps": .integer(steps),
          "staircase": .bool(isStaircase),
        ])
    case .cosine(let initial, let steps, let alpha):
      return object(
        "cosine",
        ["initial": .number(initial), "steps": .integer(steps), "alpha": .number(alpha)])
    case .oneCycle(let max, let steps, let warmup, let start, let end):
      return object(
        "one-cycle",
        [
          "max": .number(max), "steps": .integer(steps), "warmup": .number(warmup),
          "start": .number(start), "end": .number(end),
        ])
    case .cyclical(let base, let max, let stepSize, let amplitude):
      var config: [String: JSONValue] = [
        "base": .number(base), "max": .number(max), "step_size": .integer(stepSize),
      ]
      switch amplitude {
      case .triangular: return object("triangular", config)
      case .triangular2: return object("triangular2", config)
      case .exponentialRange(let gamma):
        config["gamma"] = .number(gamma)
        return object("exp-range", config)
      }
    }
  }

  /// Reads `json`. A constant without a rate (older checkpoints) has `learningRate`. nil where it is no schedule.
  public init?(json: JSONValue, learningRate: Double) {
    guard case .string(let name)? = json["class_name"] else { return nil }
    let config = json["config"] ?? .object([:])
    func number(_ key: String) -> Double? {
      switch config[key] {
      case .number(let value)? where value.isFinite: value
      case .integer(let value)?: Double(value)
      default: nil
      }
    }
    func count(_ key: String) -> Int? {
      if case .integer(let value)? = config[key], value >= 1 { value } else { nil }
    }
    switch name {
    case "constant": self = .constant(number("learning_rate") ?? learningRate)
    case "step":
      guard let initial = number("initial"), let factor = number("factor"),
        let every = count("every")
      else { return nil }
      self = .step(initial: initial, factor: factor, every: every)
    case "exponential":
      guard let initial = number("initial"), let rate = number("rate"), rate > 0,
        let steps = count("steps")
      else { return nil }
      self = .exponential(
        initial: initial, rate: rate, steps: steps, isStaircase: config["staircase"] == true)
    case "cosine":
      guard let initial = number("initial"), let steps = count("steps"),
        let alpha = number("alpha")
      else { return nil }
      self = .cosine(initial: initial, steps: steps, alpha: alpha)
    case "one-cycle":
      guard let max = number("max"), let steps = count("steps"), let warmup = number("warmup"),
        let start = number("start"), let end = number("end"), start > 0, end > 0
      else { return nil }
      self = .oneCycle(
        max: max, steps: steps, warmup: warmup, startDivisor: start, endDivisor: end)
    case "triangular", "triangular2", "exp-range":
      guard let base = number("base"), let max = number("max"), let stepSize = count("step_size")
      else { return nil }
      let amplitude: Amplitude =
        switch name {
        case "triangular": .triangular
        case "triangular2": .triangular2
        default: .exponentialRange(gamma: number("gamma") ?? 1)
        }
      self = .cyclical(base: base, max: max, stepSize: stepSize, amplitude)
    default: return nil
    }
  }
}
