import FixedNet
import FixedNetCore
import Foundation

/// How a deep network's start decides what an epoch teaches it: tanh and sigmoid, N(0, s) and Glorot normal.
package struct InitializationStudy: Study {
  package static let name = "initialization"
  package static let title = "Initialisation: a deep MLP on MNIST, one epoch"

  package init() {}

  /// An activation, an initialiser, and what the reference and Keras found: loss and accuracy of the epoch.
  struct Row {
    var activation: ActivationFunction
    var start: String
    var initializer: Initializer
    /// One per run.
    var reference: [(loss: Double, accuracy: Double)]
    var keras: (loss: Double, accuracy: Double)

    var label: String { "\(activation.name), \(start)" }
  }

  static let rows: [Row] = [
    normal(.tanh, 0.01, (1.4614, 0.4328), keras: (2.3016, 0.1116)),
    normal(.tanh, 0.1, (0.2643, 0.9190), keras: (0.2700, 0.9191)),
    normal(.tanh, 0.8, (5.2943, 0.2697), keras: (5.4835, 0.2743)),
    glorot(
      .tanh, [(0.2825, 0.9147), (0.2814, 0.9145), (0.2829, 0.9142)], keras: (0.2806, 0.9155)),
    normal(.sigmoid, 0.01, (2.1959, 0.1323), keras: (2.3028, 0.1096)),
    normal(.sigmoid, 0.1, (0.8682, 0.7118), keras: (1.2410, 0.5518)),
    normal(.sigmoid, 0.8, (0.8815, 0.7191), keras: (0.8823, 0.7207)),
    glorot(
      .sigmoid, [(0.7765, 0.7441), (0.7525, 0.7571), (0.8179, 0.7303)], keras: (1.3398, 0.5077)),
  ]

  private static func normal(
    _ activation: ActivationFunction, _ deviation: Float, _ reference: (Double, Double),
    keras: (Double, Double)
  ) -> Row {
    Row(
      activation: activation, start: "N(0, \(deviation))",
      initializer: .randomNormal(deviation: deviation), reference: [reference], keras: keras)
  }

  private static func glorot(
    _ activation: ActivationFunction, _ reference: [(Double, Double)], keras: (Double, Double)
  ) -> Row {
    Row(
      activation: activation, start: "Glorot normal", initializer: .glorotNormal,
      reference: reference.map { ($0.0, $0.1) }, keras: keras)
  }

  /// Seeds whose gradients are drawn: the reference ran Glorot three times, the others once.
  private static func drawn(_ row: Row) -> Int { row.reference.count }

  package func run(_ context: StudyContext) throws -> StudyReport {
    let data = try context.trainingData("mnist")
    let seeds = context.seeds(5)
    let isReference = context.options.switches.contains("reference-init")
    let rows = InitializationStudy.rows
    let restingRows = rows.filter(InitializationPlateaus.mayRest)
    let progress = TrainingProgress(
      context, total: seeds.count * (rows.count + restingRows.count))
    var report = StudyReport(
      protocolText: InitializationStudy.protocolText(data, seeds, isReference: isReference))
    var runs = rows.map { SeedRuns(label: $0.label, results: []) }
    for seed in seeds {
      for (index, row) in rows.enumerated() {
        var experiment = try InitializationStudy.experiment(row, seed, isReference: isReference)
        if seed < InitializationStudy.drawn(row) {
          experiment.inspect = { try InitializationStudy.gradients($0, data.test) }
        }
        let result = try experiment.run(context, data, progress)
        runs[index].results.append(result)
        report.add(result, run: row.label, seed: seed)
      }
    }
    var legacyRuns = restingRows.map {
      SeedRuns(label: "\($0.label), Keras 2's RMSprop", results: [])
    }
    for seed in seeds {
      for (index, row) in restingRows.enumerated() {
        var experiment = try InitializationStudy.experiment(row, seed, isReference: isReference)
        experiment.name = "\(legacyRuns[index].label), seed \(seed)"
        experiment.optimizer.optimizer = .rmsprop(isLegacy: true)
        let result = try experiment.run(context, data, progress)
        legacyRuns[index].results.append(result)
        report.add(result, run: legacyRuns[index].label, seed: seed)
      }
    }
    let resting = zip(rows, runs).filter { InitializationPlateaus.mayRest($0.0) }.map(\.1)
    report.tables = [
      InitializationStudy.table(rows, runs, "Loss and accuracy over the epoch"),
      InitializationStudy.table(
        restingRows, legacyRuns, "The rows that sit on a plateau, with Keras 2's RMSprop"),
      InitializationStudy.gradientTable(runs), InitializationPlateaus.table(resting + legacyRuns),
    ]
    report.figures =
      InitializationStudy.violins(rows, runs)
      + InitializationPlateaus.figures(rows, runs, legacy: legacyRuns)
    report.deviations = [
      "The reference hands one seeded initialiser object to every layer, and such an object returns "
        + "the same numbers each time: its five hidden layers start identical. "
        + (isReference
          ? "This run repeats that (--reference-init)."
          : "Here each layer is drawn on its own; --reference-init repeats the reference."),
      "RMSprop here is Keras 3's, with epsilon (1e-7) inside the root. Keras 2's legacy one has it "
        + "behind the root, which makes steps much larger where gradients are tiny; the rows that "
        + "sit on a plateau are run with both.",
    ]
    report.findings =
      InitializationPlateaus.findings(resting)
      + InitializationStudy.findings(restingRows, resting, legacyRuns)
    if !context.options.isQuick { report.checks = InitializationStudy.checks(rows, runs) }
    return report
  }

  private static func protocolText(
    _ data: DataSet, _ seeds: [UInt64], isReference: Bool
  ) -> String {
    "An MLP of a linear layer of 100, five hidden layers of 100 (tanh or sigmoid) and a softmax of "
      + "10 on \(data.sizes), pixels / 255; one epoch, batch 32, RMSprop (learning rate 0.001, rho "
      + "0.9), cross-entropy; biases start at zero, kernels as the row says; \(seeds.count) "
      + "seed\(seeds.count > 1 ? "s" : "") from 0"
      + (isReference ? ", the five hidden layers with the same numbers" : "")
      + ". Loss and accuracy are means over the epoch, in training mode, as Keras prints them; +- is "
      + "the standard deviation over the seeds. Afterwards the gradient of the mean loss over the "
      + "test images with respect to every kernel is computed and drawn."
  }

  // MARK: - The network

  /// A row's run with one seed.
  /// Throws: `StudyError.failed`.
  private static func experiment(_ row: Row, _ seed: UInt64, isReference: Bool) throws
    -> TrainingExperiment
  {
    let model = model(row)
    return TrainingExperiment(
      name: "\(row.label), seed \(seed)", model: model,
      optimizer: OptimizerConfiguration(optimizer: .rmsprop(), schedule: .constant(0.001)),
      batch: 32, epochs: 1, seed: seed,
      start: try start(model, seed: seed, isReference: isReference), keepsBatchLosses: true)
  }

  static func model(_ row: Row) -> Model {
    var model = BuiltInModel.deepMLP.model()
    model.changeKernels { $0.kernelInitializer = row.initializer }
    model.layers = model.layers.map { layer in
      guard var dense = layer as? Dense, dense.activation == .tanh else { return layer }
      dense.activation = row.activation
      return dense
    }
    return model
  }

  /// Every layer's own draw; `isReference`: the hidden layers have the first one's numbers.
  /// Throws: `StudyError.failed`.
  static func start(_ model: Model, seed: UInt64, isReference: Bool) throws
    -> [LayerWeights]
  {
    let weights: [LayerWeights]
    do { weights = try model.initialWeights(seed: seed) } catch {
      throw StudyError.failed("'\(model.name)': \(error)")
    }
    guard isReference, let first = weights.first(where: { $0.layer.hasPrefix("hidden") }) else {
      return weights
    }
    return weights.map {
      $0.layer.hasPrefix("hidden")
        ? LayerWeights(layer: $0.layer, tensors: first.tensors) : $0
    }
  }

  /// dL/dW of the mean loss over the images, per kernel.
  private static func gradients(_ network: Network, _ images: ImageSet) throws -> [Distribution] {
    try network.computeGradients(images)
    return network.gradients.compactMap { layer in
      layer.tensors.first.map { Distribution(layer.layer, of: $0.values) }
    }
  }

  // MARK: - Tables and checks

  private static func table(_ rows: [Row], _ runs: [SeedRuns], _ title: String) -> ReportTable {
    func pair(_ figures: (loss: Double, accuracy: Double)) -> String {
      "\(Format.fixed(figures.loss, 4)) / \(Format.percent(figures.accuracy))"
    }
    return ReportTable(
      title,
      columns: [
        "activation, start", "loss", "accuracy", "least and largest accuracy",
        "reference (loss / accuracy)", "Keras 3.15, one run",
      ],
      rows: zip(rows, runs).map { row, run in
        let accuracy = run.final(\.trainAccuracy)
        let (least, largest) = (accuracy.values.min() ?? .nan, accuracy.values.max() ?? .nan)
        return [
          row.label, run.final(\.trainLoss).text(4), accuracy.percent,
          "\(Format.percent(least)), \(Format.percent(largest))",
          row.reference.map(pair).joined(separator: "; "), pair(row.keras),
        ]
      })
  }

  private static func gradientTable(_ runs: [SeedRuns]) -> ReportTable {
    let layers = runs[0].results[0].distributions.map(\.name)
    return ReportTable(
      "Size of the gradient after the epoch (root mean square per kernel, seed 0)",
      columns: ["activation, start"] + layers,
      rows: runs.map { run in
        [run.label] + run.results[0].distributions.map { scientific($0.rootMeanSquare) }
      })
  }

  /// How far the two RMSprops are from the reference's accuracy.
  private static func findings(_ rows: [Row], _ runs: [SeedRuns], _ legacy: [SeedRuns])
    -> [String]
  {
    rows.indices.map { index in
      let reference = SeedSpread(rows[index].reference.map(\.accuracy)).mean
      return "\(rows[index].label): accuracy \(runs[index].final(\.trainAccuracy).percent) with "
        + "Keras 3's RMSprop, \(legacy[index].final(\.trainAccuracy).percent) with Keras 2's; the "
        + "reference has \(Format.percent(reference)), Keras 3.15 "
        + "\(Format.percent(rows[index].keras.accuracy))."
    }
  }

  /// "1.2e-05".
  private static func scientific(_ value: Double) -> String { String(format: "%.1e", value) }

  private static func checks(_ rows: [Row], _ runs: [SeedRuns]) -> [ReportCheck] {
    zip(rows, runs).compactMap { row, run in
      let found = run.final(\.trainAccuracy)
      let reference = SeedSpread(row.reference.map(\.accuracy)).mean
      switch row.label {
      case "tanh, N(0, 0.1)", "tanh, Glorot normal":
        return ReportCheck(
          "\(row.label) trains to 91 to 92.5 %", isMet: (0.91...0.925).contains(found.mean),
          found: found.percent)
      case "tanh, N(0, 0.8)", "sigmoid, N(0, 0.8)":
        let limit = 0.05
        return ReportCheck(
          "\(row.label): accuracy within 5 points of the reference's \(Format.percent(reference)) "
            + "and Keras' \(Format.percent(row.keras.accuracy))",
          isMet: abs(found.mean - reference) <= limit
            && abs(found.mean - row.keras.accuracy) <= limit, found: found.percent)
      default: return nil
      }
    }
  }

  // MARK: - Violins

  /// A figure per activation and kind of initialiser; a row per s, or per run.
  private static func violins(_ rows: [Row], _ runs: [SeedRuns]) -> [Figure] {
    [ActivationFunction.tanh, .sigmoid].flatMap { activation in
      [false, true].map { isGlorot in
        let chosen = zip(rows, runs).filter {
          $0.0.activation == activation && ($0.0.initializer == .glorotNormal) == isGlorot
        }
        let panels = chosen.flatMap { row, run in
          run.results.prefix(drawn(row)).enumerated().flatMap { seed, result in
            gradientPanels(isGlorot ? "\(row.start), seed \(seed)" : row.start, result)
          }
        }
        let start = isGlorot ? "Glorot normal" : "N(0, s)"
        return Figure(
          "gradients-\(activation.name)-\(isGlorot ? "glorot" : "normal")",
          title: "Gradients after one epoch: \(activation.name), \(start)",
          caption: "dL/dW over the test images per kernel, \(activation.name), \(start)"
            + (isGlorot ? ", a row per seed" : ", a row per s, seed 0")
            + ". Left: the gradient; right: its size on a logarithmic axis, where layers that hardly "
            + "learn stand low.", panels: panels)
      }
    }
  }

  private static func gradientPanels(_ title: String, _ result: TrainingResult) -> [Figure.Panel] {
    let layer = Figure.Axis("layer")
    return [
      Figure.Panel(
        title, x: layer, y: Figure.Axis("dL/dW"),
        .violins(result.distributions.map { Figure.Violin($0.name, $0.values) })),
      Figure.Panel(
        title, x: layer, y: Figure.Axis("|dL/dW|", isLogarithmic: true),
        .violins(
          result.distributions.map {
            // A gradient of exactly zero has no place on a logarithmic axis.
            Figure.Violin($0.name, $0.values.map(\.magnitude).filter { $0 > 0 })
          })),
    ]
  }
}
