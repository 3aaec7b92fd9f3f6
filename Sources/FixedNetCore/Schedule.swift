/// The learning rate as a function of the step (iterations since the start of training, from 0).
///
/// Source: Keras 3.15 `optimizers/schedules`; cyclical rates: Smith 2017, arXiv 1506.01186, section 3; one cycle: Smith and
/// Topin 2018, arXiv 1708.07120.
public enum Schedule: BitwiseCopyable, Sendable, Equatable {
  /// The same at every step.
  case constant(Double)
  /// initial factor^floor(t / every)
  case step(initial: Double, factor: Double, every: Int)
  /// initial rate^(t / steps); `isStaircase`: with floor(t / steps).
  case exponential(initial: Double, rate: Double, steps: Int, isStaircase: Bool = false)
  /// initial / (1 + rate t / steps); `isStaircase`: with floor(t / steps).
  case inverseTime(initial: Double, rate: Double, steps: Int, isStaircase: Bool = false)
  /// (initial - end) (1 - min(t / steps, 1))^power + end; `isCyclic`: with t / (steps max(1, ceil(t / steps))).
  case polynomial(
    initial: Double, steps: Int, end: Double = 1e-4, power: Double = 1, isCyclic: Bool = false)
  /// The value of the piece that t is in.
  case piecewise(Pieces)
  /// initial ((1 - alpha) (1 + cos(pi min(t / steps, 1))) / 2 + alpha)
  case cosine(initial: Double, steps: Int, alpha: Double = 0)
  /// In a straight line from initial to target over the first `warmup` steps, then the cosine from target.
  case warmupCosine(
    initial: Double, target: Double, warmup: Int, steps: Int, alpha: Double = 0)
  /// The cosine again and again: period i has firstSteps growth^i steps and starts from initial factor^i (the factor is
  /// not on alpha's part).
  case cosineRestarts(
    initial: Double, firstSteps: Int, growth: Double = 2, factor: Double = 1, alpha: Double = 0)
  /// Up from max / startDivisor to max over the first `warmup` of all steps, down to max / endDivisor over the rest, both
  /// along half a cosine.
  case oneCycle(
    max: Double, steps: Int, warmup: Double = 0.3, startDivisor: Double = 25,
    endDivisor: Double = 1e4)
  /// base + (max - base) max(0, 1 - x) scale with cycle = floor(1 + t / (2 stepSize)), x = |t / stepSize - 2 cycle + 1|.
  case cyclical(base: Double, max: Double, stepSize: Int, Amplitude)

  /// How the height of the triangles changes.
  public enum Amplitude: BitwiseCopyable, Sendable, Equatable {
    /// scale = 1
    case triangular
    /// scale = 1 / 2^(cycle - 1)
    case triangular2
    /// scale = gamma^t
    case exponentialRange(gamma: Double)
  }

  /// Rates of pieces: `values[i]` up to and with step `boundaries[i]`, the last value behind all boundaries.
  public struct Pieces: BitwiseCopyable, Sendable, Equatable {
    /// The most boundaries that there can be: the engine has no heap.
    public static let limit = 32

    /// One less than there are values.
    public private(set) var boundaryCount: Int
    private var boundaries = [32 of Int](repeating: 0)
    private var values = [33 of Double](repeating: 0)

    /// `first` at every step.
    public init(_ first: Double) {
      boundaryCount = 0
      values[0] = first
    }

    /// Behind step `boundary`, above all before, the rate is `value`. False, and nothing is changed, where it is full.
    public mutating func append(boundary: Int, value: Double) -> Bool {
      guard boundaryCount < Pieces.limit else { return false }
      boundaries[boundaryCount] = boundary
      boundaryCount += 1
      values[boundaryCount] = value
      return true
    }

    /// The last step of piece `index`, from 0 to `boundaryCount` - 1.
    public func boundary(_ index: Int) -> Int { boundaries[index] }

    /// `index`: from 0 to `boundaryCount`.
    public func value(_ index: Int) -> Double { values[index] }

    func rate(at step: Int) -> Double {
      var index = 0
      while index < boundaryCount, step > boundaries[index] { index += 1 }
      return values[index]
    }

    public static func == (left: Pieces, right: Pieces) -> Bool {
      guard left.boundaryCount == right.boundaryCount else { return false }
      for index in 0..<left.boundaryCount
      where left.boundaries[index] != right.boundaries[index] { return false }
      for index in 0...left.boundaryCount where left.values[index] != right.values[index] {
        return false
      }
      return true
    }
  }

  /// The rate of step `step`. Lengths below 1 count as 1.
  public func rate(at step: Int) -> Double {
    switch self {
    case .constant(let rate): return rate
    case .step(let initial, let factor, let every):
      return initial * Optimizer.power(factor, step / max(1, every))
    case .exponential(let initial, let rate, let steps, let isStaircase):
      let steps = max(1, steps)
      let (whole, rest) = step.quotientAndRemainder(dividingBy: steps)
      let part = isStaircase || rest == 0 ? 1 : Elementary.power(rate, Double(rest) / Double(steps))
      return initial * Optimizer.power(rate, whole) * part
    case .inverseTime(let initial, let rate, let steps, let isStaircase):
      let steps = max(1, steps)
      let whole = Double(step / steps)
      return initial / (1 + rate * (isStaircase ? whole : Double(step) / Double(steps)))
    case .polynomial(let initial, let steps, let end, let power, let isCyclic):
      let steps = max(1, steps)
      let cycle = isCyclic ? Double(max(1, (step + steps - 1) / steps)) : 1
      let rest = 1 - min(Double(step) / (Double(steps) * cycle), 1)
      return (initial - end) * Schedule.power(rest, power) + end
    case .piecewise(let pieces): return pieces.rate(at: step)
    case .cosine(let initial, let steps, let alpha):
      return Schedule.cosine(initial, Double(step) / Double(max(1, steps)), alpha)
    case .warmupCosine(let initial, let target, let warmup, let steps, let alpha):
      guard step >= warmup else {
        return (target - initial) * (Double(step) / Double(warmup)) + initial
      }
      return Schedule.cosine(target, Double(step - warmup) / Double(max(1, steps)), alpha)
    case .cosineRestarts(let initial, let firstSteps, let growth, let factor, let alpha):
      let period = Schedule.period(Double(step) / Double(max(1, firstSteps)), growth: growth)
      let height = Optimizer.power(factor, period.index)
      let cosine = (1 + Elementary.cosine(halfTurns: period.progress)) / 2
      return initial * ((1 - alpha) * height * cosine + alpha)
    case .oneCycle(let max, let steps, let warmup, let startDivisor, let endDivisor):
      let peak = warmup * Double(steps)
      let time = Double(min(step, steps))
      if time < peak {
        return Schedule.half(from: max / startDivisor, to: max, time / peak)
      }
      let rest = Double(steps) - peak
      return Schedule.half(from: max, to: max / endDivisor, rest > 0 ? (time - peak) / rest : 1)
    case .cyclical(let base, let max, let stepSize, let amplitude):
      let scale: Double
      switch amplitude {
      case .triangular: scale = 1
      case .triangular2: scale = 1 / Optimizer.power(2, Schedule.cycle(step, stepSize) - 1)
      case .exponentialRange(let gamma): scale = Optimizer.power(gamma, step)
      }
      return Schedule.triangle(base, max, stepSize, step, scale: scale)
    }
  }

  /// The cycle of a step, from 1.
  package static func cycle(_ step: Int, _ stepSize: Int) -> Int {
    1 + step / (2 * max(1, stepSize))
  }

  /// base + (max - base) max(0, 1 - x) scale
  package static func triangle(
    _ base: Double, _ max: Double, _ stepSize: Int, _ step: Int, scale: Double
  ) -> Double {
    let position =
      Double(step) / Double(Swift.max(1, stepSize)) - 2 * Double(cycle(step, stepSize)) + 1
    return base + (max - base) * Swift.max(0, 1 - position.magnitude) * scale
  }

  /// initial ((1 - alpha) (1 + cos(pi min(progress, 1))) / 2 + alpha)
  private static func cosine(_ initial: Double, _ progress: Double, _ alpha: Double) -> Double {
    let cosine = Elementary.cosine(halfTurns: min(progress, 1))
    return initial * ((1 - alpha) * (1 + cosine) / 2 + alpha)
  }

  /// base^exponent for base from 0 to 1, exponent >= 0; 0^0 = 1, and base^1 is base itself.
  private static func power(_ base: Double, _ exponent: Double) -> Double {
    if exponent == 1 { return base }
    return base > 0 ? Elementary.power(base, exponent) : exponent == 0 ? 1 : 0
  }

  /// The period that `time`, in lengths of the first one, is in (from 0), and how much of it is over, 0 ..< 1. Period i
  /// is growth^i long, growth >= 1.
  private static func period(_ time: Double, growth: Double) -> (index: Int, progress: Double) {
    guard growth > 1 else {
      return (Int(time), time - Double(Int(time)))
    }
    func start(_ index: Int) -> Double { (Optimizer.power(growth, index) - 1) / (growth - 1) }
    let turns =
      Elementary.logarithm(1 + time * (growth - 1)) / Elementary.logarithm(growth)
    // The logarithms may miss a boundary by a rounding error.
    var index = Int(turns)
    if start(index) > time { index -= 1 } else if start(index + 1) <= time { index += 1 }
    return (index, (time - start(index)) / Optimizer.power(growth, index))
  }

  /// Half a cosine from one value to another, progress 0 ... 1.
  private static func half(from start: Double, to end: Double, _ progress: Double) -> Double {
    end + (start - end) / 2 * (1 + Elementary.cosine(halfTurns: progress))
  }
}
