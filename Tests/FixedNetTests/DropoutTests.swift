import FixedNetCore
import Testing

@testable import FixedNetCompute

/// Dropout in a network: what it keeps, and what it costs. The kernels' own tests compare masks with Philox.
@Suite("Dropout")
struct NetworkDropoutTests {
  /// One weight per input, so that the gradient of the (linear) loss shows which inputs were kept.
  private static func model(rate: Double, count: Int) -> Model {
    Model(
      name: "m", input: .vector(count),
      layers: [
        Dropout(name: "drop", rate: rate), Dense(name: "out", units: 1, usesBias: false),
      ])
  }

  /// The factor of every input in a step: 0, or 1 / (1 - rate).
  private static func factors(rate: Double, step: Int, batch: Int, threads: Int = 1) throws
    -> [Float]
  {
    let count = 4000
    let model = model(rate: rate, count: count)
    let network = try TestModels.network(
      model, batch: batch, threads: threads, loss: .meanSquaredError)
    // Outputs are 0, targets -1/2: dL/dw = sum of x kept / images.
    try network.load(
      [
        LayerWeights(layer: "drop", tensors: []),
        LayerWeights(layer: "out", tensors: [Tensor(zeros: [count, 1])]),
      ])
    let images = ImageSet(
      shape: .vector(count), pixels: .floats([Float](repeating: 1, count: count)), labels: [],
      targets: [-0.5], targetWidth: 1)
    _ = try network.step(images, update: .sgd(learningRate: 0), step: step)
    return network.gradients[1].tensors[0].values
  }

  @Test(
    "kept elements are divided by 1 - rate, and as many as it says", arguments: [0.2, 0.5, 0.9])
  func fraction(rate: Double) throws {
    let values = try Self.factors(rate: rate, step: 3, batch: 1)
    let scale = Float(1 / (1 - rate))
    #expect(values.allSatisfy { $0 == 0 || abs($0 - scale) < 1e-6 })
    let kept = Double(values.filter { $0 != 0 }.count) / Double(values.count)
    let deviation = (rate * (1 - rate) / Double(values.count)).squareRoot()
    #expect(abs(kept - (1 - rate)) < 5 * deviation)
  }

  @Test("a mask is a function of the step, the same in any plan")
  func reproducible() throws {
    let first = try Self.factors(rate: 0.5, step: 3, batch: 1)
    #expect(try Self.factors(rate: 0.5, step: 3, batch: 1) == first)
    #expect(try Self.factors(rate: 0.5, step: 3, batch: 16, threads: 3) == first)
    let other = try Self.factors(rate: 0.5, step: 4, batch: 1)
    let equal = zip(first, other).filter { $0 == $1 }.count
    #expect(abs(equal - first.count / 2) < 200)
  }

  /// Two layers behind each other keep what both keep; with the same mask that would be half.
  @Test("every layer has a mask of its own, and every bit of the seed counts")
  func independent() throws {
    let count = 4000
    var model = Self.model(rate: 0.5, count: count)
    model.layers.insert(Dropout(name: "first", rate: 0.5), at: 0)
    let network = try TestModels.network(model, batch: 1, loss: .meanSquaredError)
    let kernel = LayerWeights(layer: "out", tensors: [Tensor(zeros: [count, 1])])
    let others = ["first", "drop"].map { LayerWeights(layer: $0, tensors: []) }
    let images = ImageSet(
      shape: .vector(count), pixels: .floats([Float](repeating: 1, count: count)), labels: [],
      targets: [-0.5], targetWidth: 1)
    func kept(seed: UInt64) throws -> [Bool] {
      try network.load(others + [kernel])
      let trainer = try Trainer(
        network: network, images: images, batch: 1,
        optimizer: OptimizerConfiguration(schedule: .constant(1)), seed: seed)
      _ = try trainer.runEpoch()
      return network.weights[2].tensors[0].values.map { $0 != 0 }
    }
    let seeds: [UInt64] = [0, 1, 1 << 31, 1 << 32, 1 << 63]
    let masks = try seeds.map { try kept(seed: $0) }
    for (index, mask) in masks.enumerated() {
      #expect(abs(mask.filter(\.self).count - count / 4) < 150)
      for other in masks[..<index] {
        // 10 of 16 pairs of independent masks of a quarter agree.
        let equal = zip(mask, other).filter { $0 == $1 }.count
        #expect(abs(equal - count * 10 / 16) < 200)
      }
    }
  }

  /// The gradient of a linear loss shows the factor of every input.
  @Test("Gaussian dropout multiplies by numbers of mean 1 and variance rate / (1 - rate)")
  func gaussian() throws {
    func factors(rate: Double, step: Int, batch: Int = 1, threads: Int = 1) throws -> [Float] {
      let count = 10_000
      let model = Model(
        name: "m", input: .vector(count),
        layers: [
          GaussianDropout(name: "noise", rate: rate), Dense(name: "out", units: 1, usesBias: false),
        ])
      let network = try TestModels.network(
        model, batch: batch, threads: threads, loss: .meanSquaredError)
      try network.load([
        LayerWeights(layer: "noise", tensors: []),
        LayerWeights(layer: "out", tensors: [Tensor(zeros: [count, 1])]),
      ])
      let images = ImageSet(
        shape: .vector(count), pixels: .floats([Float](repeating: 1, count: count)), labels: [],
        targets: [-0.5], targetWidth: 1)
      _ = try network.step(images, update: .sgd(learningRate: 0), step: step)
      return network.gradients[1].tensors[0].values
    }
    for rate in [0.1, 0.5] {
      let values = try factors(rate: rate, step: 2).map(Double.init)
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      let expected = rate / (1 - rate)
      #expect(abs(mean - 1) < 5 * (expected / Double(values.count)).squareRoot())
      #expect(abs(variance / expected - 1) < 0.08)
      // A normal number is within one deviation with probability 0.6827.
      let near = values.count { abs($0 - 1) < expected.squareRoot() }
      #expect(abs(Double(near) / Double(values.count) - 0.6827) < 0.025)
    }
    let first = try factors(rate: 0.5, step: 2)
    #expect(try factors(rate: 0.5, step: 2, batch: 16, threads: 2) == first)
    #expect(try factors(rate: 0.5, step: 3) != first)
  }

  @Test("Gaussian dropout of rate 0 or at inference does nothing; a rate of 1 is refused")
  func gaussianEdges() throws {
    func model(_ rate: String) throws -> Model {
      try Model(
        json: JSONValue(
          parsing: """
            {"class_name": "Sequential", "config": {"name": "m", "layers": [
            {"class_name": "InputLayer", "config": {"name": "i", "batch_shape": [null, 3]}},
            {"class_name": "GaussianDropout", "config": {"name": "g", "rate": \(rate), "seed": null}},
            {"class_name": "Dense", "config": {"name": "d", "units": 2, "activation": "softmax"}}]}}
            """))
    }
    let images = TestModels.images(8, shape: .vector(3), classes: 2)
    let losses = try ["0", "0.0", "0.5"].map { rate in
      let network = try TestModels.network(try model(rate), batch: 8)
      let evaluated = try network.evaluate(images)
      return (evaluated.loss, try network.computeGradients(images).loss)
    }
    #expect(losses.allSatisfy { $0.0 == losses[0].0 } && losses[0].1 == losses[1].1)
    #expect(losses[2].1 != losses[0].1)
    for rate in ["1", "-0.1", "null", "\"half\""] {
      #expect(throws: ModelError.self) { try model(rate) }
    }
  }

  /// The plan has the layer's output and nothing else of it.
  @Test("the mask costs no memory in the plan, and inference none at all")
  func memory() throws {
    let model = BuiltInModel.lenetDropout.model()
    for (isTraining, extra) in [(true, Set(["output"])), (false, [])] {
      let plan = try NetworkPlan(
        model, options: PlanOptions(batch: 128, isTraining: isTraining, threads: 2))
      for layer in model.layers where layer is Dropout {
        let slots = plan.memory.slots.filter { $0.name.hasPrefix("\(layer.name)/") }
        #expect(Set(slots.map { String($0.name.dropFirst(layer.name.count + 1)) }) == extra)
      }
    }
  }

  @Test("inference is untouched by dropout")
  func inference() throws {
    var without = TestModels.varied
    without.layers.removeAll { $0 is Dropout }
    let images = TestModels.images(20, shape: without.input, classes: 5)
    let weights = try TestModels.weights(TestModels.varied)
    let with = try TestModels.network(TestModels.varied, batch: 20)
    try with.load(weights)
    let network = try TestModels.network(without, batch: 20)
    try network.load(weights.filter { !$0.layer.hasPrefix("drop") })
    #expect(try with.predict(images).outputs == network.predict(images).outputs)
  }
}

/// The edges of float: nothing may overflow on the way to a finite result.
@Suite("Saturated losses")
struct SaturationTests {
  /// Logits are the inputs times 1e4.
  private static func network(_ activation: ActivationFunction, _ loss: Loss?, batch: Int) throws
    -> Network
  {
    let model = Model(
      name: "m", input: .vector(3),
      layers: [Dense(name: "out", units: 3, usesBias: false, activation: activation)])
    let network = try TestModels.network(model, batch: batch, loss: loss)
    var kernel = [Float](repeating: 0, count: 9)
    for index in 0..<3 { kernel[4 * index] = 1e4 }
    try network.load([
      LayerWeights(layer: "out", tensors: [Tensor(shape: [3, 3], values: kernel)])
    ])
    return network
  }

  private static let logits: [Float] = [1, -1, 0.5]

  @Test(
    "softmax on logits of +-1e4: the loss is the difference, the gradient p - t",
    arguments: [1, 16])
  func softmax(batch: Int) throws {
    for label in 0..<3 {
      let network = try Self.network(.softmax, nil, batch: batch)
      let images = ImageSet(
        shape: .vector(3), pixels: .floats(Self.logits), labels: [UInt16(label)])
      let sums = try network.computeGradients(images)
      #expect(sums.loss == Double(1e4 * (Self.logits[0] - Self.logits[label])))
      let gradient = network.gradients[0].tensors[0].values
      for input in 0..<3 {
        for output in 0..<3 {
          let p: Float = output == 0 ? 1 : 0
          let expected = Self.logits[input] * (p - (output == label ? 1 : 0))
          #expect(gradient[3 * input + output] == expected)
        }
      }
      #expect(try network.predict(images).outputs.values == [1, 0, 0])
    }
  }

  @Test(
    "logistic cost at saturated outputs: |u| where wrong, 0 where right, the gradient exact",
    arguments: [(ActivationFunction.sigmoid, Float(1)), (.scaledSigmoid, 2)], [1, 16])
  func logistic(_ kind: (activation: ActivationFunction, slope: Float), batch: Int) throws {
    for targets: [Float] in [[1, 0, 1], [0, 1, 0], [1, 1, 1]] {
      let network = try Self.network(
        kind.activation, .binaryCrossEntropy(isSum: true), batch: batch)
      let images = ImageSet(
        shape: .vector(3), pixels: .floats(Self.logits), labels: [], targets: targets,
        targetWidth: 3)
      let sums = try network.computeGradients(images)
      let h: [Float] = [1, 0, 1]
      var expected = 0.0
      for (index, logit) in Self.logits.enumerated() where h[index] != targets[index] {
        expected += Double(kind.slope * abs(logit) * 1e4)
      }
      #expect(sums.loss == expected)
      let gradient = network.gradients[0].tensors[0].values
      for input in 0..<3 {
        for output in 0..<3 {
          #expect(
            gradient[3 * input + output]
              == Self.logits[input] * kind.slope * (h[output] - targets[output]))
        }
      }
    }
  }
}
