#if HDF5
  import FixedNet
  import FixedNetFiles
  import Foundation
  import Testing

  /// `.keras` files: those that Keras wrote, those that we write, and those that nobody should have written.
  @Suite("Keras archives") struct KerasArchiveTests {
    private func archive(_ name: String) -> String { TestFiles.path("archives/\(name).keras") }

    // MARK: - Reading

    /// Keras 3.15 wrote small_*.keras and, from its own variables, small_*.f32 (Tests/Python/make_keras.py).
    @Test(
      "weights and optimiser of Keras' own files equal what Keras had",
      arguments: [
        ("small_adam", "Adam", ["momentum", "velocity"]),
        ("small_rmsprop", "RMSprop", ["velocity", "momentum", "average_gradient"]),
      ])
    func readsKeras(name: String, optimizer: String, slots: [String]) throws {
      let file = try KerasFile.read(path: TestFiles.path("keras/\(name).keras"))
      #expect(file.model.name == "small" && file.model.layers.count == 5)
      #expect(file.trainingConfig?["loss"] == "sparse_categorical_crossentropy")
      #expect(file.trainingConfig?["optimizer_config"]?["class_name"] == .string(optimizer))
      #expect(file.iterations == 3 && file.training == nil && file.nonFinite.isEmpty)
      let state = try #require(file.optimizerState)
      #expect(state.slots.map(\.name) == slots)
      let values =
        file.weights.flatMap { $0.tensors.flatMap(\.values) }
        + state.slots.flatMap { $0.tensors.flatMap(\.values) }
      #expect(try values == TestFiles.floats(TestFiles.path("keras/\(name).f32")))
    }

    @Test(
      "the same model as .keras, .weights.h5 and .h5 has the same weights",
      .enabled(if: TestFiles.has("fixtures/public"), TestFiles.missingShared))
    func sameModel() throws {
      let folder = "\(TestFiles.shared)/fixtures/public"
      let whole = try KerasFile.read(path: "\(folder)/p01_lenet5.h5")
      let archive = try KerasFile.read(path: "\(folder)/p01_lenet5.keras")
      #expect(archive.weights == whole.weights)
      #expect(archive.model.json == whole.model.json)
      let weights = try KerasFile.readWeights(
        path: "\(folder)/p01_lenet5.weights.h5", model: whole.model)
      #expect(weights.weights == whole.weights)
    }

    @Test(
      "stored or deflated, with a comment or without", arguments: ["good", "stored_with_comment"])
    func methods(name: String) throws {
      let file = try KerasFile.read(path: archive(name))
      #expect(file.weights[0].tensors[0].values == (0..<12).map { Float($0) / 8 })
      #expect(file.weights[0].tensors[1].values == [-1, 0, 0.5])
      #expect(file.trainingConfig == nil && file.optimizerState == nil)
    }

    /// What an error has to mention. The archives are Python's zipfile's, changed (Tests/Python/fixtures/make_fixtures.py).
    private static let damaged: [(name: String, mention: String)] = [
      ("cut", "cut off"), ("head_only", "cut off"), ("trailing", "cut off"),
      ("bad_crc", "checksum"), ("bad_deflate", "damaged"), ("encrypted", "encrypted"),
      ("method", "method 12"), ("huge_declared", "4294967280"), ("zip64", "Zip64"),
      ("short_declared", "config.json"), ("far_offset", "config.json"),
      ("other_name", "config.json"), ("packed_beyond", "model.weights.h5"),
      ("two_disks", "several disks"), ("duplicate", "2 of that name"),
      ("no_config", "config.json in the archive is missing"),
      ("no_weights", "model.weights.h5 in the archive is missing"),
      ("sharded", "sharded"), ("numpy", "NumPy"), ("not_hdf5", "are not an HDF5 file"),
      ("cut_hdf5", "truncated"), ("bomb_config", "at most 16777216 bytes"),
      ("bomb_weights", "17825792"), ("bad_json", "not JSON"), ("bad_utf8", "UTF-8"),
      ("lambda", "Lambda"), ("only_paths", "config.json in the archive is missing"),
    ]

    @Test("a damaged archive is refused in one line", arguments: damaged)
    func refuses(name: String, mention: String) throws {
      let start = ContinuousClock().now
      let error = try #require(throws: CheckpointError.self) {
        try KerasFile.read(path: archive(name))
      }
      #expect(line(error).contains(mention), "\(error)")
      #expect(line(error).contains(archive(name)))
      #expect(ContinuousClock().now - start < .seconds(5))
    }

    @Test("every archive of the folder is tested")
    func complete() {
      let files = TestFiles.names(in: TestFiles.path("archives")).filter { $0.hasSuffix(".keras") }
      let names = Set(files.map { $0.dropLast(6) })
      let tested = Self.damaged.map(\.name) + ["good", "stored_with_comment"]
      #expect(names == Set(tested.map { $0[...] }))
    }

    @Test("an archive cut anywhere, or with any byte changed, is refused or reads the same")
    func anyDamage() throws {
      let folder = try TemporaryFolder()
      let whole = try TestFiles.bytes(archive("good"))
      let expected = try KerasFile.read(path: archive("good")).weights
      for count in stride(from: 0, to: whole.count, by: 61) {
        try AtomicFile.write(Array(whole.prefix(count)), to: folder.file("cut.keras"))
        let error = try #require(throws: CheckpointError.self) {
          try KerasFile.read(path: folder.file("cut.keras"))
        }
        _ = line(error)
      }
      for place in stride(from: 0, to: whole.count, by: 7) {
        var bytes = whole
        bytes[place] ^= 0x21
        try AtomicFile.write(bytes, to: folder.file("changed.keras"))
        do {
          let file = try KerasFile.read(path: folder.file("changed.keras"))
          #expect(file.weights == expected)
        } catch { _ = line(error) }
      }
    }

    // MARK: - Writing

    @Test("what is written is read back to the bit", arguments: BuiltInModel.allCases)
    func roundTrip(builtIn: BuiltInModel) throws {
      let folder = try TemporaryFolder()
      let model = builtIn.model()
      let file = KerasModelFile(
        model: model, weights: try model.initialWeights(seed: 7), training: .sample)
      try KerasFile.write(file, to: folder.file("one.keras"))
      let read = try KerasFile.read(path: folder.file("one.keras"), trainingState: .require)
      #expect(read.weights == model.kerasForm(file.weights).weights)
      #expect(read.model.json == file.model.json)
      #expect(read.training == file.training && read.iterations == 1000)
      #expect(read.trainingConfig?["optimizer_config"]?["class_name"] == "SGD")
      try KerasFile.write(file, to: folder.file("two.keras"))
      let one = try TestFiles.bytes(folder.file("one.keras"))
      #expect(try one == TestFiles.bytes(folder.file("two.keras")))
    }

    @Test("Python's zipfile finds nothing wrong", .enabled(if: Python.hasPython))
    func zipfile() throws {
      let folder = try TemporaryFolder()
      let model = BuiltInModel.softmax.model()
      let file = KerasModelFile(model: model, weights: try model.initialWeights(seed: 7))
      try KerasFile.write(file, to: folder.file("ours.keras"))
      let code = """
        import json, sys, zipfile
        with zipfile.ZipFile(sys.argv[1]) as file:
            assert file.testzip() is None
            assert [i.filename for i in file.infolist()] == [
                "metadata.json", "config.json", "model.weights.h5"]
            assert all(i.compress_type == 0 and i.date_time == (1980, 1, 1, 0, 0, 0)
                       for i in file.infolist())
            assert "compile_config" not in json.loads(file.read("config.json"))
        """
      let result = try Python.run(
        "/usr/bin/env", ["python3", "-c", code, folder.file("ours.keras")])
      #expect(result.status == 0, "\(result.text)")
    }

    @Test(
      "only names that Keras knows are written",
      arguments: ["model", "model.zip", "model.keras.bak"])
    func names(name: String) throws {
      let folder = try TemporaryFolder()
      let model = BuiltInModel.softmax.model()
      let file = KerasModelFile(model: model, weights: try model.initialWeights(seed: 7))
      let error = try #require(throws: CheckpointError.self) {
        try KerasFile.write(file, to: folder.file(name))
      }
      #expect(line(error).contains(".keras") && TestFiles.names(in: folder.path).isEmpty)
    }
  }
#endif
