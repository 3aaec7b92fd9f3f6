import FixedNet

/// How many fresh ReLU networks are dead before any training: with zero biases every unit is linear on either side of
/// x = 0, so that x = -1 and x = 1 tell everything.
///
/// One side dies with probability 1 - (1 - 2^-width)^depth: a layer of a network that is alive there dies if all its
/// units have a negative sum, each with probability 1/2, whatever the layers before made of x. By symmetry
/// dead + half / 2 is that probability exactly.
/// Source: Lu, Shin, Su and Karniadakis, "Dying ReLU and initialization", Commun. Comput. Phys. 28, 2020.
struct BornDead {
  let width: Int
  let depth: Int
  /// Networks whose last hidden layer is 0 for every x; for every x on one side of 0 only; all.
  private(set) var dead = 0
  private(set) var half = 0
  private(set) var total = 0

  /// Networks made at a time.
  private static let round = 2000

  /// Throws: `StudyError.failed`.
  init(width: Int, depth: Int, count: Int, seed: UInt64, threads: Int) throws(StudyError) {
    self.width = width
    self.depth = depth
    do { try make(count: count, seed: seed, threads: threads) } catch { throw .failed("\(error)") }
  }

  private mutating func make(count: Int, seed: UInt64, threads: Int) throws(NetworkError) {
    let plan = try LaneNetworksPlan(
      LaneShape(width: width, depth: depth), networkCount: min(count, BornDead.round),
      sampleCapacity: 2, batch: 2, isTraining: false, threads: threads)
    let networks = try LaneNetworks(plan, instructionSet: try InstructionSet.selected())
    try networks.load(inputs: [-1, 1], targets: [0, 0])
    while total < count {
      networks.initialize(seed: seed, first: total)
      try networks.evaluate()
      for network in 0..<min(plan.networkCount, count - total) {
        // The output is linear: 0 where the last hidden layer is.
        let outcome = try networks.outcome(of: network)
        let zeros = (outcome.lowest == 0 ? 1 : 0) + (outcome.highest == 0 ? 1 : 0)
        if zeros == 2 { dead += 1 }
        if zeros == 1 { half += 1 }
      }
      total += min(plan.networkCount, count - total)
    }
  }

  var deadPercent: Double { 100 * Double(dead) / Double(total) }
  var halfPercent: Double { 100 * Double(half) / Double(total) }
  /// dead + half / 2.
  var sidePercent: Double { deadPercent + halfPercent / 2 }

  /// 1 - (1 - 2^-width)^depth, in percent.
  static func exactSidePercent(width: Int, depth: Int) -> Double {
    let survives = 1 - 1 / Double(1 << width)
    return 100 * (1 - (0..<depth).reduce(1.0) { product, _ in product * survives })
  }

  var exactSidePercent: Double { BornDead.exactSidePercent(width: width, depth: depth) }

  /// The standard error of `sidePercent` by the counts: a network is worth 1, 1/2 or 0.
  var sideError: Double {
    let n = Double(total)
    let mean = sidePercent / 100
    let square = (Double(dead) + Double(half) / 4) / n
    return 100 * (max(square - mean * mean, 1 / n) / n).squareRoot()
  }

  /// Simulated independently with 40,000 networks a cell (standard error at most 0.25 points): dead and half, in percent.
  static let reference: [(width: Int, depth: Int, dead: Double, half: Double?)] = [
    (2, 1, 0.0, nil), (2, 2, 15.5, nil), (2, 3, 33.9, nil), (2, 5, 62.2, nil), (2, 9, 87.7, 9.2),
    (2, 10, 91.1, 6.7), (2, 20, 99.5, nil), (3, 9, 57.7, 24.4), (3, 10, 63.5, 20.8),
    (4, 9, 29.3, 29.1), (4, 10, 34.2, 27.6), (5, 9, 13.2, 23.9), (5, 10, 15.2, 23.8),
    (6, 9, 5.4, 15.9), (6, 10, 6.4, 16.3), (8, 9, 0.8, 5.2), (8, 10, 0.9, 5.6),
    (10, 9, 0.1, 1.5), (10, 10, 0.2, 1.6),
  ]
}
