import FixedNetCore
import Foundation
import Testing

@testable import FixedNetCompute

@Suite("Full-batch solvers")
struct SolverTests {
  private static func largest(_ x: [Float], minus y: [Double]) -> Double {
    zip(x, y).map { abs(Double($0) - $1) }.max() ?? 0
  }

  // MARK: - Known solutions

  @Test("conjugate gradients solve a quadratic in one step of at most n products")
  func quadratic() {
    let formula = Quadratic(eigenvalues: (0..<12).map { 1 + Double($0) })
    let run = SolverRun(
      .truncatedNewton, formula, start: [Float](repeating: -1, count: 12),
      limits: SolverLimits(gradientNorm: 1e-4), residualReduction: 1e-6)
    #expect(run.result.stop == .gradientNorm)
    #expect(run.result.progress.iterations == 1)
    #expect(run.evaluations == 2)
    #expect(run.products <= 12)
    #expect(Self.largest(run.parameters, minus: formula.solution) < 1e-5)
  }

  @Test("three different eigenvalues take three products, whatever n")
  func clusteredQuadratic() {
    let formula = Quadratic(eigenvalues: (0..<30).map { [1, 4, 9][$0 % 3] })
    let run = SolverRun(
      .truncatedNewton, formula, start: [Float](repeating: 3, count: 30),
      limits: SolverLimits(gradientNorm: 1e-3), residualReduction: 1e-5)
    #expect(run.products == 3)
    #expect(run.result.progress.iterations == 1)
    #expect(Self.largest(run.parameters, minus: formula.solution) < 1e-5)
  }

  @Test(
    "Rosenbrock's valley ends at ones", arguments: Method.allCases,
    [(2, 5), (2, 10), (100, 1), (100, 10)])
  func rosenbrock(method: Method, setup: (count: Int, memory: Int)) {
    let start = (0..<setup.count).map { $0 % 2 == 0 ? -1.2 : 1 as Float }
    let run = SolverRun(
      method, Rosenbrock(), start: start, memory: setup.memory,
      limits: SolverLimits(evaluations: 1000))
    #expect(run.result.progress.value < 1e-8)
    #expect(
      Self.largest(run.parameters, minus: [Double](repeating: 1, count: setup.count)) < 1e-4)
    #expect(run.result.stop == .gradientNorm || run.result.stop == .noProgress)
    #expect(run.result.progress.total < 250)
  }

  /// 50 valleys at once, each from another start, until f < 1e-8: SciPy 1.17 in double takes 118 evaluations with
  /// method="L-BFGS-B", maxcor=10 and 357 with "TNC", jac=True, from np.tile([-1.2, 1.0], 50) * np.linspace(0.5, 1.5, 100).
  @Test(
    "about as many evaluations as SciPy takes, or fewer",
    arguments: [(Method.lbfgs, 118), (.truncatedNewton, 357)])
  func efficiency(method: Method, scipy: Int) throws {
    let start = (0..<100).map { (index: Int) -> Float in
      let scale = 0.5 + Float(index) / 99
      return index % 2 == 0 ? -1.2 * scale : scale
    }
    let run = SolverRun(
      method, Rosenbrock(), start: start, limits: SolverLimits(evaluations: 1000))
    let first = try #require(run.steps.first { $0.progress.value < 1e-8 })
    #expect(first.progress.total <= scipy * 5 / 4)
  }

  /// What conjugate gradients of earlier steps found is not looked for again: solves that are cut off at half the
  /// residual take no more products in all than the one long solve of SciPy's cg, 45 from the same start to the same
  /// residual (atol=0.05) in double.
  @Test("truncated solves go on where the last one stopped")
  func preconditioner() {
    let formula = Quadratic(eigenvalues: (0..<40).map { exp2(0.25 * Double($0)) })
    let run = SolverRun(
      .truncatedNewton, formula, start: [Float](repeating: -1, count: 40), memory: 40,
      limits: SolverLimits(gradientNorm: 0.05))
    #expect(run.result.stop == .gradientNorm)
    #expect(run.result.progress.iterations > 5)
    #expect(run.products <= 45)
  }

  /// Every curvature at the start is negative; then only some are.
  @Test(
    "negative curvature leads down", arguments: Method.allCases,
    [[0.01, -0.02, 0.03, -0.01, 0.02], [0.9, 0.001, -1.1, -0.002, 0.5]] as [[Float]])
  func negativeCurvature(method: Method, start: [Float]) {
    let run = SolverRun(method, DoubleWell(), start: start)
    #expect(abs(run.result.progress.value + 5 / 4.0) < 1e-9)
    #expect(Self.largest(run.parameters.map(abs), minus: [1, 1, 1, 1, 1]) < 1e-4)
    #expect(run.result.progress.total < 60)
  }

  @Test("logistic regression ends at SciPy's optimum", arguments: Method.allCases)
  func logisticRegression(method: Method) {
    let run = SolverRun(method, LogisticRegression(), start: [Float](repeating: 0, count: 7))
    #expect(abs(run.result.progress.value - LogisticRegression.optimum) < 1e-9)
    #expect(Self.largest(run.parameters, minus: LogisticRegression.solution) < 1e-4)
    #expect(run.result.progress.total < 60)
  }

  // MARK: - Steps

  @Test("every step meets the strong Wolfe conditions", arguments: Method.allCases)
  func wolfeConditions(method: Method) {
    check(method, Rosenbrock(), start: [-1.2, 1, 2, -2, 0.5, 3])
    check(method, LogisticRegression(), start: [Float](repeating: 2, count: 7))
    check(method, Barrier(), start: [5, 0.01, 100])
    check(method, DoubleWell(), start: [0.01, 0.3, -4])
  }

  /// With s the step from x to x': f' <= f + 1e-4 s'g and |s'g'| <= 0.9 |s'g|, up to what rounding x' to float does.
  private func check(_ method: Method, _ formula: some TestFormula, start: [Float]) {
    let run = SolverRun(method, formula, start: start, limits: SolverLimits(gradientNorm: 1e-3))
    var (x, before) = (start, evaluate(formula, start))
    for step in run.steps {
      let after = evaluate(formula, step.parameters)
      let s = zip(step.parameters, x).map { Double($0) - Double($1) }
      let slope = zip(s, before.gradient).reduce(0) { $0 + $1.0 * $1.1 }
      let newSlope = zip(s, after.gradient).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(slope < 0)
      #expect(after.value <= before.value + 1e-4 * slope + 1e-9 * abs(before.value))
      #expect(abs(newSlope) <= 0.9 * abs(slope) + 1e-5 * abs(slope))
      #expect(step.progress.value == after.value)
      (x, before) = (step.parameters, after)
    }
    #expect(run.steps.count > 2)
    #expect(run.result.stop == .gradientNorm)
  }

  // MARK: - Counting and limits

  @Test("the limit is obeyed to the evaluation, and counts are exact", arguments: Method.allCases)
  func limits(method: Method) {
    let start: [Float] = [-1.2, 1, 2, -2]
    let first = evaluate(Rosenbrock(), start).value
    var lowest = first
    for limit in 1...40 {
      let run = SolverRun(
        method, Rosenbrock(), start: start, limits: SolverLimits(evaluations: limit))
      let progress = run.result.progress
      #expect(progress.evaluations == run.evaluations)
      #expect(progress.products == run.products)
      #expect(progress.total == limit)
      #expect(run.result.stop == .evaluationLimit)
      // What is reported is what is there.
      let end = evaluate(Rosenbrock(), run.parameters)
      #expect(progress.value == end.value)
      let norm = end.gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(abs(progress.gradientNorm - norm) <= 1e-6 * norm)
      #expect(progress.value <= first)
      #expect(progress.iterations == run.steps.count)
      #expect(run.guardsSurvived)
      lowest = min(lowest, progress.value)
    }
    #expect(lowest < 0.1 * first)
  }

  /// f = 0.0005 x x from 1000: steps 1, 5, 25 ... are all too short for the second condition. (A product would solve it.)
  @Test(
    "evaluations that end within a search leave its lowest point",
    arguments: [(Method.lbfgs, 2), (.lbfgs, 3), (.lbfgs, 4), (.truncatedNewton, 2)])
  func limitWithinSearch(method: Method, limit: Int) {
    let formula = Quadratic(eigenvalues: [0.001])
    let start = [Float(1000 + formula.solution[0])]
    let run = SolverRun(method, formula, start: start, limits: SolverLimits(evaluations: limit))
    let end = evaluate(formula, run.parameters)
    let progress = run.result.progress
    #expect(run.result.stop == .evaluationLimit)
    #expect(run.parameters[0] < start[0])
    #expect(progress.value == end.value)
    #expect(abs(progress.gradientNorm - abs(end.gradient[0])) < 1e-6)
    #expect(run.steps.map(\.progress) == [progress])
    #expect(progress.iterations == 1)
  }

  @Test("a start at the minimum takes one evaluation", arguments: Method.allCases)
  func startAtMinimum(method: Method) {
    let run = SolverRun(method, Rosenbrock(), start: [1, 1, 1, 1])
    #expect(run.result.stop == .gradientNorm)
    #expect(run.result.progress.total == 1)
    #expect(run.result.progress.iterations == 0)
    #expect(run.parameters == [1, 1, 1, 1])
  }

  @Test("the callback stops the run, at the point it saw", arguments: Method.allCases)
  func callback(method: Method) {
    let run = SolverRun(method, Rosenbrock(), start: [-1.2, 1], stopAfter: 3)
    #expect(run.result.stop == .stopped)
    #expect(run.steps.map(\.progress.iterations) == [1, 2, 3])
    #expect(run.steps.last?.parameters == run.parameters)
    #expect(run.steps.last?.progress == run.result.progress)
  }

  @Test("a goal that float32 cannot reach ends as no progress", arguments: Method.allCases)
  func noProgress(method: Method) {
    let run = SolverRun(
      method, LogisticRegression(), start: [Float](repeating: 1, count: 7),
      limits: SolverLimits(evaluations: 2000, gradientNorm: 0, relativeDecrease: 0))
    #expect(run.result.stop == .noProgress)
    #expect(abs(run.result.progress.value - LogisticRegression.optimum) < 1e-11)
    #expect(run.result.progress.total < 200)
  }
}
