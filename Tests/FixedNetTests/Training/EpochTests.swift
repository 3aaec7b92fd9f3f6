import FixedNetCore
import Testing

@testable import FixedNetCompute

/// Epochs of one linear unit, step by step by hand: which images a step has, its mean gradient, its rate, and the sums.
@Suite("Epochs")
struct EpochTests {
  private static let inputs = [0.5, -1, 1.5, 2, -0.25, 0.75, 1]
  private static let targets = [1, 0.5, -0.5, 0.25, 2, -1, 0]
  private static let schedule = Schedule.step(initial: 0.125, factor: 0.5, every: 3)

  /// y = w x + b.
  private static func network(batch: Int) throws -> Network {
    let model = Model(
      name: "unit", input: .vector(1), layers: [Dense(name: "unit", units: 1)])
    let network = try TestModels.network(model, batch: batch, loss: .meanSquaredError)
    try network.load([
      LayerWeights(
        layer: "unit",
        tensors: [Tensor(shape: [1, 1], values: [0.5]), Tensor(shape: [1], values: [0.25])])
    ])
    return network
  }

  private static var images: ImageSet {
    ImageSet(
      shape: .vector(1), pixels: .floats(inputs.map { Float($0) }), labels: [],
      targets: targets.map { Float($0) }, targetWidth: 1)
  }

  /// Weight, bias and summed loss after each epoch of mini-batches of `batch`, the last of which is short.
  private static func expected(batch: Int, epochs: Int) -> [[Double]] {
    var (w, b, step) = (0.5, 0.25, 0)
    return (0..<epochs).map { epoch in
      let order = Permutation(count: inputs.count, seed: 9, epoch: UInt64(epoch))
      var sum = 0.0
      for first in stride(from: 0, to: inputs.count, by: batch) {
        let places = (first..<min(first + batch, inputs.count)).map { order[$0] }
        let differences = places.map { w * inputs[$0] + b - targets[$0] }
        sum += differences.reduce(0) { $0 + $1 * $1 }
        let rate = 0.125 * [1, 0.5, 0.25, 0.125, 0.0625, 0.03125][step / 3]
        let count = Double(places.count)
        w -= rate * zip(places, differences).reduce(0) { $0 + 2 * $1.1 * inputs[$1.0] } / count
        b -= rate * differences.reduce(0) { $0 + 2 * $1 } / count
        step += 1
      }
      return [w, b, sum]
    }
  }

  @Test("three epochs of mini-batches, whole and in parts", arguments: [(3, 3), (3, 1), (7, 7)])
  func epochs(batch: Int, planned: Int) throws {
    let network = try Self.network(batch: planned)
    let trainer = try Trainer(
      network: network, images: Self.images, batch: batch,
      optimizer: OptimizerConfiguration(schedule: Self.schedule), seed: 9)
    for expected in Self.expected(batch: batch, epochs: 3) {
      guard case .finished(let sums) = try trainer.runEpoch() else {
        Issue.record("the epoch has no end")
        return
      }
      let found = network.weights[0].tensors.map { Double($0.values[0]) } + [sums.loss]
      for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1e-5, "\(found) \(expected)") }
      #expect(sums.images == 7 && trainer.position.stepInEpoch == 0)
    }
    #expect(trainer.position.epoch == 3 && trainer.stepsPerEpoch == (7 + batch - 1) / batch)
    #expect(trainer.position.step == 3 * trainer.stepsPerEpoch)
  }

  @Test("a run that is continued inside of an epoch has the schedule's rate of its step")
  func continued() throws {
    let expected = Self.expected(batch: 3, epochs: 2)
    let network = try Self.network(batch: 3)
    var position = TrainingPosition()
    func run(_ body: (TrainingPosition) -> Bool) throws -> Trainer.EpochEnd {
      let trainer = try Trainer(
        network: network, images: Self.images, batch: 3,
        optimizer: OptimizerConfiguration(schedule: Self.schedule), seed: 9, position: position)
      let end = try trainer.runEpoch(onStep: body)
      position = trainer.position
      return end
    }
    _ = try run { _ in true }
    #expect(try run { $0.stepInEpoch < 1 } == .interrupted)
    #expect(position.epoch == 1 && position.step == 4 && position.partial.images == 3)
    guard case .finished(let sums) = try run({ _ in true }) else {
      Issue.record("the epoch has no end")
      return
    }
    let found = network.weights[0].tensors.map { Double($0.values[0]) } + [sums.loss]
    for (a, b) in zip(found, expected[1]) { #expect(abs(a - b) < 1e-5, "\(found) \(expected)") }
  }
}
