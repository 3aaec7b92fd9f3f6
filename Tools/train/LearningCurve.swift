import FixedNet
import FixedNetFiles
import Foundation
import ToolSupport

/// `train --learning-curve`: the same training on more and more of the training samples, each run from the same start.
struct LearningCurve {
  /// Each part holds the samples of those before it.
  static let parts = [0.1, 0.2, 0.4, 0.7, 1]

  private let options: Train
  private let path: String

  private struct Row {
    var samples: Int
    var training: Training.Evaluation
    var validation: Training.Evaluation
    var digest: String
  }

  init(_ options: Train, path: String) {
    (self.options, self.path) = (options, path)
  }

  func run() throws {
    try checkFolder(of: path)
    let source = try ModelSource(options.modelName)
    let data = try options.data.load(input: source.input, model: source.ends(loss: options.loss))
    data.announce(isQuiet: options.quiet, isJSON: options.json)
    Interrupt.watch()
    let isQuiet = options.json
    if !isQuiet {
      printLine(
        "   samples     loss   accuracy   validation loss   validation accuracy")
    }
    var rows: [Row] = []
    for part in LearningCurve.parts {
      let row = try trained(on: part == 1 ? nil : part, of: data)
      rows.append(row)
      if !isQuiet { printLine(LearningCurve.line(row)) }
    }
    if options.json { printJSON(json(rows, of: data)) }
    try drawPlot(
      .learningCurve(
        "learning-curve", title: "\(options.modelName) on \(fileName(data.set.name))",
        rows.map { ($0.samples, $0.training, $0.validation) }), to: path)
    if !isQuiet { printLine("wrote \(path)") }
  }

  /// A run from the start on a part of the samples.
  private func trained(on part: Double?, of data: LoadedData) throws -> Row {
    do { return try row(part, of: data) } catch let error as any CustomStringConvertible & Error {
      let share = part.map { "\(Int((100 * $0).rounded())) %" } ?? "all"
      throw ToolError("--learning-curve, the run on \(share) of the training samples: \(error)")
    }
  }

  private func row(_ part: Double?, of data: LoadedData) throws -> Row {
    let setup = try TrainingSetup(new: options, part: part, loaded: data)
    let (plan, _) = try ThreadChoice.plan(asked: options.threads) {
      try setup.plan(
        threads: $0, budget: options.memoryBudget, recomputes: options.recompute)
    }
    let (train, validation) = (setup.data.set.train, setup.data.validation ?? setup.data.set.test)
    try plan.checkAnswers(of: train, in: data.set.name)
    let network = try Network(plan, instructionSet: .selected())
    try network.load(setup.weights)
    if let memory = setup.optimizerState { try network.load(memory) }
    try network.checkStart(options)
    let trainer = try Trainer(
      network: network, images: train, batch: setup.state.batch, optimizer: setup.configuration,
      seed: setup.state.seed)
    while trainer.position.epoch < setup.state.epochs {
      _ = try trainer.runEpoch { _ in !Interrupt.isRequested }
      if Interrupt.isRequested {
        printError("interrupted; nothing saved")
        Foundation.exit(Interrupt.exitCode)
      }
    }
    try trainer.checkWeights()
    func score(_ samples: ImageSet) throws -> Training.Evaluation {
      let sums = try network.evaluate(samples, batch: setup.state.batch)
      return Training.Evaluation(
        loss: sums.meanLoss, accuracy: plan.hasAccuracy(on: samples) ? sums.accuracy : .nan)
    }
    return Row(
      samples: train.count, training: try score(train), validation: try score(validation),
      digest: WeightsDigest.sha256(network.weights, of: plan.model))
  }

  private static func line(_ row: Row) -> String {
    func accuracy(_ score: Training.Evaluation) -> String {
      score.accuracy.isNaN ? "-" : Format.percent(score.accuracy)
    }
    return [
      (Format.grouped(row.samples), 10), (Format.fixed(row.training.loss, 4), 7),
      (accuracy(row.training), 9), (Format.fixed(row.validation.loss, 4), 16),
      (accuracy(row.validation), 20),
    ].map { Format.padded($0, $1) }.joined(separator: "  ")
  }

  private func json(_ rows: [Row], of data: LoadedData) -> JSONValue {
    func number(_ value: Double) -> JSONValue { value.isNaN ? .null : .number(value) }
    let values: [JSONValue] = rows.map { row in
      [
        "samples": .integer(row.samples), "trainLoss": number(row.training.loss),
        "trainAccuracy": number(row.training.accuracy),
        "validationLoss": number(row.validation.loss),
        "validationAccuracy": number(row.validation.accuracy),
        "weightsSHA256": .string(row.digest),
      ]
    }
    return [
      "model": .string(options.modelName), "data": .string(data.record),
      "dataNote": data.notes.map { .string($0) } ?? .null,
      "validationFraction": options.heldOutFraction.map { .number($0) } ?? .null,
      "learningCurve": .array(values), "figure": .string(path),
    ]
  }
}
