import FixedNetCore
import Testing

@testable import FixedNetCompute

/// What a profile measures, and that nothing else changes.
@Suite("NetworkProfile") struct NetworkProfileTests {
  /// The weights after an epoch, what the profile says of it, and the seconds that it took.
  private func epoch(
    _ model: Model, batch: Int, threads: Int, isProfiled: Bool,
    updatesInBackward: Bool = false
  ) throws -> (hash: UInt64, rows: [NetworkProfile.Row], seconds: Double) {
    let network = try TestModels.network(
      model, batch: batch, threads: threads, updatesInBackward: updatesInBackward)
    let images = TestModels.images(100, shape: model.input, classes: 5)
    let trainer = try Trainer(
      network: network, images: images, batch: batch, optimizer: OptimizerConfiguration(), seed: 1)
    let profile = NetworkProfile(of: network.plan)
    if isProfiled { try network.measure(with: profile) }
    let start = ContinuousClock.now
    _ = try trainer.runEpoch()
    let rows = profile.rows
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let hash = TestModels.hash(network.weights)
    // Inference is not training, and nothing is measured any more when the profile is gone.
    profile.reset()
    _ = try network.evaluate(images)
    try network.measure(with: nil)
    _ = try trainer.runEpoch()
    #expect(profile.rows.allSatisfy { $0.seconds == 0 })
    return (hash, rows, seconds)
  }

  @Test(
    "every layer's time is there, no more than all threads had, and the bits are the same",
    arguments: [TestModels.small, TestModels.plain, TestModels.varied], [1, 2, 3])
  func training(_ model: Model, threads: Int) throws {
    for (batch, updatesInBackward) in [(24, false), (1, threads == 1)] {
      let plain = try epoch(
        model, batch: batch, threads: threads, isProfiled: false,
        updatesInBackward: updatesInBackward)
      let profiled = try epoch(
        model, batch: batch, threads: threads, isProfiled: true,
        updatesInBackward: updatesInBackward)
      #expect(plain.hash == profiled.hash)
      let rows = profiled.rows
      #expect(Set(rows.map(\.layer)).count == rows.count)
      #expect(rows.first?.layer == "(input)" && rows.contains { $0.layer == "(loss)" })
      for layer in model.layers where layer is Conv2D || layer is Dense {
        let row = try #require(rows.first { $0.layer == layer.name })
        #expect(row.forward > 0 && row.backward > 0)
        if !model.frozenLayers.contains(layer.name) { #expect(row.update > 0) }
      }
      #expect(rows.reduce(0) { $0 + $1.seconds } < profiled.seconds * Double(threads))
    }
  }

  @Test("of a network that only infers, the inference; resetting forgets it")
  func inference() throws {
    let plan = try NetworkPlan(
      TestModels.small, options: PlanOptions(batch: 20, isTraining: false, threads: 2))
    let network = try Network(plan)
    try network.load(TestModels.weights(TestModels.small))
    let images = TestModels.images(50, shape: TestModels.small.input, classes: 5)
    let outputs = try network.predict(images).outputs
    let profile = NetworkProfile(of: plan)
    try network.measure(with: profile)
    #expect(try network.predict(images).outputs == outputs)
    #expect(profile.rows.filter { $0.forward > 0 }.count == profile.rows.count)
    #expect(profile.rows.allSatisfy { $0.backward == 0 && $0.update == 0 })
    profile.reset()
    #expect(profile.rows.allSatisfy { $0.seconds == 0 })
  }
}
