import FixedNetCore
import Foundation
import MallocCounter
import Testing

@testable import FixedNetCompute

@Suite("Many networks at once")
struct LaneNetworkTests {
  private static let shapes = [
    LaneShape(width: 2, depth: 10, outputIsRectified: true),
    LaneShape(width: 2, depth: 9, negativeSlope: 0.01),
    LaneShape(width: 5, depth: 3, negativeSlope: 0.1), LaneShape(width: 7, depth: 2),
    LaneShape(width: 1, depth: 1),
  ]

  /// f(x) = |x| on [-7, 7].
  private static func samples(_ count: Int, seed: UInt64 = 1) -> (x: [Float], target: [Float]) {
    var random = Philox(seed: seed, stream: 5).reader()
    let x = (0..<count).map { _ in 14 * random.nextUnit() - 7 }
    return (x, x.map(\.magnitude))
  }

  private static func networks(
    _ shape: LaneShape, count: Int = 37, samples count2: Int, batch: Int = 64, threads: Int = 1,
    instructionSet: InstructionSet = .best
  ) throws -> LaneNetworks {
    let networks = try LaneNetworks(
      try LaneNetworksPlan(
        shape, networkCount: count, sampleCapacity: count2, batch: batch, threads: threads),
      instructionSet: instructionSet)
    networks.initialize(seed: 3)
    let (x, target) = samples(count2)
    try networks.load(inputs: x, targets: target)
    return networks
  }

  // MARK: Against formulas

  /// A network in double, from the textbook.
  private struct Textbook {
    var shape: LaneShape
    var parameters: [Double]

    func output(_ x: Double) -> Double {
      var (activation, place) = ([x], 0)
      for layer in 0...shape.depth {
        let isLast = layer == shape.depth
        let out = isLast ? 1 : shape.width
        let slope = isLast ? (shape.outputIsRectified ? 0 : 1) : Double(shape.negativeSlope)
        activation = (0..<out).map { o in
          var z = parameters[place + activation.count * out + o]
          for (i, a) in activation.enumerated() { z += a * parameters[place + i * out + o] }
          return z > 0 ? z : slope * z
        }
        place += (layer == 0 ? 2 : shape.width + 1) * out
      }
      return activation[0]
    }

    func loss(_ x: [Float], _ target: [Float]) -> Double {
      zip(x, target).reduce(0) { $0 + pow(output(Double($1.0)) - Double($1.1), 2) }
        / Double(x.count)
    }
  }

  /// Every network's biases are moved so that most of them are alive, and no unit is at its kink.
  private static func liven(_ networks: LaneNetworks) throws {
    for network in 0..<networks.plan.networkCount {
      var random = Philox(seed: 9, stream: UInt64(network)).reader()
      try networks.setParameters(
        try networks.parameters(of: network).map { $0 == 0 ? 0.3 + random.nextUnit() : $0 },
        of: network)
    }
  }

  @Test("gradients are the central differences of the formula", arguments: shapes)
  func gradients(_ shape: LaneShape) throws {
    let networks = try Self.networks(shape, samples: 50)
    try Self.liven(networks)
    let (x, target) = Self.samples(50)
    var alive = 0
    for network in 0..<37 {
      let found = try networks.gradient(of: network)
      var textbook = Textbook(
        shape: shape, parameters: try networks.parameters(of: network).map(Double.init))
      let largest = found.reduce(0) { max($0, abs(Double($1))) }
      if largest > 0.01 { alive += 1 }
      for index in found.indices {
        let (value, step) = (textbook.parameters[index], 1e-7)
        textbook.parameters[index] = value + step
        let above = textbook.loss(x, target)
        textbook.parameters[index] = value - step
        let below = textbook.loss(x, target)
        textbook.parameters[index] = value
        let expected = (above - below) / (2 * step)
        #expect(
          abs(Double(found[index]) - expected) <= 1e-4 * largest + 1e-5,
          "network \(network), parameter \(index): \(found[index]), not \(expected)")
      }
    }
    #expect(alive > 10)
  }

  @Test("outputs and outcomes are the formula's", arguments: shapes)
  func outcomes(_ shape: LaneShape) throws {
    let networks = try Self.networks(shape, samples: 150)
    try Self.liven(networks)
    try networks.evaluate()
    let (x, target) = Self.samples(150)
    for network in 0..<37 {
      let textbook = Textbook(
        shape: shape, parameters: try networks.parameters(of: network).map(Double.init))
      let outputs = try networks.outputs(of: network)
      let outcome = try networks.outcome(of: network)
      let scale = outputs.reduce(1) { max($0, abs(Double($1))) }
      for (sample, output) in outputs.enumerated() {
        #expect(abs(Double(output) - textbook.output(Double(x[sample]))) < 1e-5 * scale)
      }
      #expect(outcome.lowest == outputs.min())
      #expect(outcome.highest == outputs.max())
      let expected = textbook.loss(x, target) * 150
      #expect(abs(Double(outcome.squaredError) - expected) < 1e-4 * expected)
      #expect(outcome.isConstant == (Set(outputs).count == 1))
    }
  }

  // MARK: Against the engine

  private static func model(_ shape: LaneShape) -> Model {
    var layers: [any Layer] = []
    for layer in 0..<shape.depth {
      layers.append(Dense(name: "dense\(layer)", units: shape.width))
      layers.append(LeakyReLU(name: "leaky\(layer)", slope: Double(shape.negativeSlope)))
    }
    layers.append(
      Dense(name: "output", units: 1, activation: shape.outputIsRectified ? .relu : .linear))
    return Model(name: "lane", input: .vector(1), layers: layers)
  }

  @Test("a network trains as it does alone, step by step", arguments: shapes)
  func engine(_ shape: LaneShape) throws {
    let lanes = try Self.networks(shape, samples: 20 * 64 + 10)
    try Self.liven(lanes)
    func spread(_ network: Int) throws -> Float {
      let outputs = try lanes.outputs(of: network)
      return (outputs.max() ?? 0) - (outputs.min() ?? 0)
    }
    let network = try (1..<37).max { try spread($0) < spread($1) } ?? 0
    let model = Self.model(shape)
    let plan = try NetworkPlan(
      model,
      options: PlanOptions(
        batch: 64, isTraining: true, loss: .meanSquaredError, optimizer: .rmsprop()))
    let alone = try Network(plan)
    var rest = try lanes.parameters(of: network)[...]
    try alone.load(
      alone.weights.map { layer in
        LayerWeights(
          layer: layer.layer,
          tensors: layer.tensors.map { tensor in
            defer { rest = rest.dropFirst(tensor.values.count) }
            return Tensor(shape: tensor.shape, values: Array(rest.prefix(tensor.values.count)))
          })
      })
    let (x, target) = Self.samples(20 * 64 + 10)
    let before = try lanes.parameters(of: network)
    for step in 0..<21 {
      let range = step * 64..<min(x.count, (step + 1) * 64)
      let images = ImageSet(
        shape: .vector(1), pixels: .floats(Array(x[range])), labels: [],
        targets: Array(target[range]), targetWidth: 1)
      _ = try alone.step(
        images, update: Optimizer.rmsprop().rule(at: step, learningRate: 0.001), step: step)
      try lanes.train(steps: step..<step + 1)
      let expected = alone.weights.flatMap { $0.tensors.flatMap(\.values) }
      for (index, pair) in zip(try lanes.parameters(of: network), expected).enumerated() {
        #expect(abs(pair.0 - pair.1) < 1e-5, "step \(step), parameter \(index): \(pair)")
      }
    }
    #expect(zip(before, try lanes.parameters(of: network)).contains { abs($0 - $1) > 0.01 })
  }

  // MARK: Initialisation

  @Test("networks start as Glorot uniform says, whatever is trained beside them")
  func starts() throws {
    let shape = LaneShape(width: 3, depth: 2)
    func starts(first: Int, count: Int) throws -> [[Float]] {
      let networks = try LaneNetworks(
        try LaneNetworksPlan(shape, networkCount: count, sampleCapacity: 1))
      networks.initialize(seed: 4, first: first)
      return try (0..<count).map { try networks.parameters(of: $0) }
    }
    let all = try starts(first: 0, count: 1000)
    let some = try starts(first: 100, count: 5)
    #expect(some == Array(all[100..<105]))
    #expect(Set(all).count == 1000)
    let fans = [(0..<3, 4.0), (6..<15, 6.0), (18..<21, 4.0)]
    for (range, fanSum) in fans {
      let values = all.flatMap { $0[range].map(Double.init) }
      let limit = (6 / fanSum).squareRoot()
      #expect(values.allSatisfy { abs($0) <= limit })
      let mean = values.reduce(0, +) / Double(values.count)
      let square = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
      // Five standard errors of the mean (limit / sqrt 3) and of the mean square (limit^2 sqrt(4 / 45)).
      let root = Double(values.count).squareRoot()
      #expect(abs(mean) < 5 * limit / 3.0.squareRoot() / root)
      #expect(
        abs(square - limit * limit / 3) < 5 * limit * limit * (4.0 / 45).squareRoot() / root)
    }
    let biases = [3, 4, 5, 15, 16, 17, 21]
    #expect(all.allSatisfy { network in biases.allSatisfy { network[$0] == 0 } })
  }

  // MARK: Bits and memory

  @Test("threads, instruction sets and parts of an epoch do not change a bit", arguments: shapes)
  func bits(_ shape: LaneShape) throws {
    func hash(_ networks: LaneNetworks) throws -> UInt64 {
      try networks.evaluate()
      return TestModels.hash(
        try (0..<37).flatMap { network in
          let outcome = try networks.outcome(of: network)
          return try networks.parameters(of: network)
            + [outcome.lowest, outcome.highest, outcome.squaredError]
        })
    }
    let first = try Self.networks(shape, samples: 300)
    let start = try hash(first)
    try first.train()
    let expected = try hash(first)
    #expect(expected != start)
    for threads in 1...4 {
      for instructionSet in TestModels.instructionSets {
        let networks = try Self.networks(
          shape, samples: 300, threads: threads, instructionSet: instructionSet)
        try networks.train(steps: 0..<2)
        try networks.train(steps: 2..<5)
        #expect(try hash(networks) == expected, "\(threads) threads, \(instructionSet)")
        #expect(networks.canariesAreIntact)
      }
    }
  }

  @Test("the arena has the bytes that can be counted, and one less is refused")
  func memory() throws {
    let plan = try LaneNetworksPlan(
      LaneShape(width: 2, depth: 10), networkCount: 1000, sampleCapacity: 3000, threads: 2)
    // 61 parameters: 4 + 9 * 6 + 3. 63 groups of 61 weights, 61 mean squares and 3 rows; per thread 64 samples of 21
    // activations, 61 gradients and the losses; 2 * 3000 samples, each list up to a cache line.
    #expect(plan.shape.parameterCount == 61)
    let expected = 63 * (61 + 61 + 3) * 64 + 2 * (64 * 21 + 62) * 64 + 2 * 3008 * 4
    #expect(plan.memory.byteCount == expected)
    #expect("\(plan.memory)".contains("x 63 blocks"))
    #expect(throws: NetworkError.arena(.tooSmall(needed: expected, found: expected - 64))) {
      try LaneNetworks(plan, arenaByteCount: expected - 64)
    }
    #expect(throws: NetworkError.arena(.tooSmall(needed: expected, found: expected - 1))) {
      try LaneNetworks(plan, arenaByteCount: expected - 1)
    }
  }

  @Test("training and evaluation allocate nothing", .enabled(if: malloc_counter_works() == 1))
  func allocation() throws {
    let networks = try Self.networks(Self.shapes[0], samples: 300)
    try networks.train(steps: 0..<1)
    try networks.evaluate()
    let before = malloc_counter_calls()
    networks.initialize(seed: 8)
    try networks.train()
    try networks.evaluate()
    let spent = malloc_counter_calls() - before
    let planted = UnsafeMutablePointer<Float>.allocate(capacity: 10)
    planted.deallocate()
    let withPlanted = malloc_counter_calls() - before
    #expect(spent == 0)
    #expect(withPlanted == 1)
  }

  @Test("a NaN shows in the outcome and stays in its lane")
  func notFinite() throws {
    let networks = try Self.networks(Self.shapes[1], samples: 100)
    var parameters = try networks.parameters(of: 4)
    parameters[0] = .nan
    try networks.setParameters(parameters, of: 4)
    try networks.train()
    try networks.evaluate()
    #expect(try networks.outcome(of: 4).lowest.isNaN)
    #expect(try networks.outcome(of: 4).highest.isNaN)
    #expect(try !networks.outcome(of: 4).isConstant)
    for network in 0..<37 where network != 4 {
      #expect(try networks.parameters(of: network).allSatisfy { $0.isFinite })
      #expect(try networks.outcome(of: network).squaredError.isFinite)
    }
  }
}
