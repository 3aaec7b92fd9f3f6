import FixedNet
import FixedNetCore
import Foundation
import RandomNetworks
import Testing

/// FIXEDNET_NETWORKS networks drawn at random, each of a batch of 1 to 200 images, on 1 to 16 threads.
@Suite("Random networks on many threads")
struct ThreadTests {
  @Test("weights and outputs depend neither on the threads nor on the blocks that they share")
  func bits() throws {
    let environment = ProcessInfo.processInfo.environment
    let count = environment["FIXEDNET_NETWORKS"].flatMap { Int($0) } ?? 20
    let first = environment["FIXEDNET_FIRST_NETWORK"].flatMap { Int($0) } ?? 0
    for seed in first..<first + count {
      let network = RandomNetwork(seed: UInt64(seed))
      var random = Philox(seed: UInt64(seed), stream: 77).reader()
      func draw(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + min(Int(random.nextUnit() * Float(range.count)), range.count - 1)
      }
      let batch = draw(0...3) == 0 ? draw(1...200) : draw(1...40)
      let images = network.images(batch + batch / 3)
      let expected = try bits(network, images, batch: batch, threads: 1, sharing: nil)
      for _ in 0..<3 {
        let threads = draw(2...16)
        for sharing in [.everywhere, nil] as [RunContext.Sharing?] {
          let found = try bits(network, images, batch: batch, threads: threads, sharing: sharing)
          #expect(
            found == expected,
            "network \(seed), batch \(batch), \(threads) threads, \(String(describing: sharing))")
        }
      }
    }
  }

  /// Of the weights after an epoch, or the error that ends it, and of the outputs.
  private func bits(
    _ network: RandomNetwork, _ images: ImageSet, batch: Int, threads: Int,
    sharing: RunContext.Sharing?
  ) throws -> [UInt32] {
    var options = network.options(threads: threads)
    options.blockSize = nil
    options.batch = batch
    let planned = try Network(NetworkPlan(network.model, options: options))
    planned.sharing = sharing
    try planned.load(network.weights())
    let trainer = try Trainer(
      network: planned, images: images, batch: batch,
      optimizer: OptimizerConfiguration(
        optimizer: network.optimizer, schedule: .constant(network.rate)),
      seed: network.seed)
    _ = try? trainer.runEpoch()
    #expect(planned.canariesAreIntact)
    let outputs = try planned.predict(images).outputs.values
    return (planned.weights.flatMap { $0.tensors.flatMap(\.values) } + outputs).map(\.bitPattern)
  }
}
