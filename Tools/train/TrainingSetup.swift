import FixedNet
import FixedNetCore
import FixedNetFiles
import Foundation
import ToolSupport

/// What a run starts from: all that was read, before anything is planned.
struct TrainingSetup {
  var data: LoadedData
  /// The file that the model comes from; nil for a built-in one.
  var file: String?
  var model: Model
  var weights: [LayerWeights]
  /// What the optimiser remembers; nil at the start.
  var optimizerState: OptimizerState?
  var state: TrainingState
  /// nil: what the model's end asks for.
  var loss: Loss?
  var configuration: OptimizerConfiguration
  var clipping: Clipping
  /// nil: images stay as they are.
  var augmentation: Augmentation?
  /// Where a new run's optimiser comes from; nil where there is nothing to say.
  var optimizerNote: OptimizerStart.Note?

  /// Throws: whatever reading files and data throws; `ToolError` where a checkpoint cannot be resumed.
  init(_ options: Train) throws {
    if let path = options.resume {
      try self.init(options, resuming: path)
    } else {
      try self.init(new: options)
    }
    if let epochs = options.epochs { state.epochs = epochs }
    if let patience = options.patience {
      // Runs of before this program had a validation part went by the test set, and go on so.
      guard data.validation != nil || state.earlyStopping.patience != nil else {
        throw ToolError(
          "--patience goes by a validation part, which this run does not have; start a new one with "
            + "--patience or --validation-fraction")
      }
      state.earlyStopping.patience = patience
    }
    if let minDelta = options.minDelta {
      guard state.earlyStopping.patience != nil else {
        throw ToolError("--min-delta belongs to --patience, which this run does not have")
      }
      state.earlyStopping.minDelta = minDelta
    }
  }

  /// A new run. `part`: how much of the training samples it is trained on, of every class its share; nil: all.
  /// `loaded`: the data, where they were read before.
  init(new options: Train, part: Double? = nil, loaded: LoadedData? = nil) throws {
    let source = try ModelSource(options.modelName)
    file = source.input == nil ? nil : source.name
    data =
      try loaded
      ?? options.data.load(input: source.input, model: source.ends(loss: options.loss))
    try options.checkFiles(data, recorded: source.recorded)
    let seed = options.seed ?? 0
    let heldOut = options.heldOutFraction
    if let heldOut {
      try data.holdOut(fraction: heldOut, seed: seed)
      if source.weights != nil || options.start.weights != nil {
        printError(
          "note: what is held out may be among the samples that "
            + "'\(options.start.weights ?? source.name)' was trained on")
      }
    }
    if let part { data.set.train = try data.set.train.split(fraction: part, seed: seed).second }
    (model, weights, loss) = try options.start.start(
      source, data: data.set, seed: seed, loss: options.loss)
    if let note = model.precisionNote { printError("note: '\(source.name)' \(note)") }
    let images = data.set.train.count
    let batch = min(options.batch ?? 128, images)
    let epochs = options.epochs ?? 10
    let start = try OptimizerStart(
      options, source, stepsPerEpoch: (images + batch - 1) / batch, epochs: epochs)
    state = TrainingState(
      modelName: source.name, data: data.record, dataDigest: data.digest, seed: seed,
      batch: batch, blockSize: 16, optimizer: start.json, schedule: start.schedule.json,
      learningRate: start.schedule.baseRate, epochs: epochs)
    start.record(in: &state)
    (optimizerState, optimizerNote) = (start.memory, start.note)
    augmentation = options.augmentation.augment
    state.record(augmentation)
    state.subnormals = options.subnormals.subnormals ?? source.subnormals ?? .flush
    state.labels = data.labels
    state.validationFraction = heldOut
    state.learnsInputs = options.data.columns.learnsInputs
    state.normalClass = options.data.columns.normal
    if let classWeight = options.start.classWeight {
      state.classWeights = .array(
        try classWeight.weights(for: data.set).map { .number(Double($0)) })
      try state.weigh(&data.set, path: "")
    }
    guard !data.set.train.isWeightless else {
      throw ToolError(
        "the weights of all \(data.set.train.count) training samples of '\(data.set.name)' are 0: nothing "
          + "would be learned; give some of them a weight")
    }
    (configuration, clipping) = try state.configuration(named: "the optimiser")
  }

  private init(_ options: Train, resuming path: String) throws {
    let file = try KerasFile.read(path: path, trainingState: .require)
    self.file = path
    guard let training = file.training else { throw ToolError("'\(path)' has no training state") }
    (model, weights, optimizerState) = (file.model, file.weights, file.optimizerState)
    state = training
    try options.checkFiles(recorded: RecordedData(training))
    data = try TrainingSetup.data(options, training, model, of: path)
    try options.checkFiles(data, recorded: RecordedData(training))
    try data.holdOut(as: training, of: path)
    try state.check(data, resumedFrom: path)
    augmentation = try state.augmentation(in: path)
    if let asked = options.augmentation.augment, asked != augmentation {
      throw ToolError(
        "--augment cannot be changed with --resume; '\(path)' was trained with "
          + (augmentation?.text ?? "none") + ", found \(asked.text)")
    }
    if let asked = options.subnormals.subnormals, asked != state.subnormals {
      throw ToolError(
        "--subnormals cannot be changed with --resume; '\(path)' was trained with "
          + "\(state.subnormals.rawValue), found \(asked.rawValue)")
    }
    try state.weigh(&data.set, path: path)
    do { loss = try Loss(record: training.loss) } catch { throw ToolError("'\(path)': \(error)") }
    (configuration, clipping) = try state.configuration(named: "'\(path)'")
  }

  /// The data of a run that goes on.
  /// Throws: `ToolError` where the file that they were in is gone; what reading them throws.
  private static func data(
    _ options: Train, _ training: TrainingState, _ model: Model, of path: String
  ) throws -> LoadedData {
    do {
      return try options.data.load(
        recorded: RecordedData(training), model: model.ends(loss: try? Loss(record: training.loss)))
    } catch DataFileError.file(let error) where options.data.data == nil {
      throw ToolError(
        "\(error); '\(path)' records it as its data: say where it is with --data")
    }
  }
}

extension TrainingState {
  /// What was saved and what is there must be the same, or the result would not be; and a file may say anything.
  /// Throws: `ToolError`.
  fileprivate func check(_ data: LoadedData, resumedFrom path: String) throws {
    guard dataDigest == data.digest else {
      throw ToolError(
        "'\(path)' was trained on other data: \(self.data) [\(dataDigest)], found [\(data.digest)]")
    }
    guard learnsInputs == data.learnsInputs, normalClass == data.normalClass else {
      throw ToolError(
        "--target and --normal cannot be changed with --resume; '\(path)' was trained on "
          + (learnsInputs
            ? "its own inputs, \(normalClass.map { "those of the class '\($0)'" } ?? "all of them")"
            : "answers"))
    }
    let images = data.set.train.count
    let counts = 0...(1 << 40)
    guard (1...65_536).contains(batch), [1, 16].contains(blockSize),
      (1...1_000_000).contains(epochs), (0...1_000_000).contains(epoch), counts.contains(step),
      (0...images).contains(partialImages), (0...partialImages).contains(partialHits),
      partialLoss.isFinite, Float(learningRate).isFinite, Float(learningRate) > 0,
      hasUsableSchedule, hasUsableStart, earlyStopping.isUsable
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

  /// Counts that can be added to a step.
  private var hasUsableStart: Bool {
    ["first_iteration", "first_schedule_step"].allSatisfy { key in
      guard let value = options[key] else { return true }
      guard case .integer(let count) = value else { return false }
      return (1...TrainingState.iterationLimit).contains(count)
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
