import FixedNet
import Foundation

/// The report of what the dying-ReLU study found.
extension DyingReLUResults {
  var report: StudyReport {
    var report = StudyReport(protocolText: protocolText)
    report.tables = [
      collapseTable, longRunTable, bornDeadTable, mapTable("before training", before),
      mapTable("after one epoch", after), memoryTable,
    ]
    report.figures = figures
    report.deviations = deviations
    report.findings = findings
    report.checks = checks
    report.csv = csv
    report.modelHashes = zip(["ReLU", "leaky"], hashes).map { kind, hash in
      (name: "\(extent.networks) \(kind) networks, seed 0", sha256: hash)
    }
    return report
  }

  private var protocolText: String {
    """
    f(x) = |x| on [-7, 7]: \(LaneEnsemble.trainingCount) training and \(LaneEnsemble.testCount) test \
    points, uniform, the same ones for all networks of a seed. \(extent.networks) networks of 10 hidden \
    layers of 2 ReLU units with a ReLU output, and as many of 9 hidden layers of 2 LeakyReLU(0.01) units \
    with a linear output; Glorot-uniform kernels, zero biases; mean squared error, RMSprop (rate 0.001, \
    rho 0.9, epsilon 1e-7), mini-batches of 64, one epoch, the same mini-batches for all networks. A network has \
    collapsed when its predictions over the test points are all the same number, to the bit. Seeds \
    \(ReportText.seeds(extent.seeds)), each with points and networks of its own. The map has \(extent.cell) ReLU \
    networks per cell, with a ReLU output, trained in the same way. Born dead: \(extent.bornDead) fresh \
    ReLU networks per row, whose last hidden layer is 0 for every x (dead) or for one sign of x (half). \
    Sixteen networks share a vector, one per lane, in memory planned before the first of them runs.
    """
  }

  // MARK: - Tables

  private var collapseTable: ReportTable {
    func row(_ name: String, _ index: Int, _ reference: String) -> [String] {
      [
        name, spread(index) { $0.collapsedPercent }, reference,
        spread(index) { 100 * Double($0.zero) / Double($0.total) },
        spread(index) { $0.nearlyConstantPercent },
      ]
    }
    return ReportTable(
      "Collapsed after one epoch: mean ± standard deviation over \(extent.seeds) seeds of \(extent.networks) networks",
      columns: [
        "networks", "collapsed (%)", "reference (%)", "of them to 0 (% of all)",
        "outputs within 0.001 (%)",
      ],
      rows: [
        row("ReLU, 10 hidden layers, ReLU output", 0, "95.4"),
        row("LeakyReLU(0.01), 9 hidden layers, linear output", 1, "9.0"),
      ])
  }

  private var longRunTable: ReportTable {
    let counts = (start.map { [(0, $0)] } ?? []) + longRun.map { ($0.epochs, $0.count) }
    return ReportTable(
      "The ReLU networks of seed 0, trained on",
      columns: ["epochs", "collapsed (%)", "of them to 0 (% of all)"],
      rows: counts.map { epochs, count in
        [
          "\(epochs)", Format.fixed(count.collapsedPercent, 1),
          Format.fixed(100 * Double(count.zero) / Double(count.total), 1),
        ]
      })
  }

  private var bornDeadTable: ReportTable {
    ReportTable(
      "Born dead: \(Format.grouped(extent.bornDead)) fresh networks beside 40,000 of an independent simulation",
      columns: [
        "width", "hidden layers", "dead (%)", "simulation", "half (%)", "simulation",
        "dead + half/2 (%)", "1 - (1 - 2^-width)^depth (%)", "difference / standard error",
      ],
      rows: zip(bornDead, BornDead.reference).map { cell, reference in
        [
          "\(cell.width)", "\(cell.depth)", Format.fixed(cell.deadPercent, 1),
          Format.fixed(reference.dead, 1), Format.fixed(cell.halfPercent, 1),
          reference.half.map { Format.fixed($0, 1) } ?? "-", Format.fixed(cell.sidePercent, 2),
          Format.fixed(cell.exactSidePercent, 2), Format.fixed(standardErrors(cell), 1),
        ]
      })
  }

  private func standardErrors(_ cell: BornDead) -> Double {
    (cell.sidePercent - cell.exactSidePercent) / cell.sideError
  }

  private func mapTable(_ when: String, _ counts: [[CollapseCount]]) -> ReportTable {
    ReportTable(
      "Collapsed \(when) (%), \(extent.cell) networks per cell: units per layer by hidden layers",
      columns: [""] + DyingReLUStudy.depths.map { "\($0)" },
      rows: zip(DyingReLUStudy.widths, counts).map { width, row in
        ["\(width)"] + row.map { Format.fixed($0.collapsedPercent, 0) }
      })
  }

  private var memoryTable: ReportTable {
    ReportTable(
      "Planned memory",
      columns: [
        "networks", "groups of 16", "arena (bytes)", "bytes per group", "bytes per thread",
      ],
      rows: zip(["ReLU", "leaky"], memory).map { name, plan in
        [
          name, "\(plan.layout.blockCount)", Format.grouped(plan.byteCount),
          Format.grouped(plan.layout.blockStride), Format.grouped(plan.layout.threadStride),
        ]
      })
  }

  // MARK: - Sentences

  private var deviations: [String] {
    [
      "The reference trains one network after the other and shuffles the points for each; here all networks of a "
        + "seed see the same mini-batches. Their starts are independent.",
      "The reference states 95.4 and 9.0 % of one run of 1,000 networks (standard errors 0.7 and 0.9 points); here "
        + "stands the mean over \(extent.seeds) seeds.",
    ]
  }

  private var findings: [String] {
    let (relu, leaky) = (mean(0) { $0.collapsedPercent }, mean(1) { $0.collapsedPercent })
    var findings = [
      "\(Format.fixed(relu, 1)) % of the ReLU networks collapse and \(Format.fixed(leaky, 1)) % of the leaky ones, "
        + "as in the reference (95.4 and 9.0 %).",
      "The leak makes constants rarer, not good networks common: the outputs of "
        + "\(Format.fixed(mean(1) { $0.nearlyConstantPercent }, 0)) % of the leaky networks lie within a thousandth of "
        + "each other. Nine slopes of 0.01 in a row leave 1e-18 of the input, and only the strict definition "
        + "counts what float32 still tells apart.",
    ]
    if let start, let end = longRun.last {
      findings.append(
        "The collapse is there before training: \(Format.fixed(start.collapsedPercent, 1)) % of the ReLU networks are "
          + "constant as they are drawn, \(Format.fixed(end.count.collapsedPercent, 1)) % after \(end.epochs) "
          + "epochs. Behind a dead layer every gradient is 0, and behind a ReLU output whose sum is not above 0 that "
          + "of the last bias is 0 too: nothing brings such a network back.")
    }
    if let deep = after.first?.last, let wide = after.last?.last {
      findings.append(
        "At 20 hidden layers \(Format.fixed(deep.collapsedPercent, 0)) % of the networks of one unit per layer and "
          + "\(Format.fixed(wide.collapsedPercent, 0)) % of those of five are constant: depth kills, width saves."
      )
    }
    findings.append(
      "Training and evaluating \(Format.grouped(extent.networks)) ReLU and \(Format.grouped(extent.networks)) leaky "
        + "networks took \(Format.fixed(ensembleSeconds, 3)) s, drawing them included.")
    return findings
  }

  // MARK: - Checks

  private var checks: [ReportCheck] {
    func band(_ what: String, _ index: Int, _ range: ClosedRange<Double>) -> ReportCheck {
      ReportCheck(
        what, isMet: range.contains(mean(index) { $0.collapsedPercent }),
        found: spread(index) { $0.collapsedPercent } + " %")
    }
    var checks = [
      band("93 to 97.5 % of the ReLU networks collapse", 0, 93...97.5),
      band("4 to 20 % of the leaky networks collapse", 1, 4...20),
    ]
    for (width, depth, expected) in [(2, 10, 91.1), (5, 10, 15.2), (3, 10, 63.5)] {
      let found = bornDead(width: width, depth: depth)?.deadPercent ?? .nan
      checks.append(
        ReportCheck(
          "born dead at width \(width), depth \(depth): within 1.5 points of \(expected) %",
          isMet: abs(found - expected) <= 1.5, found: Format.fixed(found, 2) + " %"))
    }
    let largest = bornDead.map { abs(standardErrors($0)) }.max() ?? .infinity
    checks.append(
      ReportCheck(
        "dead + half/2 is 1 - (1 - 2^-width)^depth within 4 standard errors in every row",
        isMet: largest <= 4, found: "at most \(Format.fixed(largest, 1))"))
    checks.append(
      ReportCheck(
        "\(Format.grouped(extent.networks)) ReLU and as many leaky networks in under 2 s",
        isMet: ensembleSeconds < 2, found: Format.fixed(ensembleSeconds, 3) + " s"))
    return checks
  }
}
