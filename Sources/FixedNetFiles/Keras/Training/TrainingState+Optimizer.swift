import FixedNetCompute
import FixedNetCore

/// What a checkpoint says of its training and no run can have.
public struct TrainingStateError: Error, Equatable, CustomStringConvertible {
  public let description: String

  init(_ description: String) { self.description = OneLine.text(description) }
}

extension TrainingState {
  /// The optimiser, its schedule and clipping as the state records them: the same for a new run and a resumed one.
  /// `name`: what a message is about.
  /// Throws: `TrainingStateError`.
  package func configuration(named name: String) throws(TrainingStateError) -> (
    OptimizerConfiguration, Clipping
  ) {
    let parsed: OptimizerConfiguration.Described
    do { parsed = try OptimizerConfiguration.parse(optimizer) } catch {
      throw TrainingStateError("\(name): \(error)")
    }
    guard let schedule = Schedule(json: schedule, learningRate: learningRate) else {
      throw TrainingStateError(
        "\(name): the schedule must be one of \(Schedule.names.joined(separator: ", ")), found "
          + schedule.summary)
    }
    guard parsed.schedule == nil || parsed.schedule?.kerasJSON == schedule.kerasJSON else {
      throw TrainingStateError(
        "\(name) contradicts itself: the schedule \(self.schedule["class_name"]?.summary ?? ""), and "
          + "another one in the optimiser")
    }
    guard parsed.learningRate ?? learningRate == learningRate else {
      throw TrainingStateError(
        "\(name) contradicts itself: a learning rate of \(learningRate), and one of "
          + "\(parsed.learningRate ?? 0) in the optimiser")
    }
    var optimizer = parsed.optimizer
    if isLegacyRMSprop, optimizer.method == .rmsprop { optimizer.isLegacy = true }
    let configuration = OptimizerConfiguration(
      optimizer: optimizer, schedule: schedule, firstIteration: firstIteration,
      firstScheduleStep: firstScheduleStep)
    return (configuration, parsed.clipping)
  }

  /// Keras 2's RMSprop, which its configuration does not tell from Keras 3's.
  package var isLegacyRMSprop: Bool {
    get { options["legacy_rmsprop"] == true }
    set { setOption("legacy_rmsprop", .bool(newValue)) }
  }
}
