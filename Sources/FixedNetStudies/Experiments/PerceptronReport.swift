import FixedNet
import Foundation

/// The report of the perceptron study.
struct PerceptronReport {
  let results: [(run: PerceptronCase, result: PerceptronResult)]
  let classNames: [String]
  let dataName: String
  let sampleCount: Int
  let evaluations: Int
  let seeds: Int
  let isQuick: Bool

  var report: StudyReport {
    var report = StudyReport(protocolText: protocolText)
    report.tables = [table, runs]
    report.figures = [curves, confusion].compactMap(\.self)
    report.deviations = [
      "The reference's back-propagation leaves out the factor 2 of sigma'(z) = 2 sigma(z) (1 - "
        + "sigma(z)) at every layer, so its gradient is not the gradient of its cost. Ours is exact; "
        + "the reference's stands beside it, and `--reference-gradient` runs it alone.",
      "The reference's data, Coursera's ex3data1.mat, may not be passed on: the figures are for "
        + "`\(dataName)`. A file ex3data1.mat in the data folder is read the same way.",
      "SciPy's TNC makes products with the Hessian from differences of gradients, an evaluation each. "
        + "Ours are exact, and count as an evaluation each too.",
    ]
    report.findings = findings
    report.checks = isQuick ? [] : checks
    report.csv = csv
    report.modelHashes = results.map { ($0.run.name, $0.result.hash) }
    return report
  }

  private var protocolText: String {
    """
    \(sampleCount) digits of 20x20 pixels (`\(dataName)`), all of them for training and for the accuracy. \
    Three layers: 400-20-20-10, 8,650 parameters; two layers: 400-25-10, 10,285. Bias units, and the scaled \
    sigmoid sigma(z) = 1 / (1 + exp(-2 z)) on every layer. All parameters start uniform in [-0.125, 0.125] \
    (seeds \(ReportText.seeds(seeds))). J = -(1/m) sum_i sum_k [y log h + (1 - y) log(1 - h)] + 1/(2m) times \
    the sum of squared non-bias weights. Truncated Newton and L-BFGS on all samples at once, at most \
    \(evaluations) evaluations of J with its gradient, products with the Hessian included.
    """
  }

  // MARK: - Groups

  /// The runs of all seeds that differ in nothing else, in order.
  private var groups: [(run: PerceptronCase, results: [PerceptronResult])] {
    var groups: [(run: PerceptronCase, results: [PerceptronResult])] = []
    for (run, result) in results {
      if let last = groups.last, last.run.label == run.label {
        groups[groups.count - 1].results.append(result)
      } else {
        groups.append((run, [result]))
      }
    }
    return groups
  }

  private func group(_ layers: Int, _ method: FullBatchMethod, isReference: Bool)
    -> [PerceptronResult]
  {
    groups.first {
      $0.run.hidden.count == layers - 1 && $0.run.method == method
        && $0.run.usesReferenceGradient == isReference
    }?.results ?? []
  }

  // MARK: - Tables

  /// What the notebook and SciPy have: J, accuracy.
  private static func known(_ run: PerceptronCase) -> (reference: String, scipy: String) {
    switch (run.hidden.count, run.method, run.usesReferenceGradient) {
    case (2, .truncatedNewton, true):
      ("0.17435, 99.52 %", "0.12 / 0.18 / 0.20, 99.9 / 99.2 / 99.2 %")
    case (2, .truncatedNewton, false): ("", "0.147 / 0.138 / 0.129, 99.7 to 99.8 %")
    case (2, .lbfgs, false): ("", "0.094 / 0.097 / 0.092, 99.96 to 100 %")
    case (1, .truncatedNewton, true): ("99.2 %", "")
    default: ("", "")
    }
  }

  private var table: ReportTable {
    ReportTable(
      "Mean ± standard deviation over \(seeds) start\(seeds == 1 ? "" : "s")",
      columns: [
        "network", "method", "gradient", "J at the start", "J", "accuracy (%)", "evaluations",
        "seconds", "reference: J, accuracy", "SciPy 1.17, double: J, accuracy",
      ],
      rows: groups.map { run, results in
        let known = Self.known(run)
        let total = results.map { Double($0.evaluations + $0.products) }
        return [
          run.network, run.methodName, run.gradient,
          ReportText.spread(results.map(\.before), 4), ReportText.spread(results.map(\.after), 4),
          ReportText.spread(results.map(\.accuracy), 2), ReportText.spread(total, 0),
          ReportText.spread(results.map(\.seconds), 2), known.reference, known.scipy,
        ]
      })
  }

  private var runs: ReportTable {
    ReportTable(
      "Every run",
      columns: [
        "network", "method", "gradient", "seed", "J at the start", "without penalty", "J",
        "accuracy (%)", "iterations", "gradients", "Hessian products", "seconds",
      ],
      rows: results.map { run, result in
        [
          run.network, run.methodName, run.gradient, "\(run.seed)", Format.fixed(result.before, 4),
          Format.fixed(result.before - result.beforePenalty, 4), Format.fixed(result.after, 5),
          Format.fixed(result.accuracy, 2), "\(result.iterations)", "\(result.evaluations)",
          "\(result.products)", Format.fixed(result.seconds, 2),
        ]
      })
  }

  /// Seconds are measured, and so not here.
  private var csv: [[String]] {
    [
      [
        "network", "method", "gradient", "seed", "J_start", "J_start_without_penalty", "J",
        "accuracy_percent", "iterations", "gradients", "hessian_products",
      ]
    ]
      + results.map { run, result in
        [
          run.network, run.method.rawValue,
          run.usesReferenceGradient ? "reference" : "exact", "\(run.seed)", "\(result.before)",
          "\(result.before - result.beforePenalty)", "\(result.after)", "\(result.accuracy)",
          "\(result.iterations)", "\(result.evaluations)", "\(result.products)",
        ]
      }
  }

  // MARK: - Figures

  /// J against evaluations, the first start: one panel per network.
  private var curves: Figure {
    let panels = [2, 1].map { hidden -> Figure.Panel in
      let runs = groups.filter { $0.run.hidden.count == hidden }
      let lines = runs.compactMap { run, results -> Figure.Line? in
        guard let curve = results.first?.curve else { return nil }
        return Figure.Line(
          "\(run.methodName), \(run.gradient) gradient",
          curve.map { (Double($0.evaluations), $0.loss) }, isDashed: run.usesReferenceGradient,
          colour: run.method == .lbfgs ? 1 : 0)
      }
      return Figure.Panel(
        hidden == 2 ? "three layers (400-20-20-10)" : "two layers (400-25-10)",
        x: Figure.Axis("evaluations of J, gradient or Hessian product"),
        y: Figure.Axis("cost J", isLogarithmic: true), .lines(lines))
    }
    return Figure(
      "cost", title: "Cost against evaluations",
      caption: "J after every step of the solvers, seed 0.", panels: panels)
  }

  /// Of the best of the three-layer networks.
  private var confusion: Figure? {
    let candidates = results.filter { $0.run.hidden.count == 2 }
    guard let best = candidates.min(by: { $0.result.after < $1.result.after }) else { return nil }
    let caption =
      "Training samples of the \(best.run.label), seed \(best.run.seed): "
      + "\(Format.fixed(best.result.accuracy, 2)) % on the diagonal."
    return Figure.confusion(
      "confusion", title: "Which digit is taken for which", caption: caption,
      counts: best.result.confusion, classNames: classNames)
  }

  // MARK: - What it says

  private static func mean(_ values: [Double]) -> Double {
    ReportText.meanAndDeviation(values).mean
  }

  private var findings: [String] {
    groups.map { run, results in
      "\(run.label): J \(ReportText.spread(results.map(\.after), 3)), accuracy "
        + "\(ReportText.spread(results.map(\.accuracy), 2)) %."
    }
  }

  private var checks: [ReportCheck] {
    var checks: [ReportCheck] = []
    func check(
      _ what: String, _ results: [PerceptronResult], _ value: (PerceptronResult) -> Double,
      _ digits: Int, _ isMet: (Double) -> Bool
    ) {
      guard !results.isEmpty else { return }
      let values = results.map(value)
      checks.append(
        ReportCheck(
          what, isMet: isMet(Self.mean(values)), found: ReportText.spread(values, digits)))
    }
    let starts = results.filter { $0.run.hidden.count == 2 }.map(\.result)
    check("three layers start at J = 7.08 ± 0.4 (the reference's: 7.0769)", starts, \.before, 4) {
      abs($0 - 7.0769) <= 0.4
    }
    let newton = group(3, .truncatedNewton, isReference: false)
    check("truncated Newton: J at most SciPy's 0.147", newton, \.after, 4) { $0 <= 0.147 }
    check("truncated Newton: accuracy at least the reference's 99.52 %", newton, \.accuracy, 2) {
      $0 >= 99.52
    }
    let lbfgs = group(3, .lbfgs, isReference: false)
    check("L-BFGS: J at most 0.1 (SciPy: 0.092 to 0.097)", lbfgs, \.after, 4) { $0 <= 0.1 }
    check("L-BFGS: accuracy at least 99.9 %", lbfgs, \.accuracy, 2) { $0 >= 99.9 }
    let reference = group(3, .truncatedNewton, isReference: true)
    check(
      "truncated Newton with the reference's gradient: J of 0.11 to 0.20 (SciPy: 0.12 to 0.20)",
      reference, \.after, 4
    ) { (0.11...0.20).contains($0) }
    check("and accuracy at least 99.2 %", reference, \.accuracy, 2) { $0 >= 99.2 }
    let two = group(2, .truncatedNewton, isReference: false)
    check("two layers: accuracy at least the reference's 99.2 %", two, \.accuracy, 2) {
      $0 >= 99.2
    }
    let totals = results.map { Double($0.result.evaluations + $0.result.products) }
    let most = totals.max() ?? 0
    checks.append(
      ReportCheck(
        "no run needs more than \(evaluations) evaluations", isMet: most <= Double(evaluations),
        found: "at most \(Format.fixed(most, 0))"))
    return checks
  }
}
