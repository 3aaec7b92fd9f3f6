import FixedNet
import FixedNetCore

/// LeNet-5 on MNIST with batch normalisation, dropout and both.
package struct BatchNormStudy: Study {
  package static let name = "batch-norm"
  package static let title = "Batch normalisation and dropout: LeNet-5 on MNIST"

  package init() {}

  /// A network, the reference's figures after ten epochs, and Keras' test accuracies over three seeds.
  private struct Variant {
    var section: String
    var label: String
    var model: Model
    /// Training loss and accuracy, test loss and accuracy; nil for what the reference has not.
    var reference: [Double]?
    var keras: [Double]
    /// Where the mean test accuracy has to be.
    var expected: (mean: Double, tolerance: Double)?
  }

  private static func variants(_ data: DataSet) throws -> [Variant] {
    let normalized = BuiltInModel.lenetNormalized.model()
    var adapted = normalized
    adapted.layers = try adapted.layers.map { layer in
      try (layer as? Normalization)?.adapted(to: data.train) ?? layer
    }
    return [
      Variant(
        section: "4.2", label: "Normalization, BN", model: normalized,
        reference: [0.0748, 0.9783, 0.0718, 0.9782], keras: [0.9810, 0.9792, 0.9801],
        expected: (0.978, 0.005)),
      Variant(
        section: "4.3", label: "BN", model: BuiltInModel.lenet.model(),
        reference: [0.0531, 0.9848, 0.0506, 0.9858], keras: [0.9852, 0.9853, 0.9852],
        expected: (0.985, 0.003)),
      Variant(
        section: "4.4", label: "dropout", model: BuiltInModel.lenetDropout.model(),
        reference: [0.7057, 0.7737, 0.3423, 0.9026], keras: [0.9031, 0.8995, 0.9007],
        expected: (0.90, 0.015)),
      Variant(
        section: "4.5", label: "BN and dropout",
        model: BuiltInModel.lenetBatchNormalizedDropout.model(),
        reference: [0.5554, 0.8256, 0.2295, 0.9299], keras: [0.9291, 0.9359, 0.9339],
        expected: (0.93, 0.015)),
      Variant(
        section: "4.2 adapted", label: "Normalization, BN", model: adapted,
        reference: nil, keras: [], expected: nil),
    ]
  }

  package func run(_ context: StudyContext) throws -> StudyReport {
    let data = try context.trainingData("mnist")
    let seeds = context.seeds(3)
    let epochs = context.options.isQuick ? 2 : 10
    let variants = try BatchNormStudy.variants(data)
    let progress = TrainingProgress(context, total: seeds.count * epochs * variants.count)
    var report = StudyReport(protocolText: BatchNormStudy.protocolText(data, epochs, seeds))
    var results: [[TrainingResult]] = variants.map { _ in [] }
    for seed in seeds {
      for (index, variant) in variants.enumerated() {
        let experiment = TrainingExperiment(
          name: "\(variant.section), seed \(seed)", model: variant.model,
          optimizer: OptimizerConfiguration(schedule: .constant(0.01)), batch: 128, epochs: epochs,
          seed: seed, inspect: seed == 0 ? BatchNormStudy.statistics : { _ in [] })
        let result = try experiment.run(context, data, progress)
        results[index].append(result)
        report.add(result, run: variant.section, seed: seed)
      }
    }
    let runs = zip(variants, results).map {
      SeedRuns(label: "\($0.section) \($0.label)", results: $1)
    }
    report.tables = [BatchNormStudy.table(variants, runs)]
    report.figures = [BatchNormStudy.curves(runs)] + BatchNormStudy.violins(variants, runs)
    report.deviations = [
      "The reference's Normalization() was never adapted to the data and passes them through (4.2); "
        + "the last row is the same network with the layer adapted to the training images."
    ]
    report.findings = BatchNormStudy.findings(runs)
    if !context.options.isQuick { report.checks = BatchNormStudy.checks(variants, runs) }
    return report
  }

  private static func protocolText(_ data: DataSet, _ epochs: Int, _ seeds: [UInt64]) -> String {
    "LeNet-5 (convolution 5x5x6, average pooling 2x2, convolution 5x5x16, average pooling 2x2, dense "
      + "120, 84 and 10; tanh, softmax) on \(data.sizes), pixels / 255; SGD, learning rate 0.01, "
      + "batch 128, \(epochs) epochs, Glorot uniform; \(seeds.count) seed\(seeds.count > 1 ? "s" : "") "
      + "from 0, each of which decides the start, the shuffles and the dropout. BN: momentum 0.99, "
      + "epsilon 0.001. 4.2: Normalization() at the input, BN behind each pooling and each hidden "
      + "dense layer; 4.3: BN at the input too; 4.4: dropout of 0.2 at the input and 0.5 at the other "
      + "places, no BN; 4.5: BN and then dropout at each of those places. Training figures are means "
      + "over the last epoch, as Keras prints them; +- is the standard deviation over the seeds."
  }

  // MARK: - BN's values

  private static let statisticNames = ["gamma", "beta", "moving_mean", "moving_variance"]

  /// Gamma, beta, moving mean and variance of every BN layer.
  private static func statistics(_ network: Network) -> [Distribution] {
    zip(network.plan.model.layers, network.weights).flatMap { layer, weights in
      layer is BatchNormalization
        ? zip(statisticNames, weights.tensors).map {
          Distribution("\(layer.name)/\($0)", of: $1.values)
        } : []
    }
  }

  private static func violins(_ variants: [Variant], _ runs: [SeedRuns]) -> [Figure] {
    zip(variants, runs).prefix(2).map { variant, run in
      let all = run.results[0].distributions
      let panels = statisticNames.map { statistic in
        let name = statistic.replacing("_", with: " ")
        return Figure.Panel(
          name, x: Figure.Axis("BN layer"), y: Figure.Axis(name),
          .violins(
            all.filter { $0.name.hasSuffix("/\(statistic)") }.map {
              Figure.Violin(String($0.name.dropLast(statistic.count + 1)), $0.values)
            }))
      }
      return Figure(
        "statistics-\(variant.section)",
        title: "BN's values after training: \(run.label)",
        caption: "Gamma, beta, moving mean and moving variance of every BN layer, seed 0; "
          + "bn1 and bn2 stand behind the poolings (6 and 16 channels), bn3 and bn4 behind the dense "
          + "layers (120 and 84)" + (hasInputBN(variant) ? ", bn0 at the input (1)." : "."),
        panels: panels)
    }
  }

  /// Whether the variant has BN at its input.
  private static func hasInputBN(_ variant: Variant) -> Bool {
    variant.model.layers.first is BatchNormalization
  }

  // MARK: - Figures, table, checks

  private static func curves(_ runs: [SeedRuns]) -> Figure {
    let epoch = Figure.Axis("epoch")
    func panel(
      _ title: String, _ figure: KeyPath<TrainingResult.Epoch, Double>, _ label: String,
      scale: Double
    ) -> Figure.Panel {
      Figure.Panel(
        title, x: epoch, y: Figure.Axis(label),
        .lines(runs.map { $0.curve(figure, scale: scale) }))
    }
    return Figure(
      "curves", title: "Accuracy and loss per epoch",
      caption: "Left: training (dropout at work), right: test; mean over the seeds, band: standard "
        + "deviation.",
      panels: [
        panel("training", \.trainAccuracy, "accuracy (%)", scale: 100),
        panel("test", \.testAccuracy, "accuracy (%)", scale: 100),
        panel("training", \.trainLoss, "loss", scale: 1),
        panel("test", \.testLoss, "loss", scale: 1),
      ])
  }

  private static func table(_ variants: [Variant], _ runs: [SeedRuns]) -> ReportTable {
    let rows = zip(variants, runs).map { variant, run in
      let reference =
        variant.reference.map {
          "\(Format.fixed($0[0], 4)) / \(Format.percent($0[1])), "
            + "\(Format.fixed($0[2], 4)) / \(Format.percent($0[3]))"
        } ?? "-"
      return [
        "\(variant.section) \(variant.label)", run.final(\.trainLoss).text(4),
        run.final(\.trainAccuracy).percent, run.final(\.testLoss).text(4),
        run.final(\.testAccuracy).percent, reference,
        variant.keras.isEmpty ? "-" : SeedSpread(variant.keras).percent,
      ]
    }
    return ReportTable(
      "After the last epoch",
      columns: [
        "network", "training loss", "training accuracy", "test loss", "test accuracy",
        "reference: training, test (loss / accuracy)", "Keras 3.15, test accuracy, 3 seeds",
      ], rows: rows)
  }

  private static func findings(_ runs: [SeedRuns]) -> [String] {
    let tested = runs.map { (label: $0.label, mean: $0.final(\.testAccuracy).mean) }
    let sorted = tested.sorted { $0.mean > $1.mean }
    let order = sorted.map { "\($0.label) (\(Format.percent($0.mean)))" }
    let gain = tested[4].mean - tested[0].mean
    return [
      "Test accuracy from best to worst: \(order.joined(separator: ", ")).",
      "Adapting the Normalization layer changes the test accuracy by "
        + "\(Format.fixed(100 * gain, 2)) points.",
    ]
  }

  private static func checks(_ variants: [Variant], _ runs: [SeedRuns]) -> [ReportCheck] {
    var checks: [ReportCheck] = []
    for (variant, run) in zip(variants, runs) {
      guard let (mean, tolerance) = variant.expected else { continue }
      let found = run.final(\.testAccuracy)
      checks.append(
        ReportCheck(
          "\(variant.section) \(variant.label): mean test accuracy \(Format.percent(mean, 1)) +- "
            + Format.fixed(100 * tolerance, 1), isMet: abs(found.mean - mean) <= tolerance,
          found: found.percent))
    }
    let means = runs.prefix(4).map { $0.final(\.testAccuracy).mean }
    let order = [1, 0, 3, 2].map { (variants[$0].section, means[$0]) }
    checks.append(
      ReportCheck(
        "test accuracy falls in the reference's order: 4.3, 4.2, 4.5, 4.4",
        isMet: zip(order, order.dropFirst()).allSatisfy { $0.1 > $1.1 },
        found: order.map { "\($0) \(Format.percent($1))" }.joined(separator: ", ")))
    return checks
  }
}
