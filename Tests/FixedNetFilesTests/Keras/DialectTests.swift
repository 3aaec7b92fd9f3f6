#if HDF5
  import FixedNet
  import FixedNetFiles
  import Foundation
  import Testing

  /// Small models that Keras 3.15 and TF-Keras 2.21 saved, with their own outputs (Tests/Python/fixtures/make_dialects.py), and
  /// files from bug reports.
  @Suite("Keras' dialects") struct DialectTests {
    /// What a file asks for that is not computed here as asked: compared with the same weights in float32.
    private static let precisions = [
      "float16": "float16", "float64": "float64", "mixed_bfloat16": "mixed_bfloat16",
      "tf_half": "float16",
    ]

    static let names = [
      "activation_layers", "activation_leaky_relu", "activation_relu6", "bn_without", "float16",
      "float64", "int32", "long_name", "matrix", "matrix_rows", "mixed_bfloat16",
      "normalization_all", "normalization_columns", "normalization_elements",
      "normalization_given", "normalization_given_pixels", "normalization_given_rows",
      "normalization_inverse", "normalization_inverse_pixels", "normalization_pixels",
      "normalization_rows", "normalization_scalar", "report_bn_v1", "report_relu_ndarray",
      "report_slash_unicode", "rescaling_channels", "rescaling_features", "rescaling_flattened",
      "rescaling_offset", "rescaling_pixels", "tf_half", "tf_leaky_object", "tf_matrix",
      "tf_normalization_all", "tf_normalization_given", "tf_normalization_pixels",
      "tf_rescaling_list", "uint8", "uint8_pool", "without_input",
    ]

    private static func path(_ name: String) -> String { TestFiles.path("layers/\(name)") }

    private func model(_ name: String) throws -> KerasModelFile {
      let archive = Self.path("\(name).keras")
      let isArchive = FileManager.default.fileExists(atPath: archive)
      return try KerasFile.read(path: isArchive ? archive : Self.path("\(name).h5"))
    }

    private func outputs(_ file: KerasModelFile, _ name: String, batch: Int = 8) throws -> Tensor {
      let x = try HDF5Arrays.readFloats(path: Self.path("\(name).io.h5"), dataset: "x")
      let options = PlanOptions(batch: batch, isTraining: false)
      let network = try Network(NetworkPlan(file.model, options: options))
      try network.load(file.weights)
      return try network.predict(
        ImageSet(shape: file.model.input, pixels: .floats(x.values), labels: [])
      ).outputs
    }

    private func expected(_ name: String) throws -> Tensor {
      let y = try HDF5Arrays.readFloats(path: Self.path("\(name).io.h5"), dataset: "y")
      return Tensor(shape: y.shape, values: y.values)
    }

    @Test("all of them are there")
    func complete() {
      let found = TestFiles.names(in: TestFiles.path("layers"))
        .filter { $0.hasSuffix(".io.h5") && $0 != "norm_weights.io.h5" }
      #expect(found == DialectTests.names.map { "\($0).io.h5" })
    }

    /// 1e-5 of the largest output.
    private func expectEqual(_ found: Tensor, _ expected: Tensor, _ what: String) {
      #expect(found.shape == expected.shape, "\(what)")
      let scale = expected.values.map(abs).max() ?? 0
      let worst = zip(found.values, expected.values).map { abs($0 - $1) }.max() ?? .infinity
      #expect(worst <= 1e-5 * scale && scale > 0, "\(what): \(worst) of \(scale)")
    }

    @Test("outputs equal Keras', in blocks of 1 and 16", arguments: names)
    func outputs(name: String) throws {
      let file = try model(name)
      let y = try expected(name)
      for batch in [1, 8] {
        expectEqual(try outputs(file, name, batch: batch), y, "\(name), batch \(batch)")
      }
      #expect(file.model.otherPrecisions == Self.precisions[name].map { [$0] } ?? [])
    }

    @Test(
      "what is written of them is read back, with the same outputs to the bit", arguments: names)
    func rewritten(name: String) throws {
      let folder = try TemporaryFolder()
      let file = try model(name)
      let expected = try outputs(file, name)
      for ending in ["h5", "keras"] {
        try KerasFile.write(file, to: folder.file("again.\(ending)"))
        let again = try KerasFile.read(path: folder.file("again.\(ending)"))
        #expect(again.model.json == file.model.json && again.weights == file.weights)
        #expect(try outputs(again, name) == expected, "\(ending)")
      }
    }

    /// Keras 3 has no slash in names, and loses a Normalization's axes where a .h5 has several (3.15,
    /// `legacy/saving/saving_utils.py`): it refuses its own files then.
    @Test(
      "Keras computes the same with what is written of them",
      .enabled(if: Python.hasKeras, Python.missingKeras))
    func inKeras() throws {
      let folder = try TemporaryFolder()
      for name in Self.names where name != "report_slash_unicode" {
        var file = try model(name)
        // Not every version's losses and metrics load in every other.
        file.trainingConfig = nil
        let hasAxes = file.model.layers.contains { (($0 as? Normalization)?.axes.count ?? 0) > 1 }
        if !hasAxes { try KerasFile.write(file, to: folder.file("\(name).h5")) }
        try KerasFile.write(file, to: folder.file("\(name).keras"))
        let x = try HDF5Arrays.readFloats(path: Self.path("\(name).io.h5"), dataset: "x")
        let y = try outputs(file, name)
        try HDF5Arrays.write(
          path: folder.file("\(name).io.h5"),
          datasets: [("x", x.shape, x.values), ("y", y.shape, y.values)])
      }
      let result = try Python.script("check_roundtrip.py", [folder.path])
      #expect(result.status == 0, "\(result.text)")
    }

    // MARK: - Statistics among the weights

    @Test("the mean and variance among a file's weights are kept, wherever the layers come from")
    func statistics() throws {
      let text = try String(
        decoding: TestFiles.bytes(Self.path("norm_weights.json")), as: UTF8.self)
      let described = try Model(json: JSONValue(parsing: text))
      let y = try expected("norm_weights")
      let file = try KerasFile.readWeights(
        path: Self.path("norm_weights.weights.h5"), model: described)
      expectEqual(try outputs(file, "norm_weights"), y, ".json")
      // Of a model with other statistics, those among the weights count; in our whole files they are in the config.
      var other = described
      for index in other.layers.indices where other.layers[index] is Normalization {
        other.layers[index] = Normalization(
          name: other.layers[index].name, mean: [1, 2, 3], variance: [4, 5, 6])
      }
      let again = try KerasFile.readWeights(
        path: Self.path("norm_weights.weights.h5"), model: other)
      #expect(again.model.json == file.model.json)
      let folder = try TemporaryFolder()
      for name in ["ours.weights.h5", "ours.keras"] {
        try KerasFile.write(file, to: folder.file(name))
        let ours = try KerasFile.readWeights(path: folder.file(name), model: described)
        #expect(ours.model.json == file.model.json && ours.weights == file.weights, "\(name)")
        guard name.hasSuffix(".keras") else {
          let again = try KerasFile.readWeights(path: folder.file(name), model: other)
          #expect(again.model.json == file.model.json)
          continue
        }
        let error = try #require(throws: CheckpointError.self) {
          try KerasFile.readWeights(path: folder.file(name), model: other)
        }
        #expect(line(error).contains("the mean and variance of layer"), "\(name)")
      }
    }

    // MARK: - Names that nest

    private func dense(_ names: [String]) throws -> KerasModelFile {
      let layers = names.map { Dense(name: $0, units: 2) }
      let model = Model(name: "m", input: .vector(2), layers: layers)
      return KerasModelFile(model: model, weights: try model.initialWeights(seed: 1))
    }

    @Test(
      "names inside of each other are written and read back",
      arguments: [
        ["block1/conv", "block1/bn", "block1"], ["block1", "block1/conv"], ["a/a", "a"],
        ["a", "a/a", "a/a/a"], ["x/top_level_model_weights", "top_level_model_weights/x"],
        [String(repeating: "long", count: 7_000), "b"],
        [(0..<100).map { "part\($0)" }.joined(separator: "/"), "part0/part1"],
      ])
    func nesting(names: [String]) throws {
      let folder = try TemporaryFolder()
      let file = try dense(names)
      for name in ["nested.h5", "nested.keras", "nested.weights.h5"] {
        try KerasFile.checkWriting(file, to: folder.file(name))
        #expect(TestFiles.names(in: folder.path).isEmpty)
        try KerasFile.write(file, to: folder.file(name))
        let read = try KerasFile.read(path: folder.file(name))
        #expect(read.weights == file.weights)
        try FileManager.default.removeItem(atPath: folder.file(name))
      }
    }

    @Test(
      "a name that is another thing's path is refused before anything is written",
      arguments: [
        (["a", "a/a/kernel:0"], "kernel"), (["a", "a/a/bias:0/b"], "bias"),
        (["top_level_model_weights"], "the group that Keras adds"),
      ])
    func clash(names: [String], fragment: String) throws {
      let file = try dense(names)
      let folder = try TemporaryFolder()
      let error = try #require(throws: CheckpointError.self) {
        try KerasFile.checkWriting(file, to: folder.file("m.h5"))
      }
      #expect(line(error).contains(fragment), "\(error)")
      #expect(throws: CheckpointError.self) { try KerasFile.write(file, to: folder.file("m.h5")) }
      #expect(TestFiles.names(in: folder.path).isEmpty)
    }

    // MARK: - Files of other kinds

    @Test(
      "another program's file is named for what it is",
      arguments: [
        ("m.pt", [0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20], "pickle"),
        ("m.onnx", [0x08, 0x07, 0x12, 0x07, 0x70, 0x79, 0x74, 0x6F, 0x72, 0x63, 0x68], "ONNX"),
        ("m.npy", [0x93] + Array("NUMPY\u{1}\0v\0{'descr'".utf8), "NumPy"),
        ("m.tflite", [0x1C, 0, 0, 0] + Array("TFL3\0\0\0\0".utf8), "TensorFlow Lite"),
        ("saved_model.pb", [0x08, 0x01, 0x0A, 0x05, 0, 0, 0, 0, 0, 0], "SavedModel"),
        ("m.safetensors", [0x40, 0, 0, 0, 0, 0, 0, 0] + Array("{\"w\": {}}".utf8), "safetensors"),
        ("m.h5", Array("version https://git-lfs.github.com/spec/v1\n".utf8), "git lfs pull"),
        ("m.h5", Array("<!DOCTYPE html><html><head>".utf8), "a web page"),
        ("m.keras", Array("{\"class_name\": \"Sequential\"}".utf8), "--model"),
        ("m.h5", [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0], "gzip"),
        ("m.mat", Array("MATLAB 5.0 MAT-file, Platform".utf8), "MATLAB"),
        ("model.weights.json", Array("{\"metadata\": {}}   ".utf8), "shards"),
      ] as [(String, [UInt8], String)])
    func foreign(name: String, start: [UInt8], fragment: String) throws {
      let folder = try TemporaryFolder()
      let path = folder.file(name)
      try AtomicFile.write(start + [UInt8](repeating: 0x20, count: 1_000), to: path)
      let reading = try #require(throws: CheckpointError.self) { try KerasFile.read(path: path) }
      #expect(line(reading).contains(fragment), "\(reading)")
      let model = Model(
        name: "m", input: .vector(2), layers: [Dense(name: "d", units: 2)])
      #expect(throws: reading) { try KerasFile.readWeights(path: path, model: model) }
    }

    @Test("Keras 2's weights alone are called so, and are read with their architecture")
    func weightsAlone() throws {
      let path = Self.path("weights_only.h5")
      let error = try #require(throws: CheckpointError.self) { try KerasFile.read(path: path) }
      #expect(line(error).contains("weights without an architecture; give it with --model"))
      let whole = try model("report_slash_unicode")
      #expect(
        try KerasFile.readWeights(path: path, model: whole.model).weights == whole.weights)
    }

    @Test("an archive of PyTorch is called so")
    func torch() throws {
      let path = TestFiles.path("archives/torch.pt")
      let error = try #require(throws: CheckpointError.self) { try KerasFile.read(path: path) }
      #expect(line(error).contains("PyTorch's format"))
    }
  }
#endif
