import FixedNet
import FixedNetCore
import ToolSupport

/// The cost and gradient of the perceptron over all its samples: an evaluation of a full-batch solver.
final class GradientCase {
  static let sampleCount = 5_000
  /// The digits' middle.
  static let side = 20

  let threads: Int
  let arenaByteCount: Int
  /// Operations of an evaluation.
  let flops: Double
  /// Seconds of an evaluation, and the share of the peak that the same round measured.
  private(set) var evaluations = Samples()
  private(set) var peakShares = Samples()
  let trainer: FullBatchTrainer

  init(_ samples: ImageSet, threads: Int, instructionSet: InstructionSet) throws {
    self.threads = threads
    trainer = try GradientCase.trainer(samples, threads: threads, instructionSet: instructionSet)
    arenaByteCount = trainer.network.arenaByteCount
    flops =
      Double(try BuiltInModel.perceptron.model().trainingFlops()) * Double(samples.count)
  }

  /// The perceptron with its first weights, planned for all samples at once.
  static func trainer(_ samples: ImageSet, threads: Int, instructionSet: InstructionSet) throws
    -> FullBatchTrainer
  {
    let model = BuiltInModel.perceptron.model()
    let plan = try FullBatchTrainer.plan(
      model, .lbfgs, sampleCount: samples.count, threads: threads)
    let network = try Network(plan, instructionSet: instructionSet)
    try network.load(try model.initialWeights(seed: 0))
    return try FullBatchTrainer(network: network, images: samples, method: .lbfgs)
  }

  /// The middle of the first digits, as vectors.
  static func samples(of images: ImageSet) throws -> ImageSet {
    let count = min(sampleCount, images.count)
    let width = Digits.side
    let edge = (width - side) / 2
    let pixels = images.floats
    let values = (0..<count).flatMap { image in
      (0..<side * side).map { pixel in
        let (row, column) = pixel.quotientAndRemainder(dividingBy: side)
        return pixels[(image * width + row + edge) * width + column + edge]
      }
    }
    return ImageSet(
      shape: .vector(side * side), pixels: .floats(values),
      labels: Array(images.labels.prefix(count)))
  }

  /// Evaluates for about `budget` seconds. `peak`: GFLOP/s.
  func measure(seconds budget: Double, peak: Double) {
    _ = trainer.evaluateInPlace()
    let end = ProgressLine.now + budget
    var count = 0
    var elapsed: [Double] = []
    while count < 5 || ProgressLine.now < end {
      elapsed.append(seconds { _ = trainer.evaluateInPlace() })
      count += 1
    }
    let median = Samples(elapsed).median
    evaluations.add(median)
    peakShares.add(flops / median * 1e-9 / peak)
  }
}
