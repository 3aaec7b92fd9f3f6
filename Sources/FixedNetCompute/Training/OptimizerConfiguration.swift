import FixedNetCore

/// How a run follows its gradients: the optimiser, its rate over time, and what is done to gradients that are too large.
public struct OptimizerConfiguration: Sendable {
  /// The method and its numbers.
  public var optimizer: Optimizer
  /// The learning rate of each step.
  public var schedule: Schedule
  /// The rate of a step (from 0) where no schedule has it; takes the place of `schedule`.
  public var customRate: (@Sendable (Int) -> Double)?
  /// Iterations that the optimiser had made before step 0 of the run: Adam's correction of its means goes on from there.
  public var firstIteration: Int
  /// The schedule's step at step 0 of the run.
  public var firstScheduleStep: Int

  /// Plain gradient descent at a rate of 0.01 unless others are given.
  public init(
    optimizer: Optimizer = .sgd, schedule: Schedule = .constant(0.01),
    customRate: (@Sendable (Int) -> Double)? = nil, firstIteration: Int = 0,
    firstScheduleStep: Int = 0
  ) {
    self.optimizer = optimizer
    self.schedule = schedule
    self.customRate = customRate
    self.firstIteration = firstIteration
    self.firstScheduleStep = firstScheduleStep
  }

  /// The learning rate of step `step` of the run, from 0.
  public func rate(at step: Int) -> Double {
    customRate?(step) ?? schedule.rate(at: step + firstScheduleStep)
  }

  func update(at step: Int) -> UpdateRule {
    optimizer.rule(at: step + firstIteration, learningRate: Float(rate(at: step)))
  }
}

/// A cyclical learning rate whose triangles are scaled by a function of one's own: base + (max - base) triangle scale.
///
/// Source: Smith 2017, arXiv 1506.01186.
public struct CyclicalRate: Sendable {
  /// What `scale` is a function of.
  public enum ScaleMode: Sendable {
    /// The cycle, from 1.
    case cycle
    /// The iteration since the start, from 0.
    case iteration
  }

  /// The lowest rate.
  public var base: Double
  /// The highest one.
  public var max: Double
  /// Iterations of half a cycle.
  public var stepSize: Int
  /// What `scale` is a function of.
  public var mode: ScaleMode
  /// What the height of the triangles is multiplied by.
  public var scale: @Sendable (Int) -> Double

  /// `stepSize`: steps from the lowest to the highest rate.
  public init(
    base: Double, max: Double, stepSize: Int, mode: ScaleMode,
    scale: @escaping @Sendable (Int) -> Double
  ) {
    self.base = base
    self.max = max
    self.stepSize = stepSize
    self.mode = mode
    self.scale = scale
  }

  /// The rate of step `step`, from 0: a `customRate`.
  public func rate(at step: Int) -> Double {
    let argument =
      switch mode {
      case .cycle: Schedule.cycle(step, stepSize)
      case .iteration: step
      }
    return Schedule.triangle(base, max, stepSize, step, scale: scale(argument))
  }
}
