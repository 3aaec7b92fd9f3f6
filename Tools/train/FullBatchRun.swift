import ArgumentParser
import FixedNet
import FixedNetCore
import FixedNetFiles
import Foundation
import ToolSupport

/// One call of `train` with a full-batch solver: everything is read, checked and planned before the first evaluation.
final class FullBatchRun {
  private let options: Train
  private let method: FullBatchMethod
  private let data: LoadedData
  private let name: String
  private let trainer: FullBatchTrainer
  private let output: CheckpointOutput?
  private let tensorBoard: TensorBoardOutput?
  /// No other run writes the history meanwhile.
  private let lock: OutputLock?
  private var history = "iteration,evaluations,loss,gradient_norm\n"
  /// For --plot.
  private var points: [(evaluations: Int, loss: Double)] = []
  /// For --tensorboard: a step's loss and gradient.
  private var events: [RunEvent] = []
  private let started = ProgressLine.now

  private var network: Network { trainer.network }
  private let threads: ThreadChoice

  init(_ options: Train, _ method: FullBatchMethod) throws {
    self.options = options
    self.method = method
    let source = try ModelSource(options.modelName)
    self.name = source.name
    var data = try options.data.load(
      input: source.input, model: source.ends(loss: options.loss))
    if let classWeight = options.start.classWeight {
      data.set.train = data.set.train.weighted(byClass: try classWeight.weights(for: data.set))
    }
    self.data = data
    try options.checkFiles(data, recorded: source.recorded)
    guard options.subnormals.subnormals ?? source.subnormals ?? .flush == .flush else {
      throw ToolError(
        "subnormal numbers are kept in mini-batches only, and a full-batch solver counts them as zero"
          + (options.subnormals.subnormals == nil ? "; say --subnormals flush" : ""))
    }
    let images = data.set.train
    var (model, weights, loss) = try options.start.start(
      source, data: data.set, seed: options.seed ?? 0, loss: options.loss)
    if let lambda = options.fullBatch.lambda {
      model.changeKernels { $0.kernelRegularizer.l2 = Float(lambda / (2 * Double(images.count))) }
    }
    let computed = try FullBatchRun.loss(loss, model)
    let plan: NetworkPlan
    (plan, threads) = try ThreadChoice.plan(asked: options.threads) {
      try FullBatchTrainer.plan(
        model, method, sampleCount: images.count, threads: $0, loss: computed,
        usesReferenceGradient: options.fullBatch.referenceGradient)
    }
    for path in [options.history, options.plot].compactMap(\.self) { try checkFolder(of: path) }
    output = try CheckpointOutput(options)
    lock = try options.history.flatMap { path in try OutputLock(path) }
    let network = try Network(plan, instructionSet: .selected())
    try network.load(weights)
    try network.checkStart(options)
    try plan.checkAnswers(of: images, in: data.set.name)
    try network.check(data.set.test)
    trainer = try FullBatchTrainer(network: network, images: images, method: method)
    try output?.check(network, nil)
    if let note = model.precisionNote { printError("note: '\(name)' \(note)") }
    tensorBoard = try options.tensorboard.map { try TensorBoardOutput(folder: $0) }
  }

  /// Every output's logistic loss is summed, as the perceptron's cost is defined; else what the model's end asks for.
  private static func loss(_ asked: Loss?, _ model: Model) throws -> Loss? {
    let options = PlanOptions(batch: 1, isTraining: false, loss: asked)
    let loss = try NetworkPlan(model, options: options).loss
    return loss == .binaryCrossEntropy() ? .binaryCrossEntropy(isSum: true) : loss
  }

  func run() throws {
    let before = trainer.evaluate().loss
    begin(loss: before)
    points = [(1, before)]
    Interrupt.watch()
    let limit = options.fullBatch.evaluations ?? 250
    let solving = ProgressLine.now
    var failure: (any Error)?
    let result = try trainer.run(limits: SolverLimits(evaluations: limit)) { progress in
      record(progress)
      do { try saveIfAsked(progress) } catch { failure = error }
      return failure == nil && !Interrupt.isRequested
    }
    let seconds = ProgressLine.now - solving
    if let failure { throw failure }
    guard result.stop != .notFinite else { throw notFinite(result.progress) }
    try output?.save(network, nil)
    if let path = options.history { try AtomicFile.write(Array(history.utf8), to: path) }
    let train = try network.evaluate(data.set.train)
    let test = try network.evaluate(data.set.test)
    try writeEvents(result.progress, train: train, test: test)
    finish(result, before: before, train: train, test: test, seconds: seconds)
    if let path = options.plot {
      let title = "\(name) on \(fileName(data.set.name)), \(method.rawValue)"
      try drawPlot(.solverHistory("history", title: title, points), to: path)
    }
    if Interrupt.isRequested { Foundation.exit(Interrupt.exitCode) }
  }

  /// The solver's steps, and figures and weights at its end.
  private func writeEvents(
    _ progress: SolverProgress, train: Network.Sums, test: Network.Sums
  ) throws {
    guard let tensorBoard else { return }
    try tensorBoard.append(events)
    let scalars = [
      ("accuracy/train", accuracy(train)), ("loss/test", test.meanLoss),
      ("accuracy/test", accuracy(test)),
    ]
    try tensorBoard.append(
      scalars.compactMap { tag, value in
        value.flatMap { $0.isFinite ? (tag: tag, value: $0) : nil }
      }, step: progress.total,
      histograms: TensorBoardOutput.histograms(
        network.plan, weights: network.weights, gradients: []))
  }

  /// After every so many steps of the solver, with --checkpoint-every. Another run can start from the file.
  private func saveIfAsked(_ progress: SolverProgress) throws {
    guard let every = options.checkpointEvery, progress.iterations % every == 0 else { return }
    try output?.save(network, nil)
  }

  /// The start may be broken, or every step from the best point.
  private func notFinite(_ progress: SolverProgress) -> ToolError {
    let kept = output?.kept ?? ""
    guard let broken = trainer.brokenValue else {
      return ToolError(
        "the loss or its gradient is not finite at any step that the solver tries after "
          + "\(progress.iterations) steps (\(progress.total) evaluations, loss \(progress.value)); try "
          + "other starting weights (--seed) or smaller inputs\(kept)")
    }
    let advice =
      broken.layer == "input" || broken.layer == "targets"
      ? "correct the data" : "try other starting weights (--seed) or smaller inputs"
    return ToolError(
      "the loss or its gradient is not finite after \(progress.iterations) steps "
        + "(\(progress.total) evaluations): \(broken) broke first; \(advice)\(kept)")
  }

  // MARK: - Printing

  private var isQuiet: Bool { options.quiet || options.json }

  private func begin(loss: Double) {
    data.announce(isQuiet: options.quiet, isJSON: options.json)
    guard !isQuiet else { return }
    let plan = network.plan
    printLine(
      "model \(name): \(Format.grouped((try? plan.model.parameterCount()) ?? 0)) parameters; data "
        + "\(data.record): \(Format.grouped(data.set.train.count)) training and "
        + "\(Format.grouped(data.set.test.count)) test samples of \(data.set.train.shape)")
    printLine(
      "plan: \(Format.bytes(plan.memory.byteCount)) for \(method.rawValue) on all samples at once, "
        + "\(threads.text); lower bound \(Format.grouped(plan.memory.lowerBound)) bytes")
    if output == nil {
      printLine("nothing will be saved; ask for it with --checkpoint or --output")
    }
    printLine("start: loss \(Format.fixed(loss, 5))")
  }

  private func record(_ progress: SolverProgress) {
    let values = [progress.value, progress.gradientNorm].map { "\($0)" }.joined(separator: ",")
    history += "\(progress.iterations),\(progress.total),\(values)\n"
    points.append((progress.total, progress.value))
    if tensorBoard != nil {
      events.append(
        RunEvent(
          step: progress.total, wallTime: TensorBoardOutput.now,
          scalars: [("loss/train", progress.value), ("gradient_norm", progress.gradientNorm)]))
    }
    guard !isQuiet else { return }
    printLine(
      "step \(Format.padded("\(progress.iterations)", 4))  evaluations "
        + "\(Format.padded("\(progress.total)", 5))  loss \(Format.fixed(progress.value, 5))  gradient "
        + Format.fixed(progress.gradientNorm, 5))
  }

  private func finish(
    _ result: SolverResult, before: Double, train: Network.Sums, test: Network.Sums,
    seconds: Double
  ) {
    let progress = result.progress
    let digest = WeightsDigest.sha256(network.weights, of: network.plan.model)
    if options.json {
      printJSON(
        json(
          result, before: before, train: train, test: test, digest: digest, seconds: seconds))
      return
    }
    printLine(
      "\(Self.reason(result.stop)) after \(progress.evaluations) evaluations and "
        + "\(progress.products) Hessian products in \(Format.fixed(seconds, 2)) s")
    printLine(
      "loss \(Format.fixed(before, 5)) -> \(Format.fixed(progress.value, 5))  accuracy "
        + "\(accuracy(train).map { Format.percent($0) } ?? "-")  test loss "
        + "\(Format.fixed(test.meanLoss, 5))  test accuracy "
        + "\(accuracy(test).map { Format.percent($0) } ?? "-")")
    if let output, output.hasSaved { printLine("saved \(output.path)") }
    printLine("\(Format.fixed(ProgressLine.now - started, 1)) s in all")
    printLine("weights sha256: \(digest)")
  }

  /// nil where numbers are predicted.
  private func accuracy(_ sums: Network.Sums) -> Double? {
    network.plan.hasAccuracy(on: data.set.train) ? sums.accuracy : nil
  }

  private static func reason(_ stop: SolverStop) -> String {
    switch stop {
    case .gradientNorm: "the gradient is as good as zero"
    case .noProgress: "no step lowers the loss further"
    case .evaluationLimit: "the evaluations are used up"
    case .notFinite: "the loss is not finite"
    case .stopped: "interrupted"
    }
  }

  private func json(
    _ result: SolverResult, before: Double, train: Network.Sums, test: Network.Sums,
    digest: String, seconds: Double
  ) -> JSONValue {
    [
      "model": .string(name), "data": .string(data.record),
      "dataNote": data.notes.map { .string($0) } ?? .null, "method": .string(method.rawValue),
      "seed": .string("\(options.seed ?? 0)"), "samples": .integer(data.set.train.count),
      "threads": .integer(threads.count), "threadsReason": .string(threads.reason),
      "arenaBytes": .integer(network.plan.memory.byteCount),
      "lowerBoundBytes": .integer(network.plan.memory.lowerBound),
      "lossBefore": .number(before), "loss": .number(result.progress.value),
      "accuracy": accuracy(train).map { .number($0) } ?? .null,
      "testLoss": .number(test.meanLoss),
      "testAccuracy": accuracy(test).map { .number($0) } ?? .null,
      "iterations": .integer(result.progress.iterations),
      "evaluations": .integer(result.progress.evaluations),
      "hessianProducts": .integer(result.progress.products),
      "stop": .string(Self.reason(result.stop)),
      "checkpoint": output.flatMap { $0.hasSaved ? .string($0.path) : nil } ?? .null,
      "seconds": .number(seconds), "weightsSHA256": .string(digest),
    ]
  }
}
