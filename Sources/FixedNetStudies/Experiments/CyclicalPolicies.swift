import FixedNet
import FixedNetCore
import Foundation

/// The policies of a cyclical learning rate, and what the formula says of them.
///
/// cycle = floor(1 + t / (2 s)), x = |t / s - 2 cycle + 1|, rate = base + (max - base) max(0, 1 - x) scale
enum CyclicalPolicies {
  /// The reference's defaults.
  private static let (base, peak, stepSize) = (1e-5, 1e-1, 2_000)
  /// Where exp_range differs from the triangular policy.
  private static let gamma = 0.99994
  /// Iterations of fifty epochs of 60,000 images in batches of 64.
  private static let iterationCount = 46_900

  static func exponentialRange(gamma: Double) -> Schedule {
    schedule(.exponentialRange(gamma: gamma))
  }

  private static func schedule(_ amplitude: Schedule.Amplitude) -> Schedule {
    .cyclical(base: base, max: peak, stepSize: stepSize, amplitude)
  }

  /// A policy: the engine's rates, and the scale that the formula has.
  private struct Policy: Sendable {
    var name: String
    var rate: @Sendable (Int) -> Double
    /// Of the cycle, from 1, and the iteration, from 0.
    var scale: @Sendable (Double, Double) -> Double
  }

  private static let policies: [Policy] = {
    let (triangular, halved) = (schedule(.triangular), schedule(.triangular2))
    let range = exponentialRange(gamma: gamma)
    let perCycle = CyclicalRate(base: base, max: peak, stepSize: stepSize, mode: .cycle) {
      1 / Double($0)
    }
    let perIteration = CyclicalRate(base: base, max: peak, stepSize: stepSize, mode: .iteration) {
      1 / (1 + 1e-4 * Double($0))
    }
    return [
      Policy(name: "triangular", rate: { triangular.rate(at: $0) }) { _, _ in 1 },
      Policy(name: "triangular2", rate: { halved.rate(at: $0) }) { cycle, _ in
        Foundation.pow(2, 1 - cycle)
      },
      Policy(name: "exp_range, gamma \(gamma)", rate: { range.rate(at: $0) }) {
        Foundation.pow(gamma, $1)
      },
      Policy(
        name: "a function of the cycle: 1 / cycle", rate: { perCycle.rate(at: $0) }
      ) { cycle, _ in 1 / cycle },
      Policy(
        name: "a function of the iteration: 1 / (1 + t / 10,000)",
        rate: { perIteration.rate(at: $0) }
      ) { 1 / (1 + 1e-4 * $1) },
    ]
  }()

  /// The largest difference between the engine's rates and the formula in double, over fifty epochs.
  private static func difference(_ policy: Policy) -> Double {
    (0..<iterationCount).reduce(0) { largest, step in
      let (t, s) = (Double(step), Double(stepSize))
      let cycle = (1 + t / (2 * s)).rounded(.down)
      let x = (t / s - 2 * cycle + 1).magnitude
      let rate = base + (peak - base) * max(0, 1 - x) * policy.scale(cycle, t)
      return max(largest, (policy.rate(step) - rate).magnitude)
    }
  }

  static func table() -> ReportTable {
    let marks = [0, 1_000, 2_000, 4_000, 6_000, 10_000]
    return ReportTable(
      "Learning rates by policy (base 1e-5, max 1e-1, step size 2,000 iterations)",
      columns: ["policy"] + marks.map { "at \(Format.grouped($0))" } + [
        "largest difference from the formula"
      ],
      rows: policies.map { policy in
        [policy.name] + marks.map { Format.fixed(policy.rate($0), 8) } + [
          text(difference(policy))
        ]
      })
  }

  static func checks() -> [ReportCheck] {
    policies.prefix(3).map { policy in
      let largest = difference(policy)
      return ReportCheck(
        "\(policy.name): rates exact to 1e-8 over \(Format.grouped(iterationCount)) iterations",
        isMet: largest <= 1e-8, found: text(largest))
    }
  }

  private static func text(_ value: Double) -> String {
    value == 0 ? "0" : String(format: "%.1e", value)
  }

  /// The rate per iteration of a run of `steps`, and the three policies.
  static func figure(schedule: Schedule, steps: Int) -> Figure {
    func line(_ label: String, _ count: Int, _ rate: (Int) -> Double) -> Figure.Line {
      Figure.Line(
        label,
        stride(from: 0, through: count, by: max(1, count / 938))
          .map { (x: Double($0) / 1_000, y: rate($0)) })
    }
    let iteration = Figure.Axis("iteration (thousands)")
    let rate = Figure.Axis("learning rate")
    return Figure(
      "rate", title: "Learning rate per iteration",
      caption: "Left: the run's (exp_range, gamma 1); right: the policies that exist, with gamma "
        + "\(gamma) for exp_range.",
      panels: [
        Figure.Panel(
          "this run: exp_range, gamma 1", x: iteration, y: rate,
          .lines([line("", steps, schedule.rate)])),
        Figure.Panel(
          "policies", x: iteration, y: rate,
          .lines(
            policies.prefix(3).map { line($0.name, iterationCount, $0.rate) })),
      ])
  }
}
