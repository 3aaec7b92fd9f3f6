import CSupport
import FixedNetCore

/// Where the time of a network's runs goes, layer by layer: of its training where it is planned for that, else of its
/// inference. Allocates nothing while the network runs.
package final class NetworkProfile {
  /// Seconds of all threads together. Where a thread had to leave its processor meanwhile, they include that.
  package struct Row: Equatable, Sendable {
    /// A layer's name (the first's, where several are computed at once), "(input)" for the loading of the images, or "(loss)".
    package var layer: String
    package var forward = 0.0
    package var backward = 0.0
    /// The optimiser's step, unless clipping by norm delays it, and the gradients that are computed over the whole batch
    /// at once.
    package var update = 0.0

    package var seconds: Double { forward + backward + update }
  }

  /// Seconds that all threads together waited for each other, by the cause. Waiting within an operation that is cut, and for
  /// the caller, is not in it.
  package struct Waiting: Equatable, Sendable {
    /// For all threads of the team: before a normalisation over the batch, and before the update.
    package var forAll = 0.0
    /// For those that share a block.
    package var forBlock = 0.0

    package var seconds: Double { forAll + forBlock }
  }

  private let ticks: UnsafeMutableBufferPointer<UInt64>
  private let isTraining: Bool
  private let threadCount: Int
  /// Of the operations.
  private let layers: [String]
  /// What both clocks showed when counting began.
  private var start: (ticks: UInt64, time: ContinuousClock.Instant)

  package init(of plan: NetworkPlan) {
    layers = (plan.training ?? plan.inference).origins.map { $0.isLoss ? "(loss)" : $0.first }
    isTraining = plan.training != nil
    threadCount = plan.options.threads
    ticks = .allocate(
      capacity: OperationClock.count(operations: layers.count, threads: threadCount))
    ticks.initialize(repeating: 0)
    start = (cs_ticks(), .now)
  }

  deinit { ticks.deallocate() }

  /// Forgets what was measured.
  package func reset() {
    ticks.update(repeating: 0)
    start = (cs_ticks(), .now)
  }

  func fits(_ plan: NetworkPlan) -> Bool {
    let program = plan.training ?? plan.inference
    return program.origins.count == layers.count && plan.options.threads == threadCount
      && (plan.training != nil) == isTraining
  }

  var trainingClock: OperationClock? { isTraining ? clock : nil }

  /// nil for a program that is only the start of the network's.
  func inferenceClock(for program: Program) -> OperationClock? {
    !isTraining && program.operations.count == layers.count ? clock : nil
  }

  /// Ticks of every operation, all threads together, and of the input behind them: what a schedule is simulated with.
  package func costs(of plan: NetworkPlan) -> [RunSchedule.Costs] {
    guard let clock, fits(plan) else { return [] }
    var costs = RunSchedule.estimates(plan)
    for operation in costs.indices {
      func ticks(_ part: OperationClock.Part) -> Double {
        (0..<threadCount).reduce(0) {
          $0 + Double(clock.ticks(thread: $1, operation: operation, part))
        }
      }
      costs[operation] = RunSchedule.Costs(
        forward: ticks(.forward), backward: ticks(.backward), update: ticks(.update),
        updateUnits: costs[operation].updateUnits)
    }
    return costs
  }

  private var clock: OperationClock? {
    ticks.baseAddress.map { OperationClock($0, operationCount: layers.count) }
  }

  /// Since the start or the last `reset`; nothing where the processor has no clock that programs may read.
  package var waiting: Waiting {
    guard let clock else { return Waiting() }
    let secondsPerTick = secondsPerTick
    func seconds(_ cause: OperationClock.Cause) -> Double {
      (0..<threadCount).reduce(0) {
        $0 + Double(clock.waitingTicks(thread: $1, cause)) * secondsPerTick
      }
    }
    return Waiting(forAll: seconds(.all), forBlock: seconds(.block))
  }

  private var secondsPerTick: Double {
    let elapsed = cs_ticks() &- start.ticks
    return elapsed > 0 ? (ContinuousClock.now - start.time) / .seconds(1) / Double(elapsed) : 0
  }

  /// What was measured since the start or the last `reset`, in the order of the forward pass. All is 0 where the processor
  /// has no clock that programs may read.
  package var rows: [Row] {
    guard let clock else { return [] }
    let secondsPerTick = secondsPerTick
    func seconds(_ operation: Int, _ part: OperationClock.Part) -> Double {
      (0..<threadCount).reduce(0) {
        $0 + Double(clock.ticks(thread: $1, operation: operation, part)) * secondsPerTick
      }
    }
    var rows = [Row(layer: "(input)", forward: seconds(layers.count, .forward))]
    for (operation, layer) in layers.enumerated() {
      // A layer may be several operations, and the loss may come between them.
      let known = rows.firstIndex { $0.layer == layer }
      if known == nil { rows.append(Row(layer: layer)) }
      let place = known ?? rows.count - 1
      rows[place].forward += seconds(operation, .forward)
      rows[place].backward += seconds(operation, .backward)
      rows[place].update += seconds(operation, .update)
    }
    return rows
  }
}
