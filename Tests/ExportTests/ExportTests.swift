import FixedNet
import FixedNetCore
import FixedNetExport
import FixedNetFiles
import Foundation
import LayerFixtures
import RandomNetworks
import TestSupport
import Testing

/// Libraries in C against the engine, to the bit: outputs, losses, and weights after some steps.
@Suite("Exported libraries", .enabled(if: Compilation.isPossible))
struct ExportTests {
  /// `make exports` asks for the whole of it.
  private static let isWhole = ProcessInfo.processInfo.environment["FIXEDNET_EXPORTS"] != nil

  /// Two of all compilations, others for the next number; all of them take more time than a machine for tests has.
  static func some(_ number: Int) -> [Compilation] {
    let all = Compilation.all
    return isWhole ? all : [all[number % 4], all[4 + (number / 4 + number) % 4]]
  }

  // MARK: - Layers

  #if HDF5
    @Test("every layer", arguments: Array((LayerFixture.images + LayerFixture.rows).enumerated()))
    func layers(_ number: Int, _ name: String) throws {
      let fixture = try LayerFixture(name)
      let samples = try fixture.samples.samples(at: Array(0..<min(5, fixture.samples.count)))
      let trial = LibraryTrial(
        model: fixture.model.withoutBatchStatistics, weights: fixture.weights,
        training: ExportOptions.Training(loss: .crossEntropy), samples: samples, rounds: 2)
      try trial.check(Self.some(number), name)
    }
  #endif

  // MARK: - Networks

  /// Convolutions, pooling and dense layers with the digits.
  static func lenet(
    _ training: ExportOptions.Training?, freezing: Set<String> = [], count: Int = 5
  ) throws -> LibraryTrial {
    let data = DataSet.digits(trainCount: 8, testCount: 1)
    var model = BuiltInModel.lenetPlain.model(input: data.train.shape)
    model.frozenLayers = freezing
    return LibraryTrial(
      model: model, weights: try model.initialWeights(seed: 3), training: training,
      samples: try data.train.samples(at: Array(0..<count)), rounds: 2)
  }

  @Test("LeNet, that only predicts and that trains, by every compiler")
  func lenets() throws {
    try Self.lenet(nil).check(Compilation.all + Compilation.others)
    try Self.lenet(ExportOptions.Training()).check(Compilation.all + Compilation.others)
  }

  @Test(
    "every optimiser",
    arguments: [
      .sgd, .momentum(0.9), .momentum(0.5, isNesterov: true), .rmsprop(),
      .rmsprop(rho: 0.8, momentum: 0.5, isCentered: true), .rmsprop(isLegacy: true), .adam(),
      Optimizer(.adamw), Optimizer(.nadam), .adagrad(), .momentum(0.9).decaying(0.1),
    ])
  func optimizers(_ optimizer: Optimizer) throws {
    var trial = try Self.lenet(ExportOptions.Training(optimizer), freezing: ["conv1", "dense1"])
    trial.rate = 0.002
    let few = [Compilation.all[2], Compilation.all[5]]
    try trial.check(Self.isWhole ? Compilation.all : few, "\(optimizer)")
  }

  @Test(
    "clipping and mini-batches",
    arguments: [(Clipping.none, 3), (.value(0.01), 1), (.norm(0.05), 1), (.globalNorm(0.1), 2)])
  func batches(_ clipping: Clipping, _ batch: Int) throws {
    let training = ExportOptions.Training(.momentum(0.9), clipping: clipping, batch: batch)
    try Self.lenet(training, count: 6).check([Compilation.all[1], Compilation.all[7]])
  }

  @Test("outputs that are computed again")
  func recomputed() throws {
    let training = ExportOptions.Training(recomputes: true)
    let trial = try Self.lenet(training)
    try trial.check([Compilation.all[2], Compilation.all[6]])
    let plain = try Self.lenet(ExportOptions.Training()).library()
    #expect(try trial.library().ramByteCount < plain.ramByteCount)
  }

  @Test("every loss", arguments: Loss.Function.allCases)
  func losses(_ function: Loss.Function) throws {
    var loss = Loss(function)
    loss.delta = 0.5
    let isJoint: Set<Loss.Function> = [
      .sparseCategoricalCrossEntropy, .categoricalCrossEntropy, .categoricalFocalCrossEntropy,
    ]
    let end: ActivationFunction = isJoint.contains(function) ? .softmax : .sigmoid
    let model = Model(
      name: "losses", input: .vector(6),
      layers: [
        Dense(name: "hidden", units: 7, activation: .tanh),
        Dense(name: "out", units: 20, activation: end),
      ])
    let samples = try ExpectedRun.drawnSamples(for: model, loss: loss, count: 6)
    let trial = LibraryTrial(
      model: model, weights: try model.initialWeights(seed: 1),
      training: ExportOptions.Training(loss: loss), samples: samples, rounds: 3)
    let few = [Compilation.all[0], Compilation.all[6]]
    try trial.check(Self.isWhole ? Compilation.all : few, function.rawValue)
  }

  @Test("a class's number for outputs that are no softmax is a value for each on the device")
  func classNumbers() throws {
    let model = BuiltInModel.perceptron.model()
    let samples = try ExpectedRun.drawnSamples(for: model, loss: .crossEntropy, count: 4)
    let trial = LibraryTrial(
      model: model, weights: try model.initialWeights(seed: 1),
      training: ExportOptions.Training(loss: .crossEntropy), samples: samples, rounds: 3)
    try trial.check([Compilation.all[2], Compilation.all[5]])
  }

  @Test("noise and dropout in training draw the engine's numbers, by every compiler")
  func noise() throws {
    let model = Model(
      name: "noise", input: .image(height: 6, width: 5, channels: 2),
      layers: [
        GaussianNoise(name: "noise", deviation: 0.3),
        Conv2D(name: "conv", filters: 3, kernelSize: (3, 3), activation: .tanh),
        GaussianDropout(name: "drop", rate: 0.4),
        SpatialDropout2D(name: "spatial", rate: 0.3), Flatten(name: "flat"),
        Dropout(name: "dropout", rate: 0.2), Dense(name: "out", units: 4, activation: .softmax),
      ])
    for batch in [1, 3] {
      let training = ExportOptions.Training(batch: batch, seed: 0x1234_5678_9ABC)
      let samples = try ExpectedRun.drawnSamples(for: model, loss: nil, count: 6)
      let answered = ImageSet(
        shape: samples.shape, pixels: samples.pixels, labels: [0, 1, 2, 3, 0, 1])
      let trial = LibraryTrial(
        model: model, weights: try model.initialWeights(seed: 1), training: training,
        samples: answered, rounds: 20)
      try trial.check(Compilation.all + Compilation.others, "batch \(batch)")
    }
  }

  /// Samples hardly ever reach the tails, and floats do not show the last bits.
  @Test("a library's normal numbers are the engine's to the last bit of a double, in the tails too")
  func normalNumbers() throws {
    let model = Model(
      name: "noise", input: .vector(3),
      layers: [GaussianNoise(name: "noise", deviation: 0.3), Dense(name: "out", units: 2)])
    let training = ExportOptions.Training(loss: .meanSquaredError)
    let trial = LibraryTrial(
      model: model, weights: try model.initialWeights(seed: 1), training: training,
      samples: try ExpectedRun.drawnSamples(for: model, loss: training.loss, count: 1))
    let folder = try Fixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try trial.write(to: folder)
    try """
    #include "net.c"
    #include <stdio.h>
    int main(void) {
      for (uint64_t i = 0; i < 40000; i++) {
        const uint64_t word = i < 20000 ? i * i * 5 : 2147483647u - (i - 20000) * 7;
        const double z = normal_quantile(((double)word + 0.5) / 2147483648.0);
        uint64_t bits;
        memcpy(&bits, &z, sizeof bits);
        printf("%llu\\n", (unsigned long long)bits);
      }
      return 0;
    }
    """.write(toFile: "\(folder)/user.c", atomically: false, encoding: .utf8)
    let compiled = try Compilation(compiler: "gcc", flags: ["-O2"])
      .compile(["user.c"], to: "user", in: folder)
    #expect(compiled.exitCode == 0, "\(compiled.errors)")
    let found = try Finished("\(folder)/user", [], in: folder).output.split(separator: "\n")
    let expected = (0..<40_000).map { index -> String in
      let word = index < 20_000 ? index * index * 5 : 2_147_483_647 - (index - 20_000) * 7
      return "\(Elementary.normalQuantile((Double(word) + 0.5) / 0x1p31).bitPattern)"
    }
    #expect(found.count == expected.count)
    let other = zip(found, expected).enumerated().first { $1.0 != $1.1 }
    #expect(other == nil, "number \(other?.offset ?? 0)")
  }

  private static func check(_ seed: Int, _ compilations: [Compilation]) throws {
    let network = RandomNetwork(seed: UInt64(seed))
    let training = ExportOptions.Training(
      network.optimizer, clipping: network.clipping, loss: network.loss,
      batch: network.batch % 3 + 1)
    let trial = LibraryTrial(
      model: network.model.withoutBatchStatistics, weights: try network.weights(),
      training: training, samples: network.images(6), rate: Float(network.rate), rounds: 5)
    try trial.check(compilations, "\(network)")
  }

  @Test("a network of which GCC 12 lost stores at -O3, joining them to vectors")
  func lostStores() throws { try Self.check(121, [Compilation(compiler: "gcc", flags: ["-O3"])]) }

  @Test("networks drawn at random: FIXEDNET_EXPORTS of them, from number FIXEDNET_EXPORTS_FIRST")
  func random() throws {
    let environment = ProcessInfo.processInfo.environment
    let count = environment["FIXEDNET_EXPORTS"].flatMap { Int($0) } ?? 12
    let first = environment["FIXEDNET_EXPORTS_FIRST"].flatMap { Int($0) } ?? 0
    for seed in first..<first + count {
      try Self.check(seed, Self.some(seed))
      if Self.isWhole { print("network \(seed - first + 1) of \(count)") }
    }
  }
}

extension Model {
  /// The same with its batch normalisations frozen, as a device wants them.
  var withoutBatchStatistics: Model {
    var model = self
    model.frozenLayers.formUnion(layers.filter { $0 is BatchNormalization }.map(\.name))
    return model
  }
}
