#if HDF5
  import FixedNet
  import Foundation
  import Testing

  @testable import FixedNetFiles

  /// The official models of MLPerf Tiny, as they come: their outputs and every layer's.
  @Suite(
    "Official models", .enabled(if: TestFiles.has("models/mlperf-tiny"), TestFiles.missingShared))
  struct MLPerfTinyTests {
    static let names = ["kws_ref_model_from_savedmodel", "pretrainedResnet", "vww_96"]

    private static func path(_ name: String) -> String {
      "\(TestFiles.shared)/models/mlperf-tiny/\(name).h5"
    }

    /// The largest difference beyond 1e-5 + 1e-4 |y|, and a millionth of the layer's largest value: what the stored values
    /// themselves are off where large ones cancel.
    private static func excess(_ own: [Float], _ stored: [Float]) -> Float {
      let noise = 1e-6 * (stored.map(abs).max() ?? 0)
      return zip(own, stored).map { abs($0 - $1) - (1e-5 + 1e-4 * abs($1) + noise) }.max()
        ?? .infinity
    }

    @Test("outputs and every stored activation", arguments: names)
    func activations(_ name: String) throws {
      let file = try KerasFile.read(path: Self.path(name))
      let io = Self.path("\(name).io")
      let numbers = (1...99).map { String(format: "act/%02d", $0) }
      let arrays = try HDF5Arrays.readFloats(path: io, datasets: ["x", "y"] + numbers)
      let (x, y) = (try #require(arrays["x"]), try #require(arrays["y"]))
      let images = ImageSet(shape: file.model.input, pixels: .floats(x.values), labels: [])
      var options = PlanOptions(batch: images.count, isTraining: false)
      let fused = try Network(NetworkPlan(file.model, options: options))
      try fused.load(file.weights)
      #expect(Self.excess(try fused.predict(images).outputs.values, y.values) <= 0)
      options.fusesLayers = false
      let network = try Network(NetworkPlan(file.model, options: options))
      try network.load(file.weights)
      var count = 0
      for number in numbers {
        guard let stored = arrays[number] else { continue }
        let layer = try #require(
          try HDF5Arrays.attribute("layer", of: number, path: io), "\(number)")
        let own = try network.activations(of: layer, images)
        #expect(
          Self.excess(Array(own.values.prefix(stored.values.count)), stored.values) <= 0, "\(layer)"
        )
        count += 1
      }
      #expect(count >= 29)
    }

    @Test(
      "our built-in networks are theirs",
      arguments: zip(names, [BuiltInModel.dsCNN, .resNet8, .mobileNet025]))
    func same(_ name: String, _ builtIn: BuiltInModel) throws {
      let official = try KerasFile.read(path: Self.path(name)).model
      let own = builtIn.model()
      #expect(own.input == official.input)
      #expect(
        own.layers.map { type(of: $0).className } == official.layers.map { type(of: $0).className })
      #expect(try own.shapes() == official.shapes())
      let weights = try (own.weightDescriptions(), official.weightDescriptions())
      #expect(weights.0.map { $0.map(\.shape) } == weights.1.map { $0.map(\.shape) })
      #expect(weights.0.map { $0.map(\.regularizer) } == weights.1.map { $0.map(\.regularizer) })
    }
  }
#endif
