import FixedNetCompute
import FixedNetCore

/// What a finished epoch gave.
public struct EpochRecord: Equatable, Sendable {
  /// From 1.
  public var epoch: Int
  /// The learning rate at the end of the epoch.
  public var learningRate: Double
  /// The mean over the training samples.
  public var trainLoss: Double
  /// 0 ... 1.
  public var trainAccuracy: Double
  /// NaN where a part of the training samples was held out for validation: the test set is not looked at then.
  public var testLoss: Double
  /// 0 ... 1.
  public var testAccuracy: Double
  /// What the epoch took, without its measuring.
  public var seconds: Double
  /// On the samples that were held out; nil where none were.
  public var validation: Training.Evaluation?

  /// As measured at the end of `epoch`.
  public init(
    epoch: Int, learningRate: Double, trainLoss: Double, trainAccuracy: Double, testLoss: Double,
    testAccuracy: Double, seconds: Double, validation: Training.Evaluation? = nil
  ) {
    self.epoch = epoch
    self.learningRate = learningRate
    self.trainLoss = trainLoss
    self.trainAccuracy = trainAccuracy
    self.testLoss = testLoss
    self.testAccuracy = testAccuracy
    self.seconds = seconds
    self.validation = validation
  }

  /// On samples that were not trained on: the validation part, where there is one, else the test set.
  public var unseen: Training.Evaluation {
    validation ?? Training.Evaluation(loss: testLoss, accuracy: testAccuracy)
  }
}

/// All that a training run needs, besides the weights, to go on to the bit where it stopped. In the file: the group
/// /fixednet, plain attributes and lists that any HDF5 reader shows.
public struct TrainingState: Equatable, Sendable {
  /// Of the form in which states are stored.
  public static let currentVersion = 1
  /// The loss of files that name none.
  public static let defaultLoss = "sparse_categorical_crossentropy"

  /// Of the form that the file has.
  public var formatVersion: Int = TrainingState.currentVersion
  /// A built-in model's name, or the path that was given.
  public var modelName: String
  /// "digits", "mnist", "fashion-mnist".
  public var data: String
  /// Identifies the data's contents; empty where unknown.
  public var dataDigest: String
  /// What weights, order and dropout are drawn from.
  public var seed: UInt64
  /// Samples of a step.
  public var batch: Int
  /// Images that one thread works on together.
  public var blockSize: Int
  /// Keras' form: {"class_name": "SGD", "config": {...}}.
  public var optimizer: JSONValue
  /// The schedule in its JSON form.
  public var schedule: JSONValue
  /// `Loss.record`: Keras' long name, or its JSON where the name does not say everything.
  public var loss: String = TrainingState.defaultLoss
  /// Whatever else the run was asked for (clipping, penalties, early stopping): an object of the trainer's choosing, so
  /// that a new option is no new format.
  public var options: JSONValue = [:]
  /// The rate that was asked for.
  public var learningRate: Double
  /// Asked for.
  public var epochs: Int
  /// Finished.
  public var epoch: Int = 0
  /// Since the start of training.
  public var step: Int = 0
  /// More than 0 where the run was interrupted inside of an epoch.
  public var stepInEpoch: Int = 0
  /// Sums over the unfinished epoch.
  public var partialLoss: Double = 0
  /// Samples of the unfinished epoch that were right.
  public var partialHits: Int = 0
  /// Samples of the unfinished epoch so far.
  public var partialImages: Int = 0
  /// One entry per finished epoch.
  public var history: [EpochRecord] = []
  /// The epoch whose weights were the best so far.
  public var bestEpoch: Int = 0
  /// The accuracy of that epoch.
  public var bestAccuracy: Double = 0

  /// A run that has not begun.
  public init(
    modelName: String, data: String, dataDigest: String = "", seed: UInt64, batch: Int,
    blockSize: Int, optimizer: JSONValue, schedule: JSONValue, learningRate: Double, epochs: Int
  ) {
    self.modelName = modelName
    self.data = data
    self.dataDigest = dataDigest
    self.seed = seed
    self.batch = batch
    self.blockSize = blockSize
    self.optimizer = optimizer
    self.schedule = schedule
    self.learningRate = learningRate
    self.epochs = epochs
  }
}

// MARK: - Where the optimiser was before

extension TrainingState {
  /// Iterations that the optimiser had made before the run began, where the run went on with another file's.
  public var firstIteration: Int {
    get { count("first_iteration") }
    set { setOption("first_iteration", newValue == 0 ? nil : .integer(newValue)) }
  }

  /// The schedule's step at the run's first one.
  public var firstScheduleStep: Int {
    get { count("first_schedule_step") }
    set { setOption("first_schedule_step", newValue == 0 ? nil : .integer(newValue)) }
  }

  /// The most iterations that a file may speak of.
  public static let iterationLimit = 1 << 40

  /// Iterations of the optimiser in all: what Keras counts.
  public var iterations: Int { firstIteration + step }

  /// nil removes the option.
  package mutating func setOption(_ key: String, _ value: JSONValue?) {
    guard case .object(var members) = options else { return }
    members[key] = value
    options = .object(members)
  }

  /// 0 where there is no such option, or no number that can be used.
  private func count(_ key: String) -> Int {
    guard case .integer(let value)? = options[key],
      (0...TrainingState.iterationLimit).contains(value)
    else { return 0 }
    return value
  }

  /// The optimiser as Keras goes on with it. Where Keras has no such schedule, or counts its steps from elsewhere, the
  /// rate is the one that the next step would have.
  var optimizerForKeras: JSONValue {
    guard case .object(var members) = optimizer, case .object(var config)? = members["config"],
      let rate = rateForKeras
    else { return optimizer }
    config["learning_rate"] = .number(rate)
    members["config"] = .object(config)
    return .object(members)
  }

  /// A fixed rate; nil where the optimiser has a schedule of Keras.
  var rateForKeras: Double? {
    if case .object? = optimizer["config"]?["learning_rate"] { return nil }
    guard iterations <= TrainingState.iterationLimit,
      let schedule = Schedule(json: schedule, learningRate: learningRate)
    else { return learningRate }
    if case .constant = schedule { return learningRate }
    return schedule.rate(at: firstScheduleStep + step)
  }
}
