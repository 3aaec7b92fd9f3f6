import FixedNetCore

@testable import FixedNetCompute

/// An objective of doubles behind the solvers' interface of floats, which counts and records what it is asked.
/// It allocates nothing after `init`, so that what a run allocates is the solver's.
struct Recorded<Formula: TestFormula>: SecondOrderObjective {
  let formula: Formula
  let count: Int
  private(set) var evaluations = 0
  private(set) var products = 0
  /// The point that was evaluated last: its Hessian is the one to multiply with.
  private let point: UnsafeMutableBufferPointer<Double>
  private let vector: UnsafeMutableBufferPointer<Double>
  private let result: UnsafeMutableBufferPointer<Double>

  init(_ formula: Formula, count: Int) {
    self.formula = formula
    self.count = count
    point = .allocate(capacity: count)
    vector = .allocate(capacity: count)
    result = .allocate(capacity: count)
    point.initialize(repeating: .nan)
    vector.initialize(repeating: 0)
    result.initialize(repeating: 0)
  }

  func free() {
    point.deallocate()
    vector.deallocate()
    result.deallocate()
  }

  mutating func evaluate(
    _ parameters: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>
  ) -> Double {
    evaluations += 1
    for i in 0..<count { point[i] = Double(parameters[i]) }
    let value = formula.value(UnsafeBufferPointer(point), gradient: result)
    for i in 0..<count { gradient[i] = Float(result[i]) }
    return value
  }

  mutating func hessianProduct(
    _ vector: UnsafePointer<Float>, into product: UnsafeMutablePointer<Float>
  ) {
    products += 1
    for i in 0..<count { self.vector[i] = Double(vector[i]) }
    formula.product(
      UnsafeBufferPointer(point), UnsafeBufferPointer(self.vector), into: result)
    for i in 0..<count { product[i] = Float(result[i]) }
  }
}

/// f, df/dx and H v in double.
protocol TestFormula {
  func value(
    _ x: UnsafeBufferPointer<Double>, gradient: UnsafeMutableBufferPointer<Double>
  ) -> Double
  func product(
    _ x: UnsafeBufferPointer<Double>, _ v: UnsafeBufferPointer<Double>,
    into product: UnsafeMutableBufferPointer<Double>)
}

enum Method: CaseIterable {
  case lbfgs
  case truncatedNewton
}

/// One run of a solver in a workspace that starts as NaN, between guards that must survive.
struct SolverRun {
  var result: SolverResult
  var parameters: [Float]
  /// The callback's progress and the parameters at that moment.
  var steps: [(progress: SolverProgress, parameters: [Float])] = []
  /// What the objective counted.
  var evaluations: Int
  var products: Int
  var guardsSurvived: Bool

  init(
    _ method: Method, _ formula: some TestFormula, start: [Float], memory: Int = 10,
    limits: SolverLimits = SolverLimits(), residualReduction: Double = 0.5,
    stopAfter: Int = .max, instructionSet: InstructionSet = .best
  ) {
    let n = start.count
    var objective = Recorded(formula, count: n)
    defer { objective.free() }
    let floats =
      method == .lbfgs
      ? LBFGS.workspaceCount(parameters: n, memory: memory)
      : TruncatedNewton.workspaceCount(parameters: n, memory: memory)
    // 16 floats of guard on either side.
    let block = UnsafeMutableRawPointer.allocate(byteCount: 4 * (floats + 32), alignment: 64)
    defer { block.deallocate() }
    let values = block.bindMemory(to: Float.self, capacity: floats + 32)
    values.initialize(repeating: .nan, count: floats + 32)
    for i in 0..<16 {
      values[i] = 123
      values[floats + 16 + i] = 321
    }
    let kernels = instructionSet.kernels
    var parameters = start
    var steps: [(progress: SolverProgress, parameters: [Float])] = []
    result = parameters.withUnsafeMutableBufferPointer { buffer in
      let x = buffer.baseAddress!
      let onStep = { (progress: SolverProgress) -> Bool in
        steps.append((progress, Array(UnsafeBufferPointer(start: x, count: n))))
        return steps.count < stopAfter
      }
      switch method {
      case .lbfgs:
        var solver = LBFGS(
          parameters: n, memory: memory, limits: limits, kernels: kernels, workspace: block + 64)
        return solver.minimize(&objective, parameters: x, onStep: onStep)
      case .truncatedNewton:
        var solver = TruncatedNewton(
          parameters: n, memory: memory, limits: limits, residualReduction: residualReduction,
          kernels: kernels, workspace: block + 64)
        return solver.minimize(&objective, parameters: x, onStep: onStep)
      }
    }
    self.parameters = parameters
    self.steps = steps
    evaluations = objective.evaluations
    products = objective.products
    guardsSurvived = (0..<16).allSatisfy {
      values[$0] == 123 && values[floats + 16 + $0] == 321
    }
  }
}

/// f and its gradient at a point, straight from the formula.
func evaluate(_ formula: some TestFormula, _ x: [Float]) -> (value: Double, gradient: [Double]) {
  var gradient = [Double](repeating: 0, count: x.count)
  let value = x.map(Double.init).withUnsafeBufferPointer { x in
    gradient.withUnsafeMutableBufferPointer { formula.value(x, gradient: $0) }
  }
  return (value, gradient)
}
