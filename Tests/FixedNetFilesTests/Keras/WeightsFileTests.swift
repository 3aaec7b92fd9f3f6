#if HDF5
  import FixedNet
  import FixedNetFiles
  import Foundation
  import Testing

  /// Weights without an architecture: `.weights.h5`, and the older lists.
  @Suite("Weights files") struct WeightsFileTests {
    private func small() throws -> KerasModelFile {
      try KerasFile.read(path: TestFiles.path("keras/small_adam.keras"))
    }

    @Test(
      "a .weights.h5 has the weights and the optimiser of the .keras",
      arguments: ["keras/small_adam", "dialects/tf_keras_2_13"])
    func sameAsArchive(name: String) throws {
      let whole = try small()
      let file = try KerasFile.readWeights(
        path: TestFiles.path("\(name).weights.h5"), model: whole.model)
      #expect(file.weights == whole.weights && file.model.json == whole.model.json)
      #expect(file.optimizerState == whole.optimizerState && file.iterations == 3)
      #expect(file.trainingConfig == nil && file.training == nil)
    }

    @Test("an archive and a .h5 give their weights too")
    func otherForms() throws {
      let whole = try small()
      let archive = try KerasFile.readWeights(
        path: TestFiles.path("keras/small_adam.keras"), model: whole.model)
      #expect(archive.weights == whole.weights)
      let legacy = try KerasFile.read(path: TestFiles.path("keras/p04_mlp.h5"))
      for name in ["keras/p04_mlp.h5", "dialects/alone.h5"] {
        let file = try KerasFile.readWeights(path: TestFiles.path(name), model: legacy.model)
        #expect(file.weights == legacy.weights)
      }
    }

    /// Keras keeps what it adapted to as weights, and asks a file for them; of a mean that was given it has none.
    @Test(
      "a .weights.h5 has the statistics that were in the weights of a file of Keras")
    func normalization() throws {
      let folder = try TemporaryFolder()
      func model(_ layer: Normalization) -> Model {
        Model(
          name: "m", input: .vector(2), layers: [layer, Dense(name: "dense", units: 1)])
      }
      let images = ImageSet(
        shape: .vector(2), pixels: .floats([1, 10, 3, 30]), labels: [0, 0])
      let adapted = try Normalization(name: "scale").adapted(to: images)
      #expect(adapted.mean == [2, 20] && adapted.variance == [1, 100])
      let tensors = [
        Tensor(shape: [2], values: [2, 20]), Tensor(shape: [2], values: [1, 100]),
        Tensor(shape: [], values: [0]),
      ]
      var stored = try #require(
        Normalization(name: "scale").adopting(tensors).layer as? Normalization)
      stored.areStored = true
      let given = Normalization(name: "scale", mean: [2, 20], variance: [1, 100])
      for (layer, isStored) in [(stored, true), (given, false), (adapted, false)] {
        let model = model(layer)
        let file = KerasModelFile(model: model, weights: try model.initialWeights(seed: 1))
        let path = folder.file("\(isStored).weights.h5")
        try KerasFile.write(file, to: path)
        let other = self.blank(model)
        if isStored {
          let read = try KerasFile.readWeights(path: path, model: other)
          #expect((read.model.layers[0] as? Normalization)?.mean == [2, 20])
          #expect((read.model.layers[0] as? Normalization)?.variance == [1, 100])
          #expect(read.weights == file.weights)
        }
        let whole = try KerasFile.read(path: path)
        #expect((whole.model.layers[0] as? Normalization)?.mean == [2, 20])
        #expect(whole.weights == file.weights)
        // Written again, as it was read.
        try KerasFile.write(whole, to: folder.file("again.weights.h5"))
        #expect(try TestFiles.bytes(folder.file("again.weights.h5")) == TestFiles.bytes(path))
        #expect(
          try String(decoding: TestFiles.bytes(path), as: UTF8.self).contains("scale/variance:0")
            == isStored)
      }
    }

    private func blank(_ model: Model) -> Model {
      var blank = model
      blank.layers[0] = Normalization(name: "scale")
      return blank
    }

    @Test("a kernel that has as many values in another shape is another model's")
    func otherShape() throws {
      let folder = try TemporaryFolder()
      let path = folder.file("dense.weights.h5")
      func model(inputs: Int, units: Int) -> Model {
        Model(
          name: "m", input: .vector(inputs),
          layers: [Dense(name: "dense", units: units, usesBias: false)])
      }
      let wide = model(inputs: 4, units: 6)
      try KerasFile.write(
        KerasModelFile(model: wide, weights: try wide.initialWeights(seed: 1)), to: path)
      let error = try #require(throws: CheckpointError.self) {
        try KerasFile.readWeights(path: path, model: model(inputs: 6, units: 4))
      }
      #expect(line(error).contains("must be shape (6, 4), found shape (4, 6)"), "\(error)")
    }

    @Test("our own .h5 is a .weights.h5")
    func twoInOne() throws {
      let folder = try TemporaryFolder()
      let model = BuiltInModel.lenet.model()
      let file = KerasModelFile(
        model: model, weights: try model.initialWeights(seed: 7), training: .sample)
      try KerasFile.write(file, to: folder.file("ours.weights.h5"))
      let read = try KerasFile.readWeights(
        path: folder.file("ours.weights.h5"), model: model, trainingState: .require)
      #expect(read.weights == file.weights && read.training == file.training)
      #expect(try KerasFile.read(path: folder.file("ours.weights.h5")).weights == file.weights)
      try KerasFile.write(file, to: folder.file("ours.h5"))
      #expect(
        try TestFiles.bytes(folder.file("ours.h5"))
          == TestFiles.bytes(folder.file("ours.weights.h5")))
    }

    @Test(
      "TF-Keras' .weights.h5 equals its .h5",
      .enabled(if: TestFiles.has("fixtures/public"), TestFiles.missingShared))
    func tfKeras() throws {
      let path = "\(TestFiles.shared)/fixtures/public/p11_lenet_bn_first"
      let whole = try KerasFile.read(path: path + ".h5")
      let file = try KerasFile.readWeights(path: path + ".weights.h5", model: whole.model)
      #expect(file.weights == whole.weights)
    }

    @Test(
      "what does not belong to the model is refused in one line",
      arguments: [
        ("bfloat16", "bfloat16"), ("layer_besides", "dense_1"), ("variable_besides", "found more"),
        ("variable_missing", "kernel, bias"), ("external", "another file"),
      ])
    func refuses(name: String, mention: String) throws {
      let model = try small().model
      let path = TestFiles.path("dialects/\(name).weights.h5")
      let error = try #require(throws: CheckpointError.self) {
        try KerasFile.readWeights(path: path, model: model)
      }
      let text = line(error)
      #expect(text.contains(path), "\(error)")
      #expect(text.replacing(path, with: "").contains(mention), "\(error)")
    }

    @Test("weights of another model are refused")
    func otherModel() throws {
      for (model, mention) in [
        (BuiltInModel.softmax.model(), "average_pooling2d besides"),
        (BuiltInModel.lenet.model(), "/layers/"),
      ] {
        let error = try #require(throws: CheckpointError.self) {
          try KerasFile.readWeights(
            path: TestFiles.path("keras/small_adam.weights.h5"), model: model)
        }
        #expect(line(error).contains(mention))
      }
      let error = try #require(throws: CheckpointError.self) {
        try KerasFile.readWeights(
          path: TestFiles.path("arrays/arrays.h5"), model: small().model)
      }
      #expect(line(error).contains("no weights of Keras"))
    }

    /// libhdf5 itself must not bring the program down, whatever it makes of the bytes.
    @Test("with bytes changed anywhere, a file is refused in one line or read")
    func anyDamage() throws {
      let folder = try TemporaryFolder()
      let model = try small().model
      let whole = try TestFiles.bytes(TestFiles.path("keras/small_adam.weights.h5"))
      for place in stride(from: 8, to: whole.count, by: 211) {
        var bytes = whole
        for offset in 0..<min(4, whole.count - place) { bytes[place + offset] ^= 0x5F }
        try AtomicFile.write(bytes, to: folder.file("changed.weights.h5"))
        do {
          let file = try KerasFile.readWeights(
            path: folder.file("changed.weights.h5"), model: model)
          #expect(file.weights.map { $0.tensors.count } == [2, 4, 0, 0, 2])
        } catch { _ = line(error) }
      }
    }

    @Test("weights in several files are refused by name")
    func shards() throws {
      for name in ["model.weights.json", "model_00001.weights.h5"] {
        let error = try #require(throws: CheckpointError.self) { try KerasFile.read(path: name) }
        #expect(line(error).contains("shards"))
      }
    }

    /// 401 names of almost 200 bytes do not fit one attribute: Keras' rule makes two parts of them.
    @Test("long lists of names are split as Keras splits them")
    func splitNames() throws {
      let folder = try TemporaryFolder()
      let path = folder.file("long.h5")
      var layers: [any Layer] = []
      for number in 0..<401 {
        let name = "layer_\(number)_" + String(repeating: "x", count: 190 - "\(number)".count)
        layers.append(Activation(name: name, function: .linear))
      }
      let model = Model(name: "long", input: .vector(3), layers: layers)
      let file = KerasModelFile(model: model, weights: try model.initialWeights(seed: 0))
      try KerasFile.write(file, to: path)
      #expect(try KerasFile.read(path: path).model.layers.map(\.name) == layers.map(\.name))
      guard Python.hasKeras else { return }
      let code = """
        import sys, h5py, numpy as np
        from keras.src.legacy.saving.legacy_h5_format import load_attributes_from_hdf5_group
        with h5py.File(sys.argv[1]) as file:
            group = file["model_weights"]
            names = load_attributes_from_hdf5_group(group, "layer_names")
            assert names == sys.argv[2].split(","), names[:3]
            parts = [k for k in group.attrs if k.startswith("layer_names")]
            data = np.asarray([n.encode() for n in names])
            count = 1
            while any(x.nbytes > 64512 for x in np.array_split(data, count)): count += 1
            assert len(parts) == count == 2, parts
            for i, part in enumerate(np.array_split(data, count)):
                assert np.array_equal(group.attrs[f"layer_names{i}"], part)
                assert group.attrs[f"layer_names{i}"].dtype == part.dtype
        """
      let result = try Python.run(
        try #require(Python.interpreter),
        ["-c", code, path, layers.map(\.name).joined(separator: ",")])
      #expect(result.status == 0, "\(result.text)")
    }
  }
#endif
