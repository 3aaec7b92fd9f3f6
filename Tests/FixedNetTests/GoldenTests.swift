import FixedNetCore
import Testing

@testable import FixedNetCompute

/// What every built-in model does, pinned: the first ten losses and the hash of the weights after them to the bit, and the
/// bytes of its plans. A change of these is a change of every user's results: see GoldenValues.swift.
@Suite("Golden values")
struct GoldenTests {
  /// 80 digits in mini-batches of 16: ten steps are two epochs, each in an order of its own.
  private static func train(_ builtIn: BuiltInModel, threads: Int, _ set: InstructionSet) throws
    -> (losses: [Float], hash: UInt64)
  {
    let data = DataSet.digits(trainCount: 80, testCount: 1)
    let model = builtIn.model(input: data.train.shape)
    let optimizer = Optimizer.momentum(0.9)
    let options = PlanOptions(
      batch: 16, isTraining: true, threads: threads, optimizer: optimizer)
    let network = try Network(NetworkPlan(model, options: options), instructionSet: set)
    try network.initialize(seed: 0)
    let trainer = try Trainer(
      network: network, images: data.train, batch: 16,
      optimizer: OptimizerConfiguration(optimizer: optimizer, schedule: .constant(0.01)), seed: 0)
    var losses: [Float] = []
    for _ in 0..<2 {
      var before = Network.Sums()
      _ = try trainer.runEpoch { position in
        let images = Double(position.partial.images - before.images)
        losses.append(Float((position.partial.loss - before.loss) / images))
        before = position.partial
        return true
      }
    }
    return (losses, TestModels.hash(network.weights))
  }

  @Test("first ten losses and weights of every built-in model", arguments: BuiltInModel.digitModels)
  func losses(_ builtIn: BuiltInModel) throws {
    let (losses, hash) = try Self.train(builtIn, threads: 2, .best)
    #expect(losses == GoldenValues.runs[builtIn]?.losses, "\(builtIn): (\(losses), \(hash))")
    #expect(hash == GoldenValues.runs[builtIn]?.hash)
    #expect(losses.count == 10)
    // The first step's loss is that of guessing, or near it: the table is of this data, not of itself.
    #expect(losses[0] > (builtIn == .perceptron ? 0.5 : 1.5))
  }

  @Test("one thread and the portable kernels have the same")
  func otherWays() throws {
    for builtIn in [BuiltInModel.lenet, .lenetPlain, .mlp] {
      for (threads, set) in [(1, InstructionSet.best), (3, .portable)] {
        let (losses, hash) = try Self.train(builtIn, threads: threads, set)
        #expect(losses == GoldenValues.runs[builtIn]?.losses, "\(builtIn), \(threads), \(set)")
        #expect(hash == GoldenValues.runs[builtIn]?.hash, "\(builtIn), \(threads), \(set)")
      }
    }
  }

  /// Bytes of the plans for batches of 128, 16 and 1, each on 1 and 2 threads.
  private static func byteCounts(_ builtIn: BuiltInModel, isTraining: Bool) throws -> [Int] {
    try [128, 16, 1].flatMap { batch in
      try [1, 2].map { threads in
        try NetworkPlan(
          builtIn.model(),
          options: PlanOptions(batch: batch, isTraining: isTraining, threads: threads)
        ).memory.byteCount
      }
    }
  }

  @Test("plans of every built-in model", arguments: BuiltInModel.digitModels)
  func plans(_ builtIn: BuiltInModel) throws {
    let training = try Self.byteCounts(builtIn, isTraining: true)
    let inference = try Self.byteCounts(builtIn, isTraining: false)
    #expect(training == GoldenValues.training[builtIn], "\(builtIn)")
    #expect(inference == GoldenValues.inference[builtIn], "\(builtIn)")
  }

  @Test("blocks hand their memory on: the figures that the README states")
  func handedOn() throws {
    func byteCount(_ change: (inout PlanOptions) -> Void) throws -> Int {
      var options = PlanOptions(batch: 128, isTraining: true, threads: 2)
      change(&options)
      return try NetworkPlan(BuiltInModel.lenetPlain.model(), options: options).memory.byteCount
    }
    #expect(try byteCount { _ in } == 1_694_720)
    #expect(
      try byteCount {
        ($0.batch, $0.threads, $0.updatesInBackward) = (1, 1, true)
      } == 214_528)
    #expect(
      try byteCount {
        ($0.batch, $0.threads, $0.updatesInBackward, $0.recomputes) = (1, 1, true, true)
      } == 200_896)
  }
}
