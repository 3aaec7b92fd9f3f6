import FixedNet
import FixedNetCore
import Foundation

/// The learning-rate range test: LeNet-5 on Fashion-MNIST at rates from 10^-9 to 10^1.
public struct LearningRateRangeStudy: Study {
  public static let name = "learning-rate-range"
  public static let title = "Learning-rate range test: LeNet-5 on Fashion-MNIST"

  public init() {}

  /// Exponents of the rates, and the reference's final losses.
  private static let exponents = Array(-9...1)
  private static let reference = [
    2.3135, 2.3135, 2.3133, 2.3105, 2.2863, 2.1044, 0.8966, 0.5078, 0.3196, 33.92, 384.5,
  ]
  /// The exponent at which the loss has to be least.
  private static let best = -1

  public func run(_ context: StudyContext) throws -> StudyReport {
    let data = try context.trainingData("fashion-mnist")
    let seeds = context.seeds(1)
    let epochs = context.options.isQuick ? 1 : 5
    let isContinued = context.options.switches.contains("continue")
    let ways = isContinued ? [false, true] : [false]
    let progress = TrainingProgress(
      context, total: ways.count * seeds.count * epochs * LearningRateRangeStudy.exponents.count)
    var report = StudyReport(
      protocolText: LearningRateRangeStudy.protocolText(data, epochs, seeds))
    var curves: [[SeedRuns]] = []
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
      curves.append(runs)
    }
    report.tables = [LearningRateRangeStudy.table(curves)]
    report.figures = [LearningRateRangeStudy.figure(curves)]
    report.deviations = [
      "The reference never re-initialises between rates: each rate goes on from the weights that the "
        + "last one left. Here every rate starts from the same weights"
        + (isContinued
          ? "; the continued column and curve repeat the reference (--continue)."
          : "; --continue adds the reference's way, so that both can be compared.")
    ]
    report.findings = curves.enumerated().map {
      LearningRateRangeStudy.finding($1, isContinued: $0 == 1)
    }
    if !context.options.isQuick {
      report.checks = curves.enumerated().flatMap {
        LearningRateRangeStudy.checks($1, isContinued: $0 == 1)
      }
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

  private static func table(_ curves: [[SeedRuns]]) -> ReportTable {
    func text(_ run: SeedRuns) -> String {
      guard let place = run.results.compactMap(\.divergence).first else {
        return run.final(\.trainLoss).text(4)
      }
      return "not finite (\(place))"
    }
    let rows = exponents.indices.map { index in
      ["10^\(exponents[index])"] + curves.map { text($0[index]) }
        + [Format.fixed(reference[index], 4)]
        + curves.map { $0[index].final(\.testAccuracy).percent }
    }
    let ways = curves.count > 1 ? [" (re-initialised)", " (continued)"] : [""]
    return ReportTable(
      "Final training loss per learning rate",
      columns: ["learning rate"] + ways.map { "loss\($0)" } + ["reference's loss (continued)"]
        + ways.map { "test accuracy\($0)" }, rows: rows)
  }

  private static func figure(_ curves: [[SeedRuns]]) -> Figure {
    var lines = curves.enumerated().map { way, runs in
      let spreads = runs.map { $0.final(\.trainLoss) }
      return Figure.Line(
        way == 0 ? "re-initialised" : "continued",
        zip(exponents, spreads).map { (x: Double($0), y: $1.mean) },
        spread: runs[0].results.count > 1 ? spreads.map(\.deviation) : [], hasMarkers: true)
    }
    lines.append(
      Figure.Line(
        "reference (continued)", zip(exponents, reference).map { (x: Double($0), y: $1) },
        isDashed: true, hasMarkers: true))
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

  private static func finding(_ runs: [SeedRuns], isContinued: Bool) -> String {
    guard let (exponent, loss) = minimum(runs) else { return "No rate gives a finite loss." }
    return "\(isContinued ? "Continued from rate to rate" : "Re-initialised"): the loss is least, "
      + "\(Format.fixed(loss, 4)), at 10^\(exponent)."
  }

  private static func checks(_ runs: [SeedRuns], isContinued: Bool) -> [ReportCheck] {
    let way = isContinued ? "continued" : "re-initialised"
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
