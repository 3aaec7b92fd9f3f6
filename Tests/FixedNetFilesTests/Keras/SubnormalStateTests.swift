#if HDF5
  import FixedNet
  import FixedNetFiles
  import Foundation
  import TestSupport
  import Testing

  /// The mode of subnormal numbers in files, for programs that use the library.
  @Suite("Subnormal numbers in files")
  struct SubnormalStateTests {
    private static let model = Model(
      name: "fading", input: .vector(2), layers: [Dense(name: "unit", units: 1, usesBias: false)])
    private static let samples = ImageSet(
      shape: model.input, pixels: .floats([0.75, -0.4, 0.9, 0.31]), labels: [], targets: [0, 0],
      targetWidth: 1)

    private static func training(_ subnormals: Subnormals) throws -> Training {
      try Training(
        model, on: samples,
        weights: [
          LayerWeights(
            layer: "unit", tensors: [Tensor(shape: [2, 1], values: [0x1.8p-123, -0x1.4cp-123])])
        ], loss: .meanSquaredError, optimizer: .momentum(0.7), learningRate: .constant(0.03),
        batch: 1, threads: 1, subnormals: subnormals)
    }

    @Test("a run is saved with its mode; going on and predicting have it by themselves")
    func modes() throws {
      let folder = try Fixtures.temporaryFolder()
      for (subnormals, name) in [(Subnormals.flush, "flush.h5"), (.keep, "keep.keras")] {
        let whole = try Self.training(subnormals)
        try whole.fit(epochs: 24)
        let half = try Self.training(subnormals)
        try half.fit(epochs: 12)
        try half.save(to: "\(folder)/\(name)")
        let rest = try Training(resuming: "\(folder)/\(name)", on: Self.samples)
        #expect(rest.network.plan.options.subnormals == subnormals)
        try rest.fit(epochs: 12)
        #expect(rest.network.weights == whole.network.weights)
        try rest.save(to: "\(folder)/\(name)")
        let network = try Network(contentsOf: "\(folder)/\(name)")
        // The weights are about 2^-124.
        let output = try network.predict([0x1p-8, 0x1p-9])[0]
        #expect(network.plan.options.subnormals == subnormals)
        #expect((output != 0) == (subnormals == .keep), "\(output)")
      }
    }

    @Test("a mode that is none is refused where a run is to go on")
    func unusable() throws {
      let path = try Fixtures.temporaryFolder() + "/run.h5"
      try Self.training(.keep).save(to: path)
      var file = try KerasFile.read(path: path, trainingState: .require)
      for value in [JSONValue.string("sometimes"), .integer(1), .bool(true)] {
        file.training?.setOption("subnormals", value)
        try KerasFile.write(file, to: path)
        #expect {
          try KerasFile.read(path: path, trainingState: .require)
        } throws: { error in
          "\(error)".contains("subnormals") && "\(error)".contains("flush or keep")
        }
      }
    }
  }
#endif
