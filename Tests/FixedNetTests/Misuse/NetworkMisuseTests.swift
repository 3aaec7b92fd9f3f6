import FixedNetCore
import Testing

@testable import FixedNetCompute

/// Networks and image sets that are used in a wrong way say so in the words of the API; nothing traps, and nothing is
/// computed with weights that nobody set.
@Suite("Misuse of a network")
struct NetworkMisuseTests {
  private static let model = Model(
    name: "m", input: .vector(4),
    layers: [
      Dense(name: "d1", units: 5, activation: .tanh),
      Dense(name: "d2", units: 3, activation: .softmax),
    ])

  private static func network(
    isTraining: Bool = true, optimizer: Optimizer = .sgd, hasWeights: Bool = true
  ) throws -> Network {
    let options = PlanOptions(batch: 8, isTraining: isTraining, optimizer: optimizer)
    let network = try Network(NetworkPlan(model, options: options))
    if hasWeights { try network.initialize(seed: 0) }
    return network
  }

  private static func images(_ count: Int = 8) -> ImageSet {
    TestModels.images(count, shape: .vector(4), classes: 3)
  }

  // MARK: Weights

  @Test("weights that were never set")
  func weightsNotSet() throws {
    let network = try Self.network(hasWeights: false)
    let images = Self.images()
    #expect(!network.hasWeights)
    #expect(throws: NetworkError.weightsNotSet) { _ = try network.predict(images) }
    #expect(throws: NetworkError.weightsNotSet) { _ = try network.evaluate(images) }
    #expect(throws: NetworkError.weightsNotSet) { _ = try network.computeGradients(images) }
    #expect(throws: NetworkError.weightsNotSet) { _ = try network.activations(of: "d1", images) }
    #expect(throws: NetworkError.weightsNotSet) { _ = try network.brokenOutput(images) }
    #expect(throws: NetworkError.weightsNotSet) {
      _ = try network.step(images, update: .sgd(learningRate: 0.1))
    }
    #expect(throws: NetworkError.weightsNotSet) {
      _ = try Trainer(
        network: network, images: images, batch: 8, optimizer: OptimizerConfiguration(), seed: 0)
    }
    let values = network.weights.flatMap { $0.tensors.flatMap(\.values) }
    #expect(values.count == 4 * 5 + 5 + 5 * 3 + 3 && values.allSatisfy(\.isNaN))
    #expect(network.firstNonFiniteWeight?.name == "kernel")
    #expect(
      "\(NetworkError.weightsNotSet)"
        == "the network's weights were never set; load them, or call initialize(seed:)")
  }

  @Test("initialize(seed:) sets those of the model's initialisers")
  func initialize() throws {
    let network = try Self.network()
    #expect(network.hasWeights)
    #expect(network.weights == (try Self.model.initialWeights(seed: 0)))
    #expect(try network.evaluate(Self.images()).meanLoss.isFinite)
  }

  @Test("a model without weights needs none")
  func noWeights() throws {
    let model = Model(
      name: "m", input: .vector(4), layers: [Rescaling(name: "r", scale: 2)])
    let network = try Network(
      NetworkPlan(model, options: PlanOptions(batch: 1, isTraining: false)))
    let images = ImageSet(shape: .vector(4), pixels: .floats([1, 2, 3, 4]), labels: [])
    #expect(try network.predict(images).outputs.values == [2, 4, 6, 8])
  }

  @Test("weights and optimiser's memory that are not whole change nothing")
  func raggedWeights() throws {
    let network = try Self.network(optimizer: .momentum(0.9))
    let before = network.weights
    var weights = before
    weights[1].tensors[0].values.removeLast()
    let error = try #require(throws: ModelError.self) { try network.load(weights) }
    #expect(
      "\(error)" == "layer 'd2': weight kernel must be as many values as its shape [5, 3] says, "
        + "found 14")
    weights[1].tensors.removeAll()
    #expect(throws: ModelError.self) { try network.load(weights) }
    #expect(throws: ModelError.self) { try network.load([LayerWeights]()) }
    #expect(network.weights == before)
    var state = network.optimizerState
    state.slots[0].tensors[0].values.append(1)
    #expect(throws: ModelError.self) { try network.load(state) }
    #expect(throws: ModelError.self) { try network.load(OptimizerState()) }
    #expect(network.optimizerState.slots[0].tensors[0].values.allSatisfy { $0 == 0 })
  }

  // MARK: Images

  /// An image set that is wrong, and a part of what is said of it.
  struct Wrong: Sendable, CustomTestStringConvertible {
    var images: ImageSet
    var text: String
    var testDescription: String { text }

    init(
      _ text: String, shape: Shape = .vector(4), pixels: ImageSet.Pixels, labels: [UInt16] = [],
      targets: [Float] = [], targetWidth: Int = 0, sampleWeights: [Float] = []
    ) {
      self.text = text
      images = ImageSet(
        shape: shape, pixels: pixels, labels: labels, targets: targets, targetWidth: targetWidth,
        sampleWeights: sampleWeights)
    }
  }

  static let eight = ImageSet.Pixels.floats([Float](repeating: 1, count: 8))
  static let wrong = [
    Wrong(
      "pixels must be whole images of 4 (4 values each), found 7 values",
      pixels: .floats([1, 2, 3, 4, 5, 6, 7])),
    Wrong("found 3 values", pixels: .bytes([1, 2, 3]), labels: [1]),
    Wrong("labels must be 2, one per image, found 1", pixels: eight, labels: [1]),
    Wrong("labels must be 2, one per image, found 3", pixels: eight, labels: [0, 1, 2]),
    Wrong(
      "labels or targets, found both", pixels: eight, labels: [0, 1], targets: [1, 2],
      targetWidth: 1),
    Wrong(
      "targets must be 3 values for each of 2 images, found 5", pixels: eight,
      targets: [1, 2, 3, 4, 5], targetWidth: 3),
    Wrong("targets must be 0 values", pixels: eight, targets: [1, 2]),
    Wrong("targets must be -1 values", pixels: eight, targets: [1, 2], targetWidth: -1),
    Wrong("targets must be \(Int.max) values", pixels: eight, targets: [1, 2], targetWidth: .max),
    Wrong(
      "sampleWeights must be 2, one per image, found 1", pixels: eight, labels: [0, 1],
      sampleWeights: [1]),
    Wrong("there are no images", pixels: .floats([])),
    Wrong("there are no images", pixels: .bytes([])),
    Wrong("shape must be extents from 1", shape: .vector(0), pixels: eight, labels: [1]),
    Wrong("shape must be extents from 1", shape: .vector(-4), pixels: eight),
    Wrong(
      "shape must be extents from 1", shape: .image(height: .max, width: 2, channels: 3),
      pixels: eight),
  ]

  @Test("arrays that do not go together", arguments: wrong)
  func images(_ wrong: Wrong) throws {
    let network = try Self.network()
    let error = try #require(throws: NetworkError.self) { try wrong.images.check() }
    #expect("\(error)".contains(wrong.text))
    #expect(throws: error) { try network.check(wrong.images) }
    #expect(throws: error) { _ = try network.predict(wrong.images) }
    #expect(throws: error) { _ = try network.evaluate(wrong.images) }
    #expect(throws: error) { _ = try network.computeGradients(wrong.images) }
    #expect(throws: error) { _ = try network.activations(of: "d1", wrong.images) }
    #expect(throws: error) { _ = try network.brokenOutput(wrong.images) }
    #expect(throws: error) {
      _ = try Trainer(
        network: network, images: wrong.images, batch: 8, optimizer: OptimizerConfiguration(),
        seed: 0)
    }
    #expect(throws: error) { _ = try Normalization(name: "n").adapted(to: wrong.images) }
  }

  @Test("images of another shape, and labels out of range")
  func unsuitable() throws {
    let network = try Self.network()
    let wide = TestModels.images(2, shape: .vector(5), classes: 3)
    #expect(throws: NetworkError.images(expected: "4", found: "5")) {
      _ = try network.predict(wide)
    }
    for label in [3, 255] as [UInt16] {
      let images = ImageSet(shape: .vector(4), pixels: Self.eight, labels: [0, label])
      let error = NetworkError.labels(outputCount: 3, largest: Int(label))
      #expect(throws: error) { _ = try network.evaluate(images) }
      #expect(throws: error) { _ = try network.computeGradients(images) }
    }
    let last = ImageSet(shape: .vector(4), pixels: Self.eight, labels: [0, 2])
    #expect(try network.evaluate(last).images == 2)
  }

  @Test("training without answers, and a layer that there is not")
  func noAnswers() throws {
    let network = try Self.network()
    let images = ImageSet(shape: .vector(4), pixels: Self.eight, labels: [])
    #expect(throws: NetworkError.targets(expected: "labels or targets", found: "none")) {
      _ = try network.computeGradients(images)
    }
    #expect(throws: NetworkError.noLoss) { _ = try network.evaluate(images) }
    #expect(throws: NetworkError.noLayer("d3", layers: ["d1", "d2"])) {
      _ = try network.activations(of: "d3", images)
    }
  }

  // MARK: Plans and steps

  @Test("training with a plan for inference")
  func inferencePlan() throws {
    let network = try Self.network(isTraining: false)
    let images = Self.images()
    let error = NetworkError.planned(for: "inference", needed: "isTraining: true")
    #expect("\(error)" == "the network is planned for inference; plan it with isTraining: true")
    #expect(throws: error) { _ = try network.computeGradients(images) }
    #expect(throws: error) { _ = try network.step(images, update: .sgd(learningRate: 0.1)) }
    #expect(throws: error) {
      _ = try Trainer(
        network: network, images: images, batch: 8, optimizer: OptimizerConfiguration(), seed: 0)
    }
    #expect(throws: error) {
      _ = try FullBatchTrainer(network: network, images: images, method: .lbfgs)
    }
    #expect(try network.evaluate(images).images == 8)
  }

  @Test(
    "a step of more images than the plan's batch, or of another optimiser",
    arguments: TestModels.optimizers)
  func steps(_ optimizer: Optimizer) throws {
    let network = try Self.network(optimizer: optimizer)
    let before = network.weights
    let rule = optimizer.rule(at: 0, learningRate: 0.1)
    let error = try #require(throws: NetworkError.self) {
      _ = try network.step(Self.images(9), update: rule)
    }
    #expect("\(error)" == "images must be at most the plan's batch of 8, found 9")
    for other in TestModels.optimizers where other.slotNames != optimizer.slotNames {
      #expect(throws: NetworkError.self, "\(other) in a plan for \(optimizer)") {
        _ = try network.step(Self.images(), update: other.rule(at: 0, learningRate: 0.1))
      }
    }
    #expect(network.weights == before)
    #expect(try network.step(Self.images(), update: rule).images == 8)
    #expect(network.weights != before)
  }

  @Test("a profile of another plan")
  func profile() throws {
    let network = try Self.network()
    let other = try Self.network(isTraining: false)
    #expect(throws: NetworkError.self) { try network.measure(with: NetworkProfile(of: other.plan)) }
    #expect(network.profile == nil)
    try network.measure(with: NetworkProfile(of: network.plan))
    #expect(network.profile != nil)
  }

  @Test("an arena of no size", arguments: [0, -1, -64, -100, .min])
  func arena(_ byteCount: Int) throws {
    let plan = try Self.network().plan
    #expect(
      throws: NetworkError.arena(.tooSmall(needed: plan.memory.byteCount, found: byteCount))
    ) { _ = try Network(plan, arenaByteCount: byteCount) }
  }

  @Test(
    "an instruction set that this processor does not have",
    .enabled(if: InstructionSet.best < .avx512))
  func instructionSet() throws {
    let plan = try Self.network().plan
    #expect(throws: NetworkError.self) { _ = try Network(plan, instructionSet: .avx512) }
  }
}
