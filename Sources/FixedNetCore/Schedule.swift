/// The learning rate as a function of the step (iterations since the start of training, from 0).
///
/// Source: Keras 3.15 `optimizers/schedules`; cyclical rates: Smith 2017, arXiv 1506.01186, section 3; one cycle: Smith and
/// Topin 2018, arXiv 1708.07120.
public enum Schedule: BitwiseCopyable, Sendable, Equatable {
  case constant(Double)
  /// initial factor^floor(t / every)
  case step(initial: Double, factor: Double, every: Int)
  /// initial rate^(t / steps); `isStaircase`: with floor(t / steps).
  case exponential(initial: Double, rate: Double, steps: Int, isStaircase: Bool = false)
  /// initial ((1 - alpha) (1 + cos(pi min(t / steps, 1))) / 2 + alpha)
  case cosine(initial: Double, steps: Int, alpha: Double = 0)
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

  /// The rate of step `step`.
  public func rate(at step: Int) -> Double {
    switch self {
    case .constant(let rate): return rate
    case .step(let initial, let factor, let every):
      return initial * Optimizer.power(factor, step / every)
    case .exponential(let initial, let rate, let steps, let isStaircase):
      let (whole, rest) = step.quotientAndRemainder(dividingBy: steps)
      let part = isStaircase || rest == 0 ? 1 : Elementary.power(rate, Double(rest) / Double(steps))
      return initial * Optimizer.power(rate, whole) * part
    case .cosine(let initial, let steps, let alpha):
      let progress = min(Double(step) / Double(steps), 1)
      return initial * ((1 - alpha) * (1 + Elementary.cosine(halfTurns: progress)) / 2 + alpha)
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
  public static func cycle(_ step: Int, _ stepSize: Int) -> Int { 1 + step / (2 * stepSize) }

  /// base + (max - base) max(0, 1 - x) scale
  public static func triangle(
    _ base: Double, _ max: Double, _ stepSize: Int, _ step: Int, scale: Double
  ) -> Double {
    let position = Double(step) / Double(stepSize) - 2 * Double(cycle(step, stepSize)) + 1
    return base + (max - base) * Swift.max(0, 1 - position.magnitude) * scale
  }

  /// Half a cosine from one value to another, progress 0 ... 1.
  private static func half(from start: Double, to end: Double, _ progress: Double) -> Double {
    end + (start - end) / 2 * (1 + Elementary.cosine(halfTurns: progress))
  }
}
