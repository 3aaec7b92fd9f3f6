import FixedNet
import FixedNetCore
import TestSupport
import Testing

@testable import FixedNetStudies

@Suite("Architectures study")
struct ArchitecturesStudyTests {
  private static func report(threads: Int = 1) throws -> StudyReport {
    try TrainingStudyTests.report(
      ArchitecturesStudy.self, TrainingStudyTests.options(threads: threads))
  }

  @Test("a quick run gives every network's bytes, losses and figures, the same on any threads")
  func quick() throws {
    let report = try Self.report()
    let again = try Self.report(threads: 3)
    #expect(report.csv == again.csv)
    #expect(report.modelHashes.map(\.sha256) == again.modelHashes.map(\.sha256))
    for (name, hash) in Self.hashes {
      #expect(report.modelHashes.first { $0.name == name }?.sha256 == hash, "\(name)")
    }
    #expect(Set(report.csv.map(\.count)) == [5])
    #expect(report.tables.map(\.rows.count) == [6, 6, 6])
    for table in report.tables {
      #expect(table.rows.allSatisfy { $0.count == table.columns.count }, "\(table.title)")
    }
    let names = report.tables[0].rows.map { $0[0] }
    #expect(names == BuiltInModel.fieldModels.map(\.rawValue))
    // The official files' weights, less the moving means and variances, which are not trained.
    #expect(
      report.tables[0].rows.map { $0[1] } == [
        "23,756", "78,186", "204,526", "216,322", "267,928", "46,875",
      ])
    func value(_ network: String, _ quantity: String) -> Int? {
      report.csv.first { $0[0] == network && $0[3] == quantity }.flatMap { Int($0[4]) }
    }
    for name in names {
      let inference = try #require(value(name, "inference_bytes"))
      let one = try #require(value(name, "train_one_bytes"))
      let batch = try #require(value(name, "train_batch_bytes"))
      #expect(4 * (value(name, "parameters") ?? 0) < inference && inference < one && one < batch)
      if let again = value(name, "train_one_recompute_bytes") { #expect(again <= one) }
    }
    #expect(
      report.figures.map(\.name) == [
        "accuracy-bytes", "accuracy-multiply-adds", "curves", "reconstruction",
      ])
    for figure in report.figures {
      let values = TrainingStudyTests.values(figure)
      #expect(!values.isEmpty && values.allSatisfy(\.isFinite), "\(figure.name)")
    }
    #expect(report.checks.isEmpty && report.deviations.count == 3)
  }

  @Test("an interrupted study that goes on ends as an undisturbed one")
  func resumed() throws {
    let undisturbed = try Self.report()
    var kept: [String: JSONValue] = [:]
    var asked = 0
    #expect(throws: StudyError.interrupted) {
      _ = try ArchitecturesStudy().run(
        StudyContext(
          options: TrainingStudyTests.options(), load: { _ in TrainingStudyTests.digits },
          isInterrupted: {
            asked += 1
            return asked > 24
          },
          save: { kept = try TrainingStudyTests.stored($0) }))
    }
    #expect(kept["ds-cnn, seed 0"] != nil && kept["streaming-wakeword, seed 0"] == nil)
    func run(_ kept: [String: JSONValue]) throws -> StudyReport {
      try ArchitecturesStudy().run(
        StudyContext(
          options: TrainingStudyTests.options(), load: { _ in TrainingStudyTests.digits },
          kept: kept))
    }
    let report = try run(kept)
    #expect(report.csv == undisturbed.csv)
    #expect(report.modelHashes.map(\.sha256) == undisturbed.modelHashes.map(\.sha256))
    kept["times of ds-cnn"] = ["step": -1, "image": 1]
    #expect(
      throws: StudyError.kept(
        place: "what was kept of 'times of ds-cnn'", reason: "it cannot be its result")
    ) { try run(kept) }
  }

  // MARK: - Samples

  @Test("samples are a pure function of the seed, and test samples are others")
  func samples() throws {
    let data = ArchitectureData(
      StudyContext(options: StudyOptions(), load: { _ in TrainingStudyTests.digits }))
    for architecture in Architecture.all(isQuick: true) {
      let samples = try data.samples(of: architecture)
      let set = samples.set
      #expect(set.train.shape == architecture.model.input && set.train.count == 64)
      try set.train.check()
      try set.test.check()
      #expect(set.test.count == (architecture.isAutoencoder ? 24 : 48))
      #expect((samples.broken?.count == 24) == architecture.isAutoencoder)
      guard case .bytes(let train) = set.train.pixels, case .bytes(let test) = set.test.pixels
      else { continue }
      let size = set.train.shape.elementCount
      func images(_ bytes: [UInt8]) -> Set<[UInt8]> {
        Set((0..<bytes.count / size).map { Array(bytes[$0 * size..<($0 + 1) * size]) })
      }
      #expect(images(train).count == 64 && images(train).isDisjoint(with: images(test)))
    }
    #expect(
      data.digests.map(\.name) == [
        "words", "coloured garments", "scenes", "machines", "wake word",
      ])
    for (name, digest) in Self.digests {
      #expect(data.digests.first { $0.name == name }?.digest.hasPrefix(digest) == true, "\(name)")
    }
  }

  @Test(
    "garments are light on dark, keep their labels, and scenes have a digit in every second one")
  func paintedImages() throws {
    let source = TrainingStudyTests.digits
    // A bright square in the middle of nothing, and nothing at all.
    func set(_ level: UInt8) -> DataSet {
      let image = (0..<28 * 28).map {
        (8..<20).contains($0 / 28) && (8..<20).contains($0 % 28) ? level : 0
      }
      let images = ImageSet(
        shape: source.train.shape, pixels: .bytes(image), labels: [7])
      return DataSet(name: "square", train: images, test: images, classNames: [])
    }
    func bytes(_ images: ImageSet) -> [UInt8] {
      if case .bytes(let bytes) = images.pixels { bytes } else { [] }
    }
    let garments = try PaintedImages.garments(set(255), trainCount: 3, testCount: 2)
    #expect(garments.train.labels == [7, 7, 7] && garments.test.count == 2)
    for channel in bytes(garments.train).chunks(of: 32 * 32 * 3) {
      // 12 x 12 pixels of full light have the colour, all others the ground.
      #expect(channel.count(where: { $0 >= 144 }) == 12 * 12 * 3)
      #expect(channel.count(where: { $0 < 112 }) == (32 * 32 - 12 * 12) * 3)
    }
    let scenes = try PaintedImages.scenes(set(0), set(255), trainCount: 4, testCount: 2)
    #expect(scenes.train.labels == [0, 1, 0, 1])
    let light = bytes(scenes.train).chunks(of: 96 * 96 * 3).map { part in
      part.count(where: { $0 >= 144 })
    }
    #expect(light[0] == 0 && light[2] == 0 && light[1] > 0 && light[3] > 0)
  }

  @Test("images of another kind are refused")
  func otherImages() {
    let set = ImageSet(shape: .vector(4), pixels: .bytes([1, 2, 3, 4]), labels: [1])
    #expect(
      throws: StudyError.data("mnist: must be labelled grey images of 28x28, found 4")
    ) { _ = try GreyImages(set, of: "mnist") }
  }

  @Test("the area under the curve, counted by hand")
  func area() {
    #expect(RankSum.area(low: [1, 2], high: [3, 4]) == 1)
    #expect(RankSum.area(low: [3, 4], high: [1, 2]) == 0)
    // Of six pairs 2 > 1, 3 > 1, 3 > 2 and 3 > 2; 2 = 2 twice.
    #expect(RankSum.area(low: [1, 2, 2], high: [2, 3]) == 5.0 / 6)
    #expect(RankSum.area(low: [1, 1], high: [1]) == 0.5)
  }

  // MARK: - Keras

  @Test("a result that is none of the training is refused")
  func kerasResults() {
    let good: [String: JSONValue] = [
      "versions": "Keras", "epochs": [[1, 0.5, 1, 0.5]], "step": 0.1, "area": .null,
    ]
    #expect(KerasResult(.object(good), epochs: 1)?.epochs[0].testAccuracy == 0.5)
    #expect(KerasResult(.object(good), epochs: 2) == nil)
    let lies: [(String, JSONValue?)] = [
      ("versions", 1), ("versions", "a\nb"), ("epochs", [[1, 0.5, 1]]), ("epochs", [1]),
      ("epochs", [[1, 0.5, 1, "x"]]), ("step", -1), ("area", 2), ("area", "1"), ("more", 1),
      ("area", nil),
    ]
    for (name, value) in lies {
      var changed = good
      changed[name] = value
      #expect(KerasResult(.object(changed), epochs: 1) == nil, "\(name)")
    }
  }

  @Test(
    "Keras' training from the same start over the same batches finds the same",
    .enabled(if: Fixtures.python != nil, "needs a Python with Keras: FIXEDNET_PYTHON or .venv"))
  func keras() throws {
    let keras = KerasTraining(
      python: try #require(Fixtures.python), script: "\(Fixtures.root)/Tools/study/keras/train.py")
    let context = StudyContext(
      options: TrainingStudyTests.options(), load: { _ in TrainingStudyTests.digits })
    let data = ArchitectureData(context)
    for architecture in Architecture.all(isQuick: true) where architecture.comparesExactly {
      let samples = try data.samples(of: architecture)
      let ours = try architecture.experiment(samples, seed: 0).run(
        context, samples.set, TrainingProgress(context, total: 2))
      let json = try keras.run(architecture, samples, seed: 0, context)
      let theirs = try #require(KerasResult(json, epochs: 2), "\(json)")
      for (own, other) in zip(ours.epochs, theirs.epochs) {
        #expect(
          abs(own.trainLoss - other.trainLoss) < 1e-3 * abs(own.trainLoss),
          "\(architecture.name): \(own), in Keras \(other)")
        #expect(
          abs(own.testLoss - other.testLoss) < 5e-3 * abs(own.testLoss),
          "\(architecture.name): \(own), in Keras \(other)")
      }
      #expect((theirs.area != nil) == architecture.isAutoencoder)
    }
    let broken = KerasTraining(python: keras.python, script: "/none/train.py")
    let architecture = Architecture.all(isQuick: true)[4]
    let error = #expect(throws: StudyError.self) {
      try broken.run(architecture, data.samples(of: architecture), seed: 0, context)
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("/none/train.py"))
  }

  // MARK: - Pinned

  /// Of the quick run's weights on the samples that no file has a part in.
  private static let hashes = [
    "ds-cnn, seed 0": "65784d4de49d85c48e6e3c8ed5a779653ab3c5a41e5ba5014e3c49a205ee26d9",
    "autoencoder, seed 0": "64cc5379b95466b5fc2a64e4abcd38bc6dc09d5ea1266bfa4ccbc956da41d513",
    "streaming-wakeword, seed 0":
      "3c9eae3110b20bdf596a2cff4d811d1611af873fa1fba29b39b2295544af4b09",
  ]
  /// Of those samples.
  private static let digests = [
    "words": "7df852da01e73aa5", "machines": "a72f039d891ae5c2", "wake word": "aea965cb0e6bab07",
  ]
}

extension [UInt8] {
  fileprivate func chunks(of size: Int) -> [ArraySlice<UInt8>] {
    stride(from: 0, to: count, by: size).map { self[$0..<$0 + size] }
  }
}

extension Architecture {
  /// Without dropout, which draws its own numbers in Keras; one of each kind is enough.
  fileprivate var comparesExactly: Bool { builtIn == .resNet8 || builtIn == .autoencoder }
}
