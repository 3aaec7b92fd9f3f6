import FixedNetCore
import Testing

@testable import FixedNetCompute

/// Many networks at once: counts, numbers and an order of calls that cannot be are refused.
@Suite("Misuse of many networks at once")
struct LaneMisuseTests {
  private static let shape = LaneShape(width: 2, depth: 3)

  private static func networks(isTraining: Bool = true, batch: Int = 4) throws -> LaneNetworks {
    try LaneNetworks(
      LaneNetworksPlan(
        shape, networkCount: 20, sampleCapacity: 10, batch: batch, isTraining: isTraining))
  }

  private static func text(_ body: () throws -> Void) throws -> String {
    "\(try #require(throws: NetworkError.self, performing: body))"
  }

  @Test(
    "shapes that no plan can have",
    arguments: [
      LaneShape(width: 0, depth: 1), LaneShape(width: 11, depth: 1), LaneShape(width: -1, depth: 1),
      LaneShape(width: .max, depth: .max), LaneShape(width: 2, depth: 0),
      LaneShape(width: 2, depth: -1), LaneShape(width: 2, depth: 1025),
      LaneShape(width: 2, depth: 1, negativeSlope: -0.1),
      LaneShape(width: 2, depth: 1, negativeSlope: .nan),
    ])
  func shapes(_ shape: LaneShape) throws {
    _ = shape.parameterCount
    let text = try Self.text {
      _ = try LaneNetworksPlan(shape, networkCount: 1, sampleCapacity: 1)
    }
    #expect(text.hasPrefix("the shape must be") || text.hasPrefix("negativeSlope must be"))
  }

  @Test("counts that no plan can have", arguments: [0, -1, .min, 1 << 31, .max])
  func counts(_ count: Int) throws {
    let shape = Self.shape
    #expect(
      try Self.text { _ = try LaneNetworksPlan(shape, networkCount: count, sampleCapacity: 1) }
        == "networkCount must be from 1 to 2147483647, found \(count)")
    #expect(
      try Self.text { _ = try LaneNetworksPlan(shape, networkCount: 1, sampleCapacity: count) }
        .hasPrefix("sampleCapacity"))
    #expect(
      try Self.text {
        _ = try LaneNetworksPlan(shape, networkCount: 1, sampleCapacity: 1, batch: count)
      }.hasPrefix("batch"))
    #expect(
      try Self.text {
        _ = try LaneNetworksPlan(shape, networkCount: 1, sampleCapacity: 1, threads: count)
      }.hasPrefix("threads"))
  }

  @Test("parameters that were never set, networks that there are not")
  func parameters() throws {
    let networks = try Self.networks()
    try networks.load(inputs: [1, 2], targets: [1, 2])
    try networks.evaluate()
    #expect(throws: NetworkError.weightsNotSet) { _ = try networks.parameters(of: 0) }
    #expect(throws: NetworkError.weightsNotSet) { _ = try networks.outputs(of: 0) }
    #expect(throws: NetworkError.weightsNotSet) { _ = try networks.outcome(of: 0) }
    #expect(throws: NetworkError.weightsNotSet) { _ = try networks.gradient(of: 0) }
    let values = [Float](repeating: 0.5, count: Self.shape.parameterCount)
    try networks.setParameters(values, of: 0)
    #expect(try networks.parameters(of: 0) == values)
    #expect(throws: NetworkError.weightsNotSet) { _ = try networks.parameters(of: 1) }
    networks.initialize(seed: 0)
    #expect(try networks.parameters(of: 19).contains { $0 != 0 })
    for network in [-1, 20, 31, .min, .max] {
      let expected = "network must be from 0 to 19, found \(network)"
      #expect(try Self.text { _ = try networks.parameters(of: network) } == expected)
      #expect(try Self.text { _ = try networks.outputs(of: network) } == expected)
      #expect(try Self.text { _ = try networks.outcome(of: network) } == expected)
      #expect(try Self.text { _ = try networks.gradient(of: network) } == expected)
      #expect(try Self.text { try networks.setParameters(values, of: network) } == expected)
    }
    #expect(try Self.text { try networks.setParameters([1], of: 0) }.contains("found 1"))
  }

  @Test("samples that are not there, not as many as targets, or too many")
  func samples() throws {
    let networks = try Self.networks()
    networks.initialize(seed: 0)
    #expect(throws: NetworkError.noImages) { try networks.train() }
    #expect(throws: NetworkError.noImages) { try networks.evaluate() }
    #expect(throws: NetworkError.noImages) { _ = try networks.outputs(of: 0) }
    #expect(throws: NetworkError.noImages) { _ = try networks.gradient(of: 0) }
    #expect(throws: NetworkError.noImages) { try networks.load(inputs: [], targets: []) }
    #expect(throws: NetworkError.self) { try networks.load(inputs: [1], targets: []) }
    let many = [Float](repeating: 1, count: 11)
    #expect(throws: NetworkError.self) { try networks.load(inputs: many, targets: many) }
    try networks.load(inputs: Array(many.prefix(10)), targets: Array(many.prefix(10)))
    #expect(
      try Self.text { _ = try networks.gradient(of: 0) }.contains("at most one mini-batch of 4"))
  }

  @Test("rates that are none, steps that there are not, a plan without training")
  func training() throws {
    let networks = try Self.networks()
    networks.initialize(seed: 0)
    try networks.load(inputs: [1, 2, 3, 4, 5], targets: [1, 2, 3, 4, 5])
    for rate in [-1, .nan, .infinity] as [Float] {
      #expect(try Self.text { try networks.train(learningRate: rate) }.hasPrefix("learningRate"))
    }
    for rho in [-1, 1.5, .nan] {
      #expect(try Self.text { try networks.train(rho: rho) }.hasPrefix("rho"))
    }
    for steps in [0..<3, -1..<1, 2..<3, 5..<9] {
      #expect(try Self.text { try networks.train(steps: steps) }.hasPrefix("steps"))
    }
    try networks.train(steps: 1..<2)
    let fixed = try Self.networks(isTraining: false)
    fixed.initialize(seed: 0)
    try fixed.load(inputs: [1], targets: [1])
    #expect(throws: NetworkError.planned(for: "evaluation", needed: "isTraining: true")) {
      try fixed.train()
    }
  }

  @Test("outcomes are those of the samples and parameters that are there")
  func outcomes() throws {
    let networks = try Self.networks()
    networks.initialize(seed: 0)
    try networks.load(inputs: [1], targets: [1])
    #expect(throws: NetworkError.self) { _ = try networks.outcome(of: 0) }
    try networks.evaluate()
    _ = try networks.outcome(of: 0)
    try networks.train()
    #expect(throws: NetworkError.self) { _ = try networks.outcome(of: 0) }
  }
}
