import FixedNet
import FixedNetCore

/// LeNet-5 on Fashion-MNIST with batches of 2^5 to 2^12.
package struct BatchSizeStudy: Study {
  package static let name = "batch-size"
  package static let title = "Batch size: LeNet-5 on Fashion-MNIST"

  package init() {}

  package func run(_ context: StudyContext) throws -> StudyReport {
    let data = try context.trainingData("fashion-mnist")
    let seeds = context.seeds(1)
    let isQuick = context.options.isQuick
    let exponents = Array(isQuick ? 5...7 : 5...12)
    let epochs = isQuick ? 2 : 10
    let progress = TrainingProgress(context, total: seeds.count * epochs * exponents.count)
    var report = StudyReport(protocolText: BatchSizeStudy.protocolText(data, epochs, seeds))
    var runs = exponents.map { SeedRuns(label: "\(1 << $0)", results: []) }
    for seed in seeds {
      for (index, exponent) in exponents.enumerated() {
        let experiment = TrainingExperiment(
          name: "batch \(1 << exponent), seed \(seed)", model: BuiltInModel.lenetPlain.model(),
          optimizer: OptimizerConfiguration(schedule: .constant(0.1)), batch: 1 << exponent,
          epochs: epochs, seed: seed)
        let result = try experiment.run(context, data, progress)
        runs[index].results.append(result)
        report.add(result, run: "batch \(1 << exponent)", seed: seed)
      }
    }
    report.tables = [BatchSizeStudy.table(exponents, runs, imageCount: data.train.count)]
    report.figures = [
      BatchSizeStudy.figure(exponents, runs), BatchSizeStudy.curves(runs),
    ]
    report.deviations = ["None; the reference gives its curve as a figure only, without numbers."]
    report.findings = [BatchSizeStudy.finding(runs)]
    if !isQuick { report.checks = [BatchSizeStudy.check(runs)] }
    return report
  }

  private static func protocolText(_ data: DataSet, _ epochs: Int, _ seeds: [UInt64]) -> String {
    "LeNet-5 without BN or dropout on \(data.sizes), pixels / 255; SGD, learning rate 0.1, "
      + "\(epochs) epochs from the same start with each batch size; \(seeds.count) "
      + "seed\(seeds.count > 1 ? "s" : "") from 0. The training loss is the mean over the last epoch, "
      + "as Keras prints it. The rate stays the same, so larger batches make fewer steps."
  }

  private static func table(_ exponents: [Int], _ runs: [SeedRuns], imageCount: Int)
    -> ReportTable
  {
    ReportTable(
      "After the last epoch",
      columns: [
        "batch", "steps per epoch", "training loss", "training accuracy", "test loss",
        "test accuracy",
      ],
      rows: zip(exponents, runs).map { exponent, run in
        let batch = 1 << exponent
        return [
          "2^\(exponent) = \(batch)", "\((imageCount + batch - 1) / batch)",
          run.final(\.trainLoss).text(4), run.final(\.trainAccuracy).percent,
          run.final(\.testLoss).text(4), run.final(\.testAccuracy).percent,
        ]
      })
  }

  private static func figure(_ exponents: [Int], _ runs: [SeedRuns]) -> Figure {
    func line(
      _ label: String, _ figure: KeyPath<TrainingResult.Epoch, Double>, scale: Double = 1
    ) -> Figure.Line {
      let spreads = runs.map { run in SeedSpread(run.final(figure).values.map { scale * $0 }) }
      return Figure.Line(
        label, zip(exponents, spreads).map { (x: Double($0), y: $1.mean) },
        spread: runs[0].results.count > 1 ? spreads.map(\.deviation) : [], hasMarkers: true)
    }
    let batch = Figure.Axis("log2(batch size)")
    return Figure(
      "batch-size", title: "Loss and accuracy against batch size",
      caption: "Of the last epoch, at the same learning rate of 0.1 and the same number of epochs.",
      panels: [
        Figure.Panel(
          "loss", x: batch, y: Figure.Axis("loss"),
          .lines([line("training", \.trainLoss), line("test", \.testLoss)])),
        Figure.Panel(
          "accuracy", x: batch, y: Figure.Axis("accuracy (%)"),
          .lines([
            line("training", \.trainAccuracy, scale: 100), line("test", \.testAccuracy, scale: 100),
          ])),
      ])
  }

  private static func curves(_ runs: [SeedRuns]) -> Figure {
    let epoch = Figure.Axis("epoch")
    return Figure(
      "curves", title: "Loss per epoch by batch size",
      caption: "Left: training, right: test.",
      panels: [
        Figure.Panel(
          "training", x: epoch, y: Figure.Axis("loss"), .lines(runs.map { $0.curve(\.trainLoss) })),
        Figure.Panel(
          "test", x: epoch, y: Figure.Axis("loss"), .lines(runs.map { $0.curve(\.testLoss) })),
      ])
  }

  private static func losses(_ runs: [SeedRuns]) -> [Double] {
    runs.map { $0.final(\.trainLoss).mean }
  }

  private static func finding(_ runs: [SeedRuns]) -> String {
    let losses = losses(runs)
    return "The final training loss is \(Format.fixed(losses[0], 4)) with batches of "
      + "\(runs[0].label) and \(Format.fixed(losses[losses.count - 1], 4)) with batches of "
      + "\(runs[runs.count - 1].label)."
  }

  private static func check(_ runs: [SeedRuns]) -> ReportCheck {
    let losses = losses(runs)
    return ReportCheck(
      "the final training loss rises with the batch size over the whole range",
      isMet: zip(losses, losses.dropFirst()).allSatisfy { $0 < $1 },
      found: losses.map { Format.fixed($0, 4) }.joined(separator: ", "))
  }
}
