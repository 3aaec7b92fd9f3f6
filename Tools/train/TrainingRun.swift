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
  private let trainer: Trainer
  private var state: TrainingState
  private let output: CheckpointOutput?
  private var report: TrainingReport
  private let started = ProgressLine.now

  init(_ options: Train) throws {
    self.options = options
    let resumed = try options.resume.map {
      try KerasFile.read(path: $0, trainingState: .require)
    }
    let source = try resumed == nil ? ModelSource(options.model ?? "lenet") : nil
    guard let model = resumed?.model ?? source?.model else { throw ToolError("no model") }
    data = try options.data.load(default: resumed?.training?.data ?? "digits")
    state =
      resumed?.training
      ?? TrainingRun.newState(options, name: source?.name ?? model.name, data)
    let threads = options.threads ?? ProcessInfo.processInfo.activeProcessorCount
    let plan = try TrainingRun.plan(model, state, threads: threads, budget: options.memoryBudget)
    state.blockSize = plan.options.resolvedBlockSize
    try TrainingRun.check(state, data, resumedFrom: options.resume)
    if let epochs = options.epochs { state.epochs = epochs }

    output = try CheckpointOutput(options, modelName: state.modelName)
    network = try Network(plan, instructionSet: .selected())
    try network.load(
      resumed?.weights ?? source?.weights ?? model.initialWeights(seed: state.seed))
    trainer = try Trainer(
      network: network, images: data.set.train, batch: state.batch,
      optimizer: OptimizerConfiguration(
        kind: .sgd, schedule: .constant(Float(state.learningRate))),
      seed: state.seed, position: TrainingPosition(state))
    report = TrainingReport(isQuiet: options.quiet || options.json)
  }

  // MARK: - Setting up

  private static func newState(_ options: Train, name: String, _ data: LoadedData) -> TrainingState
  {
    let rate = options.learningRate ?? 0.01
    return TrainingState(
      modelName: name, data: data.set.name, dataDigest: data.digest, seed: options.seed ?? 0,
      batch: min(options.batch ?? 128, data.set.train.count), blockSize: 16,
      optimizer: OptimizerConfiguration.json(learningRate: rate),
      schedule: ["class_name": "constant"], learningRate: rate, epochs: options.epochs ?? 10)
  }

  /// The plan for the whole mini-batch, or for the largest part of it that the budget allows.
  private static func plan(
    _ model: SequentialModel, _ state: TrainingState, threads: Int, budget: ByteCount?
  ) throws -> NetworkPlan {
    // A resumed run keeps its blocks: the order of the sums depends on them.
    func plan(_ batch: Int, blockSize: Int?) throws(ModelError) -> NetworkPlan {
      try NetworkPlan(
        model,
        options: PlanOptions(
          batch: batch, isTraining: true, threads: threads, blockSize: blockSize))
    }
    let blockSize = state.step > 0 || state.epoch > 0 ? state.blockSize : nil
    let whole = try plan(state.batch, blockSize: blockSize)
    guard let budget, whole.memory.byteCount > budget.bytes else { return whole }
    if let layer = model.layers.first(where: { $0 is BatchNormalization }) {
      throw ToolError(
        "--memory-budget: \(budget.bytes) bytes are too few; a batch of \(state.batch) needs "
          + "\(whole.memory.byteCount), and '\(layer.name)' normalises over the whole batch, so it "
          + "cannot be run in parts")
    }
    var smallest = whole
    for size in blockSize.map({ [$0] }) ?? [16, 1] where size <= state.batch {
      var batch = (state.batch - 1) / size * size
      while batch > 0 {
        smallest = try plan(batch, blockSize: size)
        if smallest.memory.byteCount <= budget.bytes { return smallest }
        batch -= size
      }
    }
    throw ToolError(
      "--memory-budget: \(budget.bytes) bytes are too few; one image at a time needs "
        + "\(smallest.memory.byteCount)")
  }

  /// What was saved and what is there must be the same, or the result would not be.
  private static func check(
    _ state: TrainingState, _ data: LoadedData, resumedFrom path: String?
  ) throws {
    if let path, state.dataDigest != data.digest {
      throw ToolError(
        "'\(path)' was trained on other data: \(state.data) [\(state.dataDigest)], found "
          + "[\(data.digest)]")
    }
    guard (1...65_536).contains(state.batch), state.epoch >= 0, state.step >= 0,
      [1, 16].contains(state.blockSize), state.learningRate.isFinite, state.learningRate > 0
    else {
      throw ToolError("'\(path ?? "")': its training state is out of range; it cannot be resumed")
    }
  }

  // MARK: - Training

  func train() throws {
    do {
      try runEpochs()
    } catch let error as TrainingError {
      let kept = output.map { output in
        state.history.isEmpty
          ? "; nothing was saved" : "; '\(output.path)' keeps the last good checkpoint"
      }
      throw ToolError("\(error)\(kept ?? "")")
    }
    finish()
  }

  private func runEpochs() throws {
    report.begin(network.plan, state, data.set, network.instructionSet)
    Interrupt.watch()
    while state.epoch < state.epochs {
      let epochStart = ProgressLine.now
      let stepsBefore = state.stepInEpoch
      let end = try trainer.runEpoch { position in
        report.progress(
          position, of: trainer.stepsPerEpoch, epochs: state.epochs,
          seconds: ProgressLine.now - epochStart, stepsDone: position.stepInEpoch - stepsBefore)
        return !Interrupt.isRequested
      }
      switch end {
      case .interrupted:
        try stop()
      case .finished(let sums):
        try finishEpoch(sums, seconds: ProgressLine.now - epochStart)
        if Interrupt.isRequested, state.epoch < state.epochs { try stop() }
      }
    }
  }

  private func finishEpoch(_ sums: Network.Sums, seconds: Double) throws {
    let test = try network.evaluate(data.set.test)
    state.update(trainer.position)
    let record = EpochRecord(
      epoch: state.epoch, learningRate: state.learningRate, trainLoss: sums.meanLoss,
      trainAccuracy: sums.accuracy, testLoss: test.meanLoss, testAccuracy: test.accuracy,
      seconds: seconds)
    state.history.append(record)
    let isBest = record.testAccuracy > state.bestAccuracy || state.history.count == 1
    if isBest { (state.bestEpoch, state.bestAccuracy) = (record.epoch, record.testAccuracy) }
    try output?.save(network, state, isBest: isBest)
    if let path = options.history { try writeHistory(to: path) }
    report.epoch(record, of: state.epochs)
  }

  /// After Ctrl-C: saves where a checkpoint was asked for, and ends.
  private func stop() throws -> Never {
    state.update(trainer.position)
    try output?.save(network, state, isBest: false)
    report.interrupted(state, of: trainer.stepsPerEpoch, savedTo: output?.path)
    Foundation.exit(Interrupt.exitCode)
  }

  private func finish() {
    let digest = WeightsDigest.sha256(network.weights)
    let seconds = ProgressLine.now - started
    if options.json {
      print(
        TrainingReport.json(
          network.plan, state, digest: digest, seconds: seconds, path: output?.path
        ).text)
    } else {
      report.end(state, digest: digest, seconds: seconds, output: output)
    }
  }

  private func writeHistory(to path: String) throws {
    var text = "epoch,learning_rate,train_loss,train_accuracy,test_loss,test_accuracy,seconds\n"
    for record in state.history {
      let values = [
        record.learningRate, record.trainLoss, record.trainAccuracy, record.testLoss,
        record.testAccuracy, record.seconds,
      ]
      text += "\(record.epoch)," + values.map { "\($0)" }.joined(separator: ",") + "\n"
    }
    try AtomicFile.write(Array(text.utf8), to: path)
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
}
