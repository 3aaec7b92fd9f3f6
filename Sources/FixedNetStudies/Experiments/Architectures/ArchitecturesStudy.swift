import FixedNet
import FixedNetCore
import FixedNetFiles

/// The six networks of MLPerf Tiny: what they need, how long they take, how well they do.
package struct ArchitecturesStudy: Study {
  package static let name = "architectures"
  package static let title = "The networks of MLPerf Tiny: bytes, multiply-adds, time, accuracy"

  package init() {}

  package func run(_ context: StudyContext) throws -> StudyReport {
    let architectures = Architecture.all(isQuick: context.options.isQuick)
    let seeds = context.seeds(1)
    let data = ArchitectureData(context)
    let progress = TrainingProgress(
      context, total: seeds.count * architectures.reduce(0) { $0 + $1.epochs })
    var results: [ArchitectureResult] = []
    for architecture in architectures {
      let samples = try data.samples(of: architecture)
      var result: ArchitectureResult
      do {
        result = ArchitectureResult(architecture, try ArchitectureSizes(architecture))
      } catch { throw StudyError.failed("'\(architecture.name)': \(error)") }
      for seed in seeds {
        result.runs.append(
          try architecture.experiment(samples, seed: seed).run(context, samples.set, progress))
        if let keras = context.options.keras {
          result.keras.append(
            try Self.keras(keras, architecture, samples, seed: seed, context))
        }
      }
      result.times = try Self.times(architecture, samples, context)
      results.append(result)
    }
    return ArchitectureReport(
      results: results, seeds: seeds, digests: data.digests, options: context.options
    ).report
  }

  private static func times(
    _ architecture: Architecture, _ samples: ArchitectureSamples, _ context: StudyContext
  ) throws -> ArchitectureTimes {
    let part = "times of \(architecture.name)"
    let json = try context.part(part) {
      do {
        return try ArchitectureTimes(architecture, samples, context).json
      } catch let error as StudyError { throw error } catch {
        throw StudyError.failed("'\(architecture.name)': \(error)")
      }
    }
    guard let times = ArchitectureTimes(json) else { throw impossible(part) }
    return times
  }

  private static func keras(
    _ keras: KerasTraining, _ architecture: Architecture, _ samples: ArchitectureSamples,
    seed: UInt64, _ context: StudyContext
  ) throws -> KerasResult {
    let part = "\(architecture.name) in Keras, seed \(seed)"
    context.progress(0, of: architecture.epochs, part)
    let json = try context.part(part) {
      let json = try keras.run(architecture, samples, seed: seed, context)
      guard KerasResult(json, epochs: architecture.epochs) != nil else {
        throw StudyError.failed("\(part): '\(keras.script)' gave no result of such a training")
      }
      return json
    }
    guard let result = KerasResult(json, epochs: architecture.epochs) else {
      throw impossible(part)
    }
    return result
  }

  private static func impossible(_ part: String) -> StudyError {
    .kept(place: "what was kept of '\(part)'", reason: "it cannot be its result")
  }
}

/// What was found of one network.
struct ArchitectureResult {
  var architecture: Architecture
  var sizes: ArchitectureSizes
  /// One per seed.
  var runs: [TrainingResult] = []
  /// One per seed, or none.
  var keras: [KerasResult] = []
  var times: ArchitectureTimes?

  init(_ architecture: Architecture, _ sizes: ArchitectureSizes) {
    self.architecture = architecture
    self.sizes = sizes
  }

  /// Accuracy on the test samples, or the area under the curve; per seed.
  var quality: SeedSpread {
    SeedSpread(
      runs.map { run in
        guard architecture.isAutoencoder else { return run.final.testAccuracy }
        return run.divergence == nil ? Self.area(of: run) : .nan
      })
  }

  /// The same of Keras; nil where it has not run.
  var kerasQuality: SeedSpread? {
    keras.isEmpty
      ? nil : SeedSpread(keras.map { $0.area ?? $0.epochs.last?.testAccuracy ?? .nan })
  }

  private static func area(of run: TrainingResult) -> Double {
    func values(_ name: String) -> [Float] {
      run.distributions.first { $0.name == name }?.values ?? []
    }
    let (normal, broken) = (values("normal"), values("broken"))
    return normal.isEmpty || broken.isEmpty ? .nan : RankSum.area(low: normal, high: broken)
  }
}

/// Makes the samples, one data set after the other, and keeps the last.
final class ArchitectureData {
  private let context: StudyContext
  private var last: (task: Architecture.Task, samples: ArchitectureSamples)?
  /// What identifies the bytes of each set, training samples first.
  private(set) var digests: [(name: String, digest: String)] = []

  init(_ context: StudyContext) { self.context = context }

  /// Throws: `StudyError.data`.
  func samples(of architecture: Architecture) throws -> ArchitectureSamples {
    if let last, last.task == architecture.task { return last.samples }
    let (train, test) = (architecture.trainCount, architecture.testCount)
    let samples: ArchitectureSamples
    switch architecture.task {
    case .words:
      samples = ArchitectureSamples(
        set: SpokenWords.keywords(trainCount: train, testCount: test))
    case .wakeWord:
      samples = ArchitectureSamples(
        set: SpokenWords.wakeWord(trainCount: train, testCount: test))
    case .garments:
      samples = ArchitectureSamples(
        set: try PaintedImages.garments(
          context.data("fashion-mnist"), trainCount: train, testCount: test))
    case .scenes:
      samples = ArchitectureSamples(
        set: try PaintedImages.scenes(
          context.data("fashion-mnist"), context.data("mnist"), trainCount: train,
          testCount: test))
    case .sounds: samples = MachineSounds.samples(trainCount: train, testCount: test)
    }
    let sets = [samples.set.train, samples.set.test] + (samples.broken.map { [$0] } ?? [])
    let bytes = sets.flatMap { set in
      if case .bytes(let bytes) = set.pixels { bytes } else { [UInt8]() }
    }
    digests.append((samples.set.name, Digest.sha256(bytes)))
    last = (architecture.task, samples)
    return samples
  }
}
