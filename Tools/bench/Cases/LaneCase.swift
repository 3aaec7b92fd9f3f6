import FixedNet
import FixedNetCore
import ToolSupport

/// An epoch of many deep, narrow ReLU networks that learn |x|: the dying-ReLU experiment's.
final class LaneCase {
  static let shape = LaneShape(width: 2, depth: 10, outputIsRectified: true)
  static let sampleCount = 3_000

  let networks: LaneNetworks
  let inputs: [Float]
  var targets: [Float] { inputs.map(\.magnitude) }
  /// Operations of an epoch: a multiply-add per weight and sample forward, and two backward but for the first layer.
  let flops: Double
  /// Seconds of an epoch, and the share of the peak that the same round measured.
  private(set) var epochs = Samples()
  private(set) var peakShares = Samples()

  /// Throws: `NetworkError`.
  init(networkCount: Int, threads: Int, instructionSet: InstructionSet) throws {
    let plan = try LaneNetworksPlan(
      LaneCase.shape, networkCount: networkCount, sampleCapacity: LaneCase.sampleCount,
      threads: threads)
    networks = try LaneNetworks(plan, instructionSet: instructionSet)
    var random = Philox(seed: 0, stream: 1).reader()
    inputs = (0..<LaneCase.sampleCount).map { _ in 14 * random.nextUnit() - 7 }
    try networks.load(inputs: inputs, targets: inputs.map(\.magnitude))
    networks.initialize(seed: 0)
    let (width, depth) = (LaneCase.shape.width, LaneCase.shape.depth)
    let inner = (depth - 1) * width * width + width
    let multiplyAdds = 3 * inner + 2 * width
    flops = 2 * Double(multiplyAdds) * Double(LaneCase.sampleCount) * Double(networkCount)
  }

  /// One epoch; the networks learn on.
  func train() throws { try networks.train() }

  /// Over the samples, the mean of all networks.
  func meanSquaredError() throws -> Double {
    try networks.evaluate()
    let count = networks.plan.networkCount
    let sum = try (0..<count).reduce(0.0) { $0 + Double(try networks.outcome(of: $1).squaredError) }
    return sum / Double(count * inputs.count)
  }

  /// Three epochs, of which the median counts. `peak`: GFLOP/s.
  func measure(peak: Double) throws {
    try train()
    let median = Samples(try (0..<3).map { _ in try seconds { try train() } }).median
    epochs.add(median)
    peakShares.add(flops / median * 1e-9 / peak)
  }
}
