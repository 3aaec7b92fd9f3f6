import FixedNetCore

/// Why training stopped before its end.
public enum TrainingError: Error, Equatable {
  /// The loss of a step is not finite; the weights are those before the step. `epoch` and `step` count from 1.
  case notFinite(epoch: Int, step: Int, BrokenValue)
  /// A weight, or what the optimiser remembers, is not finite after a step whose loss was: saturated activations can
  /// hide it from the loss.
  case brokenWeight(epoch: Int, step: Int, BrokenValue)
  /// A position that the run cannot have, or a network that a full-batch solver is at work in.
  case cannotGoOn(NetworkError)
}

extension TrainingError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notFinite(let epoch, let step, let value):
      "the loss is not finite at step \(step) (epoch \(epoch)): \(value) broke first"
        + TrainingError.advice(value)
    case .brokenWeight(let epoch, let step, let value):
      "\(value) is not finite after step \(step) (epoch \(epoch))" + TrainingError.advice(value)
    case .cannotGoOn(let error): "\(error)"
    }
  }

  private static func advice(_ value: BrokenValue) -> String {
    value.layer == "input" || value.layer == "targets"
      ? "; correct the data" : "; try a smaller --learning-rate or --clip-norm"
  }
}

/// Where a run is: everything that resuming it needs besides the weights.
public struct TrainingPosition: Equatable, Sendable {
  /// Finished epochs.
  public var epoch = 0
  /// Steps since the start of training.
  public var step = 0
  /// Steps of the unfinished epoch; 0 between epochs.
  public var stepInEpoch = 0
  /// Sums over the unfinished epoch.
  public var partial = Network.Sums()

  /// Before the first step.
  public init() {}

  /// Throws: `NetworkError.option` for a position that no run has.
  func check(stepsPerEpoch: Int) throws(NetworkError) {
    for (name, value, end) in [
      ("epoch", epoch, 1 << 32), ("step", step, 1 << 52),
      ("stepInEpoch", stepInEpoch, stepsPerEpoch),
    ] where !(0...end).contains(value) {
      throw .option(name: "position.\(name)", expected: "from 0 to \(end)", found: "\(value)")
    }
  }
}

/// Trains a network: mini-batches in an order that is a function of (seed, epoch), so that a run can be continued
/// to the bit from its position and weights.
public final class Trainer {
  /// Whose weights are trained.
  public let network: Network
  /// What they learn from.
  public let images: ImageSet
  /// Samples of a step.
  public let batch: Int
  /// How the weights follow their gradients.
  public let optimizer: OptimizerConfiguration
  /// What the order and dropout are drawn from.
  public let seed: UInt64
  /// Where the run is: set it to go on from there.
  public var position: TrainingPosition

  /// `batch`: images of a mini-batch; the network's plan may be for less, then each mini-batch is run in parts
  /// whose gradients are added up.
  /// Throws: `NetworkError.images`, `.labels`, `.targets`, `.weightsNotSet`, `.planned`; `.option` for a batch, a position
  /// or an optimiser that is not the plan's; `.configuration` for a schedule that gives no rate; `.couplesBatch`,
  /// `.keepsNoGradients` where a network with batch normalisation, or one that is updated in the backward pass, is to be
  /// run in parts.
  public init(
    network: Network, images: ImageSet, batch: Int, optimizer: OptimizerConfiguration,
    seed: UInt64, position: TrainingPosition = TrainingPosition()
  ) throws(NetworkError) {
    try network.checkTraining(images)
    guard (1...Shape.elementLimit).contains(batch) else {
      throw .option(name: "batch", expected: "from 1 to 2^31 - 1", found: "\(batch)")
    }
    let planned = network.plan.options.batch
    if batch > planned, let layer = network.plan.couplingLayer {
      throw .couplesBatch(layer: layer, batch: batch, planned: planned)
    }
    guard batch <= planned || !network.plan.options.updatesInBackward else {
      throw .keepsNoGradients
    }
    guard network.plan.options.optimizer == optimizer.optimizer else {
      throw .option(
        name: "optimizer", expected: "the plan's, \(network.plan.options.optimizer)",
        found: "\(optimizer.optimizer)")
    }
    do { try optimizer.check() } catch { throw .configuration(error) }
    try position.check(stepsPerEpoch: (images.count + batch - 1) / batch)
    self.network = network
    self.images = images
    self.batch = batch
    self.optimizer = optimizer
    self.seed = seed
    self.position = position
  }

  /// The last one may have fewer samples.
  public var stepsPerEpoch: Int { (images.count + batch - 1) / batch }

  /// How an epoch ended.
  public enum EpochEnd: Equatable, Sendable {
    /// The sums over the epoch's images, each seen once, in training mode.
    case finished(Network.Sums)
    /// `onStep` asked to stop; `position` says where.
    case interrupted
  }

  /// Runs to the end of the epoch, from wherever `position` is. After each step `onStep` sees the position; where it
  /// returns false the run stops there. Nothing is allocated between the first and the last step.
  /// Throws: `TrainingError.notFinite`, `.cannotGoOn`.
  public func runEpoch(onStep: (TrainingPosition) -> Bool = { _ in true }) throws(TrainingError)
    -> EpochEnd
  {
    guard !network.isSolving else { throw .cannotGoOn(.isSolving) }
    do { try position.check(stepsPerEpoch: stepsPerEpoch) } catch { throw .cannotGoOn(error) }
    let order = Permutation(count: images.count, seed: seed, epoch: UInt64(position.epoch))
    let isWhole = images.withPointers { source, targets -> Bool? in
      guard let targets else { return nil }
      while position.stepInEpoch < stepsPerEpoch {
        let sums = step(source, targets, order)
        guard sums.loss.isFinite else { return nil }
        position.partial.add(sums)
        position.step += 1
        position.stepInEpoch += 1
        if !onStep(position), position.stepInEpoch < stepsPerEpoch { return false }
      }
      return true
    }
    guard let isWhole else { throw notFinite(order) }
    guard isWhole else { return .interrupted }
    let sums = position.partial
    position.epoch += 1
    position.stepInEpoch = 0
    position.partial = Network.Sums()
    return .finished(sums)
  }

  /// One mini-batch, in as many parts as the plan's batch makes of it.
  private func step(_ source: ImageSource, _ targets: TargetSource, _ order: Permutation)
    -> Network.Sums
  {
    let first = position.stepInEpoch * batch
    let count = min(batch, images.count - first)
    let part = min(count, network.plan.options.batch)
    let update = optimizer.update(at: position.step)
    let reduction = network.reduction(of: targets, count: count) { order[first + $0] }
    var sums = Network.Sums()
    var done = 0
    while done < count {
      let partCount = min(part, count - done)
      let start = first + done
      let isLastPart = done + partCount == count
      let run = Network.TrainingRun(
        count: partCount, reduction: reduction, accumulates: done > 0, isLastPart: isLastPart,
        update: isLastPart ? update : nil, seed: seed, step: position.step, imageOffset: done,
        epoch: position.epoch)
      sums.add(network.train(source, targets, run) { order[start + $0] })
      done += partCount
      if !sums.loss.isFinite { break }
    }
    return sums
  }

  // MARK: - Numbers that went wrong

  /// Runs the images of the broken step again, to say what broke first.
  private func notFinite(_ order: Permutation) -> TrainingError {
    let first = position.stepInEpoch * batch
    let count = min(batch, images.count - first)
    let part = min(count, network.plan.options.batch)
    let runs = stride(from: 0, to: count, by: part).map { done in
      Network.TrainingRun(
        count: min(part, count - done), reduction: BatchReduction(count: count), seed: seed,
        step: position.step, imageOffset: done, epoch: position.epoch)
    }
    let broken = network.brokenStep(images, runs, isUpdated: position.step > 0) {
      order[first + $0]
    }
    return .notFinite(epoch: position.epoch + 1, step: position.step + 1, broken)
  }

  /// Says what broke where a weight, or what the optimiser remembers, is not finite, though every loss so far was.
  /// Throws: `TrainingError.brokenWeight`.
  public func checkWeights() throws(TrainingError) {
    guard
      let broken = network.brokenParameter(isUpdated: position.step > 0) ?? network.brokenStart
    else { return }
    let epoch = position.epoch + (position.stepInEpoch > 0 ? 1 : 0)
    throw .brokenWeight(epoch: epoch, step: position.step, broken)
  }
}
