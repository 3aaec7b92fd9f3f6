import FixedNet
import FixedNetCore
import FixedNetFiles

/// The optimiser that a model's file was compiled or trained with, as Keras' `load_model` would go on with it.
package struct FileOptimizer {
  package let path: String
  private let description: JSONValue
  /// Of a file of ours: it says more of schedules than Keras can.
  private let training: TrainingState?
  private let iterations: Int
  private let memory: OptimizerState?
  private let memoryProblem: CheckpointError?

  /// nil where the file names no optimiser.
  init?(_ file: KerasModelFile, path: String) {
    let described = file.training?.optimizer ?? file.trainingConfig?["optimizer_config"]
    guard let described, described != .null else { return nil }
    description = described
    self.path = path
    training = file.training
    memory = file.optimizerState
    iterations = file.optimizerState == nil ? 0 : file.iterations ?? 0
    memoryProblem = file.memoryProblem
  }

  /// Keras' name of the class, for messages.
  package var className: String {
    switch (description, description["class_name"]) {
    case (.string(let name), _), (_, .string(let name)?): OneLine.short(name)
    default: "optimiser"
    }
  }

  /// An optimiser that can go on.
  package struct Resolved {
    /// With the file's iterations where `memory` is there.
    package var configuration: OptimizerConfiguration
    package var clipping: Clipping
    /// nil where the file has none, though the optimiser may need it.
    package var memory: OptimizerState?

    /// For other weights than the file's.
    package mutating func dropMemory() {
      memory = nil
      (configuration.firstIteration, configuration.firstScheduleStep) = (0, 0)
    }
  }

  /// Everything followed, or nothing. `isRateGiven`: the file's learning rate is not used.
  /// Throws: `ToolError` for what is not supported, or a memory that does not fit, with the option that goes on without.
  package func resolved(isRateGiven: Bool = false) throws(ToolError) -> Resolved {
    var resolved = try described()
    if let memoryProblem {
      throw ToolError("\(memoryProblem); \(advice) starts another one without it")
    }
    guard iterations <= TrainingState.iterationLimit else {
      throw ToolError(
        "'\(path)': its optimiser must have made at most \(TrainingState.iterationLimit) steps, found "
          + "\(iterations); \(advice) starts another one")
    }
    let rate = resolved.configuration.schedule.baseRate
    guard Float(rate) > 0 || isRateGiven else {
      throw ToolError(
        "'\(path)': the learning rate of its \(className) is \(rate), which changes nothing; "
          + "give another one with --learning-rate")
    }
    resolved.memory = memory
    resolved.configuration.firstIteration = iterations
    let ahead = training.map { $0.firstScheduleStep - $0.firstIteration } ?? 0
    resolved.configuration.firstScheduleStep = max(0, iterations + ahead)
    return resolved
  }

  private func described() throws(ToolError) -> Resolved {
    if let training {
      do {
        let (configuration, clipping) = try training.configuration(named: "'\(path)'")
        return Resolved(configuration: configuration, clipping: clipping)
      } catch { throw ToolError("\(error); \(advice) goes on with another optimiser") }
    }
    do {
      let parsed = try OptimizerConfiguration.parse(description)
      return Resolved(
        configuration: OptimizerConfiguration(
          optimizer: parsed.optimizer, schedule: FileOptimizer.schedule(parsed)),
        clipping: parsed.clipping)
    } catch .optimizer("the optimiser", _, let found) {
      throw ToolError(
        "'\(path)' was compiled with \(found), which is not supported ("
          + "\(Optimizer.Method.classNames(joinedBy: "and")) are); \(advice) goes on with another one"
      )
    } catch { throw ToolError("'\(path)': \(error); \(advice) goes on with another optimiser") }
  }

  /// Rates as they were given to Keras.
  private static func schedule(_ parsed: OptimizerConfiguration.Described) -> Schedule {
    switch parsed.schedule {
    // From the rate and the decay of Keras 2.
    case .inverseTime(let initial, let rate, 1, let isStaircase)?:
      return .inverseTime(
        initial: asWritten(initial), rate: rate, steps: 1, isStaircase: isStaircase)
    case let schedule?: return schedule
    case nil:
      let standard = parsed.optimizer.method.defaultLearningRate
      return .constant(asWritten(parsed.learningRate ?? standard))
    }
  }

  /// The option that goes on without what the file says.
  private var advice: String {
    let name = className.replacing("Custom>", with: "")
    let near = Optimizer.Method(className: name).map { OptimizerName(Optimizer($0)) } ?? .adam
    return "--optimizer \(near.rawValue)"
  }

  /// Keras writes the float32 nearest to the rate: 0.009999999776482582 was 0.01.
  private static func asWritten(_ rate: Double) -> Double {
    Double(Float(rate)) == rate ? Double("\(Float(rate))") ?? rate : rate
  }
}
