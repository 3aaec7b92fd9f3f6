import FixedNet
import Foundation

/// The steps of an epoch. The memory is allocated before it, so that nothing is allocated between two steps.
final class StepLog {
  struct Step {
    /// Since the start of training, from 1.
    var step: Int
    /// From 1.
    var epoch: Int
    var learningRate: Double
    /// The mean over the mini-batch.
    var loss: Double
    /// When it was done, in seconds since 1970.
    var wallTime: Double
  }

  private let memory: UnsafeMutableBufferPointer<Step>
  private var count = 0
  /// The sums that the epoch had after the last step that was noted.
  private var before: Network.Sums

  init(stepsPerEpoch: Int, position: TrainingPosition) {
    before = position.partial
    memory = .allocate(capacity: stepsPerEpoch)
  }

  deinit { memory.deallocate() }

  /// Those since `clear`.
  var steps: [Step] { Array(memory[..<count]) }

  /// Notes the step that has just been made. Allocates nothing.
  func note(_ position: TrainingPosition, learningRate: Double) {
    guard count < memory.count else { return }
    let images = position.partial.images - before.images
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    memory[count] = Step(
      step: position.step, epoch: position.epoch + 1, learningRate: learningRate,
      loss: (position.partial.loss - before.loss) / Double(images),
      wallTime: Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9)
    count += 1
    before = position.partial
  }

  /// The steps have been written.
  func clear() { count = 0 }

  /// The next step is the first of an epoch.
  func beginEpoch() { before = Network.Sums() }
}
