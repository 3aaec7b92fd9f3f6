import FixedNetCore
import Testing

@testable import FixedNetCompute

@Suite("Random numbers")
struct RandomTests {
  /// Source: the known-answer tests of Random123, philox4x32 with 10 rounds.
  @Test("Philox gives the published words")
  func knownAnswers() {
    let zero = Philox(seed: 0, stream: 0).words(at: 0)
    #expect(zero == (0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8))
    let ones = Philox(seed: .max, stream: .max).words(at: .max)
    #expect(ones == (0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD))
    let pi = Philox(seed: 0x299F_31D0_A409_3822, stream: 0x0370_7344_1319_8A2E)
      .words(at: 0x85A3_08D3_243F_6A88)
    #expect(pi == (0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1))
  }

  @Test("a permutation visits every position once", arguments: [1, 2, 3, 10, 1000, 4097, 60_000])
  func permutation(count: Int) {
    let order = Permutation(count: count, seed: 3, epoch: 1)
    #expect(Set((0..<count).map { order[$0] }) == Set(0..<count))
  }

  @Test("epochs and seeds shuffle differently, and about as well as chance")
  func shuffles() {
    let count = 10_000
    let first = Permutation(count: count, seed: 0, epoch: 0)
    for other in [
      Permutation(count: count, seed: 0, epoch: 1), Permutation(count: count, seed: 1, epoch: 0),
    ] {
      let same = (0..<count).filter { first[$0] == other[$0] }.count
      #expect(same < 10)
    }
    #expect((0..<count).filter { first[$0] == $0 }.count < 10)
    // Neighbours end up a third of the range apart on average.
    let distance = (1..<count).reduce(0) { $0 + abs(first[$1] - first[$1 - 1]) }
    #expect(abs(Double(distance) / Double(count * count) - 1.0 / 3) < 0.01)
  }

  @Test("Glorot's uniform start has the published bound and deviation")
  func glorot() {
    for (fanIn, fanOut, bound) in [
      (784, 1000, 0.057993), (25, 150, 0.185164), (400, 120, 0.107417),
    ] {
      let values = Initializer.glorotUniform
        .values(count: 40_000, fanIn: fanIn, fanOut: fanOut, seed: 9, stream: 4).map(Double.init)
      #expect(values.allSatisfy { abs($0) <= bound + 1e-6 })
      let deviation = (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
      #expect(abs(deviation - bound / 3.0.squareRoot()) < 0.01 * bound)
      #expect(abs(values.reduce(0, +) / Double(values.count)) < 0.02 * bound)
    }
  }
}

@Suite("Digits")
struct DigitsTests {
  @Test("the drawing is the same everywhere")
  func digest() {
    let data = DataSet.digits(trainCount: 500, testCount: 100)
    guard case .bytes(let train) = data.train.pixels, case .bytes(let test) = data.test.pixels
    else { return }
    func hash(_ bytes: [UInt8]) -> UInt64 {
      bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
    #expect(hash(train) == DigitsTests.trainHash)
    #expect(hash(test) == DigitsTests.testHash)
    #expect(data.train.labels.prefix(100) != data.test.labels.prefix(100))
  }

  static let trainHash: UInt64 = 6_160_411_860_334_816_925
  static let testHash: UInt64 = 1_632_313_382_736_893_849

  @Test("classes are balanced, images are grey and not empty")
  func balance() {
    let images = DataSet.digits(trainCount: 5000, testCount: 1).train
    guard case .bytes(let pixels) = images.pixels else { return }
    for label in 0..<10 {
      let count = images.labels.filter { $0 == label }.count
      #expect((400...600).contains(count))
    }
    for image in 0..<100 {
      let values = pixels[image * 784..<(image + 1) * 784]
      #expect(values.max() ?? 0 > 60 && values.filter { $0 > 30 }.count > 15)
      #expect(values.filter { $0 < 30 }.count > 392)
    }
  }

  /// Hard enough to tell models apart, easy enough for LeNet.
  @Test("softmax regression stays below 92 %, LeNet-5 reaches 98 to 99.5 %")
  func hardness() throws {
    let data = DataSet.digits()
    func best(_ builtIn: BuiltInModel, epochs: Int, rate: Float) throws -> Double {
      let model = builtIn.model()
      let network = try Network(
        NetworkPlan(model, options: PlanOptions(batch: 128, isTraining: true, threads: 2)))
      try network.load(try model.initialWeights(seed: 0))
      let trainer = try Trainer(
        network: network, images: data.train, batch: 128,
        optimizer: OptimizerConfiguration(schedule: .constant(Double(rate))), seed: 0)
      var best = 0.0
      for _ in 0..<epochs {
        _ = try trainer.runEpoch()
        best = max(best, try network.evaluate(data.test).accuracy)
      }
      return best
    }
    let regression = try best(.softmax, epochs: 20, rate: 0.2)
    #expect((0.8..<0.92).contains(regression))
    let lenet = try best(.lenet, epochs: 10, rate: 0.01)
    #expect((0.98...0.995).contains(lenet))
  }
}
