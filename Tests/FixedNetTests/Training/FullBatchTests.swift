import FixedNetCore
import Foundation
import MallocCounter
import Testing

@testable import FixedNetCompute

/// The R-operator and the solvers on networks.
@Suite("Full batch")
struct FullBatchTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var activation: ActivationFunction
    var last: ActivationFunction
    var loss: Loss?
    var testDescription: String { name }
  }

  static let cases = [
    Case(name: "tanh, softmax", activation: .tanh, last: .softmax),
    Case(name: "sigmoid, sigmoid", activation: .sigmoid, last: .sigmoid),
    Case(
      name: "scaled sigmoid, summed", activation: .scaledSigmoid, last: .scaledSigmoid,
      loss: .binaryCrossEntropy(isSum: true)),
    Case(name: "relu, squared error", activation: .relu, last: .linear, loss: .meanSquaredError),
    Case(name: "tanh, squared error", activation: .tanh, last: .tanh, loss: .meanSquaredError),
  ]

  private static func model(_ testCase: Case) -> Model {
    let options = WeightOptions(kernelRegularizer: .l2(0.02), biasRegularizer: .l2(0.3))
    return Model(
      name: "case", input: .image(height: 3, width: 2, channels: 2),
      layers: [
        Flatten(name: "f"),
        Dense(name: "d1", units: 9, activation: testCase.activation, options: options),
        Dense(
          name: "d2", units: 7,
          activation: testCase.activation == .relu ? .linear : testCase.activation),
        Dense(name: "d3", units: 4, activation: testCase.last, options: options),
      ])
  }

  private static func trainer(
    _ model: Model, _ method: FullBatchMethod, count: Int, threads: Int = 2,
    loss: Loss? = nil, usesReferenceGradient: Bool = false, set: InstructionSet = .best
  ) throws -> FullBatchTrainer {
    let plan = try FullBatchTrainer.plan(
      model, method, sampleCount: count, threads: threads, loss: loss,
      usesReferenceGradient: usesReferenceGradient)
    let network = try Network(plan, instructionSet: set)
    try network.load(try TestModels.weights(model))
    let images = TestModels.images(count, shape: model.input, classes: 4)
    return try FullBatchTrainer(network: network, images: images, method: method)
  }

  private static func direction(_ model: Model) throws -> [LayerWeights] {
    var random = Philox(seed: 4, stream: 3).reader()
    return try model.initialWeights(seed: 0).map { layer in
      LayerWeights(
        layer: layer.layer,
        tensors: layer.tensors.map { tensor in
          Tensor(shape: tensor.shape, values: tensor.values.map { _ in random.nextUnit() - 0.5 })
        })
    }
  }

  /// H v against (g(w + h v) - g(w - h v)) / 2h.
  @Test("Hessian products equal central differences of the gradient", arguments: cases, [5, 37])
  func hessianProducts(_ testCase: Case, count: Int) throws {
    let model = Self.model(testCase)
    let trainer = try Self.trainer(model, .truncatedNewton, count: count, loss: testCase.loss)
    let weights = trainer.network.weights
    let direction = try Self.direction(model)
    let products = try trainer.hessianProduct(direction)
    func gradient(_ step: Float) throws -> [Float] {
      let moved = zip(weights, direction).map { layer, direction in
        LayerWeights(
          layer: layer.layer,
          tensors: zip(layer.tensors, direction.tensors).map {
            Tensor(shape: $0.shape, values: zip($0.values, $1.values).map { $0 + step * $1 })
          })
      }
      try trainer.network.load(moved)
      return trainer.evaluate().gradients.flatMap { $0.tensors.flatMap(\.values) }
    }
    let h: Float = testCase.activation == .relu ? 5e-4 : 2e-3
    let numeric = zip(try gradient(h), try gradient(-h)).map { ($0 - $1) / (2 * h) }
    let exact = products.flatMap { $0.tensors.flatMap(\.values) }
    #expect(exact.count == numeric.count)
    let largest = exact.map(abs).max() ?? 0
    #expect(largest > 1e-2)
    let wrong = zip(exact, numeric).filter { abs($0 - $1) > 2e-3 * largest + 5e-4 }
    #expect(wrong.isEmpty, "\(wrong.prefix(3))")
  }

  @Test("products are symmetric: u H v = v H u")
  func symmetry() throws {
    let model = Self.model(Self.cases[0])
    let trainer = try Self.trainer(model, .truncatedNewton, count: 37)
    let u = try Self.direction(model)
    let v = trainer.network.weights
    func values(_ layers: [LayerWeights]) -> [Float] {
      layers.flatMap { $0.tensors.flatMap(\.values) }
    }
    func dot(_ a: [LayerWeights], _ b: [LayerWeights]) -> Double {
      zip(values(a), values(b)).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let left = dot(u, try trainer.hessianProduct(v))
    let right = dot(v, try trainer.hessianProduct(u))
    #expect(abs(left - right) < 1e-5 * max(abs(left), 1) && abs(left) > 1e-3)
  }

  /// 1,061 samples: with L-BFGS nine stripes of 8 blocks, the last of them 3 blocks long with one of 5 images. So many
  /// random samples are harder to fit.
  @Test(
    "the weights do not depend on threads or instruction set, and nothing is allocated",
    arguments: FullBatchMethod.allCases, [37, 1_061])
  func determinism(_ method: FullBatchMethod, count: Int) throws {
    let model = Self.model(Self.cases[0])
    var hashes: Set<UInt64> = []
    var setups: [(threads: Int, set: InstructionSet)] = [(2, .best), (3, .best), (5, .best)]
    setups += TestModels.instructionSets.map { (1, $0) }
    let part = count == 37 ? 0.7 : 0.95
    for (threads, set) in setups {
      let trainer = try Self.trainer(model, method, count: count, threads: threads, set: set)
      let before = trainer.evaluate().loss
      var calls: [UInt64] = []
      calls.reserveCapacity(100)
      let result = try trainer.run(limits: SolverLimits(evaluations: 40)) { _ in
        calls.append(malloc_counter_calls())
        return true
      }
      #expect(result.progress.total <= 40 && result.progress.value < part * before)
      #expect(abs(trainer.evaluate().loss - result.progress.value) < 1e-6)
      #expect(trainer.network.canariesAreIntact)
      if malloc_counter_works() == 1 { #expect(calls.first == calls.last && calls.count > 2) }
      hashes.insert(TestModels.hash(trainer.network.weights))
    }
    #expect(hashes.count == 1)
  }

  /// Two ways to the same sums: stripes of 8 or 16 blocks, two of them a part where there are many, and chains over the
  /// whole batch (few images).
  @Test("stripes and chains have the same gradient", arguments: [20, 1_061, 4_100, 16_500])
  func stripes(count: Int) throws {
    let options = WeightOptions(kernelRegularizer: .l2(0.02))
    let model = Model(
      name: "wide", input: .vector(19),
      layers: [
        Dense(name: "d1", units: 27, activation: .tanh, options: options),
        Dense(name: "d2", units: 13, usesBias: false, activation: .sigmoid),
        Dense(name: "d3", units: 4, activation: .softmax),
      ])
    let striped = try Self.trainer(model, .lbfgs, count: count).evaluate()
    let chained = try Self.trainer(model, .truncatedNewton, count: count).evaluate()
    #expect(striped.loss == chained.loss)
    for (found, expected) in zip(striped.gradients, chained.gradients) {
      for (found, expected) in zip(found.tensors, expected.tensors) {
        let scale = expected.values.map(abs).max() ?? 0
        for (found, expected) in zip(found.values, expected.values) {
          #expect(abs(found - expected) <= 5e-6 * scale)
        }
        #expect(scale > 0)
      }
    }
  }

  /// Stripes are for small dense networks that nothing couples, planned for many samples at once.
  @Test("other networks keep their chains")
  func noStripes() throws {
    func stripes(_ model: Model, _ count: Int, keepsInput: Bool = true) throws
      -> StripeLayout?
    {
      var options = PlanOptions(batch: count, isTraining: true, threads: 2)
      options.keepsInput = keepsInput
      return try NetworkPlan(model, options: options).training?.stripes
    }
    let dense = Self.model(Self.cases[0])
    #expect(try stripes(dense, 1_008) == nil)
    #expect(try stripes(dense, 1_024) == StripeLayout(blockCount: 8, stripeCount: 1))
    #expect(try stripes(dense, 5_000) == StripeLayout(blockCount: 16, stripeCount: 1))
    #expect(try stripes(dense, 60_000) == StripeLayout(blockCount: 16, stripeCount: 4))
    #expect(try stripes(dense, 5_000, keepsInput: false) == nil)
    #expect(try stripes(TestModels.plain, 5_000) == nil)
    #expect(try stripes(BuiltInModel.mlp.model(), 5_000) == nil)
    let normalized = Model(
      name: "bn", input: .vector(6),
      layers: [
        Dense(name: "d1", units: 5), BatchNormalization(name: "bn"),
        Dense(name: "d2", units: 3, activation: .softmax),
      ])
    #expect(try stripes(normalized, 5_000) == nil)
  }

  /// The notebook's back-propagation leaves the 2 out of sigma'(z) = 2 sigma (1 - sigma) at every layer.
  @Test("the reference gradient is the exact one without a factor 2 per layer")
  func referenceGradient() throws {
    var model = Self.model(Self.cases[2])
    for index in model.layers.indices {
      if var dense = model.layers[index] as? Dense {
        (dense.options.kernelRegularizer, dense.options.biasRegularizer) = (.none, .none)
        model.layers[index] = dense
      }
    }
    let loss = Loss.binaryCrossEntropy(isSum: true)
    let exact = try Self.trainer(model, .lbfgs, count: 37, loss: loss).evaluate()
    let reference = try Self.trainer(
      model, .lbfgs, count: 37, loss: loss, usesReferenceGradient: true
    ).evaluate()
    #expect(exact.loss == reference.loss)
    for (layer, factor) in [(1, Float(8)), (2, 4), (3, 2)] {
      for (a, b) in zip(exact.gradients[layer].tensors, reference.gradients[layer].tensors) {
        #expect(zip(a.values, b.values).allSatisfy { abs($0 - factor * $1) < 1e-5 })
        #expect(a.values.contains { abs($0) > 1e-3 })
      }
    }
  }

  @Test(
    "names of layers and of the plan's own slots do not meet",
    arguments: FullBatchMethod.allCases)
  func names(_ method: FullBatchMethod) throws {
    for name in ["loss", "input", "labels", "targets", "solver"] {
      let model = Model(
        name: "m", input: .vector(6),
        layers: [Dense(name: name, units: 3, activation: .sigmoid)])
      let plan = try FullBatchTrainer.plan(model, method, sampleCount: 20, threads: 1)
      #expect(plan.parameters.count == 2)
    }
  }

  @Test("layers that a solver cannot train are refused")
  func refusals() throws {
    for (model, method) in [
      (TestModels.small, FullBatchMethod.lbfgs), (TestModels.varied, .lbfgs),
      (TestModels.plain, .truncatedNewton),
    ] {
      #expect(throws: ModelError.self) {
        try FullBatchTrainer.plan(model, method, sampleCount: 20, threads: 1)
      }
    }
    // L-BFGS takes convolutions.
    let trainer = try Self.trainer(TestModels.plain, .lbfgs, count: 40)
    let before = trainer.evaluate().loss
    #expect(try trainer.run(limits: SolverLimits(evaluations: 20)).progress.value < before)
  }
}
