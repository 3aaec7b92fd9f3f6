/// A line search for a step that meets the strong Wolfe conditions: with phi(a) = f(x + a p),
///     phi(a) <= phi(0) + c1 a phi'(0)   and   |phi'(a)| <= c2 |phi'(0)|
/// It says which step to try next and is told phi and phi' there; it evaluates nothing itself.
///
/// A bracket is found by steps that grow, then narrowed by cubic interpolation that is kept a tenth of the bracket away
/// from its ends; a bracket that shrinks too slowly is halved.
/// Source: Nocedal and Wright, "Numerical Optimization", 2nd edition, 2006, algorithms 3.5 and 3.6.
struct WolfeSearch {
  /// A step a with phi(a) and phi'(a).
  struct Point {
    var step, value, slope: Double
  }

  enum Outcome: UInt8 {
    /// `step` is the next one to try.
    case again
    /// `step` meets both conditions.
    case accepted
    /// No better step can be found; `best` may still be lower than the start.
    case exhausted
  }

  /// c1 and c2.
  static var sufficientDecrease: Double { 1e-4 }
  static var curvature: Double { 0.9 }
  static var maximumTrials: Int { 20 }

  private let start: Point
  /// The lowest point so far that meets the first condition; the start before there is one.
  private(set) var best: Point
  /// The bracket's other end; nil while steps grow. Its value is infinite where f is not finite.
  private var other: Point?
  /// The step to try, a Float.
  private(set) var step: Double
  private var trials = 0
  /// The bracket's widths before the last trial and the one before that.
  private var widths = (Double.infinity, Double.infinity)

  /// Requires slope < 0.
  init(value: Double, slope: Double, firstStep: Double) {
    start = Point(step: 0, value: value, slope: slope)
    best = start
    step = Double(Float(firstStep))
  }

  /// phi and phi' at `step`; both are ignored where the value is not finite.
  mutating func report(value: Double, slope: Double) -> Outcome {
    trials += 1
    let trial = Point(step: step, value: value, slope: slope)
    let isFinite = value.isFinite && slope.isFinite
    let highest = start.value + WolfeSearch.sufficientDecrease * step * start.slope
    if !isFinite {
      other = Point(step: step, value: .infinity, slope: 0)
    } else if value > highest || (best.step > 0 && value >= best.value) {
      other = trial
    } else {
      let previous = best
      best = trial
      if abs(slope) <= -WolfeSearch.curvature * start.slope { return .accepted }
      guard let far = other else {
        if slope < 0 { return trials < WolfeSearch.maximumTrials ? grow(previous) : .exhausted }
        other = previous
        return narrow(previous)
      }
      if slope * (far.step - step) >= 0 { other = previous }
    }
    guard trials < WolfeSearch.maximumTrials, let other else { return .exhausted }
    return narrow(other)
  }

  /// A longer step: the cubic's minimum, between 1.5 and 5 times this one.
  private mutating func grow(_ previous: Point) -> Outcome {
    let minimum = WolfeSearch.minimum(previous, best)
    let wanted = minimum > best.step ? minimum : 4 * best.step
    step = Double(Float(min(max(wanted, 1.5 * best.step), 5 * best.step)))
    return step.isFinite ? .again : .exhausted
  }

  /// A step inside the bracket.
  private mutating func narrow(_ far: Point) -> Outcome {
    let width = far.step - best.step
    // Two trials must shrink the bracket by a third.
    let isSlow = abs(width) > 0.66 * widths.1
    widths = (abs(width), widths.0)
    var fraction = 0.5
    if far.value == .infinity {
      fraction = 0.1
    } else if !isSlow {
      let minimum = (WolfeSearch.minimum(best, far) - best.step) / width
      if minimum.isFinite { fraction = min(max(minimum, 0.1), 0.9) }
    }
    step = Double(Float(best.step + fraction * width))
    return step == best.step || step == Double(Float(far.step)) ? .exhausted : .again
  }

  /// Where the cubic through both points with their slopes has its minimum; NaN where it has none.
  private static func minimum(_ a: Point, _ b: Point) -> Double {
    let d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step)
    let d2 = (d1 * d1 - a.slope * b.slope).squareRoot() * (b.step > a.step ? 1 : -1)
    return b.step - (b.step - a.step) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)
  }
}
