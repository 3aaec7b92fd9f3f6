import FixedNet

/// When the runs of `InitializationStudy` leave the plateau of guessing, seen in their loss per batch.
enum InitializationPlateaus {
  /// Batches whose losses are averaged to one point.
  private static func window(_ result: TrainingResult) -> Int {
    max(1, result.batchLosses.count / 75)
  }

  /// The mean loss of each window of batches, at the window's last batch.
  static func smooth(_ result: TrainingResult) -> [(x: Double, y: Double)] {
    let window = window(result)
    return stride(from: window, through: result.batchLosses.count, by: window).map { end in
      let sum = result.batchLosses[end - window..<end].reduce(0.0) { $0 + Double($1) }
      return (x: Double(end), y: sum / Double(window))
    }
  }

  /// A tenth below ln 10, which guessing costs.
  static let threshold = 2.2

  /// The first batch at which the smoothed loss is below the threshold; nil: not in this epoch.
  static func end(_ result: TrainingResult) -> Int? {
    smooth(result).first { $0.y < threshold }.map { Int($0.x) }
  }

  /// Rows that may stay where guessing is for a while; N(0, 0.8) saturates instead, and costs more than guessing.
  static func mayRest(_ row: InitializationStudy.Row) -> Bool {
    row.initializer == .randomNormal(deviation: 0.01)
      || row.activation == .sigmoid && row.initializer != .randomNormal(deviation: 0.8)
  }

  /// `runs`: of the rows that may rest.
  static func table(_ runs: [SeedRuns]) -> ReportTable {
    let seeds = runs[0].results.indices.map { "seed \($0)" }
    return ReportTable(
      "The batch at which the loss falls below \(threshold) (guessing costs 2.303; mean of "
        + "\(window(runs[0].results[0])) batches)",
      columns: ["activation, start"] + seeds,
      rows: runs.map { run in
        [run.label] + run.results.map { end($0).map(String.init) ?? "never" }
      })
  }

  /// `runs`: of the rows that may rest.
  static func findings(_ runs: [SeedRuns]) -> [String] {
    runs.compactMap { run in
      let ends = run.results.map(end)
      let left = ends.compactMap(\.self)
      guard left.count < ends.count || (left.max() ?? 0) > 100 else { return nil }
      let when =
        left.isEmpty
        ? "no run leaves it within the epoch"
        : "\(left.count) of \(ends.count) runs leave it, between batch \(left.min() ?? 0) and "
          + "\(left.max() ?? 0)"
      return "\(run.label) sits on the plateau of guessing: \(when)."
    }
  }

  /// All rows as their mean over the seeds, and every run of the rows that may rest. `legacy`: those with Keras 2's
  /// RMSprop.
  static func figures(
    _ rows: [InitializationStudy.Row], _ runs: [SeedRuns], legacy: [SeedRuns]
  ) -> [Figure] {
    let means = [ActivationFunction.tanh, .sigmoid].map { activation in
      Figure.Panel(
        activation.name, x: Figure.Axis("batch"), y: Figure.Axis("loss"),
        .lines(
          zip(rows, runs).filter { $0.0.activation == activation }
            .map { line($0.start, $1) }))
    }
    return [
      Figure(
        "loss-per-batch", title: "Loss per batch over the epoch",
        caption: "Mean of \(window(runs[0].results[0])) batches and over the seeds; band: standard "
          + "deviation over the seeds.", panels: means),
      seeds(
        "plateaus", title: "When the plateau is left, seed by seed",
        caption: "Loss per batch of the rows that sit on a plateau, a curve per seed: their "
          + "figures over the epoch depend on when a run leaves it.",
        zip(rows, runs).filter { mayRest($0.0) }.map(\.1)),
      seeds(
        "plateaus-keras2", title: "When the plateau is left, with Keras 2's RMSprop",
        caption: "As above; epsilon behind the root makes steps larger where gradients are tiny: "
          + "the plateau is left earlier.", legacy),
    ]
  }

  /// A curve per seed, on the same axis in all panels: on a plateau nothing is to be seen but the plateau.
  private static func seeds(
    _ name: String, title: String, caption: String, _ runs: [SeedRuns]
  ) -> Figure {
    let largest = 1.05 * (runs.flatMap { $0.results.flatMap(smooth) }.map(\.y).max() ?? 1)
    return Figure(
      name, title: title, caption: caption,
      panels: runs.map { run in
        Figure.Panel(
          run.label, x: Figure.Axis("batch"), y: Figure.Axis("loss", range: 0...largest),
          .lines(
            run.results.enumerated().map {
              Figure.Line($0 == 0 ? "seed 0" : "\($0)", smooth($1))
            }))
      })
  }

  private static func line(_ label: String, _ run: SeedRuns) -> Figure.Line {
    let curves = run.results.map(smooth)
    let count = curves.map(\.count).min() ?? 0
    let spreads = (0..<count).map { point in SeedSpread(curves.map { $0[point].y }) }
    return Figure.Line(
      label, (0..<count).map { (x: curves[0][$0].x, y: spreads[$0].mean) },
      spread: curves.count > 1 ? spreads.map(\.deviation) : [])
  }
}
