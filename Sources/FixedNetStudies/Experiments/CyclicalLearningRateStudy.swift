import FixedNet
import FixedNetCore

/// A cyclical learning rate over fifty epochs: LeNet-5 on Fashion-MNIST.
package struct CyclicalLearningRateStudy: Study {
  package static let name = "cyclical-learning-rate"
  package static let title = "Cyclical learning rate: LeNet-5 on Fashion-MNIST"

  package init() {}

  private static let batch = 64
  /// What the reference's best epochs gave.
  private static let reference =
    (bestAccuracy: 0.9020, bestEpoch: 34, lastAccuracy: 0.8879, bestLoss: 0.1353)
  private static let leastBest = 0.898

  /// The reference's schedule: exp_range with gamma = 1.
  private static let schedule = CyclicalPolicies.exponentialRange(gamma: 1)

  package func run(_ context: StudyContext) throws -> StudyReport {
    let data = try context.trainingData("fashion-mnist")
    let seeds = context.seeds(1)
    let epochs = context.options.isQuick ? 2 : 50
    let progress = TrainingProgress(context, total: seeds.count * epochs)
    var report = StudyReport(
      protocolText: CyclicalLearningRateStudy.protocolText(data, epochs, seeds))
    var runs = SeedRuns(label: "exp_range", results: [])
    for seed in seeds {
      let experiment = TrainingExperiment(
        name: "exp_range, seed \(seed)", model: BuiltInModel.lenetPlain.model(),
        optimizer: OptimizerConfiguration(schedule: CyclicalLearningRateStudy.schedule),
        batch: CyclicalLearningRateStudy.batch, epochs: epochs, seed: seed)
      let result = try experiment.run(context, data, progress)
      runs.results.append(result)
      report.add(result, run: runs.label, seed: seed)
    }
    let batch = min(CyclicalLearningRateStudy.batch, data.train.count)
    let steps = epochs * ((data.train.count + batch - 1) / batch)
    report.tables = [
      CyclicalLearningRateStudy.table(runs), CyclicalPolicies.table(),
    ]
    report.figures = [
      CyclicalLearningRateStudy.curves(runs),
      CyclicalPolicies.figure(schedule: CyclicalLearningRateStudy.schedule, steps: steps),
    ]
    report.deviations = [
      "None: the reference's exp_range with its default gamma of 1 is the triangular policy, and so "
        + "it is here."
    ]
    report.findings = [CyclicalLearningRateStudy.finding(runs)]
    report.checks = CyclicalPolicies.checks()
    if !context.options.isQuick {
      report.checks.insert(CyclicalLearningRateStudy.check(runs), at: 0)
    }
    return report
  }

  private static func protocolText(_ data: DataSet, _ epochs: Int, _ seeds: [UInt64]) -> String {
    "LeNet-5 without BN or dropout on \(data.sizes), pixels / 255; SGD, batch \(batch), \(epochs) "
      + "epochs; the learning rate follows exp_range with base 1e-5, max 1e-1, step size 2,000 "
      + "iterations, gamma 1; \(seeds.count) seed\(seeds.count > 1 ? "s" : "") from 0. Training "
      + "figures are means over an epoch, as Keras prints them."
  }

  private static func best(_ result: TrainingResult) -> (accuracy: Double, epoch: Int) {
    var best = (accuracy: -Double.infinity, epoch: 0)
    for (index, epoch) in result.epochs.enumerated() where epoch.testAccuracy > best.accuracy {
      best = (epoch.testAccuracy, index + 1)
    }
    return best
  }

  private static func table(_ runs: SeedRuns) -> ReportTable {
    let best = runs.results.map(best)
    let leastLoss = runs.results.map { $0.epochs.map(\.trainLoss).min() ?? .nan }
    return ReportTable(
      "Accuracy and loss",
      columns: ["", "ours", "reference"],
      rows: [
        [
          "best test accuracy", SeedSpread(best.map(\.accuracy)).percent,
          Format.percent(reference.bestAccuracy),
        ],
        [
          "its epoch", best.map { "\($0.epoch)" }.joined(separator: ", "),
          "\(reference.bestEpoch)",
        ],
        [
          "test accuracy after the last epoch", runs.final(\.testAccuracy).percent,
          Format.percent(reference.lastAccuracy),
        ],
        [
          "least training loss of an epoch", SeedSpread(leastLoss).text(4),
          Format.fixed(reference.bestLoss, 4),
        ],
      ])
  }

  private static func curves(_ runs: SeedRuns) -> Figure {
    let epoch = Figure.Axis("epoch")
    return Figure(
      "curves", title: "Accuracy and loss per epoch",
      caption: "A cycle takes 4,000 iterations, which are 4.3 epochs of 60,000 images: accuracy "
        + "falls where the rate is high and peaks where it has come down.",
      panels: [
        Figure.Panel(
          "accuracy", x: epoch, y: Figure.Axis("accuracy (%)"),
          .lines([
            runs.curve(\.trainAccuracy, label: "training", scale: 100),
            runs.curve(\.testAccuracy, label: "test", scale: 100),
          ])),
        Figure.Panel(
          "loss", x: epoch, y: Figure.Axis("loss"),
          .lines([
            runs.curve(\.trainLoss, label: "training"), runs.curve(\.testLoss, label: "test"),
          ])),
      ])
  }

  private static func finding(_ runs: SeedRuns) -> String {
    let (accuracy, epoch) = best(runs.results[0])
    return "Test accuracy peaks at \(Format.percent(accuracy)) in epoch \(epoch) (seed 0) and ends "
      + "at \(Format.percent(runs.results[0].final.testAccuracy))."
  }

  private static func check(_ runs: SeedRuns) -> ReportCheck {
    let found = SeedSpread(runs.results.map { best($0).accuracy })
    return ReportCheck(
      "the best test accuracy is at least \(Format.percent(leastBest, 1))",
      isMet: found.mean >= leastBest, found: found.percent)
  }
}
