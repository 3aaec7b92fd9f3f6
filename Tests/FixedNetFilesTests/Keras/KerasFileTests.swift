#if HDF5
  import FixedNet
  import FixedNetFiles
  import Foundation
  import Testing

  @Suite("KerasFile") struct KerasFileTests {
    // MARK: - Reading

    /// `<name>.f32` was written by h5py (Tests/Python/fixtures/make_fixtures.py).
    @Test(
      "every weight equals h5py's reading",
      arguments: ["p01_lenet5", "p04_mlp", "p11_lenet_bn_first"])
    func weightsEqualDump(name: String) throws {
      let file = try KerasFile.read(path: TestFiles.path("keras/\(name).h5"))
      let dump = try TestFiles.bytes(TestFiles.path("keras/\(name).f32"))
      let expected = dump.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
      #expect(file.weights.flatMap { $0.tensors.flatMap(\.values) } == expected)
      #expect(file.weights.map(\.layer) == file.model.layers.map(\.name))
      let shapes = try file.model.weightDescriptions().map { $0.map(\.shape) }
      #expect(file.weights.map { $0.tensors.map(\.shape) } == shapes)
      #expect(WeightsDigest.sha256(file.weights) == Digest.sha256(dump))
      #expect(file.nonFinite.isEmpty && file.training == nil && file.trainingConfig != nil)
    }

    @Test(
      "other dialects give the same weights",
      arguments: [
        "fixed_strings", "chunked_names", "float64_big_endian_gzip", "bare_names", "slash_names",
      ])
    func dialects(name: String) throws {
      let expected = try KerasFile.read(path: TestFiles.path("keras/p04_mlp.h5"))
      let file = try KerasFile.read(path: TestFiles.path("dialects/\(name).h5"))
      #expect(file.weights.map(\.tensors) == expected.weights.map(\.tensors))
    }

    @Test(
      "Keras' other files are named for what they are",
      arguments: [("only.weights.h5", ".weights.h5"), ("archive.keras", ".keras")])
    func otherFormats(name: String, word: String) throws {
      let error = try #require(throws: CheckpointError.self) {
        try KerasFile.read(path: TestFiles.path("dialects/\(name)"))
      }
      #expect(line(error).dropFirst(TestFiles.path("dialects/\(name)").count + 2).contains(word))
    }

    // MARK: - Writing

    private func sample(_ model: BuiltInModel = .lenet) throws -> KerasModelFile {
      let model = model.model()
      return KerasModelFile(
        model: model, weights: try model.initialWeights(seed: 7), training: .sample)
    }

    @Test("what is written is read back to the bit", arguments: BuiltInModel.allCases)
    func roundTrip(model: BuiltInModel) throws {
      let folder = try TemporaryFolder()
      var file = try sample(model)
      let first = try #require(file.weights.firstIndex { !$0.tensors.isEmpty })
      file.weights[first].tensors[0].values[0] = -0.0
      try KerasFile.write(file, to: folder.file("model.h5"))
      let read = try KerasFile.read(path: folder.file("model.h5"), trainingState: .require)
      #expect(WeightsDigest.sha256(read.weights) == WeightsDigest.sha256(file.weights))
      #expect(read.weights == file.model.kerasForm(file.weights).weights)
      #expect(read.model.json == file.model.json)
      #expect(read.training == file.training)
      #expect(read.trainingConfig?["loss"] == "sparse_categorical_crossentropy")
      #expect(read.trainingConfig?["loss_weights"] == .null)
      #expect(read.trainingConfig?["optimizer_config"] == file.training?.optimizer)
    }

    @Test(
      "the digest of weights does not depend on the order that their file has",
      arguments: [ActivationFunction.function(ElementFunction(.hardSigmoid)), .scaledSigmoid])
    func digest(function: ActivationFunction) throws {
      let model = Model(
        name: "m", input: .vector(3),
        layers: [
          Dense(name: "a", units: 2, activation: .tanh), Dense(name: "b", units: 3),
          Dense(name: "c", units: 4, activation: function), Concatenate(name: "d"),
          Dense(name: "e", units: 2, activation: .softmax),
        ],
        connections: ["a": ["image"], "b": ["a"], "c": ["image"], "d": ["b", "c"], "e": ["d"]])
      let file = KerasModelFile(model: model, weights: try model.initialWeights(seed: 7))
      let folder = try TemporaryFolder()
      for name in ["m.h5", "m.keras"] {
        try KerasFile.write(file, to: folder.file(name))
        let read = try KerasFile.read(path: folder.file(name))
        let order = read.weights.filter { !$0.tensors.isEmpty }.map(\.layer)
        #expect(
          order == ["c", "a", "b", "e"] && file.weights.map(\.layer) == ["a", "b", "c", "d", "e"])
        #expect(
          WeightsDigest.sha256(read.weights, of: read.model)
            == WeightsDigest.sha256(file.weights, of: model))
      }
    }

    @Test("the same input gives the same bytes")
    func deterministic() throws {
      let folder = try TemporaryFolder()
      let file = try sample()
      try KerasFile.write(file, to: folder.file("one.h5"))
      Thread.sleep(forTimeInterval: 1.1)  // HDF5's dates have seconds
      try KerasFile.write(file, to: folder.file("two.h5"))
      let one = try TestFiles.bytes(folder.file("one.h5"))
      #expect(try one == TestFiles.bytes(folder.file("two.h5")))
    }

    @Test("a file of Keras written again keeps model and weights")
    func rewrite() throws {
      let folder = try TemporaryFolder()
      for name in ["keras/p11_lenet_bn_first.h5", "dialects/slash_names.h5"] {
        let file = try KerasFile.read(path: TestFiles.path(name))
        try KerasFile.write(file, to: folder.file("again.h5"))
        let again = try KerasFile.read(path: folder.file("again.h5"))
        #expect(again.weights == file.weights && again.model.json == file.model.json)
        #expect(again.trainingConfig == file.trainingConfig && again.training == nil)
      }
    }

    /// Keras 2's legacy SGD takes no ema_momentum, and no weight_decay.
    @Test("of Keras 3's optimiser, what is not used is left out, what is used stays")
    func unusedOptions() throws {
      let folder = try TemporaryFolder()
      var file = try KerasFile.read(path: TestFiles.path("keras/p01_lenet5.h5"))
      func written() throws -> [String: JSONValue] {
        try KerasFile.write(file, to: folder.file("again.h5"))
        let config = try KerasFile.read(path: folder.file("again.h5")).trainingConfig
        guard case .object(let options)? = config?["optimizer_config"]?["config"] else {
          return [:]
        }
        return options
      }
      let plain = try written()
      #expect(
        plain.filter { $0.value != .null }.keys.sorted()
          == ["learning_rate", "momentum", "name", "nesterov"])
      #expect(plain["learning_rate"] == .number(Double(Float(0.05))))
      guard case .object(var config)? = file.trainingConfig,
        case .object(var optimizer)? = config["optimizer_config"],
        case .object(var options)? = optimizer["config"]
      else { throw CocoaError(.coderValueNotFound) }
      options["use_ema"] = true
      options["weight_decay"] = 0.25
      optimizer["config"] = .object(options)
      config["optimizer_config"] = .object(optimizer)
      file.trainingConfig = .object(config)
      let averaged = try written()
      #expect(averaged["use_ema"] == true && averaged["ema_momentum"] == 0.99)
      #expect(averaged["weight_decay"] == 0.25)
    }

    @Test("weights that are not the model's are refused, the old file stays")
    func wrongWeights() throws {
      let folder = try TemporaryFolder()
      let path = folder.file("model.h5")
      var file = try sample(.softmax)
      try KerasFile.write(file, to: path)
      let before = try TestFiles.bytes(path)
      file.weights[1].tensors[1] = Tensor(zeros: [11])
      let error = try #require(throws: CheckpointError.self) { try KerasFile.write(file, to: path) }
      #expect(line(error).contains("dense1"))
      file.weights.removeLast()
      #expect(throws: CheckpointError.self) { try KerasFile.write(file, to: path) }
      #expect(try TestFiles.bytes(path) == before)
      #expect(TestFiles.names(in: folder.path) == ["model.h5"])
    }

    // MARK: - Training state

    @Test("a broken training state stops resuming, not evaluating")
    func brokenState() throws {
      let path = TestFiles.path("dialects/bad_state.h5")
      #expect(try KerasFile.read(path: path, trainingState: .ignore).training == nil)
      #expect(try KerasFile.read(path: path, trainingState: .ifPresent).training == nil)
      let error = try #require(throws: CheckpointError.self) {
        try KerasFile.read(path: path, trainingState: .require)
      }
      #expect(line(error).contains("format_version"))
    }

    /// The file with `bytes` at every place where `found` is, one after the other.
    private func patched(_ path: String, _ found: [UInt8], _ bytes: [UInt8]) throws -> [[UInt8]] {
      let file = try TestFiles.bytes(path)
      return file.indices.dropLast(found.count - 1)
        .filter { file[$0] == found[0] && Array(file[$0..<$0 + found.count]) == found }
        .map { place in
          var patched = file
          patched.replaceSubrange(place..<place + found.count, with: bytes)
          return patched
        }
    }

    private func bytes(_ number: Int) -> [UInt8] {
      withUnsafeBytes(of: Int64(number).littleEndian) { [UInt8]($0) }
    }

    @Test("a state that its file contradicts is not resumed")
    func contradictions() throws {
      let folder = try TemporaryFolder()
      let path = folder.file("state.h5")
      func refusal() throws -> String {
        line(
          try #require(throws: CheckpointError.self) {
            try KerasFile.read(path: path, trainingState: .require)
          })
      }
      var file = try sample(.softmax)
      file.training = .sample
      file.training?.step = 123_456_789
      file.optimizerState = OptimizerState(slots: [])
      // The count of steps stands in the state and beside the optimiser's memory.
      try KerasFile.write(file, to: path)
      let patches = try patched(path, bytes(123_456_789), bytes(123_456_788))
      #expect(patches.count == 2)
      for patch in patches {
        try Data(patch).write(to: URL(fileURLWithPath: path))
        #expect(try refusal().contains("the optimiser's step count must be 12345678"))
      }
      file.training?.history.removeLast()
      try KerasFile.write(file, to: path)
      #expect(try refusal().contains("one entry per finished epoch (2), found 1"))
    }

    @Test("a training state of another version is refused by its number")
    func laterVersion() throws {
      let folder = try TemporaryFolder()
      let path = folder.file("state.h5")
      var file = try sample(.softmax)
      file.training = .sample
      file.optimizerState = OptimizerState(slots: [])
      try KerasFile.write(file, to: path)
      let whole = try TestFiles.bytes(path)
      let name = Array("format_version".utf8)
      let start = try #require(
        whole.indices.dropLast(name.count).first {
          Array(whole[$0..<$0 + name.count]) == name
        })
      let version = bytes(TrainingState.currentVersion)
      // One of the places behind the name where this number stands.
      let message =
        "format_version of /fixednet must be \(TrainingState.currentVersion), found "
        + "\(TrainingState.currentVersion + 1)"
      let refusals = try (start..<start + 200).filter { Array(whole[$0..<$0 + 8]) == version }
        .compactMap { place in
          var later = whole
          later[place] += 1
          try Data(later).write(to: URL(fileURLWithPath: path))
          do { _ = try KerasFile.read(path: path, trainingState: .require) } catch {
            return line(error)
          }
          return nil
        }
      #expect(refusals.contains { $0.contains(message) }, "\(refusals)")
    }

    @Test("weights and layers of other names are not taken for the model's")
    func otherNames() throws {
      let path = TestFiles.path("keras/p04_mlp.h5")
      let file = try KerasFile.read(path: path)
      var other = file.model
      let index = try #require(other.layers.indices.last { other.layers[$0] is Dense })
      guard var dense = other.layers[index] as? Dense else { return }
      dense.name = "stranger"
      other.layers[index] = dense
      let error = try #require(throws: CheckpointError.self) {
        try KerasFile.readWeights(path: path, model: other)
      }
      #expect(line(error).contains("stranger"), "\(error)")
      // Every kernel is called something else, in the lists and as a dataset.
      let folder = try TemporaryFolder()
      var renamed = try TestFiles.bytes(path)
      let (name, strange) = (Array("kernel".utf8), Array("kermel".utf8))
      for place in renamed.indices.dropLast(5)
      where Array(renamed[place..<place + 6]) == name {
        renamed.replaceSubrange(place..<place + 6, with: strange)
      }
      try Data(renamed).write(to: URL(fileURLWithPath: folder.file("renamed.h5")))
      let strangers = try #require(throws: CheckpointError.self) {
        try KerasFile.readWeights(path: folder.file("renamed.h5"), model: file.model)
      }
      #expect(line(strangers).contains("kermel"), "\(strangers)")
    }

    @Test("resuming a file without a training state says so")
    func missingState() throws {
      let error = try #require(throws: CheckpointError.self) {
        try KerasFile.read(path: TestFiles.path("keras/p04_mlp.h5"), trainingState: .require)
      }
      #expect(line(error).contains("/fixednet"))
    }

    // MARK: - Keras

    @Test(
      "Keras loads our files as .h5, .weights.h5 and .keras",
      .enabled(if: Python.hasKeras, Python.missingKeras),
      arguments: ["p01_lenet5", "p04_mlp", "p11_lenet_bn_first"])
    func kerasLoads(name: String) throws {
      let folder = try TemporaryFolder()
      var file = try KerasFile.read(path: TestFiles.path("keras/\(name).h5"))
      file.training = .sample
      file.trainingConfig = nil
      file.optimizerState = nil
      try KerasFile.write(file, to: folder.file("ours.h5"))
      try KerasFile.write(file, to: folder.file("ours.keras"))
      let result = try Python.script(
        "check_keras.py",
        [
          folder.file("ours.h5"), TestFiles.path("keras/\(name).h5"), folder.file("ours.keras"),
        ])
      #expect(result.status == 0, "\(result.text)")
    }

    @Test(
      "Keras computes with LeNet as written", .enabled(if: Python.hasKeras, Python.missingKeras))
    func kerasLoadsLeNet() throws {
      let folder = try TemporaryFolder()
      try KerasFile.write(try sample(), to: folder.file("ours.h5"))
      let result = try Python.script("check_keras.py", [folder.file("ours.h5")])
      #expect(result.status == 0, "\(result.text)")
    }
  }
#else
  import FixedNet
  import FixedNetFiles
  import Testing

  @Test("without HDF5, checkpoints are refused in one line")
  func unavailable() throws {
    let error = try #require(throws: CheckpointError.self) { try KerasFile.read(path: "x.h5") }
    #expect(error == .unavailable(path: "x.h5"))
    #expect(line(error).contains("built without HDF5"))
    let model = BuiltInModel.softmax.model()
    let file = KerasModelFile(model: model, weights: try model.initialWeights(seed: 0))
    #expect(throws: CheckpointError.unavailable(path: "y.h5")) {
      try KerasFile.write(file, to: "y.h5")
    }
  }
#endif
