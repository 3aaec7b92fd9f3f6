#if HDF5
  import FixedNet
  import FixedNetCore
  import Foundation
  import TestSupport
  import Testing

  @testable import FixedNetFiles

  /// L1 and L2 on every kind of weight, against Keras' losses and gradients: see
  /// Tests/Python/fixtures/make_regularizers.py, which wrote the fixture.
  @Suite("Regularisers")
  struct RegularizerTests {
    typealias Case = GraphLayerTests.Case

    static let path = TestFiles.path("layers/regularizers.h5")
    static let names = """
      conv2d dense dense_l2 dense_pixels conv2d_groups conv2d_dilation transpose depthwise separable \
      batch_normalization batch_normalization_conv layer_normalization prelu prelu_shared conv1d depthwise1d \
      separable1d
      """.split(separator: " ").map(String.init)
    /// Those that are not normalised over the batch.
    static let divisible = names.filter { !$0.hasPrefix("batch_normalization") }

    @Test("losses and gradients equal Keras'", arguments: names, [16, 1])
    func keras(_ name: String, blockSize: Int) throws {
      let fixture = try Case(name, in: Self.path)
      let losses = try ["loss", "evaluated"].map {
        try HDF5Arrays.readFloats(path: Self.path, dataset: "\(name)/\($0)").values[0]
      }
      let network = try fixture.network(blockSize: blockSize, isTraining: true)
      #expect(network.penalty > 0.02)
      let evaluated = try network.evaluate(fixture.samples).meanLoss
      #expect(abs(evaluated - Double(losses[1])) <= 2e-6)
      let loss = try network.computeGradients(fixture.samples).meanLoss
      #expect(abs(loss - Double(losses[0])) <= 2e-6)
      for (own, theirs) in zip(network.gradients, fixture.gradients) {
        #expect(own.tensors.map(\.shape) == theirs.tensors.map(\.shape), "\(own.layer)")
        for (own, theirs) in zip(own.tensors, theirs.tensors) {
          let largest = theirs.values.map(abs).max() ?? 0
          let difference = zip(own.values, theirs.values).map { abs($0 - $1) }.max() ?? .infinity
          #expect(difference <= 1e-5 * largest + 1e-6, "\(own.shape)")
        }
      }
    }

    @Test("files keep them", arguments: names)
    func files(_ name: String) throws {
      let fixture = try Case(name, in: Self.path)
      let expected = try fixture.model.weightDescriptions().map { $0.map(\.regularizer) }
      #expect(expected.joined().contains { !$0.isNone })
      for suffix in ["h5", "keras"] {
        let folder = try TemporaryFolder()
        let path = folder.file("graph.\(suffix)")
        try KerasFile.write(
          KerasModelFile(model: fixture.model, weights: fixture.weights), to: path)
        let read = try KerasFile.read(path: path).model.weightDescriptions()
        #expect(read.map { $0.map(\.regularizer) } == expected)
      }
    }

    /// The weights after three steps of Adam over all samples.
    private func trained(
      _ fixture: Case, threads: Int = 1, _ set: InstructionSet = .best,
      change: (inout PlanOptions) -> Void = { _ in }
    ) throws -> [LayerWeights] {
      var options = PlanOptions(
        batch: fixture.samples.count, isTraining: true, threads: threads, blockSize: 16,
        loss: .crossEntropy)
      options.optimizer = .adam()
      change(&options)
      let network = try Network(NetworkPlan(fixture.model, options: options), instructionSet: set)
      try network.load(fixture.weights)
      let count = options.batch == 1 ? 1 : fixture.samples.count
      let trainer = try Trainer(
        network: network, images: fixture.samples, batch: count,
        optimizer: OptimizerConfiguration(optimizer: .adam(), schedule: .constant(0.01)), seed: 3)
      for _ in 0..<3 { _ = try trainer.runEpoch() }
      #expect(network.canariesAreIntact)
      return network.weights
    }

    @Test("training has the same bits on all threads and instruction sets", arguments: names)
    func bits(_ name: String) throws {
      let fixture = try Case(name, in: Self.path)
      let expected = try trained(fixture)
      #expect(try trained(fixture, threads: 3) == expected)
      #expect(try trained(fixture, threads: 2, .portable) == expected)
    }

    @Test("and in parts, with recomputation and updates in the backward pass", arguments: divisible)
    func savings(_ name: String) throws {
      let fixture = try Case(name, in: Self.path)
      // The mini-batch of 18 in a part of 16 and one of 2.
      let whole = try trained(fixture)
      #expect(try trained(fixture) { $0.batch = 16 } == whole)
      #expect(try trained(fixture) { $0.recomputes = true } == whole)
      let one = try trained(fixture) { ($0.batch, $0.blockSize) = (1, 1) }
      let least = try trained(fixture) {
        ($0.batch, $0.blockSize, $0.updatesInBackward) = (1, 1, true)
      }
      #expect(least == one)
    }
  }
#endif
