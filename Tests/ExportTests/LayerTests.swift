import FixedNet
import FixedNetFiles
import Foundation
import LayerFixtures
import TestSupport
import Testing

@testable import FixedNetExport

/// Layers that the fixture of `ExportTests.layers` does not have, and that together they are all there are.
@Suite("Other layers in C", .enabled(if: Compilation.isPossible))
struct LayerTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var layers: [any Layer]
    var input = Shape.image(height: 6, width: 5, channels: 2)
    /// Whether it has another form in training, so that a device does not train it.
    var isUntrained = false

    var testDescription: String { layers.map { $0.name }.joined(separator: ", ") }
  }

  static let cases = [
    Case(layers: [Normalization(name: "normalization", mean: [0.2, 0.5], variance: [0.1, 2])]),
    Case(layers: [Rescaling(name: "rescaling", scale: 3, offset: -1.5)]),
    Case(layers: [
      Conv2D(name: "conv", filters: 3, kernelSize: (3, 2), strides: (2, 1), padding: .same),
      ReLU(name: "relu", maxValue: 0.8, negativeSlope: 0.1, threshold: 0.2),
      LeakyReLU(name: "leaky"), ThresholdedReLU(name: "thresholded", theta: 0.1),
    ]),
    Case(layers: [
      Conv2D(name: "conv", filters: 3, kernelSize: (2, 2), activation: .tanh),
      MaxPooling2D(name: "max", strides: (1, 2), padding: .same),
      AveragePooling2D(name: "average", padding: .same),
    ]),
    Case(layers: [
      GaussianNoise(name: "noise", deviation: 0.3), GaussianDropout(name: "drop", rate: 0.4),
      SpatialDropout2D(name: "spatial", rate: 0.3), Dropout(name: "dropout", rate: 0.2),
    ]),
    Case(layers: [SpatialDropout2D(name: "spatial", rate: 0.3)]),
    Case(
      layers: [
        SpatialDropout1D(name: "spatial1d", rate: 0.3),
        Conv1D(name: "conv1d", filters: 3, kernelSize: 2, activation: .sigmoid),
      ], input: .matrix(rows: 6, columns: 4)),
    Case(
      layers: [
        ActivityRegularization(name: "activity", members: [:]),
        AlphaDropout(name: "alpha", members: [:]), RandomBrightness(name: "bright", members: [:]),
        RandomContrast(name: "contrast", members: [:]), RandomFlip(name: "flip", members: [:]),
        RandomRotation(name: "rotation", members: [:]),
        RandomTranslation(name: "translation", members: [:]),
        RandomZoom(name: "zoom", members: [:]),
      ], isUntrained: true),
  ]

  @Test(
    "layers that change nothing outside training, poolings with edges, and noise", arguments: cases)
  func others(_ wanted: Case) throws {
    let model = Model(
      name: "others", input: wanted.input,
      layers: wanted.layers + [
        Flatten(name: "flatten"), Dense(name: "out", units: 4, activation: .softmax),
      ])
    let drawn = try ExpectedRun.drawnSamples(for: model, loss: .crossEntropy, count: 5)
    var trial = LibraryTrial(
      model: model, weights: try model.initialWeights(seed: 2),
      training: ExportOptions.Training(loss: .crossEntropy), samples: drawn, rounds: 2)
    if wanted.isUntrained {
      let error = #expect(throws: (any Error).self) { try trial.library() }
      #expect(
        "\(error.map { "\($0)" } ?? "")".contains("layer 'activity' (ActivityRegularization)"))
      trial.training = nil
    }
    try trial.check(ExportTests.some(wanted.layers.count), wanted.testDescription)
  }

  @Test("every function comes with all that it needs")
  func sections() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try ExportTests.lenet(ExportOptions.Training(.adam())).write(to: folder)
    let source = try String(contentsOfFile: "\(folder)/net.c", encoding: .utf8)
    let end = try #require(source.firstRange(of: "// -- What the layers compute")).lowerBound
    for name in KernelText.sections.flatMap({ $0.names }) {
      let needed = KernelText.sections(neededBy: "\(name) shared floating_mode")
      let text = needed.map { $0.text + "\n\n" }.joined()
      try
        (source[..<end]
        + text.replacing("FIXEDNET_", with: "NET_").replacing("fixednet_", with: "net_"))
        .write(toFile: "\(folder)/section.c", atomically: false, encoding: .utf8)
      let compiled = try Compilation(compiler: "gcc", flags: ["-Wno-unused-function", "-c"])
        .compile(["section.c"], to: "section.o", in: folder)
      #expect(compiled.exitCode == 0, "\(name): \(compiled.errors.prefix(400))")
    }
  }

  #if HDF5
    @Test("no class of layers is left out")
    func classes() throws {
      var found: Set<String> = []
      for name in LayerFixture.images + LayerFixture.rows {
        found.formUnion(try LayerFixture(name).model.layers.map { type(of: $0).className })
      }
      for each in Self.cases { found.formUnion(each.layers.map { type(of: $0).className }) }
      #expect(found == Set(LayerRegistry.classNames))
    }
  #endif
}
