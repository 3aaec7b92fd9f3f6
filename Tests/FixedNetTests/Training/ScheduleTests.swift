import FixedNetCore
import Foundation
import Testing

@testable import FixedNetCompute

@Suite("Schedules")
struct ScheduleTests {
  private static func cyclical(_ amplitude: Schedule.Amplitude) -> Schedule {
    .cyclical(base: 0.001, max: 0.006, stepSize: 2000, amplitude)
  }

  /// Smith's three policies (arXiv 1506.01186) at base 0.001, max 0.006, step 2,000, gamma 0.99994, to 1e-8.
  static let smith: [(step: Int, triangular: Double, triangular2: Double, range: Double)] = [
    (0, 0.00100000, 0.00100000, 0.00100000), (500, 0.00225000, 0.00225000, 0.00221306),
    (1000, 0.00350000, 0.00350000, 0.00335441), (2000, 0.00600000, 0.00600000, 0.00543459),
    (3000, 0.00350000, 0.00350000, 0.00308816), (4000, 0.00100000, 0.00100000, 0.00100000),
    (5000, 0.00350000, 0.00225000, 0.00285203), (6000, 0.00600000, 0.00350000, 0.00448834),
    (10000, 0.00600000, 0.00225000, 0.00374401),
  ]

  @Test("cyclical rates are Smith's")
  func cyclical() {
    let gamma = 0.99994
    // The same as custom scales.
    let perCycle = CyclicalRate(base: 0.001, max: 0.006, stepSize: 2000, mode: .cycle) {
      1 / pow(2, Double($0 - 1))
    }
    let perStep = CyclicalRate(base: 0.001, max: 0.006, stepSize: 2000, mode: .iteration) {
      pow(gamma, Double($0))
    }
    for row in Self.smith {
      let found = [
        Self.cyclical(.triangular).rate(at: row.step),
        Self.cyclical(.triangular2).rate(at: row.step),
        Self.cyclical(.exponentialRange(gamma: gamma)).rate(at: row.step),
        perCycle.rate(at: row.step), perStep.rate(at: row.step),
      ]
      let expected = [
        row.triangular, row.triangular2, row.range, row.triangular2, row.range,
      ]
      for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1e-8, "step \(row.step)") }
    }
  }

  /// Printed by Keras 3.15 (float32): ExponentialDecay(0.1, 700, 0.9), with staircase, CosineDecay(0.1, 1000, 0.05).
  @Test("exponential, staircase and cosine decay are Keras'")
  func decay() {
    for (step, exponential, staircase, cosine) in [
      (0, 0.1, 0.1, 0.1), (1, 0.09998495131731033, 0.1, 0.09999976307153702),
      (350, 0.09486832469701767, 0.1, 0.07406454533338547),
      (699, 0.0900135487318039, 0.1, 0.024701058864593506),
      (700, 0.08999999612569809, 0.08999999612569809, 0.024580202996730804),
      (1234, 0.08304931968450546, 0.08999999612569809, 0.005000000353902578),
      (5000, 0.04711516574025154, 0.04782968387007713, 0.005000000353902578),
    ] {
      let found = [
        Schedule.exponential(initial: 0.1, rate: 0.9, steps: 700),
        .exponential(initial: 0.1, rate: 0.9, steps: 700, isStaircase: true),
        .cosine(initial: 0.1, steps: 1000, alpha: 0.05),
      ].map { $0.rate(at: step) }
      for (a, b) in zip(found, [exponential, staircase, cosine]) { #expect(abs(a - b) < 3e-8) }
    }
  }

  @Test("lengths below 1 count as 1, so that no rate of steps is a division by zero")
  func lengths() {
    for length in [0, -3] {
      func both(_ make: (Int) -> Schedule) -> [(Double, Double)] {
        (0..<4).map { (make(length).rate(at: $0), make(1).rate(at: $0)) }
      }
      let pairs =
        both { .step(initial: 1, factor: 0.5, every: $0) }
        + both { .exponential(initial: 1, rate: 0.5, steps: $0, isStaircase: true) }
        + both { .inverseTime(initial: 1, rate: 0.5, steps: $0) }
        + both { .polynomial(initial: 1, steps: $0, isCyclic: true) }
        + both { .cosine(initial: 1, steps: $0) }
        + both { .warmupCosine(initial: 0, target: 1, warmup: 1, steps: $0) }
        + both { .cosineRestarts(initial: 1, firstSteps: $0, growth: 1, factor: 1) }
        + both { .cyclical(base: 0.1, max: 1, stepSize: $0, .triangular2) }
      #expect(pairs.allSatisfy { $0.0 == $0.1 && $0.0.isFinite })
    }
  }

  @Test("steps and one cycle follow their formulas")
  func others() {
    let drop = Schedule.step(initial: 0.4, factor: 0.5, every: 10)
    #expect([0, 9, 10, 35].map(drop.rate) == [0.4, 0.4, 0.2, 0.05])
    let cycle = Schedule.oneCycle(max: 0.1, steps: 1000)
    for (step, rate) in [
      (0, 0.004), (150, 0.052), (300, 0.1), (650, 0.050005), (1000, 1e-5), (2000, 1e-5),
    ] {
      #expect(abs(cycle.rate(at: step) - rate) < 1e-12)
    }
    for step in 0...2000 {
      let expected = 0.1 * (1 + cos(.pi * Double(step) / 2000)) / 2
      #expect(abs(Schedule.cosine(initial: 0.1, steps: 2000).rate(at: step) - expected) < 1e-15)
    }
  }

  @Test("cosine with restarts: each period is longer, and starts lower")
  func restarts() {
    let schedule = Schedule.cosineRestarts(initial: 0.8, firstSteps: 10, growth: 2, factor: 0.5)
    // Periods from 0, 10 and 30 on; half way through one, half its height.
    for (step, rate) in [(0, 0.8), (5, 0.4), (10, 0.4), (20, 0.2), (30, 0.2), (50, 0.1)] {
      #expect(abs(schedule.rate(at: step) - rate) < 1e-12, "\(step)")
    }
  }

  @Test("our exp, log, cos and normal quantile agree with the system's and with Python's")
  func elementary() {
    for x in stride(from: -40.0, through: 40, by: 0.37) {
      #expect(abs(Elementary.exponential(x) / exp(x) - 1) < 1e-12)
    }
    for exponent in -300...300 {
      let x = 1.37 * pow(10, Double(exponent))
      #expect(abs(Elementary.logarithm(x) - log(x)) < 1e-14 * max(1, abs(log(x))))
    }
    // statistics.NormalDist().inv_cdf
    for (p, z) in [
      (1e-9, -5.9978070150076865), (1e-5, -4.2648907939228256),
      (0.0227501319, -2.000000000892357), (0.1, -1.2815515655446008), (0.3, -0.5244005127080407),
      (0.5, 0), (0.6, 0.2533471031357998), (0.925, 1.439531470938456),
      (0.99999, 4.26489079392384),
    ] {
      #expect(abs(Elementary.normalQuantile(p) - z) < 1e-9)
    }
  }

  @Test("every schedule's JSON and text read back")
  func forms() throws {
    let defaults = Schedule.Defaults(learningRate: 0.02, stepsPerEpoch: 469, epochs: 10)
    for name in Schedule.names {
      // This one has no numbers of its own.
      let text = name == "piecewise" ? "piecewise:100=0.01,200=0.002" : name
      let schedule = try Schedule(text: text, defaults)
      let read = Schedule(
        json: try JSONValue(parsing: schedule.json.text), learningRate: 0.02)
      #expect(read == schedule)
      #expect((0..<5000).allSatisfy { schedule.rate(at: $0) >= 0 })
    }
    #expect(
      try Schedule(text: "triangular:base=0.001,step-size=40", defaults)
        == .cyclical(base: 0.001, max: 0.02, stepSize: 40, .triangular))
    #expect(
      try Schedule(text: "cosine", defaults) == .cosine(initial: 0.02, steps: 4690, alpha: 0))
    let twice = #expect(throws: ModelError.self) {
      try Schedule(text: "step:every=2,every=3", defaults)
    }
    #expect(
      twice?.description
        == "the schedule's every must be given once, found 'step:every=2,every=3'")
    for wrong in [
      "linear", "cosine:alpha=0,alpha=0", "cosine:steps=0", "cosine:steps=1.5", "step:factor=-1",
      "step:every", "step:x=1",
      "exponential:rate=0", "one-cycle:start=0", "one-cycle:warmup=2", "triangular:base=nan", "",
      "piecewise", "piecewise:", "piecewise:5", "piecewise:5=-1", "piecewise:5=1,5=2",
      "piecewise:1.5=1", "cosine-restarts:growth=0.5", "inverse-time:steps=0", "polynomial:x=1",
    ] {
      #expect(throws: ModelError.self, "\(wrong)") { try Schedule(text: wrong, defaults) }
    }
    #expect(Schedule(json: ["class_name": "cosine"], learningRate: 1) == nil)
    #expect(Schedule(json: ["class_name": "constant"], learningRate: 0.5) == .constant(0.5))
  }
}

@Suite("Initialisers")
struct InitializerTests {
  private static let count = 60_000

  private static func values(_ initializer: Initializer) -> [Double] {
    initializer.values(count: count, fanIn: 500, fanOut: 300, seed: 3, stream: 1)
      .map(Double.init)
  }

  struct Case: Sendable {
    var initializer: Initializer
    var bound: Double
    var deviation: Double

    init(_ initializer: Initializer, bound: Double, deviation: Double) {
      (self.initializer, self.bound, self.deviation) = (initializer, bound, deviation)
    }

    /// Uniform in +-bound.
    init(_ initializer: Initializer, uniform bound: Double) {
      self.init(initializer, bound: bound, deviation: bound / 3.0.squareRoot())
    }

    /// A normal cut at two deviations and rescaled to its variance.
    init(_ initializer: Initializer, normal variance: Double) {
      let deviation = variance.squareRoot()
      self.init(initializer, bound: 2 * deviation / 0.87962566103423978, deviation: deviation)
    }
  }

  static let cases: [Case] = [
    Case(.glorotUniform, uniform: (6.0 / 800).squareRoot()),
    Case(.heUniform, uniform: (6.0 / 500).squareRoot()),
    Case(.lecunUniform, uniform: (3.0 / 500).squareRoot()),
    Case(.glorotNormal, normal: 2.0 / 800), Case(.heNormal, normal: 2.0 / 500),
    Case(.lecunNormal, normal: 1.0 / 500),
    Case(.truncatedNormal(), bound: 0.1, deviation: 0.05 * 0.87962566103423978),
    Case(.randomNormal(deviation: 0.8), bound: 0.8 * 6.5, deviation: 0.8),
    Case(.randomUniform(low: -0.125, high: 0.125), uniform: 0.125),
  ]

  @Test("bounds and deviations are those of Keras' definitions", arguments: cases)
  func moments(_ testCase: Case) {
    let (initializer, bound) = (testCase.initializer, testCase.bound)
    let deviation = testCase.deviation
    let values = Self.values(initializer)
    let mean = values.reduce(0, +) / Double(Self.count)
    let square = values.reduce(0) { $0 + $1 * $1 } / Double(Self.count)
    #expect(values.allSatisfy { abs($0) <= bound * (1 + 1e-6) })
    // Five standard errors.
    #expect(abs(mean) < 5 * deviation / Double(Self.count).squareRoot())
    #expect(abs(square.squareRoot() / deviation - 1) < 5 / Double(2 * Self.count).squareRoot())
    if case .randomNormal = initializer {
      let outside = values.filter { abs($0) > 2 * deviation }.count
      #expect(abs(Double(outside) / Double(Self.count) - 0.0455) < 0.005)
    }
    #expect(values != Self.values(initializer).reversed())
    #expect(values == Self.values(initializer))
  }

  @Test("fans count what one output sees and what one input reaches")
  func fans() {
    let image = Shape.image(height: 9, width: 8, channels: 2)
    let convolution = Conv2D(name: "c", filters: 6, kernelSize: (5, 3)).weights(for: image)[0]
    #expect(convolution.fanIn == 30 && convolution.fanOut == 90)
    let dense = Dense(name: "d", units: 7).weights(for: .vector(4))[0]
    #expect(dense.fanIn == 4 && dense.fanOut == 7)
  }

  @Test("constants are constant, and JSON reads back")
  func json() throws {
    #expect(Self.values(.constant(0.25)).allSatisfy { $0 == 0.25 })
    #expect(Self.values(.zeros).allSatisfy { $0 == 0 } && Self.values(.ones).allSatisfy { $0 == 1 })
    let all: [Initializer] = [
      .zeros, .ones, .constant(0.5), .glorotUniform, .glorotNormal, .heUniform,
      .heNormal, .lecunUniform, .lecunNormal, .randomNormal(mean: 0.1, deviation: 0.2),
      .truncatedNormal(mean: 0.5, deviation: 2), .randomUniform(low: -1, high: 2),
    ]
    for initializer in all {
      let json = try #require(initializer.json)
      #expect(Initializer(json: try JSONValue(parsing: json.text), default: .zeros) == initializer)
    }
    #expect(Initializer(json: "he_normal", default: .zeros) == .heNormal)
    #expect(Initializer(json: .null, default: .ones) == .ones)
  }

  @Test("an initialiser that is not supported is no obstacle to loaded weights, only to fresh ones")
  func unsupported() throws {
    let model = Model(
      name: "m", input: .vector(4),
      layers: [
        Dense(
          name: "d", units: 3, activation: .softmax,
          options: WeightOptions(kernelInitializer: .unsupported("Orthogonal")))
      ])
    let error = #expect(throws: ModelError.self) { try model.initialWeights(seed: 0) }
    #expect("\(try #require(error))".contains("Orthogonal"))
    let network = try Network(
      NetworkPlan(model, options: PlanOptions(batch: 2, isTraining: true)))
    try network.load([
      LayerWeights(layer: "d", tensors: [Tensor(zeros: [4, 3]), Tensor(zeros: [3])])
    ])
  }
}
