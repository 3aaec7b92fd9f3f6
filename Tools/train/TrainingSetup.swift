import FixedNet
import FixedNetCore
import FixedNetFiles
import Foundation
import ToolSupport

/// What a run starts from: all that was read, before anything is planned.
struct TrainingSetup {
  var data: LoadedData
  var model: SequentialModel
  var weights: [LayerWeights]
  /// What the optimiser remembers; nil at the start.
  var optimizerState: OptimizerState?
  var state: TrainingState
  /// nil: what the model's end asks for.
  var loss: Loss?
  var configuration: OptimizerConfiguration
  var clipping: Clipping

  /// Throws: whatever reading files and data throws; `ToolError` where a checkpoint cannot be resumed.
  init(_ options: Train) throws {
    if let path = options.resume {
      try self.init(options, resuming: path)
    } else {
      try self.init(new: options)
    }
    if let epochs = options.epochs { state.epochs = epochs }
    if let patience = options.patience { state.earlyStopping.patience = patience }
    if let minDelta = options.minDelta {
      guard state.earlyStopping.patience != nil else {
        throw ToolError("--min-delta belongs to --patience, which this run does not have")
      }
      state.earlyStopping.minDelta = minDelta
    }
  }

  private init(new options: Train) throws {
    let source = try ModelSource(options.model ?? "lenet")
    data = try options.data.load(
      input: source.input, model: source.ends(loss: options.loss))
    let seed = options.seed ?? 0
    (model, weights, loss) = try options.start.start(
      source, data: data.set, seed: seed, loss: options.loss)
    let images = data.set.train.count
    let batch = min(options.batch ?? 128, images)
    let epochs = options.epochs ?? 10
    let rate = options.learningRate ?? options.optimizer.name.defaultLearningRate
    let defaults = Schedule.Defaults(
      learningRate: rate, stepsPerEpoch: (images + batch - 1) / batch, epochs: epochs)
    let schedule = try options.schedule.map { try Schedule(text: $0, defaults) } ?? .constant(rate)
    state = TrainingState(
      modelName: source.name, data: data.record, dataDigest: data.digest, seed: seed,
      batch: batch, blockSize: 16,
      optimizer: OptimizerConfiguration.json(
        options.optimizer.resolved, learningRate: rate, clipping: options.optimizer.clipping),
      schedule: schedule.json, learningRate: rate, epochs: epochs)
    if options.optimizer.name == .rmspropLegacy { state.isLegacyRMSprop = true }
    state.labels = data.labels
    (configuration, clipping) = try state.configuration(named: "the optimiser")
  }

  private init(_ options: Train, resuming path: String) throws {
    let file = try KerasFile.read(path: path, trainingState: .require)
    guard let training = file.training else { throw ToolError("'\(path)' has no training state") }
    (model, weights, optimizerState) = (file.model, file.weights, file.optimizerState)
    state = training
    data = try options.data.load(
      recorded: RecordedData(training), model: model.ends(loss: try? Loss(record: training.loss)))
    try state.check(data, resumedFrom: path)
    do { loss = try Loss(record: training.loss) } catch { throw ToolError("'\(path)': \(error)") }
    (configuration, clipping) = try state.configuration(named: "'\(path)'")
  }
}

extension TrainingState {
  /// The optimiser, its schedule and clipping as the state records them: the same for a new run and a resumed one.
  /// `name`: what a message is about.
  /// Throws: `ToolError`.
  func configuration(named name: String) throws -> (OptimizerConfiguration, Clipping) {
    let parsed: (optimizer: Optimizer, clipping: Clipping, learningRate: Double?)
    do { parsed = try OptimizerConfiguration.parse(optimizer) } catch {
      throw ToolError("\(name): \(error)")
    }
    guard let schedule = Schedule(json: schedule, learningRate: learningRate) else {
      throw ToolError(
        "\(name): the schedule must be one of \(Schedule.names.joined(separator: ", ")), found "
          + schedule.summary)
    }
    guard parsed.learningRate ?? learningRate == learningRate else {
      throw ToolError(
        "\(name) contradicts itself: a learning rate of \(learningRate), and one of "
          + "\(parsed.learningRate ?? 0) in the optimiser")
    }
    var optimizer = parsed.optimizer
    if isLegacyRMSprop,
      case .rmsprop(let rho, let momentum, let epsilon, let isCentered, _) = optimizer
    {
      optimizer = .rmsprop(
        rho: rho, momentum: momentum, epsilon: epsilon, isCentered: isCentered, isLegacy: true)
    }
    return (OptimizerConfiguration(optimizer: optimizer, schedule: schedule), parsed.clipping)
  }

  /// Keras 2's RMSprop, which its configuration does not tell from Keras 3's.
  var isLegacyRMSprop: Bool {
    get { options["legacy_rmsprop"] == true }
    set { setOption("legacy_rmsprop", .bool(newValue)) }
  }

  /// nil removes the option.
  mutating func setOption(_ key: String, _ value: JSONValue?) {
    guard case .object(var members) = options else { return }
    members[key] = value
    options = .object(members)
  }

  /// What was saved and what is there must be the same, or the result would not be; and a file may say anything.
  /// Throws: `ToolError`.
  fileprivate func check(_ data: LoadedData, resumedFrom path: String) throws {
    guard dataDigest == data.digest else {
      throw ToolError(
        "'\(path)' was trained on other data: \(self.data) [\(dataDigest)], found [\(data.digest)]")
    }
    let images = data.set.train.count
    let counts = 0...(1 << 40)
    guard (1...65_536).contains(batch), [1, 16].contains(blockSize),
      (1...1_000_000).contains(epochs), (0...1_000_000).contains(epoch), counts.contains(step),
      (0...images).contains(partialImages), (0...partialImages).contains(partialHits),
      partialLoss.isFinite, Float(learningRate).isFinite, Float(learningRate) > 0,
      hasUsableSchedule, earlyStopping.isUsable
    else {
      throw ToolError("'\(path)': its training state is out of range; it cannot be resumed")
    }
    let stepsPerEpoch = (images + batch - 1) / batch
    guard (0..<stepsPerEpoch).contains(stepInEpoch), step == epoch * stepsPerEpoch + stepInEpoch,
      partialImages == stepInEpoch * batch
    else {
      throw ToolError(
        "'\(path)': its training state contradicts itself (epoch \(epoch), step "
          + "\(step)); it cannot be resumed")
    }
  }

  /// Steps that can be multiplied, rates and factors that are numbers.
  private var hasUsableSchedule: Bool {
    guard case .object(let config)? = schedule["config"] else { return true }
    return config.values.allSatisfy { value in
      switch value {
      case .integer(let count): (0...(1 << 40)).contains(count)
      case .number(let number): (0...1e12).contains(number)
      default: true
      }
    }
  }
}
