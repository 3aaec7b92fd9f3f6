import FixedNet
import FixedNetCore
import Foundation
import MallocCounter
import TestSupport
import Testing

/// Training in a few lines, as a program that uses the library does it.
@Suite("Fitting")
struct FittingTests {
  static let xor = Model(
    name: "xor", input: .vector(2),
    layers: [Dense(units: 8, activation: .tanh), Dense(units: 2, activation: .softmax)])

  static func samples() throws -> ImageSet {
    try ImageSet(rows: [[0, 0], [0, 1], [1, 0], [1, 1]], labels: [0, 1, 1, 0])
  }

  @Test("XOR is learned, predicted, saved and loaded")
  func exclusiveOr() throws {
    let training = try Training(
      Self.xor, on: Self.samples(), learningRate: .constant(0.05), batch: 4)
    let epochs = try training.fit(epochs: 200)
    #expect(epochs.count == 200 && epochs.last?.number == 200)
    #expect(try #require(epochs.last).accuracy == 1)
    #expect(try training.evaluate(Self.samples()).loss < 0.05)
    let outputs = try training.network.predict([0, 1, 1, 1])
    #expect(outputs.count == 4 && outputs[1] > 0.9 && outputs[2] > 0.9)
    #expect(abs(outputs[0] + outputs[1] - 1) < 1e-6)

    let path = "\(try Fixtures.temporaryFolder())/xor.keras"
    try training.network.save(to: path)
    #expect(try Network(contentsOf: path).predict([0, 1, 1, 1]) == outputs)
  }

  @Test("it is the run that plan, network and trainer make, to the bit")
  func sameRun() throws {
    let samples = try Self.samples()
    let training = try Training(
      Self.xor, on: samples, optimizer: .momentum(0.9), batch: 3, seed: 5, threads: 1)
    try training.fit(epochs: 3)
    let plan = try NetworkPlan(
      Self.xor, options: PlanOptions(batch: 3, isTraining: true, optimizer: .momentum(0.9)))
    let network = try Network(plan)
    try network.initialize(seed: 5)
    let trainer = try Trainer(
      network: network, images: samples, batch: 3,
      optimizer: OptimizerConfiguration(optimizer: .momentum(0.9), schedule: .constant(0.01)),
      seed: 5)
    for _ in 0..<3 { _ = try trainer.runEpoch() }
    #expect(training.network.weights == network.weights)
    #expect(training.network.weights != (try Self.xor.initialWeights(seed: 5)))
  }

  @Test("a saved run goes on to the bit, with its history; other samples are refused")
  func resumes() throws {
    let samples = try Self.samples()
    func start() throws -> Training {
      try Training(Self.xor, on: samples, validation: samples, optimizer: .adam(), batch: 2)
    }
    let whole = try start()
    try whole.fit(epochs: 5)
    let first = try start()
    try first.fit(epochs: 2)
    let path = "\(try Fixtures.temporaryFolder())/run.h5"
    try first.save(to: path)
    let second = try Training(resuming: path, on: samples, validation: samples)
    #expect(second.history == first.history)
    try second.fit(epochs: 3)
    #expect(second.network.weights == whole.network.weights)
    #expect(second.history == whole.history)
    // Each epoch's rate is that of its last step, and without validation samples there are no figures of them.
    let falling = try Training(
      Self.xor, on: samples, optimizer: .sgd,
      learningRate: .step(initial: 0.5, factor: 0.1, every: 2), batch: 2)
    try falling.fit(epochs: 2)
    try falling.save(to: path)
    let records = try #require(try KerasFile.read(path: path).training).history
    #expect(records.map { Float($0.learningRate) } == [0.5, 0.05])
    #expect(records.allSatisfy(\.testLoss.isNaN) && records.allSatisfy(\.seconds.isNaN))
    let again = try Training(resuming: path, on: samples)
    #expect(again.history == falling.history)
    let others = try ImageSet(rows: [[0, 0], [0, 1], [1, 0], [1, 2]], labels: [0, 1, 1, 0])
    #expect {
      try Training(resuming: path, on: others)
    } throws: {
      "\($0)" == "'\(path)' was trained on other samples"
    }
  }

  @Test("numbers are predicted with the loss that was asked for")
  func numbers() throws {
    let rows: [[Float]] = (0..<32).map { [Float($0) / 16 - 1] }
    let samples = try ImageSet(rows: rows, targets: rows.map { [3 * $0[0] + 1] })
    let line = Model(name: "line", input: .vector(1), layers: [Dense(units: 1)])
    let training = try Training(
      line, on: samples, loss: .meanSquaredError, optimizer: .sgd, learningRate: .constant(0.1),
      batch: 8)
    try training.fit(epochs: 200)
    #expect(abs(try training.network.predict([0.5])[0] - 2.5) < 1e-3)
  }

  @Test("it stops where the validation loss no longer falls, and where it is told to")
  func stops() throws {
    let training = try Training(
      Self.xor, on: Self.samples(), validation: Self.samples(), optimizer: .sgd,
      learningRate: .constant(1e-12), batch: 4)
    // Weights that do not move have the same loss again and again: not below all before.
    let epochs = try training.fit(epochs: 50, patience: 3)
    #expect(epochs.count == 4)
    #expect(try training.fit(epochs: 9) { $0.number < 6 }.map(\.number) == [5, 6])
  }

  @Test("parts share no sample, and every class gives its share")
  func splits() throws {
    let labels = (0..<100).map { $0 < 90 ? 0 : 1 }
    let set = try ImageSet(rows: (0..<100).map { [Float($0)] }, labels: labels)
    let (first, second) = try set.split(fraction: 0.2, seed: 3)
    #expect(first.count == 80 && second.count == 20)
    #expect(second.labels.count { $0 == 1 } == 2)
    func values(_ set: ImageSet) -> [Float] {
      if case .floats(let values) = set.pixels { values } else { [] }
    }
    #expect(Set(values(first) + values(second)) == Set((0..<100).map { Float($0) }))
    #expect(values(try set.split(fraction: 0.2, seed: 3).second) == values(second))
    #expect(values(try set.split(fraction: 0.2, seed: 4).second) != values(second))
    // What is left over goes to the largest remainders: 16.5, 9.9 and 6.6 of 33.
    for (counts, fraction, expected) in [
      ([50, 30, 20], 0.33, [16, 10, 7]), ([7, 2, 1], 0.2, [2, 0, 0]), ([3, 1, 1], 0.6, [2, 0, 0]),
    ] {
      let labels = counts.indices.flatMap { [Int](repeating: $0, count: counts[$0]) }
      let uneven = try ImageSet(rows: labels.map { [Float($0)] }, labels: labels)
      let part = try uneven.split(fraction: fraction).second
      #expect(counts.indices.map { group in part.labels.count { $0 == group } } == expected)
    }
    // The label of a sample goes with it.
    #expect(zip(values(second), second.labels).allSatisfy { ($0 >= 90) == ($1 == 1) })
  }

  @Test(
    "predict into memory and evaluate do not call the allocator",
    .enabled(if: malloc_counter_works() > 0))
  func allocatesNothing() throws {
    let model = BuiltInModel.lenetPlain.model()
    let network = try Network(model, weights: model.initialWeights(seed: 0), batch: 2)
    let samples = [Float](repeating: 0.5, count: 4 * network.inputCount)
    var outputs = [Float](repeating: 0, count: 4 * network.outputCount)
    let set = ImageSet(shape: model.input, pixels: .floats(samples), labels: [0, 1, 2, 3])
    try network.predict(samples, into: &outputs)
    _ = try network.evaluate(set)
    let start = malloc_counter_calls()
    for _ in 0..<10 { try network.predict(samples, into: &outputs) }
    let middle = malloc_counter_calls()
    for _ in 0..<10 { _ = try network.evaluate(set) }
    let end = malloc_counter_calls()
    #expect(middle - start == 0)
    #expect(end - middle == 0)
    #expect(outputs == (try network.predict(set).outputs.values))
  }
}
