import FixedNet
import FixedNetCore
import Foundation

/// What the dying-ReLU study found.
struct DyingReLUResults {
  let extent: DyingReLUStudy.Extent
  /// ReLU, then leaky: one count per seed.
  var ensembles: [[CollapseCount]] = [[], []]
  /// Seconds of the two ensembles of seed 0: initialising, training, evaluating.
  var ensembleSeconds = 0.0
  var memory: [MemoryPlan] = []
  var hashes: [String] = []
  var bornDead: [BornDead] = []
  /// [width][depth]
  var before: [[CollapseCount]] = []
  var after: [[CollapseCount]] = []
  var start: CollapseCount?
  var longRun: [(epochs: Int, count: CollapseCount)] = []
  var examples: [Example] = []

  init(extent: DyingReLUStudy.Extent) { self.extent = extent }

  /// A network as a curve.
  struct Example {
    var kind: String
    var network: Int
    /// Mean squared error over the test points.
    var error: Double
    var points: [(x: Double, y: Double)]
  }

  /// The first collapsed network, the best of those that are constant on one side of 0 only, and the best of all.
  mutating func addExamples(_ ensemble: LaneEnsemble, _ outcomes: [LaneOutcome]) throws {
    func add(_ kind: String, _ network: Int?) throws(NetworkError) {
      guard let network else { return }
      examples.append(
        Example(
          kind: kind, network: network,
          error: Double(outcomes[network].squaredError) / Double(LaneEnsemble.testCount),
          points: try ensemble.curve(of: network)))
    }
    let alive = outcomes.indices.filter { !outcomes[$0].isConstant }
      .sorted { (outcomes[$0].squaredError, $0) < (outcomes[$1].squaredError, $1) }
    let half = try alive.first { network in
      let curve = try ensemble.curve(of: network)
      let sides = [curve.filter { $0.x < -1 }, curve.filter { $0.x > 1 }]
      return sides.contains { Set($0.map(\.y)).count == 1 }
    }
    try add("collapsed", outcomes.indices.first { outcomes[$0].isConstant })
    try add("half dead", half)
    try add("successful", alive.first { $0 != half })
  }

  /// Mean over the seeds.
  func mean(_ ensemble: Int, _ value: (CollapseCount) -> Double) -> Double {
    ReportText.meanAndDeviation(ensembles[ensemble].map(value)).mean
  }

  /// "95.4 ± 0.6": mean and standard deviation over the seeds.
  func spread(_ ensemble: Int, _ value: (CollapseCount) -> Double) -> String {
    ReportText.spread(ensembles[ensemble].map(value), 1)
  }

  func bornDead(width: Int, depth: Int) -> BornDead? {
    bornDead.first { $0.width == width && $0.depth == depth }
  }

  // MARK: - Figures

  var figures: [Figure] {
    func panel(_ title: String, _ counts: [[CollapseCount]]) -> Figure.Panel {
      let widths = Array(DyingReLUStudy.widths)
      return Figure.Panel(
        title,
        x: Figure.Axis("hidden layers"),
        y: Figure.Axis("units per layer", ticks: widths.map { (Double($0), "\($0)") }),
        .heatMap(
          values: counts.map { $0.map { $0.collapsedPercent.rounded() } }, unit: "collapsed (%)",
          isPrinted: true))
    }
    let epochs = extent.longRun.last ?? 1
    let target = stride(from: -7.0, through: 7, by: 7).map { ($0, abs($0)) }
    return [
      Figure(
        "collapse", title: "Networks whose output is one constant",
        caption: "\(extent.cell) ReLU networks per cell with a ReLU output, Glorot uniform, zero "
          + "biases: constant over the test points as they were drawn, and after one epoch.",
        columns: 1, panels: [panel("before training", before), panel("after one epoch", after)]),
      Figure(
        "examples", title: "What ReLU networks of ten layers of two make of |x|",
        caption: "Outputs after \(epochs) epochs: the first collapsed network, the best one that "
          + "is constant on one side, and the best of all \(extent.networks).",
        columns: 1,
        panels: [
          Figure.Panel(
            "", x: Figure.Axis("x"), y: Figure.Axis("output"),
            .lines(
              examples.map { Figure.Line($0.kind, $0.points) }
                + [Figure.Line("f(x) = |x|", target, isDashed: true, colour: 6)]))
        ]),
    ]
  }

  // MARK: - data.csv

  var csv: [[String]] {
    var rows = [["part", "width", "hidden_layers", "epochs", "seed", "networks", "what", "count"]]
    func add(
      _ part: String, _ width: Int, _ depth: Int, _ epochs: Int, _ seed: Int, _ total: Int,
      _ counts: KeyValuePairs<String, Int>
    ) {
      for (what, count) in counts {
        rows.append(
          [part] + [width, depth, epochs, seed, total].map(String.init) + [what, "\(count)"])
      }
    }
    func add(
      _ part: String, _ width: Int, _ depth: Int, _ epochs: Int, _ seed: Int, _ c: CollapseCount
    ) {
      add(
        part, width, depth, epochs, seed, c.total,
        ["collapsed": c.collapsed, "nearly_constant": c.nearlyConstant, "zero": c.zero])
    }
    for (seed, count) in ensembles[0].enumerated() { add("relu", 2, 10, 1, seed, count) }
    for (seed, count) in ensembles[1].enumerated() { add("leaky", 2, 9, 1, seed, count) }
    for cell in bornDead {
      add(
        "born_dead", cell.width, cell.depth, 0, 0, cell.total,
        ["dead": cell.dead, "half": cell.half])
    }
    for (row, width) in DyingReLUStudy.widths.enumerated() {
      for (column, depth) in DyingReLUStudy.depths.enumerated() {
        let seed = 1000 * width + depth
        add("map", width, depth, 0, seed, before[row][column])
        add("map", width, depth, 1, seed, after[row][column])
      }
    }
    for (epochs, count) in longRun { add("trained_on", 2, 10, epochs, 0, count) }
    return rows
  }
}
