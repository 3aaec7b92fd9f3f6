import FixedNet
import FixedNetCore
import FixedNetFiles
import Foundation
import ToolSupport

/// What `train` prints while it runs.
struct TrainingReport: ~Copyable {
  private let isQuiet: Bool
  /// Whether accuracies say something.
  private let hasAccuracy: Bool
  private let optimizerNote: OptimizerStart.Note?
  private var line: ProgressLine

  init(isQuiet: Bool, hasAccuracy: Bool, optimizerNote: OptimizerStart.Note?) {
    self.isQuiet = isQuiet
    self.optimizerNote = optimizerNote
    self.hasAccuracy = hasAccuracy
    line = ProgressLine(isQuiet: isQuiet)
  }

  func begin(
    _ plan: NetworkPlan, _ threads: ThreadChoice, _ state: TrainingState, _ loaded: LoadedData,
    _ set: InstructionSet, isSaving: Bool
  ) {
    guard !isQuiet else { return }
    let data = loaded.set
    let parameters = (try? plan.model.parameterCount()) ?? 0
    let validation = loaded.validation.map { ", \(Format.grouped($0.count)) validation" } ?? ""
    printLine(
      "model \(state.modelName): \(Format.grouped(parameters)) parameters; data \(loaded.record): "
        + "\(Format.grouped(data.train.count)) training\(validation) and "
        + "\(Format.grouped(data.test.count)) test images of \(data.train.shape)")
    let memory = plan.memory
    let parts =
      plan.options.batch < state.batch ? " in parts of \(plan.options.batch)" : ""
    printLine(
      "plan: \(Format.bytes(memory.byteCount)) for batches of \(state.batch)\(parts) on "
        + "\(threads.text), \(set.rawValue); "
        + "lower bound \(Format.grouped(memory.lowerBound)) bytes")
    for line in plan.savings { printLine(line) }
    printLine(TrainingReport.method(plan, state) + (optimizerNote?.text ?? ""))
    let augmentation = plan.options.augmentation
    if plan.options.subnormals == .keep { printLine("subnormal numbers are kept") }
    if !augmentation.isNone { printLine("augmentation: \(augmentation.text)") }
    if case .array(let weights)? = state.classWeights {
      let parts = weights.enumerated().map { "\($0) \($1.summary)" }
      printLine("class weights: " + parts.joined(separator: ", "))
    }
    if !isSaving { printLine("nothing will be saved; ask for it with --checkpoint or --output") }
    if state.epoch > 0 || state.stepInEpoch > 0 {
      let inside = state.stepInEpoch > 0 ? " and \(state.stepInEpoch) steps" : ""
      printLine("resumed after \(state.epoch) epochs\(inside)")
    }
  }

  /// "sparse_categorical_crossentropy; SGD at 0.01 (constant)"
  private static func method(_ plan: NetworkPlan, _ state: TrainingState) -> String {
    func text(_ value: JSONValue?) -> String {
      if case .string(let text)? = value { text } else { "" }
    }
    let legacy = state.isLegacyRMSprop ? " of Keras 2" : ""
    let schedule = text(state.schedule["class_name"])
    var now = ""
    if state.firstScheduleStep > 0, schedule != "constant",
      let rate = Schedule(json: state.schedule, learningRate: state.learningRate)?
        .rate(at: state.firstScheduleStep + state.step)
    {
      now = ", now \(Float(rate))"
    }
    let decay = plan.options.optimizer.weightDecay
    let decayText = decay == 0 ? "" : ", weight decay \(decay)"
    let loss = plan.loss?.description ?? state.loss
    return "loss: \(loss); optimiser: \(text(state.optimizer["class_name"]))\(legacy) at a "
      + "learning rate of \(state.learningRate) (\(schedule)\(now))\(decayText)"
  }

  func stoppedEarly(_ state: TrainingState) {
    guard !isQuiet else { return }
    let patience = state.earlyStopping.patience ?? 0
    printLine(
      "stopped early after epoch \(state.epoch): the \(part(state)) loss has not improved for "
        + "\(patience) epoch\(patience == 1 ? "" : "s")")
  }

  func nothingToDo(_ state: TrainingState) {
    guard !isQuiet else { return }
    printLine("all \(state.epochs) epochs are done already; ask for more with --epochs")
  }

  mutating func progress(
    _ position: TrainingPosition, of steps: Int, epochs: Int, seconds: Double, stepsDone: Int
  ) {
    line.draw(
      epoch: position.epoch + 1, of: epochs, step: position.stepInEpoch, stepsPerEpoch: steps,
      loss: position.partial.meanLoss,
      accuracy: hasAccuracy ? position.partial.accuracy : .nan, epochSeconds: seconds,
      stepsDone: stepsDone)
  }

  mutating func epoch(_ record: EpochRecord, of epochs: Int) {
    guard !isQuiet else { return }
    line.clear()
    let number = Format.padded("\(record.epoch)", "\(epochs)".count)
    let part = record.validation == nil ? "test" : "validation"
    printLine(
      "epoch \(number)/\(epochs)  \(Format.fixed(record.seconds, 2)) s  "
        + "loss \(Format.fixed(record.trainLoss, 4))  "
        + "accuracy \(TrainingReport.percent(record.trainAccuracy))  "
        + "\(part) loss \(Format.fixed(record.unseen.loss, 4))  "
        + "\(part) accuracy \(TrainingReport.percent(record.unseen.accuracy))")
    fflush(nil)
  }

  private static func percent(_ accuracy: Double) -> String {
    accuracy.isNaN ? "-" : Format.percent(accuracy)
  }

  mutating func interrupted(
    _ state: TrainingState, of steps: Int, savedTo path: String?, dataFolder: String?
  ) {
    line.clear()
    fflush(nil)
    let place =
      "interrupted after \(state.epoch) epochs and \(state.stepInEpoch) of \(steps) steps"
    let advice =
      path.map {
        let data = dataFolder.map { " --data-dir \(shellQuoted($0))" } ?? ""
        return
          "saved; continue with: \(RunningTool.command("train")) --resume \(shellQuoted($0)) --checkpoint\(data)"
      }
      ?? "nothing saved (no --checkpoint)"
    printError("\(place); \(advice)")
  }

  mutating func end(
    _ state: TrainingState, test: Training.Evaluation?, digest: String, seconds: Double,
    firstStep: Double?, output: CheckpointOutput?
  ) {
    line.clear()
    if let test {
      printLine(
        "test loss \(Format.fixed(test.loss, 4))  "
          + "test accuracy \(TrainingReport.percent(test.accuracy)), after epoch \(state.epoch)")
    }
    if let output, output.hasSaved {
      printLine("saved \(output.path)\(saved(state, output))")
    }
    let start = firstStep.map { ", the first step done after \(Format.fixed($0, 3)) s" } ?? ""
    printLine("\(Format.fixed(seconds, 1)) s in all\(start)")
    printLine("weights sha256: \(digest)")
  }

  /// Where the best state is.
  private func saved(_ state: TrainingState, _ output: CheckpointOutput) -> String {
    guard state.bestEpoch > 0 else { return "" }
    let epoch = "epoch \(state.bestEpoch)\(best(state))"
    guard !output.hasSavedBest else { return " and, from \(epoch), \(output.bestPath)" }
    return "; no epoch since was better than \(epoch)"
      + (output.remainingBest.map { ", which is in \($0)" } ?? ", of which no file is left")
  }

  /// What the best epoch is the best by.
  private func best(_ state: TrainingState) -> String {
    guard !hasAccuracy else {
      return " with a \(part(state)) accuracy of \(Format.percent(state.bestAccuracy))"
    }
    let loss = state.history.first { $0.epoch == state.bestEpoch }?.unseen.loss
    return loss.map { " with a \(part(state)) loss of \(Format.fixed($0, 4))" } ?? ""
  }

  /// What is looked at after every epoch.
  private func part(_ state: TrainingState) -> String {
    state.validationFraction == nil ? "test" : "validation"
  }

  func json(
    _ plan: NetworkPlan, _ threads: ThreadChoice, _ state: TrainingState,
    test: Training.Evaluation?, digest: String, seconds: Double, firstStep: Double?, path: String?,
    dataNote: String?
  ) -> JSONValue {
    func finite(_ value: Double?) -> JSONValue {
      value.flatMap { $0.isNaN ? nil : .number($0) } ?? .null
    }
    let history: [JSONValue] = state.history.map { record in
      [
        "epoch": .integer(record.epoch), "learningRate": .number(record.learningRate),
        "trainLoss": .number(record.trainLoss), "trainAccuracy": finite(record.trainAccuracy),
        "validationLoss": finite(record.validation?.loss),
        "validationAccuracy": finite(record.validation?.accuracy),
        "testLoss": finite(record.testLoss), "testAccuracy": finite(record.testAccuracy),
        "seconds": .number(record.seconds),
      ]
    }
    return [
      "model": .string(state.modelName), "data": .string(state.data),
      "dataNote": dataNote.map { .string($0) } ?? .null,
      "loss": .string(plan.loss?.name ?? state.loss),
      "lossFunction": plan.loss.map { .string($0.description) } ?? .null,
      "optimizer": state.optimizer, "schedule": state.schedule,
      "optimizerFrom": optimizerNote?.path.map { .string($0) } ?? .null,
      "optimizerMemory": .bool(optimizerNote?.hasMemory ?? false),
      "firstIteration": .integer(state.firstIteration),
      "augmentation": plan.options.augmentation.isNone
        ? .null : .string(plan.options.augmentation.text),
      "validationFraction": finite(state.validationFraction),
      "bestEpoch": state.bestEpoch > 0 ? .integer(state.bestEpoch) : .null,
      "testLoss": finite(test?.loss), "testAccuracy": finite(test?.accuracy),
      "stoppedEarly": .bool(state.earlyStopping.stops(after: state.history)),
      "batch": .integer(state.batch), "epochs": .integer(state.epoch),
      "seed": .string("\(state.seed)"), "threads": .integer(plan.options.threads),
      "threadsReason": .string(threads.reason),
      "arenaBytes": .integer(plan.memory.byteCount),
      "lowerBoundBytes": .integer(plan.memory.lowerBound), "history": .array(history),
      "checkpoint": path.map { .string($0) } ?? .null, "seconds": .number(seconds),
      "secondsToFirstStep": firstStep.map { .number($0) } ?? .null,
      "weightsSHA256": .string(digest),
    ]
  }
}
