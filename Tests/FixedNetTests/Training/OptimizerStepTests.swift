import FixedNetCore
import Foundation
import Testing

@testable import FixedNetCompute

/// Steps of one linear unit, against the textbook's formulas in double precision.
@Suite("Optimiser steps")
struct OptimizerStepTests {
  /// y = w0 x0 + w1 x1 + b with L = (y - t)^2, so that dw = 2 (y - t) x and db = 2 (y - t).
  private static let input = [0.5, -1.5]
  private static let target = 0.75
  private static let start = [0.25, -0.5, 0.125]
  private static let rate = 0.0625

  /// What an optimiser does to one weight: its memory, the gradient, the rate and the step from 1; returns the new weight
  /// minus the old one.
  typealias Formula = @Sendable (inout [Double], Double, Double, Int) -> Double

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var optimizer: Optimizer
    var formula: Formula
  }

  private static let plain: Formula = { _, g, rate, _ in -rate * g }

  /// Memory: mean square, mean gradient, momentum.
  private static func rmsprop(
    momentum: Double = 0, isCentered: Bool = false, epsilon: Double,
    divisor: @escaping @Sendable (_ variance: Double, _ epsilon: Double) -> Double
  ) -> Formula {
    { memory, g, rate, _ in
      memory[0] = 0.75 * memory[0] + 0.25 * g * g
      memory[1] = 0.75 * memory[1] + 0.25 * g
      let variance = memory[0] - (isCentered ? memory[1] * memory[1] : 0)
      memory[2] = momentum * memory[2] + rate * g / divisor(variance, epsilon)
      return -memory[2]
    }
  }

  private static let inside: @Sendable (Double, Double) -> Double = { ($0 + $1).squareRoot() }
  private static let behind: @Sendable (Double, Double) -> Double = { $0.squareRoot() + $1 }

  /// Source: Keras 3.15 `optimizers/{sgd,rmsprop,adam,adagrad}.py`; TF-Keras 2.21 `optimizers/legacy/rmsprop.py`, and for its
  /// momentum TensorFlow's `ApplyRMSProp`, which adds epsilon inside of the root.
  static let cases: [Case] = [
    Case(testDescription: "SGD", optimizer: .sgd, formula: plain),
    Case(testDescription: "momentum", optimizer: .momentum(0.5)) { memory, g, rate, _ in
      memory[0] = 0.5 * memory[0] - rate * g
      return memory[0]
    },
    Case(testDescription: "Nesterov", optimizer: .momentum(0.5, isNesterov: true)) {
      memory, g, rate, _ in
      memory[0] = 0.5 * memory[0] - rate * g
      return 0.5 * memory[0] - rate * g
    },
    Case(
      testDescription: "RMSprop", optimizer: .rmsprop(rho: 0.75, epsilon: 0.5),
      formula: rmsprop(epsilon: 0.5, divisor: inside)),
    Case(
      testDescription: "RMSprop with momentum",
      optimizer: .rmsprop(rho: 0.75, momentum: 0.5, epsilon: 0.5),
      formula: rmsprop(momentum: 0.5, epsilon: 0.5, divisor: inside)),
    Case(
      testDescription: "centred RMSprop with momentum",
      optimizer: .rmsprop(rho: 0.75, momentum: 0.5, epsilon: 0.5, isCentered: true),
      formula: rmsprop(momentum: 0.5, isCentered: true, epsilon: 0.5, divisor: inside)),
    Case(
      testDescription: "Keras 2's RMSprop",
      optimizer: .rmsprop(rho: 0.75, epsilon: 0.5, isLegacy: true),
      formula: rmsprop(epsilon: 0.5, divisor: behind)),
    Case(
      testDescription: "Keras 2's RMSprop with momentum",
      optimizer: .rmsprop(rho: 0.75, momentum: 0.5, epsilon: 0.5, isLegacy: true),
      formula: rmsprop(momentum: 0.5, epsilon: 0.5, divisor: inside)),
    Case(testDescription: "Adam", optimizer: .adam(beta1: 0.75, beta2: 0.5, epsilon: 0.5)) {
      memory, g, rate, step in
      memory[0] = 0.75 * memory[0] + 0.25 * g
      memory[1] = 0.5 * memory[1] + 0.5 * g * g
      let first = 1 - (1...step).reduce(1) { power, _ in power * 0.75 }
      let second = 1 - (1...step).reduce(1) { power, _ in power * 0.5 }
      return -rate * second.squareRoot() / first * memory[0] / (memory[1].squareRoot() + 0.5)
    },
    Case(
      testDescription: "Nadam",
      optimizer: .adam(beta1: 0.75, beta2: 0.5, epsilon: 0.5, method: .nadam), formula: nadam),
    // Memory: the sum, without what it starts from.
    Case(
      testDescription: "Adagrad", optimizer: .adagrad(initialAccumulator: 0.25, epsilon: 0.5)
    ) { memory, g, rate, _ in
      memory[0] += g * g
      return -rate * g / (0.25 + memory[0] + 0.5).squareRoot()
    },
  ]

  /// Dozat 2015 as Keras 3.15 `optimizers/nadam.py` has it; memory: m, v.
  private static let nadam: Formula = { memory, g, rate, step in
    func u(_ step: Int) -> Double { 0.75 * (1 - pow(0.96, Double(step)) / 2) }
    func product(_ count: Int) -> Double { (1...count).reduce(1) { $0 * u($1) } }
    memory[0] = 0.75 * memory[0] + 0.25 * g
    memory[1] = 0.5 * memory[1] + 0.5 * g * g
    let mean =
      u(step + 1) * memory[0] / (1 - product(step + 1)) + (1 - u(step)) * g / (1 - product(step))
    let square = memory[1] / (1 - pow(0.5, Double(step)))
    return -rate * mean / (square.squareRoot() + 0.5)
  }

  private static func unit(kernel: Regularizer, bias: Regularizer) -> Model {
    let options = WeightOptions(kernelRegularizer: kernel, biasRegularizer: bias)
    return Model(
      name: "unit", input: .vector(2), layers: [Dense(name: "unit", units: 1, options: options)])
  }

  /// The unit after each of five steps, a batch of the one sample each.
  private func train(
    _ optimizer: Optimizer, clipping: Clipping = .none,
    regularizers: (kernel: Regularizer, bias: Regularizer) = (.none, .none),
    schedule: Schedule = .constant(rate)
  ) throws -> [[Double]] {
    let model = Self.unit(kernel: regularizers.kernel, bias: regularizers.bias)
    let network = try TestModels.network(
      model, batch: 1, loss: .meanSquaredError, optimizer: optimizer, clipping: clipping)
    let start = Self.start.map { Float($0) }
    try network.load([
      LayerWeights(
        layer: "unit",
        tensors: [
          Tensor(shape: [2, 1], values: Array(start[..<2])), Tensor(shape: [1], values: [start[2]]),
        ])
    ])
    let images = ImageSet(
      shape: .vector(2), pixels: .floats(Self.input.map { Float($0) }), labels: [],
      targets: [Float(Self.target)], targetWidth: 1)
    let trainer = try Trainer(
      network: network, images: images, batch: 1,
      optimizer: OptimizerConfiguration(optimizer: optimizer, schedule: schedule), seed: 0)
    return try (0..<5).map { _ in
      _ = try trainer.runEpoch()
      return network.weights[0].tensors.flatMap(\.values).map(Double.init)
    }
  }

  /// The same by the formulas. `change`: what is done to the gradients, kernel and bias, before the step.
  private func expected(
    _ formula: Formula, penalty: Double = 0, weightDecay: Double = 0,
    rates: [Double] = Array(repeating: rate, count: 5), change: ([Double]) -> [Double] = { $0 }
  ) -> [[Double]] {
    var weights = Self.start
    var memory = [[Double]](repeating: [0, 0, 0], count: 3)
    return rates.enumerated().map { index, rate in
      let y = weights[0] * Self.input[0] + weights[1] * Self.input[1] + weights[2]
      var gradients = (Self.input + [1]).map { 2 * (y - Self.target) * $0 }
      for kernel in 0..<2 { gradients[kernel] += 2 * penalty * weights[kernel] }
      gradients = change(gradients)
      for place in 0..<3 {
        let kept = weights[place] - rate * weightDecay * weights[place]
        weights[place] = kept + formula(&memory[place], gradients[place], rate, index + 1)
      }
      return weights
    }
  }

  private func expectEqual(_ found: [[Double]], _ expected: [[Double]]) {
    #expect(found.count == 5 && expected.count == 5)
    for (step, pair) in zip(found, expected).enumerated() {
      for (a, b) in zip(pair.0, pair.1) {
        #expect(abs(a - b) < 1e-6, "step \(step + 1): \(pair.0), expected \(pair.1)")
      }
    }
  }

  @Test("five steps are the formula's", arguments: cases)
  func formulas(_ test: Case) throws {
    expectEqual(try train(test.optimizer), expected(test.formula))
  }

  /// Loshchilov and Hutter 2019, arXiv 1711.05101, as Keras 3.15 `_apply_weight_decay` has it.
  @Test(
    "weight decay takes rate lambda w off kernel and bias before the step, and is no gradient",
    arguments: cases)
  func weightDecay(_ test: Case) throws {
    let schedule = Schedule.exponential(initial: Self.rate, rate: 0.5, steps: 1)
    let rates = [1, 0.5, 0.25, 0.125, 0.0625].map { $0 * Self.rate }
    expectEqual(
      try train(
        test.optimizer.decaying(0.75), clipping: .value(0.5),
        regularizers: (.l2(0.25), .none), schedule: schedule),
      expected(test.formula, penalty: 0.25, weightDecay: 0.75, rates: rates) {
        $0.map { min(max($0, -0.5), 0.5) }
      })
    expectEqual(
      try train(test.optimizer.decaying(0.75), clipping: .globalNorm(0.5)),
      expected(test.formula, weightDecay: 0.75) {
        Self.shortened($0, Self.norm($0), to: 0.5)
      })
  }

  @Test("L2 adds 2 lambda w to the kernel's gradient and nothing to the bias'")
  func penalty() throws {
    expectEqual(
      try train(.sgd, regularizers: (.l2(0.25), .none)), expected(Self.plain, penalty: 0.25))
  }

  @Test("L1 adds lambda sign(w), nothing where a weight is 0, and is no gradient of the others")
  func signs() throws {
    let network = try TestModels.network(
      Self.unit(kernel: Regularizer(l1: 0.5, l2: 0.25), bias: .l1(0.125)), batch: 1,
      loss: .meanSquaredError)
    // The error and with it the loss' own gradient are 0.
    func step(_ start: [Float], target: Float) throws -> [Float] {
      try network.load([
        LayerWeights(
          layer: "unit",
          tensors: [
            Tensor(shape: [2, 1], values: Array(start[..<2])),
            Tensor(shape: [1], values: [start[2]]),
          ])
      ])
      let images = ImageSet(
        shape: .vector(2), pixels: .floats([1, 2]), labels: [], targets: [target], targetWidth: 1)
      _ = try network.step(images, update: .sgd(learningRate: 1))
      return network.weights[0].tensors.flatMap(\.values)
    }
    #expect(try step([0, -0.0, 0], target: 0) == [0, 0, 0])
    #expect(network.penalty == 0)
    #expect(try step([3, -1, -2], target: -1) == [3 - 0.5 - 1.5, -1 + 0.5 + 0.5, -2 + 0.125])
    // Of 1, 0 and -1.875.
    #expect(network.penalty == 0.5 + 0.25 + 0.125 * 1.875)
  }

  @Test("each step has its rate of the schedule")
  func schedule() throws {
    let schedule = Schedule.exponential(initial: Self.rate, rate: 0.5, steps: 1)
    let rates = [1, 0.5, 0.25, 0.125, 0.0625].map { $0 * Self.rate }
    expectEqual(try train(.sgd, schedule: schedule), expected(Self.plain, rates: rates))
  }

  private static func norm(_ values: [Double]) -> Double {
    values.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  private static func shortened(_ values: [Double], _ norm: Double, to limit: Double) -> [Double] {
    norm > limit ? values.map { $0 * limit / norm } : values
  }

  @Test("clipping: every value, each weight's norm, the norm of all")
  func clipping() throws {
    expectEqual(
      try train(.sgd, clipping: .value(0.5)),
      expected(Self.plain) { $0.map { min(max($0, -0.5), 0.5) } })
    expectEqual(
      try train(.sgd, clipping: .norm(0.5)),
      expected(Self.plain) { gradients in
        let (kernel, bias) = (Array(gradients[..<2]), Array(gradients[2...]))
        return Self.shortened(kernel, Self.norm(kernel), to: 0.5)
          + Self.shortened(bias, Self.norm(bias), to: 0.5)
      })
    expectEqual(
      try train(.sgd, clipping: .globalNorm(0.5)),
      expected(Self.plain) { Self.shortened($0, Self.norm($0), to: 0.5) })
  }
}
