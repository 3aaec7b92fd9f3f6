import FixedNet
import Foundation
import KernelCheck
import Synchronization

/// exp, log, tanh and the logistic function on the instruction sets of this processor.
public enum FunctionCheck {
  /// The largest error that each may have against libm in double precision, as the documentation says; the logistic
  /// function is within 2 of the nearest float, so within 2.5 of the exact value. Units: units in the last place.
  static let limits: [(name: String, function: kc_function, ulps: Double)] = [
    ("exp", KC_EXP, 1), ("log", KC_LOG, 1), ("sigmoid", KC_SIGMOID, 2.5), ("tanh", KC_TANH, 5),
  ]
  /// exp's over all floats: it is beyond 1 at a few, by 0.0104 at -5.8778844.
  static let largestOfExp = 1.02

  /// A case per function and instruction set, over every `step`-th float (all with 1), on all cores: on the best set the
  /// errors, on the others that the bits are the same.
  public static func run(step: UInt32) -> Row {
    let best = InstructionSet.best
    let sets = InstructionSet.allCases.filter { $0 <= best }
    let jobs = limits.flatMap { limit in sets.map { (limit: limit, set: $0) } }
    return Row.timed(Row("functions", unit: "ulp")) { row in
      let found = Mutex([Outcome](repeating: .refused, count: jobs.count))
      DispatchQueue.concurrentPerform(iterations: jobs.count) { index in
        let (limit, set) = jobs[index]
        let outcome =
          set == best
          ? errors(
            limit.function,
            step == 1 && limit.function == KC_EXP ? largestOfExp : limit.ulps, step)
          : bits(limit.function, set, step)
        found.withLock { $0[index] = outcome }
      }
      for (job, outcome) in zip(jobs, found.withLock { $0 }) {
        row.add("\(job.limit.name) \(job.set.rawValue)", outcome)
      }
    }
  }

  private static func errors(_ function: kc_function, _ limit: Double, _ step: UInt32) -> Outcome {
    let error = kc_largest_error(InstructionSet.best.kernels, function, 0, 1 << 32, step)
    guard error.ulps > 0, error.ulps <= limit else {
      return .failed(reason: "f(\(error.x)) is \(error.y): \(error.ulps) ulp, allowed is \(limit)")
    }
    return .passed(error: error.ulps)
  }

  private static func bits(
    _ function: kc_function, _ set: InstructionSet, _ step: UInt32
  ) -> Outcome {
    let best = InstructionSet.best
    let count = kc_count_differences(best.kernels, set.kernels, function, 0, 1 << 32, step)
    return count == 0
      ? .passed(error: 0)
      : .failed(reason: "\(count) floats have other bits than on \(best.rawValue)")
  }
}
