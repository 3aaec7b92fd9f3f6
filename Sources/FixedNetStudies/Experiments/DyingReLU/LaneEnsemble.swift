import FixedNet
import FixedNetCore

/// Networks of one shape that learn f(x) = |x| on [-7, 7] side by side, and what became of them.
struct LaneEnsemble {
  static let trainingCount = 3000
  static let testCount = 750
  static let networkCount = 1000

  let networks: LaneNetworks
  let seed: UInt64
  private let training: (x: [Float], target: [Float])
  let test: (x: [Float], target: [Float])

  /// Fresh networks: those numbered 0 ..< `count` of the seed.
  /// Throws: `StudyError.failed` where there is no memory for them.
  init(_ shape: LaneShape, count: Int, seed: UInt64, threads: Int) throws(StudyError) {
    do {
      networks = try LaneNetworks(
        LaneEnsemble.plan(shape, count: count, threads: threads),
        instructionSet: try InstructionSet.selected())
    } catch { throw .failed("\(error)") }
    self.seed = seed
    training = LaneEnsemble.points(LaneEnsemble.trainingCount, seed: seed, stream: 1)
    test = LaneEnsemble.points(LaneEnsemble.testCount, seed: seed, stream: 2)
    networks.initialize(seed: seed)
  }

  /// Where the networks and their points will live.
  static func plan(_ shape: LaneShape, count: Int, threads: Int) throws(NetworkError)
    -> LaneNetworksPlan
  {
    try LaneNetworksPlan(
      shape, networkCount: count, sampleCapacity: trainingCount, threads: threads)
  }

  private static func points(_ count: Int, seed: UInt64, stream: UInt64) -> (
    x: [Float], target: [Float]
  ) {
    var random = Philox(seed: seed, stream: stream).reader()
    let x = (0..<count).map { _ in 14 * random.nextUnit() - 7 }
    return (x, x.map(\.magnitude))
  }

  /// One epoch over the training points in an order that depends on (seed, epoch).
  func train(epoch: Int) throws(NetworkError) {
    let order = Permutation(count: training.x.count, seed: seed, epoch: UInt64(epoch))
    let positions = (0..<training.x.count).map { order[$0] }
    try networks.load(
      inputs: positions.map { training.x[$0] }, targets: positions.map { training.target[$0] })
    try networks.train()
  }

  /// What every network makes of the test points.
  func outcomes() throws(NetworkError) -> [LaneOutcome] {
    try networks.load(inputs: test.x, targets: test.target)
    try networks.evaluate()
    return try (0..<networks.plan.networkCount).map { network throws(NetworkError) in
      try networks.outcome(of: network)
    }
  }

  /// A network's curve on the grid -7 ... 7.
  func curve(of network: Int) throws(NetworkError) -> [(x: Double, y: Double)] {
    let x = (0...140).map { Float($0 - 70) / 10 }
    try networks.load(inputs: x, targets: x.map(\.magnitude))
    return zip(x, try networks.outputs(of: network)).map { (Double($0), Double($1)) }
  }

  /// Every weight, network by network.
  func weights() throws(NetworkError) -> [LayerWeights] {
    try (0..<networks.plan.networkCount).map { network throws(NetworkError) in
      let values = try networks.parameters(of: network)
      return LayerWeights(
        layer: "network \(network)", tensors: [Tensor(shape: [values.count], values: values)])
    }
  }
}

/// What the networks of an ensemble have in common.
struct CollapseCount: Equatable {
  /// Networks whose outputs over the test points are all the same number.
  var collapsed: Int
  /// Networks whose outputs differ by less than a thousandth; the collapsed ones too.
  var nearlyConstant: Int
  /// Collapsed networks whose number is 0.
  var zero: Int
  var total: Int

  init(_ outcomes: [LaneOutcome]) {
    collapsed = outcomes.count { $0.isConstant }
    nearlyConstant = outcomes.count { $0.highest - $0.lowest < 0.001 }
    zero = outcomes.count { $0.isConstant && $0.lowest == 0 }
    total = outcomes.count
  }

  var collapsedPercent: Double { 100 * Double(collapsed) / Double(total) }
  var nearlyConstantPercent: Double { 100 * Double(nearlyConstant) / Double(total) }
}
