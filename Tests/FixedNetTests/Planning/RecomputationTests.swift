import FixedNetCore
import Foundation
import Testing

@testable import FixedNetCompute

@Suite("Computing outputs again")
struct RecomputationTests {
  private static func options(
    batch: Int, threads: Int = 1, budget: Int? = nil, recomputes: Bool = true, loss: Loss? = nil
  ) -> PlanOptions {
    var options = PlanOptions(batch: batch, isTraining: true, threads: threads, loss: loss)
    options.recomputes = recomputes
    options.memoryBudget = budget
    options.updatesInBackward = batch == 1
    return options
  }

  @Test("ds-cnn trains one image in 256 KiB, at no more than 1.6 times the multiply-adds")
  func keywordSpotting() throws {
    let model = BuiltInModel.dsCNN.model()
    for budget in [nil, 256 << 10] {
      let plan = try NetworkPlan(model, options: Self.options(batch: 1, budget: budget))
      #expect(plan.memory.byteCount <= 256 << 10)
      #expect(Double(plan.recomputedMultiplyAdds) <= 0.6 * 3 * Double(try model.multiplyAdds()))
      let keeping = try NetworkPlan(model, options: Self.options(batch: 1, recomputes: false))
      #expect(
        plan.recomputationSavedByteCount == keeping.memory.byteCount - plan.memory.byteCount)
    }
  }

  @Test("resnet8 trains one image in 60 % of what it takes to store everything")
  func residual() throws {
    let model = BuiltInModel.resNet8.model()
    let plan = try NetworkPlan(model, options: Self.options(batch: 1))
    let keeping = try NetworkPlan(model, options: Self.options(batch: 1, recomputes: false))
    #expect(keeping.memory.byteCount == 983_872 && plan.memory.byteCount == 589_376)
    #expect(Double(plan.memory.byteCount) <= 0.6 * Double(keeping.memory.byteCount))
    #expect(Double(plan.recomputedMultiplyAdds) <= 0.6 * 3 * Double(try model.multiplyAdds()))
    #expect(plan.loadsInputAgain && !keeping.loadsInputAgain)
    // Shorter bands, and the inputs' gradients in the inputs' places.
    let tight = plan.memory.slots.filter { $0.name == "conv2d_1/scratch" }.map(\.byteCount)
    #expect(tight == [4 * (144 + 16 * 4 * 34)])
  }

  @Test("the autoencoder saves what it does though the update reads the inputs of dense layers")
  func readByTheUpdate() throws {
    let options = Self.options(batch: 32, loss: BuiltInModel.autoencoder.loss)
    let plan = try NetworkPlan(BuiltInModel.autoencoder.model(), options: options)
    #expect(plan.memory.byteCount == 2_827_712 && plan.recomputationSavedByteCount > 0)
  }

  @Test("an augmented image that is loaded again is the same", arguments: [1, 20])
  func augmented(batch: Int) throws {
    let model = BuiltInModel.resNet8.model()
    let images = try FieldNetworkTests.samples(of: .resNet8, 40)
    let start = try TestModels.weights(model)
    func train(recomputes: Bool) throws -> [LayerWeights] {
      var options = Self.options(batch: batch, recomputes: recomputes)
      options.augmentation.shift = 0.1
      options.augmentation.rotation = 0.2
      options.augmentation.flipsHorizontally = true
      let plan = try NetworkPlan(model, options: options)
      #expect(plan.loadsInputAgain == recomputes)
      let network = try Network(plan)
      try network.load(start)
      let trainer = try Trainer(
        network: network, images: images, batch: batch, optimizer: OptimizerConfiguration(), seed: 3
      )
      _ = try trainer.runEpoch()
      return network.weights
    }
    let kept = try train(recomputes: false)
    #expect(kept != start)
    #expect(try train(recomputes: true) == kept)
  }

  @Test(
    "a budget is kept to, at a cost that grows as it shrinks",
    arguments: [BuiltInModel.dsCNN, .resNet8])
  func budgets(_ network: BuiltInModel) throws {
    let model = network.model()
    let whole = try NetworkPlan(model, options: Self.options(batch: 1, recomputes: false))
    var last = 0
    for percent in [100, 85, 70] {
      let budget = whole.memory.byteCount * percent / 100
      let plan = try NetworkPlan(model, options: Self.options(batch: 1, budget: budget))
      #expect(plan.memory.byteCount <= budget)
      #expect(plan.recomputedLayers.isEmpty == (percent == 100))
      #expect(plan.recomputedMultiplyAdds >= last)
      last = plan.recomputedMultiplyAdds
    }
    // Nothing fits: the least there is.
    let least = try NetworkPlan(model, options: Self.options(batch: 1, budget: 1))
    #expect(least.memory.byteCount <= whole.memory.byteCount * 7 / 10)
  }

  @Test(
    "the same weights, whatever is computed again",
    arguments: [BuiltInModel.dsCNN, .resNet8, .streamingWakeword, .autoencoder], [1, 20])
  func bits(_ network: BuiltInModel, batch: Int) throws {
    let model = network.model()
    let images = try FieldNetworkTests.samples(of: network, batch)
    let start = try TestModels.weights(model)
    func train(_ options: PlanOptions) throws -> [LayerWeights] {
      let trained = try Network(NetworkPlan(model, options: options))
      try trained.load(start)
      for step in 0..<2 {
        let sums = try trained.step(
          images, update: Optimizer.sgd.rule(at: step, learningRate: 0.01), step: step)
        #expect(sums.meanLoss.isFinite)
      }
      #expect(trained.canariesAreIntact)
      return trained.weights
    }
    let threads = batch == 1 ? 1 : 2
    let kept = try train(
      Self.options(batch: batch, threads: threads, recomputes: false, loss: network.loss))
    #expect(kept != start)
    for budget in [nil, 1] {
      let options = Self.options(
        batch: batch, threads: threads, budget: budget, loss: network.loss)
      #expect(try !NetworkPlan(model, options: options).recomputedLayers.isEmpty)
      #expect(try train(options) == kept)
    }
  }

  @Test(
    "nothing is computed again that nothing reads",
    arguments: [BuiltInModel.dsCNN, .resNet8, .streamingWakeword, .autoencoder], [nil, 1])
  func uses(_ network: BuiltInModel, budget: Int?) throws {
    let options = Self.options(batch: 1, budget: budget, loss: network.loss)
    let plan = try NetworkPlan(network.model(), options: options)
    let outputs = plan.memory.slots.filter { $0.name.contains("/output/again ") }
    #expect(!outputs.isEmpty)
    for slot in outputs { #expect(slot.lastStep > slot.firstStep, "\(slot.name)") }
  }

  @Test("what the search counts on is what the planner reserves", arguments: [600, 450, 300])
  func usage(kilobytes: Int) throws {
    let model = BuiltInModel.dsCNN.model()
    let options = Self.options(batch: 1)
    let graph = try Graph(model).lowered(fuses: true, keepsLast: true)
    let outputs = try model.shapes().output
    let head = try Loss.crossEntropy.head(for: graph.end, outputs: outputs)
    let builder = try ProgramBuilder(
      model, graph, options, head, outputs: outputs, isTraining: true)
    let flow = builder.flow()
    let retention = try #require(
      RecomputationSearch(flow).cheapest(kilobytes * 1000 - flow.sharedByteCount))
    let places = try builder.build(flow.schedule(retention)).places
    #expect(places.sharedByteCount == flow.sharedByteCount)
    #expect(places.leastBytes.block == flow.usage(retention).peak)
  }
}
