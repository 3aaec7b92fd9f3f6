#if HDF5
  import FixedNet
  import FixedNetFiles
  import Foundation
  import TestSupport
  import Testing

  /// Twelve models that Keras 3.15 and TF-Keras 2.21 saved, with their own outputs for eight inputs and, for the first
  /// two, the outputs of every layer.
  @Suite(
    "Public fixtures", .enabled(if: PublicFixture.folder != nil, "the shared fixtures are absent"))
  struct PublicFixtureTests {
    @Test("all twelve are there, in nineteen files")
    func complete() {
      #expect(PublicFixture.all.count == 12)
      #expect(PublicFixture.all.flatMap(\.files).count == 19)
    }

    // MARK: - What the engine makes of them

    @Test(
      "outputs equal Keras', from every file, in blocks of 1 and 16", arguments: PublicFixture.all)
    func outputs(fixture: PublicFixture) throws {
      let (x, y) = (try fixture.data("x"), try fixture.data("y"))
      for name in fixture.files {
        let file = try fixture.read(name)
        #expect(file.nonFinite.isEmpty)
        for batch in [1, 16] {
          let outputs = try PublicFixture.network(file, batch: batch)
            .predict(fixture.images(x)).outputs
          #expect(outputs.shape == y.shape, "\(name), batch \(batch)")
          let worst = PublicFixture.excess(outputs.values, y.values)
          #expect(worst <= 1, "\(name), batch \(batch): \(worst) times the tolerance")
        }
      }
    }

    @Test("every layer's output equals Keras'", arguments: PublicFixture.all)
    func activations(fixture: PublicFixture) throws {
      let file = try fixture.read(try #require(fixture.files.first))
      let whole = try fixture.data("x")
      let count = 2 * file.model.input.elementCount
      let x = Tensor(
        shape: [2] + whole.shape.dropFirst(), values: Array(whole.values.prefix(count)))
      for batch in [1, 16] {
        let network = try PublicFixture.network(file, batch: batch, fusesLayers: false)
        for (index, layer) in file.model.layers.enumerated() {
          let dataset = "act/\(index < 10 ? "0" : "")\(index)"
          #expect(
            try HDF5Arrays.attribute("layer", of: dataset, path: fixture.dataPath) == layer.name)
          let expected = try fixture.data(dataset)
          let found = try network.activations(of: layer.name, fixture.images(x))
          #expect(found.shape == expected.shape, "\(layer.name), batch \(batch)")
          let worst = PublicFixture.excess(found.values, expected.values)
          #expect(worst <= 1, "\(layer.name), batch \(batch): \(worst) times the tolerance")
        }
      }
    }

    // MARK: - What we write of them

    @Test(
      "written and read again: the same model, weights and outputs, to the bit",
      arguments: PublicFixture.all)
    func writtenAgain(fixture: PublicFixture) throws {
      let folder = try TemporaryFolder()
      let images = fixture.images(try fixture.data("x"))
      for name in fixture.files {
        let file = try fixture.read(name)
        let outputs = try PublicFixture.network(file, batch: 16).predict(images).outputs
        for form in ["h5", "keras"] {
          try KerasFile.write(file, to: folder.file("again.\(form)"))
          let again = try KerasFile.read(path: folder.file("again.\(form)"))
          #expect(again.weights == file.weights, "\(name) as .\(form)")
          #expect(again.model.json == file.model.json, "\(name) as .\(form)")
          #expect(again.optimizerState == file.optimizerState, "\(name) as .\(form)")
          #expect(again.iterations == file.iterations, "\(name) as .\(form)")
          if file.trainingConfig == nil { #expect(again.learningRate == file.learningRate) }
          let alone = try KerasFile.readWeights(
            path: folder.file("again.\(form)"), model: file.model)
          #expect(alone.weights == file.weights && alone.model.json == file.model.json)
          let found = try PublicFixture.network(again, batch: 16).predict(images).outputs
          #expect(found.values.map(\.bitPattern) == outputs.values.map(\.bitPattern))
        }
      }
    }

    // MARK: - What their optimisers remember

    /// p03: Adam of Keras 3; p02: Adam of TF-Keras; p10: RMSprop; p11 and p12: SGD with momentum.
    @Test(
      "optimisers' memories equal h5py's reading",
      .enabled(if: Python.hasKeras, Python.missingKeras))
    func optimizerState() throws {
      let (adam, momentum) = (["momentum", "velocity"], ["momentum"])
      let cases: [(file: String, slots: [String], reader: String)] = [
        ("p02_lenet_bn.h5", adam, "p02_lenet_bn.h5"),
        ("p03_mlp_bn_dropout.h5", adam, "p03_mlp_bn_dropout.h5"),
        // The names are in the .h5 alone, which was saved at the same moment.
        ("p03_mlp_bn_dropout.weights.h5", adam, "p03_mlp_bn_dropout.h5"),
        ("p03_mlp_bn_dropout.keras", adam, "p03_mlp_bn_dropout.h5"),
        ("p10_scaled_sigmoid.h5", ["velocity"], "p10_scaled_sigmoid.h5"),
        ("p11_lenet_bn_first.h5", momentum, "p11_lenet_bn_first.h5"),
        ("p12_lenet_bn_weights.weights.h5", momentum, "p12_lenet_bn_weights.weights.h5"),
      ]
      let folder = try TemporaryFolder()
      let source = try #require(PublicFixture.folder)
      let readers = Set(cases.map(\.reader)).map { "\(source)/\($0)" }
      let result = try Python.script("dump_optimizer.py", [folder.path] + readers)
      #expect(result.status == 0, "\(result.text)")
      for (name, slots, reader) in cases {
        let expected = try TestFiles.floats(folder.file("\(reader).f32"))
        let fixture = try #require(PublicFixture.all.first { $0.files.contains(name) })
        let file = try fixture.read(name)
        let state = try #require(file.optimizerState, "\(name)")
        #expect(state.slots.map(\.name) == slots, "\(name)")
        let steps = Float(try #require(file.iterations))
        #expect(steps > 0)
        let values = state.slots.flatMap { $0.tensors.flatMap(\.values) }
        #expect([steps] + values == expected, "\(name)")
        #expect(values.contains { $0 != 0 }, "\(name)")
      }
    }
  }

  /// One of the models: its files, and what Keras computed.
  struct PublicFixture: Sendable, CustomTestStringConvertible {
    static let folder = Fixtures.shared("fixtures/public")

    static let all: [PublicFixture] = {
      guard let folder else { return [] }
      let ending = ".io.h5"
      let names = TestFiles.names(in: folder)
      return names.filter { $0.hasSuffix(ending) }.map { data in
        let name = String(data.dropLast(ending.count))
        let files = names.filter { file in
          [".h5", ".weights.h5", ".keras"].contains { file == name + $0 }
        }
        return PublicFixture(name: name, files: files, folder: folder)
      }
    }()

    var name: String
    /// The names of its files that hold weights.
    var files: [String]
    private var folder: String

    var testDescription: String { name }
    var dataPath: String { "\(folder)/\(name).io.h5" }

    func data(_ dataset: String) throws -> Tensor {
      let (shape, values) = try HDF5Arrays.readFloats(path: dataPath, dataset: dataset)
      return Tensor(shape: shape, values: values)
    }

    /// Reads one of `files`; weights alone with the architecture of the .h5, the .keras or the .json.
    func read(_ file: String) throws -> KerasModelFile {
      let path = "\(folder)/\(file)"
      guard file.hasSuffix(".weights.h5") else { return try KerasFile.read(path: path) }
      return try KerasFile.readWeights(path: path, model: architecture())
    }

    private func architecture() throws -> Model {
      for form in ["h5", "keras"] where files.contains("\(name).\(form)") {
        return try KerasFile.read(path: "\(folder)/\(name).\(form)").model
      }
      let text = try String(contentsOfFile: "\(folder)/\(name).json", encoding: .utf8)
      return try Model(json: JSONValue(parsing: text))
    }

    /// `x`: [count, height, width, channels] or [count, features].
    func images(_ x: Tensor) -> ImageSet {
      let extents = Array(x.shape.dropFirst())
      let shape: Shape =
        extents.count == 1
        ? .vector(extents[0])
        : .image(height: extents[0], width: extents[1], channels: extents[2])
      return ImageSet(shape: shape, pixels: .floats(x.values), labels: [])
    }

    static func network(_ file: KerasModelFile, batch: Int, fusesLayers: Bool = true) throws
      -> Network
    {
      var options = PlanOptions(batch: batch, isTraining: false, threads: 2)
      options.fusesLayers = fusesLayers
      let network = try Network(NetworkPlan(file.model, options: options))
      try network.load(file.weights)
      return network
    }

    /// The largest |a - b| / (1e-5 + 1e-4 |b|), the tolerance that the fixtures' INDEX names; infinite for a NaN.
    static func excess(_ a: [Float], _ b: [Float]) -> Float {
      guard a.count == b.count, !b.isEmpty else { return .infinity }
      return zip(a, b).reduce(0) { worst, pair in
        let ratio = abs(pair.0 - pair.1) / (1e-5 + 1e-4 * abs(pair.1))
        return ratio.isFinite ? max(worst, ratio) : .infinity
      }
    }
  }
#endif
