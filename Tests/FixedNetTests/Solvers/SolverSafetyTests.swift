import FixedNetCore
import MallocCounter
import Testing

@testable import FixedNetCompute

@Suite("Full-batch solvers: broken objectives and memory")
struct SolverSafetyTests {
  // MARK: - Values that are not finite

  @Test("steps that leave the domain are shortened", arguments: Method.allCases)
  func domain(method: Method) {
    let run = SolverRun(method, Barrier(), start: [5, 0.01, 100])
    #expect(run.result.stop == .gradientNorm || run.result.stop == .noProgress)
    #expect(run.parameters.allSatisfy { abs($0 - 1) < 1e-4 })
  }

  @Test(
    "a broken objective stops the run where it was", arguments: Method.allCases,
    [Barrier.Part.value, .gradient, .product, .everythingButStart])
  func notFinite(method: Method, part: Barrier.Part) {
    if method == .lbfgs, part == .product { return }
    let start: [Float] = [5, 3, 4]
    let run = SolverRun(method, Barrier(breaks: part), start: start)
    #expect(run.result.stop == .notFinite)
    #expect(run.parameters == start)
    #expect(run.result.progress.total < 100)
    if part == .value || part == .gradient { #expect(run.evaluations == 1) }
  }

  // MARK: - Memory

  @Test(
    "every run and every instruction set gives the same bits", arguments: Method.allCases)
  func determinism(method: Method) {
    let start = (0..<50).map { Float($0 % 7) - 3 }
    let runs = (TestModels.instructionSets + [.best]).map {
      SolverRun(method, Rosenbrock(), start: start, memory: 3, instructionSet: $0)
    }
    for run in runs {
      #expect(run.parameters.map(\.bitPattern) == runs[0].parameters.map(\.bitPattern))
      #expect(run.result == runs[0].result)
      #expect(run.guardsSurvived)
    }
  }

  /// The sums by hand: n = 100 is 112 floats a vector.
  @Test("the workspace is what the formula says")
  func workspace() {
    #expect(LBFGS.workspaceCount(parameters: 100, memory: 5) == 32 + (4 + 10) * 112)
    #expect(TruncatedNewton.workspaceCount(parameters: 100, memory: 5) == 32 + (6 + 16) * 112)
    #expect(LBFGS.workspaceCount(parameters: 8650) == 128 + 64 * 8656)
    #expect(TruncatedNewton.workspaceCount(parameters: 8650) == 128 + 66 * 8656)
  }

  @Test(
    "a run allocates nothing", .enabled(if: malloc_counter_works() == 1),
    arguments: Method.allCases)
  func allocation(method: Method) {
    let n = 100
    let start = (0..<n).map { $0 % 2 == 0 ? -1.2 : 1 as Float }
    let floats = TruncatedNewton.workspaceCount(parameters: n)
    let workspace = UnsafeMutableRawPointer.allocate(
      byteCount: 4 * max(floats, LBFGS.workspaceCount(parameters: n)), alignment: 64)
    defer { workspace.deallocate() }
    let parameters = UnsafeMutablePointer<Float>.allocate(capacity: n)
    defer { parameters.deallocate() }
    let kernels = InstructionSet.best.kernels
    var objective = Recorded(Rosenbrock(), count: n)
    defer { objective.free() }
    var steps = 0
    func run() -> SolverResult {
      for i in 0..<n { parameters[i] = start[i] }
      switch method {
      case .lbfgs:
        var solver = LBFGS(parameters: n, kernels: kernels, workspace: workspace)
        return solver.minimize(&objective, parameters: parameters) { _ in
          steps += 1
          return true
        }
      case .truncatedNewton:
        var solver = TruncatedNewton(parameters: n, kernels: kernels, workspace: workspace)
        return solver.minimize(&objective, parameters: parameters) { _ in
          steps += 1
          return true
        }
      }
    }
    // Once for what the runtime sets up on first use.
    _ = run()
    steps = 0
    let before = malloc_counter_calls()
    let result = run()
    #expect(malloc_counter_calls() == before)
    #expect(steps > 10)
    #expect(result.progress.value < 1e-9)
  }
}
