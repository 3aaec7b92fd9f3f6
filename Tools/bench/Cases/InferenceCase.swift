import FixedNet
import ToolSupport

/// Predictions of one model, one batch at a time.
final class InferenceCase {
  let name: String
  let batch: Int
  let threads: Int
  let arenaByteCount: Int
  /// Seconds of a call.
  private(set) var calls = Samples()
  let network: Network
  let images: ImageSet

  init(
    _ model: Model, name: String, images: ImageSet, batch: Int, threads: Int,
    instructionSet: InstructionSet, weights: [LayerWeights]? = nil, file: String? = nil
  ) throws {
    self.name = name
    self.batch = batch
    self.threads = threads
    let plan = try NetworkPlan(
      model, options: PlanOptions(batch: batch, isTraining: false, threads: threads))
    if let file { try MemoryLimit.check(plan, of: file, budget: nil, hasOption: false) }
    network = try Network(plan, instructionSet: instructionSet)
    try network.load(weights ?? model.initialWeights(seed: 0))
    arenaByteCount = network.arenaByteCount
    let size = images.shape.elementCount
    let chosen = Array(0..<min(batch, images.count))
    self.images = ImageSet(
      shape: images.shape, pixels: images.pixels.images(at: chosen, width: size), labels: [])
  }

  /// Calls for about `budget` seconds, at least 20 times after a warm-up.
  func measure(seconds budget: Double) throws(NetworkError) {
    for _ in 0..<5 { _ = try network.predict(images) }
    let end = ProgressLine.now + budget
    var count = 0
    while count < 20 || ProgressLine.now < end {
      calls.add(try seconds { () throws(NetworkError) in _ = try network.predict(images) })
      count += 1
    }
  }
}
