import ArgumentParser
import FixedNet
import FixedNetCore
import FixedNetFiles
import Foundation
import ToolSupport

/// One call of `train`: everything is read, checked and planned before the first step.
final class TrainingRun {
  private let options: Train
  private let data: LoadedData
  private let network: Network
  private let threads: ThreadChoice
  private let trainer: Trainer
  private var state: TrainingState
  private let output: CheckpointOutput?
  private let batchHistory: BatchHistory?
  private let tensorBoard: TensorBoardOutput?
  /// For those two; nil where neither was asked for.
  private let stepLog: StepLog?
  /// No other run writes the histories meanwhile.
  private let locks: [OutputLock]
  private var report: TrainingReport
  /// Seconds from the start of the process to the end of the first step; nil before it.
  private var firstStepSeconds: Double?

  init(_ options: Train) throws {
    self.options = options
    // Who goes on with a file must own it before reading it, or another run may still change it.
    let resumed =
      options.resume == nil ? nil : try CheckpointOutput(options)
    let setup = try TrainingSetup(options)
    // Planning takes the place of reading, and does not come on top of it and of the data.
    StartUpCode.release()
    data = setup.data
    state = setup.state
    let (plan, threads) = try ThreadChoice.plan(asked: options.threads) {
      try setup.plan(
        threads: $0, budget: options.memoryBudget, recomputes: options.recompute)
    }
    self.threads = threads
    try plan.checkAnswers(of: data.set.train, in: data.set.name)
    state.blockSize = plan.options.resolvedBlockSize
    if let loss = plan.loss { state.loss = loss.record }

    if let path = options.history { try checkFolder(of: path) }
    if let path = options.batchHistory { try checkFolder(of: path) }
    if let path = options.plot { try checkFolder(of: path) }
    output =
      options.resume == nil
      ? try CheckpointOutput(options) : resumed
    locks = try [options.history, options.batchHistory].compactMap { path in
      try path.flatMap { path in try OutputLock(path) }
    }
    network = try Network(plan, instructionSet: .selected())
    try network.load(setup.weights)
    if let memory = setup.optimizerState { try network.load(memory) }
    try network.checkStart(options)
    trainer = try Trainer(
      network: network, images: data.set.train, batch: state.batch,
      optimizer: setup.configuration, seed: state.seed, position: TrainingPosition(state))
    try network.check(data.set.test)
    try output?.check(network, state)
    let position = trainer.position
    let isResumed = options.resume != nil
    batchHistory = try options.batchHistory.map {
      try BatchHistory(path: $0, position: position, isResumed: isResumed)
    }
    tensorBoard = try options.tensorboard.map {
      try TensorBoardOutput(folder: $0, resumesAfter: isResumed ? position.step : nil)
    }
    let isLogged = batchHistory != nil || tensorBoard != nil
    stepLog =
      isLogged ? StepLog(stepsPerEpoch: trainer.stepsPerEpoch, position: position) : nil
    report = TrainingReport(
      isQuiet: options.quiet || options.json,
      hasAccuracy: plan.hasAccuracy(on: data.set.train), optimizerNote: setup.optimizerNote)
  }

  // MARK: - Training

  func train() throws {
    do {
      try runEpochs()
    } catch let error as TrainingError {
      // The steps up to the broken one are what one looks for then.
      try writeSteps()
      throw ToolError("\(error)\(output?.kept ?? "")")
    }
    try finish()
    try plot()
  }

  private var isStoppedEarly: Bool { state.earlyStopping.stops(after: state.history) }

  private func runEpochs() throws {
    data.announce(isQuiet: options.quiet, isJSON: options.json)
    report.begin(
      network.plan, threads, state, data, network.instructionSet, isSaving: output != nil)
    if state.epoch >= state.epochs {
      report.nothingToDo(state)
    } else if isStoppedEarly {
      report.stoppedEarly(state)
    }
    Interrupt.watch()
    var epochStart = ProgressLine.now
    var stepsBefore = state.stepInEpoch
    while state.epoch < state.epochs, !isStoppedEarly {
      let end = try trainer.runEpoch { position in
        if firstStepSeconds == nil { firstStepSeconds = ProcessClock.seconds }
        stepLog?.note(position, learningRate: rate(at: position.step))
        report.progress(
          position, of: trainer.stepsPerEpoch, epochs: state.epochs,
          seconds: ProgressLine.now - epochStart, stepsDone: position.stepInEpoch - stepsBefore)
        return !Interrupt.isRequested && !isCheckpoint(position)
      }
      switch end {
      case .interrupted:
        if Interrupt.isRequested { try stop() }
        try save()
      case .finished(let sums):
        try finishEpoch(sums, seconds: ProgressLine.now - epochStart)
        if Interrupt.isRequested, state.epoch < state.epochs { try stop() }
        if isStoppedEarly { report.stoppedEarly(state) }
        (epochStart, stepsBefore) = (ProgressLine.now, 0)
      }
    }
  }

  /// The learning rate of a step, from 1.
  private func rate(at step: Int) -> Double { trainer.optimizer.rate(at: step - 1) }

  /// Whether --checkpoint-every asks for a checkpoint after this step.
  private func isCheckpoint(_ position: TrainingPosition) -> Bool {
    options.checkpointEvery.map { position.step % $0 == 0 } ?? false
  }

  private func finishEpoch(_ sums: Network.Sums, seconds: Double) throws {
    // An update in the backward pass keeps no whole gradient: none is shown, rather than a part of one.
    let isKept = tensorBoard != nil && !network.plan.options.updatesInBackward
    let gradients = isKept ? network.gradients : []
    let position = trainer.position
    try trainer.checkWeights()
    let unseen = data.validation ?? data.set.test
    let sums = (train: sums, unseen: try network.evaluate(unseen, batch: state.batch))
    guard sums.unseen.meanLoss.isFinite else {
      let broken = try network.brokenOutput(unseen)
      let part = data.validation == nil ? "test" : "validation"
      throw ToolError(
        "the loss of the \(part) images is not finite after step \(position.step) (epoch "
          + "\(position.epoch)): \(broken?.description ?? "the loss itself") broke first; try a "
          + "smaller --learning-rate\(output?.kept ?? "")")
    }
    state.update(position)
    let hasAccuracy = network.plan.hasAccuracy(on: data.set.train)
    let score = Training.Evaluation(
      loss: sums.unseen.meanLoss, accuracy: hasAccuracy ? sums.unseen.accuracy : .nan)
    let isTested = data.validation == nil
    let record = EpochRecord(
      epoch: state.epoch, learningRate: rate(at: state.step), trainLoss: sums.train.meanLoss,
      trainAccuracy: hasAccuracy ? sums.train.accuracy : .nan,
      testLoss: isTested ? score.loss : .nan, testAccuracy: isTested ? score.accuracy : .nan,
      seconds: seconds, validation: isTested ? nil : score)
    // Which epoch is the best is not chosen by the samples that it is to be judged by in the end.
    let isBest = !isTested && state.isBetter(record)
    state.history.append(record)
    if isBest {
      (state.bestEpoch, state.bestAccuracy) = (record.epoch, hasAccuracy ? score.accuracy : 0)
    }
    // Before the checkpoint: what is behind it, a resumed run writes again; what it has, no run would.
    if let path = options.history { try writeHistory(to: path) }
    try writeSteps()
    stepLog?.beginEpoch()
    try tensorBoard?.write(
      record, step: state.step, plan: network.plan, weights: network.weights, gradients: gradients)
    try output?.save(network, state, isBest: isBest)
    report.epoch(record, of: state.epochs)
  }

  /// The steps since the last call, wherever they were asked for.
  private func writeSteps() throws {
    guard let stepLog else { return }
    let steps = stepLog.steps
    stepLog.clear()
    try batchHistory?.write(steps)
    try tensorBoard?.write(steps)
  }

  /// Saves inside of an epoch, where a checkpoint was asked for.
  private func save() throws {
    // A step's update may break weights after its loss was still finite: they must not replace good ones.
    try trainer.checkWeights()
    state.update(trainer.position)
    try writeSteps()
    try output?.save(network, state, isBest: false)
  }

  /// After Ctrl-C: saves and ends.
  private func stop() throws -> Never {
    try save()
    try plot()
    report.interrupted(
      state, of: trainer.stepsPerEpoch, savedTo: output?.path,
      dataFolder: options.data.dataDir)
    Foundation.exit(Interrupt.exitCode)
  }

  private func finish() throws {
    let test = try finalTest()
    let digest = WeightsDigest.sha256(network.weights, of: network.plan.model)
    let seconds = ProcessClock.seconds
    if options.json {
      printJSON(
        report.json(
          network.plan, threads, state, test: test, digest: digest, seconds: seconds,
          firstStep: firstStepSeconds, path: output.flatMap { $0.hasSaved ? $0.path : nil },
          dataNote: data.notes))
    } else {
      report.end(
        state, test: data.validation == nil ? nil : test, digest: digest, seconds: seconds,
        firstStep: firstStepSeconds, output: output)
    }
  }

  /// The test set after the last epoch: what the history says, or looked at now, for the first time.
  private func finalTest() throws -> Training.Evaluation? {
    guard data.validation != nil else { return state.history.last?.unseen }
    let test = try network.evaluate(data.set.test, batch: state.batch)
    let hasAccuracy = network.plan.hasAccuracy(on: data.set.test)
    return Training.Evaluation(loss: test.meanLoss, accuracy: hasAccuracy ? test.accuracy : .nan)
  }

  /// The epochs so far; nothing before the first.
  private func plot() throws {
    guard let path = options.plot, !state.history.isEmpty else { return }
    let title = "\(state.modelName) on \(fileName(data.set.name))"
    try drawPlot(.history("history", title: title, state.history), to: path)
  }

  /// The columns of what is looked at after every epoch, the validation part or the test set. Accuracies that say nothing
  /// are left empty.
  private func writeHistory(to path: String) throws {
    let part = data.validation == nil ? "test" : "validation"
    var text =
      "epoch,learning_rate,train_loss,train_accuracy,\(part)_loss,\(part)_accuracy,seconds\n"
    for record in state.history {
      let unseen = record.unseen
      let values = [
        record.learningRate, record.trainLoss, record.trainAccuracy, unseen.loss, unseen.accuracy,
        record.seconds,
      ]
      text +=
        "\(record.epoch)," + values.map { $0.isNaN ? "" : "\($0)" }.joined(separator: ",") + "\n"
    }
    try AtomicFile.write(Array(text.utf8), to: path)
  }
}

extension Network {
  /// Nothing can be learned from weights that are not numbers.
  /// Throws: `ToolError`.
  func checkStart(_ options: Train) throws {
    guard let broken = brokenStart else { return }
    let file = options.resume ?? options.start.weights ?? options.model
    throw ToolError(
      "\(file.map { "'\($0)': " } ?? "")\(broken) is not finite before the first step; start from "
        + "other weights")
  }
}

// MARK: - The position in the checkpoint

extension TrainingPosition {
  /// Where the checkpoint stopped.
  init(_ state: TrainingState) {
    self.init()
    epoch = state.epoch
    step = state.step
    stepInEpoch = state.stepInEpoch
    partial = Network.Sums(
      loss: state.partialLoss, hits: state.partialHits, images: state.partialImages)
  }
}

extension TrainingState {
  mutating func update(_ position: TrainingPosition) {
    epoch = position.epoch
    step = position.step
    stepInEpoch = position.stepInEpoch
    partialLoss = position.partial.loss
    partialHits = position.partial.hits
    partialImages = position.partial.images
  }

  /// Whether an epoch is better than all before: by the validation accuracy, or by the loss where that says nothing.
  fileprivate func isBetter(_ record: EpochRecord) -> Bool {
    guard !history.isEmpty else { return true }
    let score = record.unseen
    guard score.accuracy.isNaN else { return score.accuracy > bestAccuracy }
    return history.allSatisfy { score.loss < $0.unseen.loss }
  }
}
