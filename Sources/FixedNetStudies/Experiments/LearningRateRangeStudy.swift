import FixedNet
import FixedNetCore
import Foundation

/// The learning-rate range test: LeNet-5 on Fashion-MNIST at rates from 10^-9 to 10^1.
package struct LearningRateRangeStudy: Study {
  package static let name = "learning-rate-range"
  package static let title = "Learning-rate range test: LeNet-5 on Fashion-MNIST"

  package init() {}

  /// The rates in turn, each from the same weights or each from those that the last one left.
  private struct Curve {
    var isContinued: Bool
    /// One per rate.
    var runs: [SeedRuns]

    var name: String { isContinued ? "continued" : "re-initialised" }
  }

  /// Exponents of the rates, and the reference's final losses.
  private static let exponents = Array(-9...1)
  private static let reference = [
    2.3135, 2.3135, 2.3133, 2.3105, 2.2863, 2.1044, 0.8966, 0.5078, 0.3196, 33.92, 384.5,
  ]
  /// The exponent at which the loss has to be least.
  private static let best = -1

  package func run(_ context: StudyContext) throws -> StudyReport {
    let data = try context.trainingData("fashion-mnist")
    let seeds = context.seeds(1)
    let epochs = context.options.isQuick ? 1 : 5
    let ways = context.options.switches.contains("continue") ? [true] : [false, true]
    let progress = TrainingProgress(
      context, total: ways.count * seeds.count * epochs * LearningRateRangeStudy.exponents.count)
    var report = StudyReport(
      protocolText: LearningRateRangeStudy.protocolText(data, epochs, seeds))
    var curves: [Curve] = []
    for isContinued in ways {
      var runs = LearningRateRangeStudy.exponents.map { SeedRuns(label: "10^\($0)", results: []) }
      for seed in seeds {
        var before: [LayerWeights]?
        for (index, exponent) in LearningRateRangeStudy.exponents.enumerated() {
          let (result, weights) = try LearningRateRangeStudy.train(
            exponent, from: isContinued ? before : nil,
            firstEpoch: isContinued ? index * epochs : 0, epochs, seed, isContinued, context, data,
            progress)
          before = weights
          runs[index].results.append(result)
          report.add(
            result, run: "10^\(exponent)\(isContinued ? " continued" : "")", seed: seed)
        }
      }
      curves.append(Curve(isContinued: isContinued, runs: runs))
    }
    report.tables = [LearningRateRangeStudy.table(curves)]
    report.figures = [LearningRateRangeStudy.figure(curves)]
    report.deviations = [
      "The reference never re-initialises between rates: each rate goes on from the weights that the "
        + "last one left, so that its loss at a rate is not that rate's alone. "
        + (ways.count > 1
          ? "Here both are run: every rate from the same weights (re-initialised), and the reference's "
            + "way (continued)."
          : "Here that way alone is run (--continue); without the option every rate starts from the same "
            + "weights too.")
    ]
    report.findings = curves.map(LearningRateRangeStudy.finding)
    if !context.options.isQuick {
      report.checks = curves.flatMap(LearningRateRangeStudy.checks)
    }
    return report
  }

  private static func protocolText(_ data: DataSet, _ epochs: Int, _ seeds: [UInt64]) -> String {
    "LeNet-5 without BN or dropout on \(data.sizes), pixels / 255; SGD, batch 64, \(epochs) "
      + "epoch\(epochs > 1 ? "s" : "") at each rate from 10^-9 to 10^1 by decades; "
      + "\(seeds.count) seed\(seeds.count > 1 ? "s" : "") from 0. The loss is the mean over the last "
      + "epoch, as Keras prints it. A loss that stops to be finite is a result."
  }

  /// Five epochs at a rate, and the weights that they leave.
  private static func train(
    _ exponent: Int, from before: [LayerWeights]?, firstEpoch: Int, _ epochs: Int, _ seed: UInt64,
    _ isContinued: Bool, _ context: StudyContext, _ data: DataSet, _ progress: TrainingProgress
  ) throws -> (TrainingResult, [LayerWeights]) {
    let model = BuiltInModel.lenetPlain.model()
    let fresh: [LayerWeights]
    do { fresh = try model.initialWeights(seed: seed) } catch {
      throw StudyError.failed("'\(model.name)': \(error)")
    }
    let result = try TrainingExperiment(
      name: "10^\(exponent)\(isContinued ? " continued" : ""), seed \(seed)", model: model,
      optimizer: OptimizerConfiguration(schedule: .constant(rate(exponent))), batch: 64,
      epochs: epochs, seed: seed, start: before ?? fresh, firstEpoch: firstEpoch,
      keepsWeights: isContinued
    ).run(context, data, progress)
    return (result, isContinued ? result.weights(like: fresh) : fresh)
  }

  /// 10^exponent, the float nearest to it.
  private static func rate(_ exponent: Int) -> Double { Double("1e\(exponent)") ?? .nan }

  // MARK: - Table, figure, checks

  private static func table(_ curves: [Curve]) -> ReportTable {
    func text(_ run: SeedRuns) -> String {
      guard let place = run.results.compactMap(\.divergence).first else {
        return run.final(\.trainLoss).text(4)
      }
      return "not finite (\(place))"
    }
    let rows = exponents.indices.map { index in
      ["10^\(exponents[index])"] + curves.map { text($0.runs[index]) }
        + [Format.fixed(reference[index], 4)]
        + curves.map { $0.runs[index].final(\.testAccuracy).percent }
    }
    return ReportTable(
      "Final training loss per learning rate",
      columns: ["learning rate"] + curves.map { "loss (\($0.name))" }
        + ["reference's loss (continued)"] + curves.map { "test accuracy (\($0.name))" },
      rows: rows)
  }

  private static func figure(_ curves: [Curve]) -> Figure {
    var lines = curves.map { curve in
      let spreads = curve.runs.map { $0.final(\.trainLoss) }
      return Figure.Line(
        curve.name, zip(exponents, spreads).map { (x: Double($0), y: $1.mean) },
        spread: curve.runs[0].results.count > 1 ? spreads.map(\.deviation) : [], hasMarkers: true,
        colour: curve.isContinued ? 1 : 0)
    }
    lines.append(
      Figure.Line(
        "reference (continued)", zip(exponents, reference).map { (x: Double($0), y: $1) },
        isDashed: true, hasMarkers: true, colour: 6))
    return Figure(
      "loss", title: "Loss against learning rate",
      caption: "Training loss of the last epoch at each rate; guessing costs ln 10 = 2.303. A rate "
        + "whose loss stopped to be finite is a gap.", columns: 1,
      panels: [
        Figure.Panel(
          "",
          x: Figure.Axis(
            "log10(learning rate)", ticks: exponents.map { (Double($0), "\($0)") }),
          y: Figure.Axis("training loss", isLogarithmic: true), .lines(lines))
      ])
  }

  private static func minimum(_ runs: [SeedRuns]) -> (exponent: Int, loss: Double)? {
    zip(exponents, runs).map { (exponent: $0, loss: $1.final(\.trainLoss).mean) }
      .filter(\.loss.isFinite).min { $0.loss < $1.loss }
  }

  private static func finding(_ curve: Curve) -> String {
    guard let (exponent, loss) = minimum(curve.runs) else {
      return "\(curve.name): no rate gives a finite loss."
    }
    return "\(curve.isContinued ? "Continued from rate to rate" : "Re-initialised"): the loss is "
      + "least, \(Format.fixed(loss, 4)), at 10^\(exponent)."
  }

  private static func checks(_ curve: Curve) -> [ReportCheck] {
    let (way, runs) = (curve.name, curve.runs)
    let least = minimum(runs)
    // Worse than guessing, or not a number at all.
    let guessing = Foundation.log(10.0)
    let above = zip(exponents, runs).filter { $0.0 > best }
    return [
      ReportCheck(
        "\(way): the loss is least at 10^-1", isMet: least?.exponent == best,
        found: least.map { "\(Format.fixed($0.loss, 4)) at 10^\($0.exponent)" } ?? "no finite loss"),
      ReportCheck(
        "\(way): training diverges above 10^-1 (losses above ln 10, or not finite)",
        isMet: above.allSatisfy { !($0.1.final(\.trainLoss).mean <= guessing) },
        found: above.map { "\($0.1.label): \($0.1.final(\.trainLoss).text(2))" }
          .joined(separator: ", ")),
    ]
  }
}
