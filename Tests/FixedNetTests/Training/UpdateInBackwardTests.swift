import FixedNetCore
import Foundation
import TestSupport
import Testing

@testable import FixedNetCompute

/// Training in the least memory: each layer updated in the backward pass, deltas over activations, convolutions computed
/// again.
@Suite("Update in the backward pass")
struct UpdateInBackwardTests {
  static let models = [TestModels.pooled, TestModels.plain, TestModels.small]

  private static func lenetPadded() throws -> Model {
    let path = Fixtures.local("models/lenet-padded.json")
    return try Model(
      json: JSONValue(parsing: String(contentsOfFile: path, encoding: .utf8)))
  }

  private static func options(recomputes: Bool = false) -> PlanOptions {
    var options = PlanOptions(batch: 1, isTraining: true, threads: 2)
    options.updatesInBackward = true
    options.recomputes = recomputes
    return options
  }

  // MARK: - Memory

  @Test("LeNet-5 trains in 210 KiB and, with padded input, in 290 KiB, to the byte")
  func arenas() throws {
    let plain = BuiltInModel.lenetPlain.model()
    let padded = try Self.lenetPadded()
    #expect(try padded.parameterCount() == 61_706)
    let cases: [(model: Model, recomputes: Bool, bytes: Int)] = [
      (plain, false, 214_528), (plain, true, 200_896), (padded, false, 293_120),
      (padded, true, 279_616),
    ]
    for (model, recomputes, bytes) in cases {
      let plan = try NetworkPlan(model, options: Self.options(recomputes: recomputes))
      #expect(plan.memory.byteCount == bytes)
      #expect(plan.memory.byteCount >= plan.memory.lowerBound)
      #expect(bytes <= (model.name == padded.name ? 290 : 210) * 1024)
      #expect(throws: NetworkError.arena(.tooSmall(needed: bytes, found: bytes - 1))) {
        try Network(plan, arenaByteCount: bytes - 1)
      }
      let network = try Network(plan, arenaByteCount: bytes)
      #expect(network.threads.count == 1)
      try network.load(try TestModels.weights(model))
      let images = DataSet.digits(trainCount: 20, testCount: 5)
      let trainer = try Trainer(
        network: network, images: images.train, batch: 1, optimizer: OptimizerConfiguration(),
        seed: 1)
      _ = try trainer.runEpoch()
      _ = try network.evaluate(images.test)
      #expect(network.canariesAreIntact)
    }
  }

  @Test("slots of one thread's one block never overlap while alive", arguments: [true, false])
  func overlap(isTraining: Bool) throws {
    let models = BuiltInModel.digitModels.map { $0.model() } + Self.models
    for model in models {
      for (updates, recomputes) in [(false, false), (true, false), (true, true)] {
        var options = PlanOptions(batch: 1, isTraining: isTraining)
        options.updatesInBackward = updates && isTraining
        options.recomputes = recomputes && isTraining
        let plan = try NetworkPlan(model, options: options)
        let memory = plan.memory
        #expect(memory.layout.threadStride == 0 && memory.layout.blockCount == 1)
        #expect(plan.inference.layout.byteCount <= memory.byteCount)
        #expect(memory.byteCount >= memory.lowerBound)
        for (index, slot) in memory.slots.enumerated() {
          let bytes = memory.arenaOffset(of: slot)..<memory.arenaOffset(of: slot) + slot.byteCount
          #expect(bytes.upperBound <= memory.byteCount)
          for other in memory.slots[(index + 1)...] where other.overlapsInTime(slot) {
            let first = memory.arenaOffset(of: other)
            let others = first..<first + other.byteCount
            #expect(
              !bytes.overlaps(others) || bytes.isEmpty || others.isEmpty,
              "\(model.name): \(slot.name) and \(other.name)")
          }
        }
      }
    }
  }

  @Test("what needs the whole gradient is refused, with the reason")
  func obstacles() throws {
    let model = BuiltInModel.lenetPlain.model()
    var several = Self.options()
    several.batch = 3
    var clipped = Self.options()
    clipped.clipping = .globalNorm(1)
    for (options, reason) in [
      (several, "a batch of 3 is 3 blocks of 1 image"), (clipped, "clipping by norm"),
    ] {
      let error = #expect(throws: ModelError.self) { try NetworkPlan(model, options: options) }
      #expect(error?.description.contains(reason) == true)
    }
    let network = try TestModels.network(TestModels.plain, batch: 1, updatesInBackward: true)
    let images = TestModels.images(3, shape: TestModels.plain.input, classes: 5)
    #expect(throws: NetworkError.keepsNoGradients) { try network.computeGradients(images) }
    #expect(throws: NetworkError.keepsNoGradients) {
      try Trainer(
        network: network, images: images, batch: 3, optimizer: OptimizerConfiguration(), seed: 1)
    }
  }

  // MARK: - Bits

  /// A hash of the weights, the optimiser's memory and the loss after an epoch and a half over 37 images.
  private static func train(
    _ model: Model, batch: Int, optimizer: Optimizer, clipping: Clipping,
    updatesInBackward: Bool, recomputes: Bool = false, set: InstructionSet = .best,
    stopsAndResumes: Bool = false
  ) throws -> UInt64 {
    func trainer(_ position: TrainingPosition) throws -> Trainer {
      let network = try TestModels.network(
        model, batch: batch, instructionSet: set, optimizer: optimizer, clipping: clipping,
        updatesInBackward: updatesInBackward, recomputes: recomputes)
      return try Trainer(
        network: network, images: TestModels.images(37, shape: model.input, classes: 5),
        batch: batch,
        optimizer: OptimizerConfiguration(optimizer: optimizer, schedule: .constant(0.01)),
        seed: 3, position: position)
    }
    var run = try trainer(TrainingPosition())
    let first = try run.runEpoch()
    if stopsAndResumes {
      _ = try run.runEpoch { $0.stepInEpoch < 2 }
      let resumed = try trainer(run.position)
      try resumed.network.load(run.network.weights)
      try resumed.network.load(run.network.optimizerState)
      run = resumed
    }
    _ = try run.runEpoch()
    #expect(run.network.canariesAreIntact)
    guard case .finished(let sums) = first else { return 0 }
    let state = run.network.optimizerState.slots.flatMap { $0.tensors.flatMap(\.values) }
    return TestModels.hash(run.network.weights) ^ TestModels.hash(state + [Float(sums.loss)])
  }

  @Test(
    "it ends in the bits of a run that keeps its gradients", arguments: TestModels.optimizers,
    [1, 12])
  func equality(_ optimizer: Optimizer, batch: Int) throws {
    for model in trained(in: batch) {
      for clipping in [Clipping.none, .value(0.02)] {
        func train(_ updates: Bool, _ recomputes: Bool = false, resumes: Bool = false) throws
          -> UInt64
        {
          try Self.train(
            model, batch: batch, optimizer: optimizer, clipping: clipping,
            updatesInBackward: updates, recomputes: recomputes, stopsAndResumes: resumes)
        }
        let kept = try train(false)
        #expect(try train(true) == kept, "\(model.name)")
        #expect(try train(true, true) == kept, "\(model.name), computed again")
        #expect(try train(false, true) == kept, "\(model.name), kept, computed again")
        #expect(try train(true, true, resumes: true) == kept, "\(model.name), resumed")
      }
    }
  }

  /// 37 images in batches of 12 leave one.
  private func trained(in batch: Int) -> [Model] {
    batch == 1 ? Self.models : Self.models + [TestModels.varied]
  }

  @Test("several blocks on two threads: computing again changes no bit", arguments: [5, 40])
  func severalBlocks(batch: Int) throws {
    let images = TestModels.images(100, shape: TestModels.pooled.input, classes: 5)
    let hashes = try [(1, false), (1, true), (2, true)].map { threads, recomputes in
      let network = try TestModels.network(
        TestModels.pooled, batch: batch, threads: threads, recomputes: recomputes)
      let trainer = try Trainer(
        network: network, images: images, batch: batch, optimizer: OptimizerConfiguration(),
        seed: 2)
      _ = try trainer.runEpoch()
      #expect(network.canariesAreIntact)
      return TestModels.hash(network.weights)
    }
    #expect(Set(hashes).count == 1)
  }

  @Test("the bits do not depend on the instruction set", arguments: UpdateInBackwardTests.models)
  func instructionSets(_ model: Model) throws {
    let hashes = try TestModels.instructionSets.map {
      try Self.train(
        model, batch: 1, optimizer: .sgd, clipping: .none, updatesInBackward: true,
        recomputes: true, set: $0)
    }
    #expect(Set(hashes).count == 1)
  }

  // MARK: - Learning

  /// A step of rate 1 moves each weight by its gradient.
  @Test("the step is the gradient: central differences", arguments: [false, true])
  func centralDifference(recomputes: Bool) throws {
    var model = TestModels.pooled
    model.layers.removeFirst()  // dropout
    model.layers[1] = AveragePooling2D(name: "pool1", poolSize: (2, 2))  // kinks
    let start = try TestModels.weights(model)
    let images = TestModels.images(1, shape: model.input, classes: 5)
    let network = try TestModels.network(
      model, batch: 1, updatesInBackward: true, recomputes: recomputes)
    _ = try network.step(images, update: .sgd(learningRate: 1))
    let moved = network.weights
    for (layerIndex, layer) in start.enumerated() {
      for (tensorIndex, tensor) in layer.tensors.enumerated() {
        let count = tensor.values.count
        for index in stride(from: 0, to: count, by: max(1, count / 12)) {
          func loss(_ offset: Float) throws -> Double {
            var weights = start
            weights[layerIndex].tensors[tensorIndex].values[index] += offset
            try network.load(weights)
            return try network.evaluate(images).meanLoss
          }
          let step: Float = 5e-3
          let expected = (try loss(step) - loss(-step)) / Double(2 * step)
          let after = moved[layerIndex].tensors[tensorIndex].values[index]
          let found = Double(tensor.values[index]) - Double(after)
          #expect(
            abs(found - expected) <= 1e-3 + 0.01 * abs(expected), "\(layer.layer) [\(index)]")
        }
      }
    }
  }

  @Test("digits are learned one by one")
  func learning() throws {
    let data = DataSet.digits(trainCount: 3000, testCount: 500)
    let model = BuiltInModel.lenetPlain.model()
    let network = try Network(NetworkPlan(model, options: Self.options()))
    try network.load(try model.initialWeights(seed: 0))
    let before = try network.evaluate(data.test)
    let trainer = try Trainer(
      network: network, images: data.train, batch: 1, optimizer: OptimizerConfiguration(), seed: 0)
    _ = try trainer.runEpoch()
    let after = try network.evaluate(data.test)
    #expect(after.meanLoss < before.meanLoss / 3)
    #expect(after.accuracy > 0.75)
  }

  @Test("a loss that is not finite leaves the weights as they were")
  func notFinite() throws {
    let model = TestModels.pooled
    let network = try TestModels.network(model, batch: 1, updatesInBackward: true)
    let before = TestModels.hash(network.weights)
    let pixels = [Float](repeating: .nan, count: model.input.elementCount)
    let images = ImageSet(shape: model.input, pixels: .floats(pixels), labels: [1])
    let sums = try network.step(images, update: .sgd(learningRate: 0.1))
    #expect(!sums.loss.isFinite)
    #expect(TestModels.hash(network.weights) == before)
  }
}
