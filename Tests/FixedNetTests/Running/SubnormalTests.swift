import FixedNetCore
import Testing

@testable import FixedNetCompute

/// Numbers below the smallest normal one, 2^-126, in the two modes that a plan can have.
@Suite("Subnormal numbers")
struct SubnormalTests {
  private static let start: [Float] = [0x1.8p-121, -0x1.4cp-122, 0x1.1p-120, -0x1.9p-123]
  private static let samples: [[Float]] = [
    [0.75, -0.4, 0.9, 0.31], [-0.2, 0.8, 0.55, -0.6], [0.1, 0.35, -0.7, 0.45],
  ]
  private static let (rate, momentum): (Float, Float) = (0.03, 0.7)
  private static let stepCount = 60

  /// A unit without bias learns that every answer is 0: its weights fade away.
  private static func trained(_ subnormals: Subnormals, _ set: InstructionSet, threads: Int) throws
    -> [Float]
  {
    let model = Model(
      name: "fading", input: .vector(4),
      layers: [Dense(name: "unit", units: 1, usesBias: false)])
    var options = PlanOptions(
      batch: 1, isTraining: true, threads: threads, loss: .meanSquaredError,
      optimizer: .momentum(Double(momentum)))
    options.subnormals = subnormals
    let network = try Network(NetworkPlan(model, options: options), instructionSet: set)
    try network.load([
      LayerWeights(layer: "unit", tensors: [Tensor(shape: [4, 1], values: start)])
    ])
    for step in 0..<stepCount {
      let image = ImageSet(
        shape: model.input, pixels: .floats(samples[step % samples.count]), labels: [],
        targets: [0], targetWidth: 1)
      let rule = options.optimizer.rule(at: step, learningRate: rate)
      _ = try network.step(image, update: rule, step: step)
    }
    return network.weights[0].tensors[0].values
  }

  /// The same in plain floats, operation by operation.
  private static func expected(_ subnormals: Subnormals) -> (weights: [Float], smallest: Float) {
    func value(_ x: Float) -> Float { subnormals == .flush && x.isSubnormal ? 0 : x }
    func fma(_ a: Float, _ b: Float, _ c: Float) -> Float {
      value(value(c).addingProduct(value(a), value(b)))
    }
    var weights = start
    var averages: [Float] = [0, 0, 0, 0]
    for step in 0..<stepCount {
      let x = samples[step % samples.count]
      let output = zip(x, weights).reduce(Float(0)) { fma($1.0, $1.1, $0) }
      let delta = value(2 * output)
      for i in 0..<4 {
        let change = value(rate * fma(x[i], delta, 0))
        averages[i] = fma(momentum, averages[i], -change)
        weights[i] = value(weights[i] + averages[i])
      }
    }
    return (weights, (weights + averages).map(\.magnitude).min() ?? 0)
  }

  @Test("both modes are an independent computation's, by every instruction set and all threads")
  func formulas() throws {
    // As memory has them: to look at a subnormal number does not change it.
    let (flushed, kept) = (Self.expected(.flush), Self.expected(.keep))
    #expect(flushed.weights != kept.weights)
    #expect(kept.smallest < .leastNormalMagnitude && kept.smallest > 0)
    for set in TestModels.instructionSets {
      for threads in [1, 3] {
        #expect(try Self.trained(.flush, set, threads: threads) == flushed.weights, "\(set)")
        #expect(try Self.trained(.keep, set, threads: threads) == kept.weights, "\(set)")
      }
    }
  }

  /// Outputs so sure that what goes back from them is below the smallest normal number.
  private static func hash(
    _ model: Model, _ subnormals: Subnormals, _ set: InstructionSet, threads: Int, blockSize: Int
  ) throws -> UInt64 {
    var options = PlanOptions(
      batch: 20, isTraining: true, threads: threads, blockSize: blockSize, optimizer: .adam())
    options.subnormals = subnormals
    let network = try Network(NetworkPlan(model, options: options), instructionSet: set)
    let images = TestModels.images(20, shape: model.input, classes: 5)
    var values: [Float] = []
    for factor: Float in [40, 80, 160, 320] {
      try network.load(
        TestModels.weights(model).map { layer in
          let isDense = layer.layer.hasPrefix("dense")
          return LayerWeights(
            layer: layer.layer,
            tensors: layer.tensors.map {
              Tensor(shape: $0.shape, values: $0.values.map { isDense ? factor * $0 : $0 })
            })
        })
      for step in 0..<2 {
        let rule = options.optimizer.rule(at: step, learningRate: 1e-4)
        _ = try network.step(images, update: rule, step: step)
      }
      values += try network.predict(images).outputs.values
      values += network.weights.flatMap { $0.tensors.flatMap(\.values) }
      values += network.optimizerState.values
    }
    return TestModels.hash(values)
  }

  @Test("a saturated network has one hash in each mode, whatever computes it", arguments: [16, 1])
  func saturation(blockSize: Int) throws {
    var hashes: [Subnormals: UInt64] = [:]
    for subnormals in Subnormals.allCases {
      for set in TestModels.instructionSets {
        for threads in [1, 2] {
          let hash = try Self.hash(
            TestModels.plain, subnormals, set, threads: threads, blockSize: blockSize)
          #expect(hashes[subnormals] ?? hash == hash, "\(subnormals), \(set), \(threads)")
          hashes[subnormals] = hash
        }
      }
    }
    #expect(hashes[.flush] != hashes[.keep])
  }
}

extension OptimizerState {
  fileprivate var values: [Float] { slots.flatMap { $0.tensors.flatMap(\.values) } }
}
