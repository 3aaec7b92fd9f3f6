import FixedNetCore
import Foundation

/// A model being trained on samples in memory: the planned memory, the mini-batches, the optimiser and its rate, said once.
///
/// ```swift
/// let model = Model(input: .vector(2), layers: [Dense(units: 8, activation: .tanh), Dense(units: 2, activation: .softmax)])
/// let samples = try ImageSet(rows: [[0, 0], [0, 1], [1, 0], [1, 1]], labels: [0, 1, 1, 0])
/// let training = try Training(model, on: samples, optimizer: .adam(), learningRate: 0.05, batch: 4)
/// try training.fit(epochs: 200)
/// print(try training.network.predict([0, 1]))
/// ```
///
/// The same arguments give the same weights, bit for bit, on any number of threads. To choose the plan yourself, or to run a
/// mini-batch in parts, use `NetworkPlan`, `Network` and `Trainer`.
public final class Training {
  /// Loss and accuracy of one epoch.
  public struct Epoch: Equatable, Sendable {
    /// From 1.
    public var number: Int
    /// Over the training samples, as they were met in training mode.
    public var loss: Double
    /// 0 to 1; of numbers to predict it says nothing.
    public var accuracy: Double
    /// Over the validation samples after the epoch; nil without any.
    public var validation: Evaluation?

    package init(number: Int, loss: Double, accuracy: Double, validation: Evaluation?) {
      (self.number, self.loss, self.accuracy) = (number, loss, accuracy)
      self.validation = validation
    }
  }

  /// Mean loss and accuracy over samples.
  public struct Evaluation: Equatable, Sendable {
    /// The mean over the samples.
    public var loss: Double
    /// 0 to 1; of numbers to predict it says nothing.
    public var accuracy: Double

    package init(loss: Double, accuracy: Double) { (self.loss, self.accuracy) = (loss, accuracy) }
  }

  /// The network that is trained; it predicts and evaluates at any time between epochs.
  public let network: Network
  /// What it learns from.
  public let samples: ImageSet
  /// What `fit` evaluates after every epoch, and early stopping looks at.
  public let validation: ImageSet?
  /// All epochs so far.
  public private(set) var history: [Epoch] = []

  private let trainer: Trainer

  /// Plans the memory, draws the weights from the seed and gets ready for the first step.
  /// - Parameters:
  ///   - model: what to train; the network's weights are its own, the model stays as it is.
  ///   - samples: with labels, or with targets (numbers to predict).
  ///   - validation: what `fit` evaluates after every epoch; nil: nothing.
  ///   - weights: what to start from, one entry per layer; nil: drawn from the seed as the layers' initialisers say.
  ///   - loss: nil: cross-entropy where the model ends in softmax or a sigmoid.
  ///   - optimizer: the formula of a step, with its numbers.
  ///   - learningRate: nil: Keras' default for the optimiser, 0.01 or 0.001.
  ///   - clipping: what is done to gradients that are too large.
  ///   - batch: samples of a mini-batch; at most as many as there are.
  ///   - seed: of weights, the order of the samples, and dropout.
  ///   - threads: nil: as many as the process may use (what it is bound to, and its control groups' quota) and as a step is
  ///     worth. Results do not depend on it.
  ///   - subnormals: what becomes of numbers below the smallest normal one; saved with the run.
  /// - Throws: `ModelError` where the layers do not fit together, or cannot be trained so; `NetworkError` for samples that do
  ///   not suit the model, numbers that cannot be, and memory that the system does not give.
  public convenience init(
    _ model: Model, on samples: ImageSet, validation: ImageSet? = nil,
    weights: [LayerWeights]? = nil, loss: Loss? = nil, optimizer: Optimizer = .adam(),
    learningRate: Schedule? = nil, clipping: Clipping = .none, batch: Int = 32, seed: UInt64 = 0,
    threads: Int? = nil, subnormals: Subnormals = .flush
  ) throws {
    let rate = learningRate ?? .constant(optimizer.method.defaultLearningRate)
    try self.init(
      model, on: samples, validation: validation, loss: loss,
      optimizer: OptimizerConfiguration(optimizer: optimizer, schedule: rate), clipping: clipping,
      batch: batch, seed: seed, threads: threads, subnormals: subnormals,
      from: Start(weights: weights ?? model.initialWeights(seed: seed)))
  }

  /// Where a run begins, or goes on.
  package struct Start {
    package var weights: [LayerWeights]
    /// nil: nothing is remembered yet.
    package var optimizerState: OptimizerState?
    package var position = TrainingPosition()
    package var history: [Epoch] = []

    package init(weights: [LayerWeights]) { self.weights = weights }
  }

  /// Throws: as the other one.
  package init(
    _ model: Model, on samples: ImageSet, validation: ImageSet?, loss: Loss?,
    optimizer: OptimizerConfiguration, clipping: Clipping, batch: Int, seed: UInt64, threads: Int?,
    subnormals: Subnormals = .flush, from start: Start
  ) throws {
    try samples.check()
    guard batch >= 1 else {
      throw NetworkError.option(name: "batch", expected: "at least 1", found: "\(batch)")
    }
    let batch = min(batch, samples.count)
    var options = PlanOptions(
      batch: batch, isTraining: true, loss: loss, optimizer: optimizer.optimizer,
      clipping: clipping)
    options.subnormals = subnormals
    let (plan, _) = try ThreadChoice.plan(asked: threads) { count throws(ModelError) in
      var options = options
      options.threads = count
      return try NetworkPlan(model, options: options)
    }
    network = try Network(plan)
    try network.load(start.weights)
    if let state = start.optimizerState { try network.load(state) }
    if let validation {
      try network.check(validation)
      guard validation.hasTargets else {
        throw NetworkError.targets(expected: "labels or targets", found: "none")
      }
    }
    trainer = try Trainer(
      network: network, images: samples, batch: batch, optimizer: optimizer, seed: seed,
      position: start.position)
    (self.samples, self.validation, history) = (samples, validation, start.history)
  }

  /// Trains for so many more epochs.
  /// - Parameters:
  ///   - epochs: at least 1.
  ///   - patience: stop after so many epochs in which the validation loss (without validation samples, the training loss) was
  ///     not below all before; nil: never.
  ///   - onEpoch: sees every epoch; where it returns false, training stops.
  /// - Returns: the epochs of this call.
  /// - Throws: `TrainingError` where a loss or a weight is not finite; `NetworkError.option` for a number that cannot be.
  @discardableResult
  public func fit(
    epochs: Int, patience: Int? = nil, onEpoch: (Epoch) throws -> Bool = { _ in true }
  ) throws -> [Epoch] {
    for (name, value) in [("epochs", epochs), ("patience", patience ?? 1)] where value < 1 {
      throw NetworkError.option(name: name, expected: "at least 1", found: "\(value)")
    }
    let first = history.count
    func watched(_ epoch: Epoch) -> Double { epoch.validation?.loss ?? epoch.loss }
    var (best, waited) = (history.map(watched).min() ?? .infinity, 0)
    while history.count < first + epochs {
      guard case .finished(let sums) = try trainer.runEpoch() else { break }
      try trainer.checkWeights()
      let epoch = Epoch(
        number: trainer.position.epoch, loss: sums.meanLoss, accuracy: sums.accuracy,
        validation: try validation.map(evaluate))
      history.append(epoch)
      guard try onEpoch(epoch) else { break }
      let loss = watched(epoch)
      (best, waited) = loss < best ? (loss, 0) : (best, waited + 1)
      if let patience, waited >= patience { break }
    }
    return Array(history[first...])
  }

  /// Mean loss and accuracy over other samples.
  /// Throws: `NetworkError`.
  public func evaluate(_ samples: ImageSet) throws(NetworkError) -> Evaluation {
    let sums = try network.evaluate(samples)
    return Evaluation(loss: sums.meanLoss, accuracy: sums.accuracy)
  }

  /// Where the run is: for `Trainer`, or to be saved.
  public var position: TrainingPosition { trainer.position }
  /// Samples of a step.
  public var batch: Int { trainer.batch }
  /// The last one may have fewer samples.
  public var stepsPerEpoch: Int { trainer.stepsPerEpoch }
  /// What weights, order and dropout are drawn from.
  public var seed: UInt64 { trainer.seed }
  /// How the weights follow their gradients.
  public var optimizer: OptimizerConfiguration { trainer.optimizer }
}
