import FixedNetCore

/// Schedules as a checkpoint remembers them: {"class_name": name, "config": {...}} with the names of the options.
extension Schedule {
  package var json: JSONValue {
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
    case .inverseTime(let initial, let rate, let steps, let isStaircase):
      return object(
        "inverse-time",
        [
          "initial": .number(initial), "rate": .number(rate), "steps": .integer(steps),
          "staircase": .bool(isStaircase),
        ])
    case .polynomial(let initial, let steps, let end, let power, let isCyclic):
      return object(
        "polynomial",
        [
          "initial": .number(initial), "steps": .integer(steps), "end": .number(end),
          "power": .number(power), "cycle": .bool(isCyclic),
        ])
    case .piecewise(let pieces):
      return object(
        Schedule.piecewiseName,
        [
          "boundaries": .array((0..<pieces.boundaryCount).map { .integer(pieces.boundary($0)) }),
          "values": .array((0...pieces.boundaryCount).map { .number(pieces.value($0)) }),
        ])
    case .cosine(let initial, let steps, let alpha):
      return object(
        "cosine",
        ["initial": .number(initial), "steps": .integer(steps), "alpha": .number(alpha)])
    case .warmupCosine(let initial, let target, let warmup, let steps, let alpha):
      return object(
        "warmup-cosine",
        [
          "initial": .number(initial), "target": .number(target), "warmup": .integer(warmup),
          "steps": .integer(steps), "alpha": .number(alpha),
        ])
    case .cosineRestarts(let initial, let firstSteps, let growth, let factor, let alpha):
      return object(
        "cosine-restarts",
        [
          "initial": .number(initial), "steps": .integer(firstSteps), "growth": .number(growth),
          "factor": .number(factor), "alpha": .number(alpha),
        ])
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

  /// Reads `json`. A constant without a rate (older checkpoints) has `learningRate`. nil where it is no schedule, or has
  /// numbers that no schedule has: a file may say anything.
  package init?(json: JSONValue, learningRate: Double) {
    guard case .string(let name)? = json["class_name"],
      let schedule = Schedule(name, Members(json["config"] ?? .object([:])), learningRate)
    else { return nil }
    self = schedule
  }

  /// The members of a configuration, where they are of the right kind.
  private struct Members {
    private let config: JSONValue

    init(_ config: JSONValue) { self.config = config }

    /// 0 ... 1e12
    func number(_ key: String) -> Double? { config[key].flatMap(Members.number) }

    /// 1 ... `stepLimit`; `least` in place of 1.
    func count(_ key: String, from least: Int = 1) -> Int? {
      guard case .integer(let value)? = config[key], (least...Schedule.stepLimit).contains(value)
      else { return nil }
      return value
    }

    func flag(_ key: String) -> Bool { config[key] == true }

    var pieces: Pieces? {
      guard case .array(let boundaries)? = config["boundaries"],
        case .array(let values)? = config["values"]
      else { return nil }
      let steps = boundaries.compactMap { boundary -> Int? in
        guard case .integer(let step) = boundary, (0...Schedule.stepLimit).contains(step) else {
          return nil
        }
        return step
      }
      let numbers = values.compactMap(Members.number)
      guard steps.count == boundaries.count, numbers.count == values.count else { return nil }
      return Pieces(boundaries: steps, values: numbers)
    }

    private static func number(_ value: JSONValue) -> Double? {
      let number: Double? =
        switch value {
        case .number(let value): value
        case .integer(let value): Double(value)
        default: nil
        }
      return number.flatMap { (0...1e12).contains($0) ? $0 : nil }
    }
  }

  private init?(_ name: String, _ members: Members, _ learningRate: Double) {
    let (initial, steps) = (members.number("initial"), members.count("steps"))
    let (rate, alpha) = (members.number("rate"), members.number("alpha"))
    switch name {
    case "constant": self = .constant(members.number("learning_rate") ?? learningRate)
    case "step":
      guard let initial, let factor = members.number("factor"), let every = members.count("every")
      else { return nil }
      self = .step(initial: initial, factor: factor, every: every)
    case "exponential":
      guard let initial, let rate, rate > 0, let steps else { return nil }
      self = .exponential(
        initial: initial, rate: rate, steps: steps, isStaircase: members.flag("staircase"))
    case "inverse-time":
      guard let initial, let rate, let steps else { return nil }
      self = .inverseTime(
        initial: initial, rate: rate, steps: steps, isStaircase: members.flag("staircase"))
    case "polynomial":
      guard let initial, let steps, let end = members.number("end"),
        let power = members.number("power")
      else { return nil }
      self = .polynomial(
        initial: initial, steps: steps, end: end, power: power, isCyclic: members.flag("cycle"))
    case Schedule.piecewiseName:
      guard let pieces = members.pieces else { return nil }
      self = .piecewise(pieces)
    case "cosine":
      guard let initial, let steps, let alpha else { return nil }
      self = .cosine(initial: initial, steps: steps, alpha: alpha)
    case "warmup-cosine":
      guard let initial, let steps, let alpha, let target = members.number("target"),
        let warmup = members.count("warmup", from: 0)
      else { return nil }
      self = .warmupCosine(
        initial: initial, target: target, warmup: warmup, steps: steps, alpha: alpha)
    case "cosine-restarts":
      guard let initial, let steps, let alpha, let growth = members.number("growth"),
        (try? Schedule.checkedGrowth(growth, "")) != nil, let factor = members.number("factor")
      else { return nil }
      self = .cosineRestarts(
        initial: initial, firstSteps: steps, growth: growth, factor: factor, alpha: alpha)
    default:
      guard let cyclic = Schedule(cyclic: name, members) else { return nil }
      self = cyclic
    }
  }

  /// Those that Keras does not have.
  private init?(cyclic name: String, _ members: Members) {
    switch name {
    case "one-cycle":
      guard let max = members.number("max"), let steps = members.count("steps"),
        let warmup = members.number("warmup"), let start = members.number("start"),
        let end = members.number("end"), start > 0, end > 0
      else { return nil }
      self = .oneCycle(
        max: max, steps: steps, warmup: warmup, startDivisor: start, endDivisor: end)
    case "triangular", "triangular2", "exp-range":
      guard let base = members.number("base"), let max = members.number("max"),
        let stepSize = members.count("step_size")
      else { return nil }
      let amplitude: Amplitude =
        switch name {
        case "triangular": .triangular
        case "triangular2": .triangular2
        default: .exponentialRange(gamma: members.number("gamma") ?? 1)
        }
      self = .cyclical(base: base, max: max, stepSize: stepSize, amplitude)
    default: return nil
    }
  }
}

extension Schedule.Pieces {
  /// nil where there are too many, or not one value more than boundaries.
  public init?(boundaries: [Int], values: [Double]) {
    guard let first = values.first, values.count == boundaries.count + 1 else { return nil }
    self.init(first)
    for (boundary, value) in zip(boundaries, values.dropFirst()) {
      guard append(boundary: boundary, value: value) else { return nil }
    }
  }
}
