import CSupport

/// What the full-batch solvers share: the point with its gradient, the search along a direction, and the counting.
struct Descent {
  /// How a search along a direction ended.
  enum SearchEnd {
    /// The trial point is better and its gradient known; the point has not moved yet.
    case found
    /// The evaluations are used up; the point is the lowest one of the search, or where it was.
    case limit(hasMoved: Bool)
    /// The point is where it was.
    case failed(SolverStop)
  }

  /// Vectors that it needs: gradient, direction, trial point, its gradient.
  static var vectorCount: Int { 4 }

  let vectors: SolverVectors
  let limits: SolverLimits
  /// The caller's parameters, x.
  let point: UnsafeMutablePointer<Float>
  let gradient: UnsafeMutablePointer<Float>
  /// p, set by the solver.
  let direction: UnsafeMutablePointer<Float>
  /// x + a p and the gradient there: free to use between searches.
  let trial: UnsafeMutablePointer<Float>
  let trialGradient: UnsafeMutablePointer<Float>

  private(set) var progress = SolverProgress()
  private var trialValue = 0.0
  private var previousValue = Double.infinity

  init(vectors: SolverVectors, limits: SolverLimits, point: UnsafeMutablePointer<Float>) {
    self.vectors = vectors
    self.limits = limits
    self.point = point
    gradient = vectors[0]
    direction = vectors[1]
    trial = vectors[2]
    trialGradient = vectors[3]
  }

  /// What may still be computed.
  var remaining: Int { limits.evaluations - progress.total }

  /// f and its gradient at the point; false where they are not finite. Requires remaining > 0.
  mutating func evaluatePoint(_ objective: inout some FullBatchObjective) -> Bool {
    progress.evaluations += 1
    progress.value = objective.evaluate(point, gradient: gradient)
    progress.gradientNorm = vectors.norm(gradient)
    return progress.value.isFinite && progress.gradientNorm.isFinite
  }

  /// product = H vector at the point, which must have been evaluated last. Requires remaining > 0.
  mutating func hessianProduct(
    _ objective: inout some SecondOrderObjective, _ vector: UnsafePointer<Float>,
    into product: UnsafeMutablePointer<Float>
  ) {
    progress.products += 1
    objective.hessianProduct(vector, into: product)
  }

  /// Looks for a step along the direction that meets the strong Wolfe conditions; where there is none, for the lowest
  /// point met.
  mutating func search(
    _ objective: inout some FullBatchObjective, firstStep: Double
  ) -> SearchEnd {
    let slope = vectors.dot(gradient, direction)
    guard slope.isFinite else { return .failed(.notFinite) }
    guard slope < 0 else { return .failed(.noProgress) }
    var search = WolfeSearch(value: progress.value, slope: slope, firstStep: firstStep)
    var bestNorm = progress.gradientNorm
    var wasFinite = true
    while remaining > 0 {
      let step = search.step
      let norm = evaluateTrial(&objective, step: step)
      wasFinite = wasFinite && norm.isFinite
      let trialSlope = norm.isFinite ? vectors.dot(trialGradient, direction) : .nan
      let outcome = search.report(value: trialValue, slope: trialSlope)
      if search.best.step == step { bestNorm = norm }
      switch outcome {
      case .again: continue
      case .accepted: return .found
      case .exhausted: break
      }
      guard search.best.value < progress.value else {
        return .failed(wasFinite ? .noProgress : .notFinite)
      }
      if search.best.step == step { return .found }
      if remaining > 0 {
        _ = evaluateTrial(&objective, step: search.best.step)
        return .found
      }
    }
    guard search.best.value < progress.value else { return .limit(hasMoved: false) }
    // The bits of the trial point that was evaluated.
    vectors.add(search.best.step, direction, to: point)
    progress.iterations += 1
    progress.value = search.best.value
    progress.gradientNorm = bestNorm
    return .limit(hasMoved: true)
  }

  /// f and its gradient at x + a p; the gradient's norm, which is not finite where any of them is not.
  private mutating func evaluateTrial(
    _ objective: inout some FullBatchObjective, step: Double
  ) -> Double {
    vectors.copy(point, to: trial)
    vectors.add(step, direction, to: trial)
    progress.evaluations += 1
    trialValue = objective.evaluate(trial, gradient: trialGradient)
    return trialValue.isFinite ? vectors.norm(trialGradient) : .nan
  }

  /// The point moves to the trial point that `search` found.
  mutating func moveToTrial() {
    vectors.copy(trial, to: point)
    vectors.copy(trialGradient, to: gradient)
    previousValue = progress.value
    progress.value = trialValue
    progress.gradientNorm = vectors.norm(gradient)
    progress.iterations += 1
  }

  /// Why the solver stops at this point, which it has evaluated; nil goes on.
  func reasonToStop() -> SolverStop? {
    if progress.gradientNorm <= limits.gradientNorm { return .gradientNorm }
    let decrease = previousValue - progress.value
    if decrease <= limits.relativeDecrease * abs(progress.value) { return .noProgress }
    return remaining > 0 ? nil : .evaluationLimit
  }

  func result(_ stop: SolverStop) -> SolverResult { SolverResult(stop: stop, progress: progress) }
}
