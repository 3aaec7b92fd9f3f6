import FixedNetCore
import Foundation
import TestSupport
import Testing

@testable import FixedNetCompute

/// Every loss against Keras 3 on JAX: Tests/Python/fixtures/make_losses.py wrote what it computes.
@Suite("Keras' losses")
struct KerasLossTests {
  /// One dense layer, its data, and Keras' results.
  struct Case: CustomStringConvertible, Sendable {
    let json: JSONValue
    var description: String { text("name") }

    func text(_ key: String) -> String {
      if case .string(let text)? = json[key] { text } else { "" }
    }
    func number(_ value: JSONValue?) -> Double {
      switch value {
      case .integer(let value)?: Double(value)
      case .number(let value)?: value
      default: .nan
      }
    }
    func numbers(_ key: String) -> [Float] {
      guard case .array(let values)? = json[key] else { return [] }
      return values.map { Float(number($0)) }
    }

    var outputs: Int { Int(number(json["outputs"])) }
    var model: Model {
      let end = ActivationFunction(name: text("end")) ?? .linear
      return Model(
        name: "m", input: .vector(3), layers: [Dense(name: "d", units: outputs, activation: end)])
    }
    var images: ImageSet {
      ImageSet(
        shape: .vector(3), pixels: .floats(numbers("x")),
        labels: numbers("labels").map { UInt16($0) }, targets: numbers("targets"),
        targetWidth: outputs, sampleWeights: numbers("sampleWeights"))
    }
    func loss() throws -> Loss? { try Loss(compileConfig: json["config"] ?? .null) }
    var weights: [LayerWeights] {
      [
        LayerWeights(
          layer: "d",
          tensors: [
            Tensor(shape: [3, outputs], values: numbers("kernel")),
            Tensor(shape: [outputs], values: numbers("bias")),
          ])
      ]
    }

    func network(
      batch: Int = 13, blockSize: Int = 16, set: InstructionSet = .best, threads: Int = 2,
      isTraining: Bool = true
    ) throws -> Network {
      let plan = try NetworkPlan(
        model,
        options: PlanOptions(
          batch: batch, isTraining: isTraining, threads: threads, blockSize: blockSize,
          loss: try loss()))
      let network = try Network(plan, instructionSet: set)
      try network.load(weights)
      return network
    }
  }

  static let cases: [Case] = {
    let path = Fixtures.local("losses/losses.json")
    guard let text = try? String(contentsOfFile: path, encoding: .utf8),
      case .array(let cases)? = try? JSONValue(parsing: text)
    else { return [] }
    return cases.map { Case(json: $0) }
  }()

  @Test("there are as many as were written")
  func count() { #expect(Self.cases.count == 52) }

  @Test("the loss is Keras', of one batch and of several", arguments: cases)
  func values(_ one: Case) throws {
    for blockSize in [1, 16] {
      for isTraining in [true, false] {
        let network = try one.network(blockSize: blockSize, isTraining: isTraining)
        let whole = one.number(one.json["loss"])
        let parts = one.number(one.json["lossInBatchesOf5"])
        let found = try network.evaluate(one.images).meanLoss
        #expect(abs(found - whole) <= 1e-5 * max(1, whole), "blocks of \(blockSize): \(found)")
        let batched = try network.evaluate(one.images, batch: 5).meanLoss
        #expect(abs(batched - parts) <= 1e-5 * max(1, parts), "batches of 5: \(batched)")
      }
    }
  }

  @Test("a step of SGD gives Keras' weights, in one part or in several", arguments: cases)
  func steps(_ one: Case) throws {
    for (blockSize, batch) in [(1, 13), (16, 13), (1, 4)] {
      let network = try one.network(batch: batch, blockSize: blockSize)
      let trainer = try Trainer(
        network: network, images: one.images, batch: 13,
        optimizer: OptimizerConfiguration(optimizer: .sgd, schedule: .constant(0.5)), seed: 0)
      guard case .finished(let sums) = try trainer.runEpoch() else { return }
      let loss = one.number(one.json["loss"])
      #expect(abs(sums.meanLoss - loss) <= 1e-5 * max(1, loss))
      let expected = one.numbers("kernelAfter") + one.numbers("biasAfter")
      let found = network.weights[0].tensors.flatMap(\.values)
      let scale = max(1, expected.map(abs).max() ?? 1)
      for (index, pair) in zip(found, expected).enumerated() {
        #expect(abs(pair.0 - pair.1) <= 2e-6 * scale, "weight \(index): \(pair.0), not \(pair.1)")
      }
    }
  }

  @Test("instruction sets and threads change no bit", arguments: cases)
  func bits(_ one: Case) throws {
    for blockSize in [1, 16] {
      var hashes: Set<UInt64> = []
      for set in TestModels.instructionSets {
        for threads in [1, 3] {
          let network = try one.network(blockSize: blockSize, set: set, threads: threads)
          let sums = try network.step(one.images, update: .sgd(learningRate: 0.5))
          hashes.insert(TestModels.hash(network.weights) ^ sums.loss.bitPattern)
        }
      }
      #expect(hashes.count == 1)
    }
  }

  @Test("blocks of 16 and of 1 give every sample the same loss", arguments: cases)
  func blocks(_ one: Case) throws {
    let sums = try [1, 16].map { try one.network(blockSize: $0).evaluate(one.images) }
    #expect(sums[0] == sums[1])
  }

  @Test("text, record and Keras' JSON come back as the same loss", arguments: cases)
  func roundTrip(_ one: Case) throws {
    let loss = try #require(try one.loss())
    #expect(try Loss(record: loss.record) == loss)
    var plain = loss
    plain.weight = 1
    #expect(try Loss(keras: plain.kerasJSON) == plain)
  }
}
