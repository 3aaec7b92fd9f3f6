import FixedNet
import ToolSupport

extension Model {
  /// Useful floating-point operations of training on one image: two per multiply-add of the forward pass of every
  /// layer, the gradient of every layer's weights, and the gradient of every layer's input save the first one
  /// that has weights. A convolution that the normalisation of the data is folded into counts as the first one.
  /// Normalisation, activations and pooling do not count.
  func trainingFlops() throws(ModelError) -> Int {
    try flops(isTraining: true).reduce(0, +)
  }

  /// The same of every layer, or the forward pass' alone.
  func flops(isTraining: Bool) throws(ModelError) -> [Int] {
    let inputs = try shapes().inputs
    let first =
      foldedInputNormalization?.convolution
      ?? zip(layers, inputs).first { !$0.weights(for: $1[0]).isEmpty }?.0.name
    return zip(layers, inputs).map { layer, inputs in
      let passes = isTraining ? (layer.name == first ? 2 : 3) : 1
      return 2 * layer.multiplyAdds(for: inputs[0]) * passes
    }
  }
}

/// Training one model for an epoch with one number of threads.
final class TrainingCase {
  let name: String
  let batch: Int
  let threads: Int
  let flopsPerImage: Int
  let imageCount: Int
  let arenaByteCount: Int
  /// How many times faster than one thread so many can be at most, by the plan's schedule.
  let bound: Double
  var stepCount: Int { (imageCount + batch - 1) / batch }
  /// Seconds of an epoch over its images, and the share of the peak that the same round measured.
  private(set) var epochs = Samples()
  private(set) var peakShares = Samples()
  let trainer: Trainer

  init(
    _ model: Model, name: String, images: ImageSet, batch: Int, threads: Int,
    instructionSet: InstructionSet, loss: Loss? = nil, weights: [LayerWeights]? = nil,
    file: String? = nil
  ) throws {
    self.name = name
    self.batch = batch
    self.threads = threads
    flopsPerImage = try model.trainingFlops()
    imageCount = images.count
    let plan = try NetworkPlan(
      model, options: PlanOptions(batch: batch, isTraining: true, threads: threads, loss: loss))
    if let file { try MemoryLimit.check(plan, of: file, budget: nil, hasOption: false) }
    let network = try Network(plan, instructionSet: instructionSet)
    try network.load(weights ?? model.initialWeights(seed: 0))
    arenaByteCount = network.arenaByteCount
    bound = RunSchedule(plan).bound(threads: threads)
    trainer = try Trainer(
      network: network, images: images, batch: batch, optimizer: OptimizerConfiguration(), seed: 0)
    // Warm caches, pages and threads; the epochs that count start at the beginning again.
    _ = try trainer.runEpoch { $0.step < 20 }
    trainer.position = TrainingPosition()
  }

  /// One epoch. `peak`: GFLOP/s.
  func measure(peak: Double) throws(TrainingError) {
    let elapsed = try seconds { () throws(TrainingError) in _ = try trainer.runEpoch() }
    epochs.add(elapsed)
    peakShares.add(gflops(seconds: elapsed) / peak)
  }

  func gflops(seconds: Double) -> Double {
    Double(flopsPerImage) * Double(imageCount) / seconds * 1e-9
  }
}
