import CSupport

/// Truncated Newton: x = x + a p, where p solves H p = -g as far as a few conjugate-gradient steps get, with exact
/// products of the Hessian H, and the step a meets the strong Wolfe conditions (c1 = 1e-4, c2 = 0.9).
///
/// The conjugate gradients are preconditioned by the limited-memory BFGS matrix of the pairs that the steps before left,
/// (step, change of gradient), and of their own (d, H d); they end where the residual's norm has fallen to
/// `residualReduction` |g|, where a direction has no positive curvature (the steps before it are the direction then, or
/// the preconditioned gradient if it was the first), or one evaluation before the limit.
///
/// All vectors are in the caller's memory; nothing is allocated, and the same start gives the same bits.
/// Source: Nocedal and Wright, "Numerical Optimization", 2nd edition, 2006, algorithm 7.1; the preconditioner: Morales
/// and Nocedal, "Automatic preconditioning by limited memory quasi-Newton updating", SIAM J. Optimization 10, 2000.
package struct TruncatedNewton {
  package static var defaultMemory: Int { 20 }

  package let limits: SolverLimits
  /// The relative residual that ends the conjugate gradients.
  package let residualReduction: Double
  /// Products a step, at most.
  package let productLimit: Int
  private let vectors: SolverVectors
  private var memory: CurvatureMemory

  /// Vectors besides the pairs: the descent's, residual, preconditioned residual.
  private static var vectorCount: Int { Descent.vectorCount + 2 }

  /// Pairs of conjugate gradients that are kept of a step.
  private static func asideCount(_ memory: Int) -> Int { (memory + 1) / 2 }

  /// What `init` needs as workspace for n parameters and a preconditioner of `memory` pairs. Units: floats.
  ///     padded(4 pairs) + (6 + 2 pairs) padded(n), pairs = memory + ceil(memory / 2), padded(k) the next multiple of 16
  package static func workspaceCount(parameters: Int, memory: Int = defaultMemory) -> Int {
    let pairs = memory + asideCount(memory)
    return CurvatureMemory.scalarFloatCount(capacity: pairs)
      + (vectorCount + 2 * pairs) * SolverVectors.padded(parameters)
  }

  /// `workspace`: `workspaceCount` floats that start on a cache line (`Arena.alignment`) and stay the caller's.
  /// Requires parameters, memory, productLimit and limits.evaluations >= 1, and 0 <= residualReduction < 1.
  package init(
    parameters: Int, memory: Int = defaultMemory, limits: SolverLimits = SolverLimits(),
    residualReduction: Double = 0.5, productLimit: Int = 50,
    kernels: UnsafePointer<cs_kernels>, workspace: UnsafeMutableRawPointer
  ) {
    precondition(parameters > 0, "TruncatedNewton: no parameters")
    precondition(memory > 0, "TruncatedNewton: memory is not at least 1")
    precondition(limits.evaluations > 0, "TruncatedNewton: the limit allows no evaluation")
    precondition(productLimit > 0, "TruncatedNewton: productLimit is not at least 1")
    precondition(
      residualReduction >= 0 && residualReduction < 1,
      "TruncatedNewton: residualReduction is not in 0 ..< 1")
    let aside = TruncatedNewton.asideCount(memory)
    let scalarFloats = CurvatureMemory.scalarFloatCount(capacity: memory + aside)
    vectors = SolverVectors(
      kernels: kernels, count: parameters,
      base: workspace + scalarFloats * MemoryLayout<Float>.stride)
    self.memory = CurvatureMemory(
      matrixCapacity: memory, aside: aside, vectors: vectors,
      firstVector: TruncatedNewton.vectorCount, scalars: workspace)
    self.limits = limits
    self.residualReduction = residualReduction
    self.productLimit = productLimit
  }

  /// Lowers f from `parameters`, which hold the best point afterwards. `onStep` sees every step; where it returns false
  /// the run stops.
  /// Requires objective.count to be the solver's parameters.
  package mutating func minimize(
    _ objective: inout some SecondOrderObjective, parameters: UnsafeMutablePointer<Float>,
    onStep: (SolverProgress) -> Bool = { _ in true }
  ) -> SolverResult {
    precondition(
      objective.count == vectors.count, "TruncatedNewton: the objective has another size")
    var descent = Descent(vectors: vectors, limits: limits, point: parameters)
    var isSecondAttempt = false
    memory.removeAll()
    guard descent.evaluatePoint(&objective) else { return descent.result(.notFinite) }
    while true {
      if let stop = descent.reasonToStop() { return descent.result(stop) }
      guard let firstStep = direction(&descent, &objective) else {
        return descent.result(.notFinite)
      }
      switch descent.search(&objective, firstStep: firstStep) {
      case .found:
        memory.insert(
          from: descent.point, to: descent.trial, startGradient: descent.gradient,
          endGradient: descent.trialGradient)
        descent.moveToTrial()
        isSecondAttempt = false
        if !onStep(descent.progress) { return descent.result(.stopped) }
      case .limit(let hasMoved):
        if hasMoved { _ = onStep(descent.progress) }
        return descent.result(.evaluationLimit)
      case .failed(let stop):
        // Once more without a preconditioner; products need the point to be the one evaluated last.
        if isSecondAttempt { return descent.result(stop) }
        isSecondAttempt = true
        memory.removeAll()
        guard descent.remaining > 0 else { return descent.result(.evaluationLimit) }
        guard descent.evaluatePoint(&objective) else { return descent.result(.notFinite) }
        guard descent.remaining > 0 else { return descent.result(.evaluationLimit) }
      }
    }
  }

  /// The descent's direction by preconditioned conjugate gradients, and the first step to try along it; nil where a
  /// product is not finite.
  ///     r = -g - H z;  y = B r;  d = y + (r'y / last r'y) d;  z = z + (r'y / d'Hd) d
  private mutating func direction(
    _ descent: inout Descent, _ objective: inout some SecondOrderObjective
  ) -> Double? {
    let z = descent.direction
    // The trial's vectors rest while there is no search.
    let (d, product) = (descent.trial, descent.trialGradient)
    let (r, y) = (vectors[Descent.vectorCount], vectors[Descent.vectorCount + 1])
    let smallest = residualReduction * descent.progress.gradientNorm
    let isPreconditioned = !memory.isEmpty
    defer { memory.join() }

    vectors.copy(descent.gradient, to: r)
    vectors.scale(r, by: -1)
    vectors.copy(r, to: d)
    memory.apply(to: d)
    var ry = vectors.dot(r, d)
    vectors.clear(z)
    // The line search keeps one evaluation; without products the direction is the preconditioned gradient.
    let products = min(productLimit, descent.remaining - 1)
    for index in 0..<max(products, 0) {
      descent.hessianProduct(&objective, d, into: product)
      let curvature = vectors.dot(d, product)
      guard curvature.isFinite else { return nil }
      let smallestCurvature = 1e-8 * vectors.norm(d) * vectors.norm(product)
      if curvature <= smallestCurvature {
        guard index == 0 else { return 1 }
        vectors.copy(d, to: z)
        return isPreconditioned ? 1 : min(1, 1 / vectors.norm(d))
      }
      memory.setAside(step: d, change: product)
      vectors.add(ry / curvature, d, to: z)
      vectors.add(-ry / curvature, product, to: r)
      guard vectors.norm(r) > smallest else { return 1 }
      vectors.copy(r, to: y)
      memory.apply(to: y)
      let next = vectors.dot(r, y)
      vectors.scale(d, by: next / ry)
      vectors.add(1, y, to: d)
      ry = next
    }
    if products <= 0 {
      vectors.copy(d, to: z)
      return isPreconditioned ? 1 : min(1, 1 / vectors.norm(d))
    }
    return 1
  }
}
