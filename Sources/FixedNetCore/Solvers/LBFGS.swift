import CSupport

/// L-BFGS: x = x + a p with p = -B g, B the inverse Hessian that the last `memory` steps make, and a step a that meets
/// the strong Wolfe conditions (c1 = 1e-4, c2 = 0.9). One evaluation a step as a rule.
///
/// All vectors are in the caller's memory; nothing is allocated, and the same start gives the same bits.
/// Source: Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical
/// Programming 45, 1989.
package struct LBFGS {
  package static var defaultMemory: Int { 30 }

  package let limits: SolverLimits
  private let vectors: SolverVectors
  private var memory: CurvatureMemory

  /// What `init` needs as workspace for n parameters and `memory` pairs. Units: floats.
  ///     padded(4 memory) + (4 + 2 memory) padded(n), padded(k) the next multiple of 16
  package static func workspaceCount(parameters: Int, memory: Int = defaultMemory) -> Int {
    CurvatureMemory.scalarFloatCount(capacity: memory)
      + (Descent.vectorCount + 2 * memory) * SolverVectors.padded(parameters)
  }

  /// `workspace`: `workspaceCount` floats that start on a cache line (`Arena.alignment`) and stay the caller's.
  /// Requires parameters, memory and limits.evaluations >= 1.
  package init(
    parameters: Int, memory: Int = defaultMemory, limits: SolverLimits = SolverLimits(),
    kernels: UnsafePointer<cs_kernels>, workspace: UnsafeMutableRawPointer
  ) {
    precondition(parameters > 0, "LBFGS: no parameters")
    precondition(memory > 0, "LBFGS: memory is not at least 1")
    precondition(limits.evaluations > 0, "LBFGS: the limit allows no evaluation")
    let scalarFloats = CurvatureMemory.scalarFloatCount(capacity: memory)
    vectors = SolverVectors(
      kernels: kernels, count: parameters,
      base: workspace + scalarFloats * MemoryLayout<Float>.stride)
    self.memory = CurvatureMemory(
      matrixCapacity: memory, aside: 0, vectors: vectors, firstVector: Descent.vectorCount,
      scalars: workspace)
    self.limits = limits
  }

  /// Lowers f from `parameters`, which hold the best point afterwards. `onStep` sees every step; where it returns false
  /// the run stops.
  /// Requires objective.count to be the solver's parameters.
  package mutating func minimize(
    _ objective: inout some FullBatchObjective, parameters: UnsafeMutablePointer<Float>,
    onStep: (SolverProgress) -> Bool = { _ in true }
  ) -> SolverResult {
    precondition(objective.count == vectors.count, "LBFGS: the objective has another size")
    var descent = Descent(vectors: vectors, limits: limits, point: parameters)
    memory.removeAll()
    guard descent.evaluatePoint(&objective) else { return descent.result(.notFinite) }
    while true {
      if let stop = descent.reasonToStop() { return descent.result(stop) }
      let direction = descent.direction
      vectors.copy(descent.gradient, to: direction)
      memory.apply(to: direction)
      vectors.scale(direction, by: -1)
      let firstStep = memory.isEmpty ? min(1, 1 / descent.progress.gradientNorm) : 1

      switch descent.search(&objective, firstStep: firstStep) {
      case .found:
        memory.insert(
          from: descent.point, to: descent.trial, startGradient: descent.gradient,
          endGradient: descent.trialGradient)
        descent.moveToTrial()
        if !onStep(descent.progress) { return descent.result(.stopped) }
      case .limit(let hasMoved):
        if hasMoved { _ = onStep(descent.progress) }
        return descent.result(.evaluationLimit)
      case .failed(let stop):
        // Once more along the gradient itself.
        if memory.isEmpty { return descent.result(stop) }
        memory.removeAll()
      }
    }
  }
}
