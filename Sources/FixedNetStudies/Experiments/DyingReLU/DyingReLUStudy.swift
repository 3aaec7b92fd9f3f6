import FixedNet
import FixedNetCore
import FixedNetFiles
import Foundation

/// Sections 3.3 and 3.4: how many deep, narrow networks collapse to a constant.
struct DyingReLUStudy: Study {
  static let name = "dying-relu"
  static let title = "Dying ReLU: how many deep, narrow networks collapse to a constant"

  static let relu = LaneShape(width: 2, depth: 10, outputIsRectified: true)
  static let leaky = LaneShape(width: 2, depth: 9, negativeSlope: 0.01)
  static let widths = 1...5
  static let depths = 1...20
  /// Epochs of the networks that are trained on, and when they are looked at.
  static let longRun = [1, 3, 10, 30, 100]

  /// How much of everything.
  struct Extent {
    var seeds: Int
    var networks = LaneEnsemble.networkCount
    var cell = 496
    var bornDead = 40_000
    var longRun = DyingReLUStudy.longRun

    init(_ options: StudyOptions) {
      seeds = options.seeds ?? (options.isQuick ? 1 : 5)
      guard options.isQuick else { return }
      cell = 48
      bornDead = 2000
      longRun = Array(longRun.prefix(2))
    }
  }

  func run(_ context: StudyContext) throws -> StudyReport {
    let start = ContinuousClock.now
    let extent = Extent(context.options)
    let threads = context.options.threads
    var results = DyingReLUResults(extent: extent)
    let total = 2 * extent.seeds + BornDead.reference.count + Self.widths.count + 1
    var done = 0
    func next(_ what: String) throws {
      try context.checkInterrupt()
      context.progress(done, of: total, what)
      done += 1
    }

    for seed in 0..<extent.seeds {
      for (index, shape) in [Self.relu, Self.leaky].enumerated() {
        let plan = try LaneEnsemble.plan(shape, count: extent.networks, threads: threads)
        try next(
          "\(extent.networks) \(index == 0 ? "ReLU" : "leaky") networks in "
            + "\(Format.grouped(plan.memory.byteCount)) bytes, seed \(seed)")
        let began = ContinuousClock.now
        let ensemble = try LaneEnsemble(
          shape, count: extent.networks, seed: UInt64(seed), threads: threads)
        try ensemble.train(epoch: 0)
        let count = CollapseCount(try ensemble.outcomes())
        if seed == 0 { results.ensembleSeconds += (ContinuousClock.now - began) / .seconds(1) }
        results.ensembles[index].append(count)
        guard seed == 0 else { continue }
        results.memory.append(ensemble.networks.plan.memory)
        results.hashes.append(WeightsDigest.sha256(try ensemble.weights()))
      }
    }
    for cell in BornDead.reference {
      try next("fresh networks of \(cell.depth) layers of \(cell.width)")
      results.bornDead.append(
        try BornDead(
          width: cell.width, depth: cell.depth, count: extent.bornDead, seed: 0, threads: threads))
    }
    for width in Self.widths {
      try next("width \(width), depths \(Self.depths.lowerBound) to \(Self.depths.upperBound)")
      try addRow(width: width, to: &results, context)
    }
    try next("\(extent.longRun.last ?? 0) epochs of the ReLU networks")
    try trainOn(&results, context)
    context.progress(total, of: total, "done")
    var report = results.report
    report.seconds = (ContinuousClock.now - start) / .seconds(1)
    return report
  }

  /// The heat map's row of a width: ReLU networks before and after the epoch.
  private func addRow(width: Int, to results: inout DyingReLUResults, _ context: StudyContext)
    throws
  {
    var before: [CollapseCount] = []
    var after: [CollapseCount] = []
    for depth in Self.depths {
      try context.checkInterrupt()
      let ensemble = try LaneEnsemble(
        LaneShape(width: width, depth: depth, outputIsRectified: true), count: results.extent.cell,
        seed: UInt64(1000 * width + depth), threads: context.options.threads)
      before.append(CollapseCount(try ensemble.outcomes()))
      try ensemble.train(epoch: 0)
      after.append(CollapseCount(try ensemble.outcomes()))
    }
    results.before.append(before)
    results.after.append(after)
  }

  /// The ReLU networks of seed 0, trained on: how many are collapsed when, and one of each kind as a curve.
  private func trainOn(_ results: inout DyingReLUResults, _ context: StudyContext) throws {
    let ensemble = try LaneEnsemble(
      Self.relu, count: results.extent.networks, seed: 0, threads: context.options.threads)
    results.start = CollapseCount(try ensemble.outcomes())
    var outcomes: [LaneOutcome] = []
    for epoch in 0..<(results.extent.longRun.last ?? 1) {
      try context.checkInterrupt()
      try ensemble.train(epoch: epoch)
      guard results.extent.longRun.contains(epoch + 1) else { continue }
      outcomes = try ensemble.outcomes()
      results.longRun.append((epoch + 1, CollapseCount(outcomes)))
    }
    try results.addExamples(ensemble, outcomes)
  }
}
