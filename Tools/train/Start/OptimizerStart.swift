import FixedNet
import FixedNetCore
import FixedNetFiles
import ToolSupport

/// The optimiser of a new run: what the options name, else the one of --model's file, which goes on with its memory as
/// in Keras' `load_model` and `fit`, else gradient descent.
struct OptimizerStart {
  private(set) var optimizer: Optimizer
  private(set) var schedule: Schedule
  private(set) var clipping: Clipping
  /// nil at the start, and where the file has none.
  private(set) var memory: OptimizerState?
  private var firstIteration = 0
  private var firstScheduleStep = 0
  private(set) var note: Note?

  /// Where it comes from.
  struct Note {
    /// What follows the optimiser's name, with its punctuation.
    var text: String
    var path: String?
    var iterations = 0
    var hasMemory = false
  }

  /// Throws: `ToolError` where the file's optimiser cannot be gone on with; `ModelError` for a schedule.
  init(_ options: Train, _ source: ModelSource, stepsPerEpoch: Int, epochs: Int) throws {
    func defaults(_ rate: Double) -> Schedule.Defaults {
      Schedule.Defaults(learningRate: rate, stepsPerEpoch: stepsPerEpoch, epochs: epochs)
    }
    let stated = source.optimizer
    guard let stated, options.optimizer.optimizer == nil else {
      (optimizer, clipping) = (options.optimizer.resolved, options.optimizer.clipping)
      let rate = options.learningRate ?? options.optimizer.name.defaultLearningRate
      schedule =
        try options.schedule.map { try Schedule(text: $0, defaults(rate)) }
        ?? .constant(rate)
      note = OptimizerStart.note(options, source)
      return
    }
    // Another rate goes on even where the file's cannot.
    var file = try stated.resolved(isRateGiven: options.learningRate != nil)
    if options.start.weights != nil { file.dropMemory() }
    optimizer = try options.optimizer.changing(file.configuration.optimizer, of: stated.path)
    clipping = options.optimizer.statedClipping ?? file.clipping
    let hadMemory = file.memory != nil
    memory = file.memory?.fitted(to: optimizer)
    firstIteration = file.configuration.firstIteration
    let rate = options.learningRate ?? file.configuration.schedule.baseRate
    if let text = options.schedule {
      schedule = try Schedule(text: text, defaults(rate))
    } else if options.learningRate != nil {
      schedule = .constant(rate)
    } else {
      schedule = file.configuration.schedule
      firstScheduleStep = file.configuration.firstScheduleStep
    }
    note = note(options, stated, hadMemory: hadMemory)
  }

  /// Keras' description. Its schedules count the optimiser's iterations; one that counts from elsewhere is none of them.
  var json: JSONValue {
    OptimizerConfiguration.json(
      optimizer, learningRate: schedule.baseRate,
      schedule: firstScheduleStep == firstIteration ? schedule : nil, clipping: clipping)
  }

  /// Writes down what `json` and the schedule do not say.
  func record(in state: inout TrainingState) {
    state.firstIteration = firstIteration
    state.firstScheduleStep = firstScheduleStep
    if optimizer.isLegacy { state.isLegacyRMSprop = true }
  }

  // MARK: - What is said of it

  /// Of an optimiser that is not the file's.
  private static func note(_ options: Train, _ source: ModelSource) -> Note? {
    if let stated = source.optimizer {
      return Note(text: " (--optimizer), in place of the \(stated.className) of \(stated.path)")
    }
    if let model = options.model, ModelSource.isKerasFile(model) {
      return Note(text: "; \(model) names none")
    }
    guard options.start.weights != nil else { return nil }
    return Note(text: "; --weights brings weights, no optimiser")
  }

  private func note(_ options: Train, _ stated: FileOptimizer, hadMemory: Bool) -> Note {
    var text = ", from \(stated.path)"
    let steps = "\(firstIteration) step\(firstIteration == 1 ? "" : "s")"
    if options.start.weights != nil {
      text += "; its memory is left, as --weights replaces the weights"
    } else if !hadMemory {
      text += "; its memory is not in the file"
    } else {
      text += memory?.slots.isEmpty == false ? " with its memory after \(steps)" : " after \(steps)"
    }
    let given =
      (options.learningRate != nil ? ["--learning-rate"] : [])
      + (options.schedule != nil ? ["--schedule"] : []) + options.optimizer.given
    if !given.isEmpty { text += "; \(given.joined(separator: ", ")) as given" }
    return Note(
      text: text, path: stated.path, iterations: firstIteration,
      hasMemory: memory?.slots.isEmpty == false)
  }
}

extension OptimizerState {
  /// What another optimiser of the same class takes over: slots of its names; those that are new are as at the start. nil
  /// where nothing is.
  fileprivate func fitted(to optimizer: Optimizer) -> OptimizerState? {
    let names = optimizer.slotNames
    guard let shapes = slots.first?.tensors.map(\.shape) else {
      return names.isEmpty ? self : nil
    }
    return OptimizerState(
      slots: names.map { name in
        slots.first { $0.name == name }
          ?? Slot(
            name: name,
            tensors: shapes.map {
              let count = $0.reduce(1, *)
              return Tensor(
                shape: $0, values: Array(repeating: optimizer.startValue(of: name), count: count))
            })
      })
  }
}
