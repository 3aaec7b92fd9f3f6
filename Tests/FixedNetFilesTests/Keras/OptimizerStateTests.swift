#if HDF5
  import FixedNet
  import FixedNetFiles
  import Foundation
  import Testing

  /// What an optimiser remembers, from and to Keras' files.
  @Suite("Optimiser state") struct OptimizerStateTests {
    struct Case: Sendable, CustomTestStringConvertible {
      var name: String
      var className: String
      var config: [String: JSONValue]
      var slots: [String]

      var testDescription: String { name }
    }

    /// The names are those of make_keras.py.
    static let cases = [
      Case(name: "sgd", className: "SGD", config: ["momentum": 0.0], slots: []),
      Case(
        name: "momentum", className: "SGD", config: ["momentum": 0.9, "nesterov": true],
        slots: ["momentum"]),
      Case(name: "rmsprop", className: "RMSprop", config: ["rho": 0.9], slots: ["velocity"]),
      Case(
        name: "rmsprop_all", className: "RMSprop", config: ["momentum": 0.5, "centered": true],
        slots: ["velocity", "momentum", "average_gradient"]),
      Case(
        name: "adam", className: "Adam", config: ["beta_1": 0.9], slots: ["momentum", "velocity"]),
      Case(
        name: "adamw", className: "AdamW", config: ["weight_decay": 0.01],
        slots: ["momentum", "velocity"]),
      Case(
        name: "nadam", className: "Nadam", config: ["beta_1": 0.9],
        slots: ["momentum", "velocity"]),
      Case(
        name: "adagrad", className: "Adagrad", config: ["initial_accumulator_value": 0.5],
        slots: ["accumulator"]),
    ]

    /// The small model of Keras with a memory whose values tell their places: see check_optimizer.py.
    private func sample(_ test: Case) throws -> KerasModelFile {
      var file = try KerasFile.read(
        path: TestFiles.path("keras/small_adam.keras"), trainingState: .ignore)
      let codes = ["momentum": 100, "velocity": 200, "average_gradient": 300, "accumulator": 400]
      let shapes = try file.model.weightDescriptions().joined().filter(\.isTrainable).map(\.shape)
      file.trainingConfig = nil
      file.optimizerState = OptimizerState(
        slots: test.slots.map { name in
          OptimizerState.Slot(
            name: name,
            tensors: shapes.enumerated().map { weight, shape in
              let count = shape.reduce(1, *)
              let base = Float(codes[name] ?? 0) + Float(weight)
              return Tensor(shape: shape, values: (0..<count).map { base + Float($0 % 8) / 8 })
            })
        })
      var state = TrainingState.sample
      var config = test.config
      config["name"] = .string(test.className)
      config["learning_rate"] = 0.002
      state.learningRate = 0.002
      state.optimizer = ["class_name": .string(test.className), "config": .object(config)]
      file.training = state
      return file
    }

    // MARK: - Our files

    @Test("what is written is read back", arguments: cases)
    func roundTrip(test: Case) throws {
      let folder = try TemporaryFolder()
      let file = try sample(test)
      for name in ["a.h5", "a.keras", "a.weights.h5"] {
        let path = folder.file(name)
        try KerasFile.write(file, to: path)
        for read in [
          try KerasFile.read(path: path, trainingState: .require),
          try KerasFile.readWeights(path: path, model: file.model, trainingState: .require),
        ] {
          #expect(read.optimizerState == file.optimizerState)
          #expect(read.iterations == 1000 && read.training == file.training)
        }
        // Keras refuses a momentum of 0: it must stay 0.0, again and again.
        try KerasFile.write(try KerasFile.read(path: path), to: folder.file("again.h5"))
        #expect(
          try KerasFile.read(path: folder.file("again.h5")).trainingConfig
            == KerasFile.read(path: path).trainingConfig)
        #expect(try KerasFile.read(path: path, trainingState: .ignore).optimizerState == nil)
      }
    }

    /// Keras' order by Keras' source: weight by weight for Adam, slot by slot for RMSprop.
    @Test("the values stand where Keras 3 looks for them")
    func order() throws {
      let folder = try TemporaryFolder()
      for (name, firsts) in [
        ("adam", [Float(100), 200, 101, 201]), ("rmsprop_all", [200, 201, 202, 203]),
        ("adamw", [100, 200, 101, 201]), ("nadam", [100, 200, 101, 201]),
        ("adagrad", [400, 401, 402, 403]),
      ] {
        let test = try #require(Self.cases.first { $0.name == name })
        try KerasFile.write(try sample(test), to: folder.file("a.h5"))
        for (index, first) in firsts.enumerated() {
          let values = try HDF5Arrays.readFloats(
            path: folder.file("a.h5"), dataset: "optimizer/vars/\(index + 2)")
          #expect(values.values.first == first)
        }
      }
    }

    @Test("loss and options are kept; older files have the first loss and none")
    func lossAndOptions() throws {
      let folder = try TemporaryFolder()
      var file = try sample(Self.cases[0])
      file.training?.loss = "mean_squared_error"
      file.training?.options = ["clipnorm": 1.5, "l2": ["dense": 0.01], "patience": 3]
      try KerasFile.write(file, to: folder.file("a.keras"))
      let read = try KerasFile.read(path: folder.file("a.keras"), trainingState: .require)
      #expect(read.training == file.training)
      #expect(read.trainingConfig?["loss"] == "mean_squared_error")
      let old = try KerasFile.read(
        path: "\(TestFiles.package)/Models/lenet-mnist.h5", trainingState: .require)
      #expect(old.training?.loss == "sparse_categorical_crossentropy")
      #expect(old.training?.options == [:] && old.optimizerState == OptimizerState())
    }

    // MARK: - Wrong states

    @Test("a memory that is not the optimiser's is not written")
    func wrongMemory() throws {
      let folder = try TemporaryFolder()
      let good = try sample(Self.cases[4])
      var changes: [KerasModelFile] = [good, good, good]
      changes[0].optimizerState?.slots.removeLast()
      changes[1].optimizerState?.slots[1].tensors[0] = Tensor(zeros: [1])
      changes[2].training?.optimizer = ["class_name": "Lion", "config": [:]]
      for file in changes {
        let error = try #require(throws: CheckpointError.self) {
          try KerasFile.write(file, to: folder.file("a.h5"))
        }
        #expect(line(error).contains("optimiser"))
      }
      #expect(TestFiles.names(in: folder.path).isEmpty)
    }

    @Test("a missing memory stops resuming, not evaluating")
    func missingMemory() throws {
      let folder = try TemporaryFolder()
      var file = try sample(Self.cases[4])
      file.optimizerState = nil
      for name in ["a.h5", "a.keras"] {
        try KerasFile.write(file, to: folder.file(name))
        let read = try KerasFile.read(path: folder.file(name))
        #expect(read.optimizerState == nil && read.training != nil)
        let error = try #require(throws: CheckpointError.self) {
          try KerasFile.read(path: folder.file(name), trainingState: .require)
        }
        #expect(line(error).contains("values of Adam"))
      }
    }

    @Test("another optimiser's memory, or one cut short, is left out")
    func shortMemory() throws {
      let model = try sample(Self.cases[4]).model
      let file = try KerasFile.readWeights(
        path: TestFiles.path("dialects/optimizer_short.weights.h5"), model: model)
      #expect(file.optimizerState == nil && file.iterations == nil)
      #expect(!file.weights[0].tensors.isEmpty)
    }

    // MARK: - Other programs

    /// Written by h5py: value of m of weight i is i + 1/4, of v i + 1/2.
    @Test(
      "both orders of TF-Keras' Adam are understood",
      arguments: ["legacy_adam", "custom_adam"])
    func tfKerasAdam(name: String) throws {
      let file = try KerasFile.read(path: TestFiles.path("dialects/\(name).h5"))
      let state = try #require(file.optimizerState)
      #expect(file.iterations == 5 && state.slots.map(\.name) == ["momentum", "velocity"])
      for (slot, part) in zip(state.slots, [Float(0.25), 0.5]) {
        for (index, tensor) in slot.tensors.enumerated() {
          #expect(tensor.values.allSatisfy { $0 == Float(index) + part })
        }
      }
    }

    @Test(
      "TF-Keras' momenta equal h5py's reading",
      .enabled(if: Python.hasKeras, Python.missingKeras))
    func tfKerasMomentum() throws {
      let path = TestFiles.path("keras/p11_lenet_bn_first.h5")
      let state = try #require(try KerasFile.read(path: path).optimizerState)
      let folder = try TemporaryFolder()
      let code = """
        import sys, h5py
        with h5py.File(sys.argv[1]) as file, open(sys.argv[2], "wb") as out:
            group = file["optimizer_weights"]
            for name in group.attrs["weight_names"][1:]:
                out.write(group[name][()].astype("<f4").tobytes())
        """
      let result = try Python.run(
        try #require(Python.interpreter), ["-c", code, path, folder.file("m.f32")])
      #expect(result.status == 0, "\(result.text)")
      #expect(state.slots.map(\.name) == ["momentum"])
      #expect(
        try state.slots[0].tensors.flatMap(\.values) == TestFiles.floats(folder.file("m.f32")))
    }

    @Test(
      "every optimiser's memory in Keras 3's three formats equals its variables",
      .enabled(if: Python.hasKeras, Python.missingKeras))
    func kerasFiles() throws {
      let folder = try TemporaryFolder()
      let result = try Python.script("make_keras.py", [folder.path])
      #expect(result.status == 0, "\(result.text)")
      for test in Self.cases + [Self.schedule] {
        let dump = try TestFiles.floats(folder.file("\(test.name).f32"))
        let archive = try KerasFile.read(path: folder.file("\(test.name).keras"))
        let legacy = try KerasFile.read(path: folder.file("\(test.name).h5"))
        let weights = try KerasFile.readWeights(
          path: folder.file("\(test.name).weights.h5"), model: archive.model)
        for file in [archive, legacy, weights] {
          let state = try #require(file.optimizerState, "\(test.name)")
          #expect(state.slots.map(\.name) == test.slots && file.iterations == 3)
          let values =
            file.weights.flatMap { $0.tensors.flatMap(\.values) }
            + state.slots.flatMap { $0.tensors.flatMap(\.values) }
          #expect(values == dump, "\(test.name)")
          #expect((file.momentumProduct != nil) == (test.className == "Nadam"))
        }
        // A `.weights.h5` says no more than the optimiser's name; it is kept, for another file of weights alone.
        #expect(weights.optimizerName == (try Self.kerasName(test.className)))
        var alone = weights
        alone.trainingConfig = nil
        try KerasFile.write(alone, to: folder.file("alone.weights.h5"))
        let kept = try KerasFile.readWeights(
          path: folder.file("alone.weights.h5"), model: archive.model)
        #expect(kept.optimizerState == weights.optimizerState)
        #expect(kept.optimizerName == weights.optimizerName)
        #expect(kept.momentumProduct == weights.momentumProduct && kept.iterations == 3)
        // What Keras described is kept when the file is written again.
        try KerasFile.write(archive, to: folder.file("again.keras"))
        let again = try KerasFile.read(path: folder.file("again.keras"))
        #expect(again.optimizerState == archive.optimizerState && again.iterations == 3)
      }
    }

    /// TF-Keras 2.21 wrote the file: class "Custom>SGD", an option of its own, momenta in /optimizer_weights.
    @Test(
      "Keras 3 loads TF-Keras' model with its momenta from our .keras",
      .enabled(if: Python.hasKeras, Python.missingKeras))
    func tfKerasThroughUs() throws {
      let folder = try TemporaryFolder()
      let path = TestFiles.path("keras/p11_lenet_bn_first.h5")
      try KerasFile.write(try KerasFile.read(path: path), to: folder.file("ours.keras"))
      let code = """
        import sys, h5py, keras, numpy as np
        model = keras.models.load_model(sys.argv[1])
        optimizer = model.optimizer
        assert abs(optimizer.momentum - 0.9) < 1e-9
        assert abs(float(optimizer.learning_rate.numpy()) - 0.05) < 1e-7
        with h5py.File(sys.argv[2]) as file:
            group = file["optimizer_weights"]
            names = group.attrs["weight_names"]
            assert int(optimizer.iterations.numpy()) == group[names[0]][()]
            for name, value in zip(names[1:], optimizer.momentums, strict=True):
                assert np.array_equal(group[name][()], np.asarray(value)), name
        """
      let result = try Python.run(
        try #require(Python.interpreter), ["-c", code, folder.file("ours.keras"), path])
      #expect(result.status == 0, "\(result.text)")
    }

    /// As Keras' `to_snake_case` has it.
    private static func kerasName(_ className: String) throws -> String {
      let names = [
        "SGD": "sgd", "RMSprop": "rm_sprop", "Adam": "adam", "AdamW": "adam_w", "Nadam": "nadam",
        "Adagrad": "adagrad",
      ]
      return try #require(names[className])
    }

    private static let schedule = Case(
      name: "adam_schedule", className: "Adam", config: [:], slots: ["momentum", "velocity"])

    @Test(
      "Keras 3 gets every value and trains on",
      .enabled(if: Python.hasKeras, Python.missingKeras))
    func kerasLoads() throws {
      let folder = try TemporaryFolder()
      var arguments = [TestFiles.path("keras/small_adam.keras")]
      for test in Self.cases {
        let file = try sample(test)
        for suffix in ["keras", "weights.h5", "h5"] {
          let path = folder.file("\(test.name).\(suffix)")
          try KerasFile.write(file, to: path)
          arguments += [path, test.className, test.slots.joined(separator: ","), "1000"]
        }
      }
      let result = try Python.script("check_optimizer.py", arguments)
      #expect(result.status == 0, "\(result.text)")
    }
  }
#endif
