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
    data = try options.data.load(default: resumed?.training?.data ?? "digits")
    guard !data.set.train.labels.isEmpty else {
      throw ToolError(
        "'\(data.set.name)' holds numbers to predict; training needs labels or one-hot rows")
    }
    guard let model = resumed?.model ?? source?.model(for: data.set) else {
      throw ToolError("no model")
    }
    state =
      resumed?.training
      ?? TrainingRun.newState(options, name: source?.name ?? model.name, data)
    if let path = options.resume { try TrainingRun.check(state, data, resumedFrom: path) }
    if let epochs = options.epochs { state.epochs = epochs }
    let threads = options.threads ?? ProcessInfo.processInfo.activeProcessorCount
    let plan = try TrainingRun.plan(model, state, threads: threads, budget: options.memoryBudget)
    state.blockSize = plan.options.resolvedBlockSize

    if let path = options.history { try checkFolder(of: path) }
    output = try CheckpointOutput(options, modelName: state.modelName)
    network = try Network(plan, instructionSet: .selected())
    try network.load(
      resumed?.weights ?? source?.weights ?? model.initialWeights(seed: state.seed))
    trainer = try Trainer(
      network: network, images: data.set.train, batch: state.batch,
      optimizer: OptimizerConfiguration(
        schedule: .constant(state.learningRate)),
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
      optimizer: OptimizerConfiguration.json(.sgd, learningRate: rate, clipping: .none),
      schedule: ["class_name": "constant"], learningRate: rate, epochs: options.epochs ?? 10)
  }

  /// The plan for the whole mini-batch, or for the largest part of it that the budget allows. Parts have whole blocks of
  /// the batch's own size, so that the sums, and with them the weights, are those of the whole.
  private static func plan(
    _ model: SequentialModel, _ state: TrainingState, threads: Int, budget: ByteCount?
  ) throws -> NetworkPlan {
    // A resumed run keeps its blocks: the order of the sums depends on them.
    let isResumed = state.step > 0
    func plan(_ batch: Int, blockSize: Int?) throws(ModelError) -> NetworkPlan {
      try NetworkPlan(
        model,
        options: PlanOptions(
          batch: batch, isTraining: true, threads: threads, blockSize: blockSize))
    }
    let whole = try plan(state.batch, blockSize: isResumed ? state.blockSize : nil)
    guard let budget, whole.memory.byteCount > budget.bytes else { return whole }
    if let layer = model.layers.first(where: { $0 is BatchNormalization }) {
      throw ToolError(
        "--memory-budget: \(budget.bytes) bytes are too few; a batch of \(state.batch) needs "
          + "\(whole.memory.byteCount), and '\(layer.name)' normalises over the whole batch, so it "
          + "cannot be run in parts")
    }
    let blockSize = whole.options.resolvedBlockSize
    let smallest = try plan(min(blockSize, state.batch), blockSize: blockSize)
    guard smallest.memory.byteCount <= budget.bytes else {
      let advice = blockSize > 1 ? "; batches below 8 run image by image and need less" : ""
      throw ToolError(
        "--memory-budget: \(budget.bytes) bytes are too few; \(threads) "
          + "thread\(threads == 1 ? "" : "s") with one block of \(blockSize) need "
          + "\(smallest.memory.byteCount)\(advice)")
    }
    // More blocks need more memory: bisect.
    var (fits, tooMany) = (1, whole.options.blockCount)
    while tooMany - fits > 1 {
      let middle = (fits + tooMany) / 2
      let byteCount = try plan(middle * blockSize, blockSize: blockSize).memory.byteCount
      if byteCount <= budget.bytes { fits = middle } else { tooMany = middle }
    }
    return try plan(min(fits * blockSize, state.batch), blockSize: blockSize)
  }

  /// What was saved and what is there must be the same, or the result would not be; and a file may say anything.
  private static func check(
    _ state: TrainingState, _ data: LoadedData, resumedFrom path: String
  ) throws {
    guard state.dataDigest == data.digest else {
      throw ToolError(
        "'\(path)' was trained on other data: \(state.data) [\(state.dataDigest)], found "
          + "[\(data.digest)]")
    }
    let images = data.set.train.count
    let counts = 0...(1 << 40)
    guard (1...65_536).contains(state.batch), [1, 16].contains(state.blockSize),
      (1...1_000_000).contains(state.epochs), (0...1_000_000).contains(state.epoch),
      counts.contains(state.step), (0...images).contains(state.partialImages),
      (0...state.partialImages).contains(state.partialHits), state.partialLoss.isFinite,
      Float(state.learningRate).isFinite, Float(state.learningRate) > 0
    else {
      throw ToolError("'\(path)': its training state is out of range; it cannot be resumed")
    }
    let stepsPerEpoch = (images + state.batch - 1) / state.batch
    guard (0..<stepsPerEpoch).contains(state.stepInEpoch),
      state.step == state.epoch * stepsPerEpoch + state.stepInEpoch,
      state.partialImages == state.stepInEpoch * state.batch
    else {
      throw ToolError(
        "'\(path)': its training state contradicts itself (epoch \(state.epoch), step "
          + "\(state.step)); it cannot be resumed")
    }
  }

  // MARK: - Training

  func train() throws {
    do {
      try runEpochs()
    } catch let error as TrainingError {
      throw ToolError("\(error)\(output?.kept ?? "")")
    }
    finish()
  }

  private func runEpochs() throws {
    report.begin(
      network.plan, state, data, network.instructionSet, isSaving: output != nil)
    if state.epoch >= state.epochs { report.nothingToDo(state) }
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
    let position = trainer.position
    try checkWeights(epoch: position.epoch)
    guard test.meanLoss.isFinite else {
      throw TrainingError.notFinite(
        epoch: position.epoch, step: position.step,
        layer: network.plan.model.layers.last?.name ?? "", what: "the output on the test images")
    }
    state.update(position)
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

  /// A step's update may break weights after its loss was still finite: they must not replace good ones.
  private func checkWeights(epoch: Int) throws {
    guard let weight = network.firstNonFiniteWeight else { return }
    throw TrainingError.brokenWeight(
      epoch: epoch, step: trainer.position.step, layer: weight.layer, weight: weight.name)
  }

  /// After Ctrl-C: saves where a checkpoint was asked for, and ends.
  private func stop() throws -> Never {
    try checkWeights(epoch: trainer.position.epoch + (trainer.position.stepInEpoch > 0 ? 1 : 0))
    state.update(trainer.position)
    try output?.save(network, state, isBest: false)
    report.interrupted(
      state, of: trainer.stepsPerEpoch, savedTo: output?.path,
      dataFolder: options.data.dataDir)
    Foundation.exit(Interrupt.exitCode)
  }

  private func finish() {
    let digest = WeightsDigest.sha256(network.weights)
    let seconds = ProgressLine.now - started
    if options.json {
      print(
        TrainingReport.json(
          network.plan, state, digest: digest, seconds: seconds,
          path: output.flatMap { $0.hasSaved ? $0.path : nil }
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
