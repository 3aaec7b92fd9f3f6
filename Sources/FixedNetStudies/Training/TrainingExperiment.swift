import FixedNet
import FixedNetCore
import FixedNetFiles

/// One training run of a study: a model from its start to its last epoch, with what the study wants to know of it. What
/// is finished is a part of the study, so that an interrupted study goes on where it was, to the same bits.
struct TrainingExperiment {
  /// The part's name: "lenet-plain, seed 0".
  var name: String
  var model: Model
  var optimizer: OptimizerConfiguration
  var batch: Int
  var epochs: Int
  /// Of the start, the shuffles and the dropout.
  var seed: UInt64
  /// nil: what the model's end asks for.
  var loss: Loss?
  /// nil: what the model's initialisers draw from the seed.
  var start: [LayerWeights]?
  /// Epochs that runs before this one have made: shuffles and schedules go on behind them.
  var firstEpoch = 0
  var keepsBatchLosses = false
  var keepsWeights = false
  /// What is looked at in the trained network.
  var inspect: (Network) throws -> [Distribution] = { _ in [] }

  /// Epochs after which a longer run is kept.
  static let stage = 10

  /// Trains and tests, or takes what an earlier run has kept. Numbers that are not finite end the run and are its result.
  /// Throws: `StudyError`; `.interrupted` where the user asked to stop.
  func run(_ context: StudyContext, _ data: DataSet, _ progress: TrainingProgress) throws
    -> TrainingResult
  {
    var result = TrainingResult()
    while result.epochs.count < epochs, result.divergence == nil {
      let done = result.epochs.count
      let last = min(done + TrainingExperiment.stage, epochs)
      let partName = last == epochs ? name : "\(name), to epoch \(last)"
      let before = result
      progress.begin(name, from: done)
      let part = try context.part(partName) {
        try train(from: before, to: last, context, data, progress).json
      }
      guard let kept = TrainingResult(part), try kept.isResult(of: self, to: last, data) else {
        throw StudyError.kept(
          place: "what was kept of '\(partName)'", reason: "it cannot be its result")
      }
      result = kept
    }
    progress.end(of: epochs)
    return result
  }

  private func train(
    from before: TrainingResult, to last: Int, _ context: StudyContext, _ data: DataSet,
    _ progress: TrainingProgress
  ) throws -> TrainingResult {
    do {
      let plan = try NetworkPlan(
        model,
        options: PlanOptions(
          batch: min(batch, data.train.count), isTraining: true, threads: context.options.threads,
          loss: loss, optimizer: optimizer.optimizer))
      let network = try Network(plan, instructionSet: .selected())
      try network.load(start ?? model.initialWeights(seed: seed))
      if !before.epochs.isEmpty { try before.restore(network) }
      let trainer = try Trainer(
        network: network, images: data.train, batch: min(batch, data.train.count),
        optimizer: optimizer, seed: seed)
      trainer.position.epoch = firstEpoch + before.epochs.count
      trainer.position.step = trainer.position.epoch * trainer.stepsPerEpoch
      var result = before
      do {
        while result.epochs.count < last {
          try runEpoch(trainer, data.test, context, &result)
          progress.advance()
        }
      } catch let error as TrainingError {
        result.divergence = TrainingExperiment.place(of: error)
      }
      result.distributions = try inspect(network)
      result.sha256 = WeightsDigest.sha256(network.weights, of: model)
      let isFinished = last == epochs || result.divergence != nil
      result.keep(network, weights: keepsWeights || !isFinished, memory: !isFinished)
      return result
    } catch let error as StudyError {
      throw error
    } catch {
      throw StudyError.failed("'\(name)': \(error)")
    }
  }

  private func runEpoch(
    _ trainer: Trainer, _ test: ImageSet, _ context: StudyContext, _ result: inout TrainingResult
  ) throws {
    try context.checkInterrupt()
    var before = Network.Sums()
    var losses: [Float] = []
    losses.reserveCapacity(trainer.stepsPerEpoch)
    let end = try trainer.runEpoch { position in
      let images = position.partial.images - before.images
      losses.append(Float((position.partial.loss - before.loss) / Double(images)))
      before = position.partial
      return !context.isInterrupted
    }
    guard case .finished(let sums) = end else { throw StudyError.interrupted }
    if keepsBatchLosses { result.batchLosses += losses }
    let tested = try trainer.network.evaluate(test)
    result.epochs.append(
      TrainingResult.Epoch(
        trainLoss: sums.meanLoss, trainAccuracy: sums.accuracy, testLoss: tested.meanLoss,
        testAccuracy: tested.accuracy))
  }

  private static func place(of error: TrainingError) -> String {
    switch error {
    case .notFinite(let epoch, let step, _), .brokenWeight(let epoch, let step, _):
      "epoch \(epoch), step \(step)"
    case .cannotGoOn(let error): "\(error)"
    }
  }
}

/// Counts the epochs of a study's runs and tells the context.
final class TrainingProgress {
  private let context: StudyContext
  private let total: Int
  /// Epochs of the runs before this one.
  private var finished = 0
  private var inRun = 0
  private var what = ""

  /// `total`: epochs of all runs.
  init(_ context: StudyContext, total: Int) {
    self.context = context
    self.total = total
  }

  /// A run goes on behind its first `done` epochs.
  func begin(_ what: String, from done: Int) {
    self.what = what
    inRun = done
    tell()
  }

  /// An epoch has ended.
  func advance() {
    inRun += 1
    tell()
  }

  /// A run of `epochs` has ended, or was kept, or broke before its last one.
  func end(of epochs: Int) {
    finished += epochs
    inRun = 0
    tell()
  }

  private func tell() { context.progress(finished + inRun, of: total, what) }
}
