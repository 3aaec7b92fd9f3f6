#if HDF5
  import FixedNet
  import Foundation
  import LayerFixtures
  import TestSupport
  import Testing

  @testable import FixedNetFiles

  /// One small network for each layer, activation and merge, against Keras' outputs and gradients: see
  /// Tests/Python/fixtures/make_layers.py, which wrote the fixture.
  @Suite("Layers of graphs")
  struct GraphLayerTests {
    typealias Case = LayerFixture
    static let images = LayerFixture.images
    static let rows = LayerFixture.rows

    @Test("outputs and gradients equal Keras'", arguments: images + rows, [16, 1])
    func keras(_ name: String, blockSize: Int) throws {
      let fixture = try Case(name)
      let inference = try fixture.network(blockSize: blockSize, isTraining: false)
      let outputs = try inference.predict(fixture.samples).outputs.values
      #expect(outputs.count == fixture.outputs.count)
      let difference = zip(outputs, fixture.outputs).map { abs($0 - $1) }.max() ?? .infinity
      #expect(difference <= 3e-6)
      let training = try fixture.network(blockSize: blockSize, isTraining: true)
      try training.computeGradients(fixture.samples)
      for (own, theirs) in zip(training.gradients, fixture.gradients) {
        #expect(own.tensors.map(\.shape) == theirs.tensors.map(\.shape), "\(own.layer)")
        for (own, theirs) in zip(own.tensors, theirs.tensors) {
          let largest = theirs.values.map(abs).max() ?? 0
          let difference = zip(own.values, theirs.values).map { abs($0 - $1) }.max() ?? .infinity
          // A bias before a normalisation has a gradient of 0 and what is left of sums.
          #expect(difference <= 1e-5 * largest + 1e-6, "\(own.shape)")
        }
      }
    }

    @Test(
      "gradients have the same bits on all threads and instruction sets", arguments: images + rows)
    func bits(_ name: String) throws {
      let fixture = try Case(name)
      for blockSize in [16, 1] {
        var expected: [LayerWeights]?
        for (threads, set) in [(1, InstructionSet.best), (3, .best), (2, .portable)] {
          let network = try fixture.network(
            blockSize: blockSize, isTraining: true, threads: threads, set)
          try network.computeGradients(fixture.samples)
          #expect(network.canariesAreIntact)
          if let expected {
            #expect(network.gradients == expected, "\(threads) threads, \(set)")
          } else {
            expected = network.gradients
          }
        }
        // As little memory as there is: whatever can be computed again is.
        let network = try fixture.network(
          blockSize: blockSize, isTraining: true, threads: 2, memoryBudget: 1)
        try network.computeGradients(fixture.samples)
        #expect(network.gradients == expected, "computed again")
      }
    }

    @Test("what is written is read back and does the same", arguments: images + rows)
    func files(_ name: String) throws {
      let fixture = try Case(name)
      let expected = try fixture.network(blockSize: 16, isTraining: false)
        .predict(fixture.samples).outputs.values
      for suffix in ["h5", "keras"] {
        let folder = try TemporaryFolder()
        let path = folder.file("graph.\(suffix)")
        try KerasFile.write(
          KerasModelFile(model: fixture.model, weights: fixture.weights), to: path)
        let file = try KerasFile.read(path: path)
        #expect((file.model.connections == nil) == (fixture.model.connections == nil))
        let plan = try NetworkPlan(
          file.model, options: PlanOptions(batch: fixture.samples.count, isTraining: false))
        let network = try Network(plan)
        try network.load(file.weights)
        let outputs = try network.predict(fixture.samples).outputs.values
        let difference = zip(outputs, expected).map { abs($0 - $1) }.max() ?? .infinity
        #expect(difference <= 1e-6)
      }
    }
  }
#endif
