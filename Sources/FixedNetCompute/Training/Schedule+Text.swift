import FixedNetCore

/// Schedules as options: a name and numbers.
extension Schedule {
  /// What a schedule's name stands for where nothing else is said.
  package struct Defaults: Sendable {
    /// The initial, constant or largest rate.
    package var learningRate: Double
    package var stepsPerEpoch: Int
    package var epochs: Int

    package init(learningRate: Double, stepsPerEpoch: Int, epochs: Int) {
      self.learningRate = learningRate
      self.stepsPerEpoch = stepsPerEpoch
      self.epochs = epochs
    }

    var steps: Int { stepsPerEpoch * epochs }
  }

  /// The names, each with its numbers and what they are by default.
  package static let forms = [
    "constant", "step:factor=0.5,every=<an epoch>",
    "exponential:rate=0.96,steps=<an epoch>,staircase=0",
    "inverse-time:rate=0.5,steps=<an epoch>,staircase=0",
    "polynomial:steps=<all>,end=0.0001,power=1,cycle=0", "piecewise:<step>=<rate behind it>,...",
    "cosine:steps=<all>,alpha=0", "warmup-cosine:warmup=<an epoch>,start=0,steps=<all>,alpha=0",
    "cosine-restarts:steps=<an epoch>,growth=2,factor=1,alpha=0",
    "one-cycle:steps=<all>,warmup=0.3,start=25,end=10000", "triangular:base=0.00001,step-size=2000",
    "triangular2:base=0.00001,step-size=2000", "exp-range:base=0.00001,step-size=2000,gamma=1",
  ]

  package static var names: [String] { forms.map(name) }

  static let piecewiseName = "piecewise"

  private static func name(_ form: String) -> String {
    form.split(separator: ":").first.map(String.init) ?? form
  }

  /// Reads `name:key=value,...`; what is left out is the default; nothing is given twice. Steps are iterations (mini-batches).
  /// Throws: `ModelError.optimizer`.
  package init(text: String, _ defaults: Defaults) throws(ModelError) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts.first ?? "")
    guard let form = Schedule.forms.first(where: { Schedule.name($0) == name }) else {
      throw .optimizer(
        key: "the schedule", expected: "one of " + Schedule.names.joined(separator: ", "),
        found: "'\(OneLine.short(name))'")
    }
    if name == Schedule.piecewiseName {
      self = try Schedule.pieces(parts.count > 1 ? String(parts[1]) : "", defaults.learningRate)
      return
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
    case "inverse-time":
      self = .inverseTime(
        initial: rate, rate: given["rate"] ?? 0.5,
        steps: try count("steps", defaults.stepsPerEpoch),
        isStaircase: given["staircase"] ?? 0 != 0)
    case "polynomial":
      self = .polynomial(
        initial: rate, steps: try count("steps", defaults.steps), end: given["end"] ?? 1e-4,
        power: given["power"] ?? 1, isCyclic: given["cycle"] ?? 0 != 0)
    case "cosine":
      self = .cosine(
        initial: rate, steps: try count("steps", defaults.steps), alpha: given["alpha"] ?? 0)
    case "warmup-cosine":
      self = .warmupCosine(
        initial: given["start"] ?? 0, target: rate,
        warmup: try count("warmup", defaults.stepsPerEpoch),
        steps: try count("steps", defaults.steps), alpha: given["alpha"] ?? 0)
    case "cosine-restarts":
      self = .cosineRestarts(
        initial: rate, firstSteps: try count("steps", defaults.stepsPerEpoch),
        growth: try Schedule.checkedGrowth(given["growth"] ?? 2, "the schedule's growth"),
        factor: given["factor"] ?? 1, alpha: given["alpha"] ?? 0)
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

  /// "<step>=<rate>,...": from `initial` to the rate behind every step.
  private static func pieces(_ text: String, _ initial: Double) throws(ModelError) -> Schedule {
    var (boundaries, values) = ([Int](), [initial])
    for pair in text.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = pair.split(separator: "=", omittingEmptySubsequences: false)
      guard sides.count == 2, let step = Int(sides[0]), let value = Double(sides[1]),
        step <= stepLimit, (0...1e6).contains(value), step > boundaries.last ?? -1
      else {
        throw .optimizer(
          key: "the schedule piecewise",
          expected: "<step>=<rate behind it>,... with growing steps, such as 100=0.01,200=0.001",
          found: "'\(OneLine.short(String(pair)))'")
      }
      boundaries.append(step)
      values.append(value)
    }
    guard let pieces = Pieces(boundaries: boundaries, values: values) else {
      throw .optimizer(
        key: "the schedule piecewise", expected: "at most \(Pieces.limit) steps",
        found: "\(boundaries.count)")
    }
    return .piecewise(pieces)
  }

  /// The largest step that a schedule is for.
  static let stepLimit = 1 << 40

  /// What the restarts' periods grow by: a growth just above 1 could not be told from 1.
  static func checkedGrowth(_ growth: Double, _ key: String) throws(ModelError) -> Double {
    guard growth == 1 || (1.001...1000).contains(growth) else {
      throw .optimizer(key: key, expected: "1, or from 1.001 to 1000", found: "\(growth)")
    }
    return growth
  }
}
