import FixedNet
import FixedNetCore
import Foundation
import ToolSupport

/// What is measured, in which order.
struct Bench {
  var models: [BenchModel]
  /// Of the mini-batches.
  var batches: [Int]
  var threads: Int
  var rounds: Int
  var isQuick: Bool
  var instructionSet: InstructionSet

  private var imageCount: Int { isQuick ? 1_920 : Digits.trainCount }
  /// Of a slow model a few steps are enough: its epoch would take a minute.
  private var slowImageCount: Int { isQuick ? 256 : 1_280 }
  /// Seconds that one short measurement takes.
  private var slice: Double { isQuick ? 0.001 : 0.02 }
  // More threads than cores cannot compute more.
  private let cores = Processors.available.count

  /// 1, 2, 4, ... and all.
  private var threadCounts: [Int] {
    Array(sequence(first: 1) { $0 * 2 }.prefix { $0 < threads }) + [threads]
  }

  /// Throws: `ToolError`, `NetworkError` or `TrainingError`.
  func run() throws -> Report {
    progress("drawing \(Format.grouped(imageCount)) digits")
    let images = DataSet.digits(trainCount: imageCount, testCount: 1).train
    let peaks = try Set(threadCounts.map { min($0, cores) }).sorted().map(peakMeter)
    let training = try models.flatMap {
      try trainingCases($0, images, threadCounts: threadCounts)
    }
    let inference = try models.flatMap {
      try inferenceCases($0, images, sizes: [(1, 1), (16, threads)] + lastBatch(above: 16))
    }
    let samples = try GradientCase.samples(of: images)
    let gradients = try threadCounts.map {
      try GradientCase(samples, threads: $0, instructionSet: instructionSet)
    }
    let lanes = try threadCounts.map {
      try LaneCase(
        networkCount: isQuick ? 64 : 1_000, threads: $0, instructionSet: instructionSet)
    }
    let kernels = try KernelBench(batch: 128, kernels: instructionSet.kernels)
    for round in 1...rounds {
      progress("round \(round) of \(rounds)")
      let measured = Dictionary(uniqueKeysWithValues: peaks.map { ($0.threads, $0.measure()) })
      func peak(_ threads: Int) -> Double { measured[min(threads, cores)] ?? .nan }
      for item in training { try item.measure(peak: peak(item.threads)) }
      for item in gradients { item.measure(seconds: slice * 5, peak: peak(item.threads)) }
      for item in lanes { try item.measure(peak: peak(item.networks.plan.threads)) }
      for item in inference { try item.measure(seconds: slice * 5) }
      kernels.measure(peak: peaks[0], seconds: slice)
    }
    return Report(
      machine: Machine(instructionSet: instructionSet), rounds: rounds, peaks: peaks,
      training: training, gradients: gradients, lanes: lanes, inference: inference,
      kernels: kernels.results)
  }

  /// Where the time goes, with all threads.
  func profile() throws -> ProfileReport {
    progress("drawing \(Format.grouped(imageCount)) digits")
    let images = DataSet.digits(trainCount: imageCount, testCount: 1).train
    let samples = try GradientCase.samples(of: images)
    var works: [ProfiledWork] = []
    for model in models {
      works += try trainingCases(model, images, threadCounts: [threads]).map(ProfiledWork.init)
      works += try inferenceCases(model, images, sizes: [(1, 1)] + lastBatch(above: 1))
        .map(ProfiledWork.init)
    }
    works.append(
      try ProfiledWork(
        GradientCase(samples, threads: threads, instructionSet: instructionSet),
        sampleCount: samples.count))
    let peaks = try Dictionary(
      uniqueKeysWithValues: Set(works.map(\.threads)).map { ($0, try peakMeter($0)) })
    for round in 1...rounds {
      progress("round \(round) of \(rounds)")
      let measured = peaks.mapValues { $0.measure() }
      for work in works { try work.measure(peak: measured[work.threads] ?? .nan) }
    }
    return ProfileReport(
      machine: Machine(instructionSet: instructionSet), rounds: rounds, works: works)
  }

  private func peakMeter(_ threads: Int) throws -> PeakMeter {
    try PeakMeter(
      threads: min(threads, cores), instructionSet: instructionSet, seconds: slice / 2)
  }

  private func trainingCases(
    _ chosen: BenchModel, _ digits: ImageSet, threadCounts: [Int]
  ) throws -> [TrainingCase] {
    let own = try chosen.ownSamples(max(256, batches.max() ?? 0))
    let images = own ?? digits
    let model = chosen.model(input: images.shape)
    // An epoch of a second or so.
    let isSlow = try model.trainingFlops() > 10_000_000
    let seen = isSlow && own == nil ? images.prefix(slowImageCount) : images
    var cases: [TrainingCase] = []
    for batch in isSlow ? batches.suffix(1) : batches {
      for threads in threadCounts {
        cases.append(
          try TrainingCase(
            model, name: chosen.name, images: seen, batch: batch, threads: threads,
            instructionSet: instructionSet, loss: chosen.loss, weights: chosen.weights,
            file: chosen.file))
      }
    }
    return cases
  }

  /// The greatest batch of an inference call, on one thread and on all; nothing where it is not above a number.
  private func lastBatch(above least: Int) -> [(Int, Int)] {
    batches.suffix(1).filter { $0 > least }.flatMap { [($0, 1), ($0, threads)] }
  }

  /// `sizes`: batches and threads.
  private func inferenceCases(
    _ chosen: BenchModel, _ digits: ImageSet, sizes: [(Int, Int)]
  ) throws -> [InferenceCase] {
    let images = try chosen.ownSamples(sizes.map(\.0).max() ?? 1) ?? digits
    return try sizes.map { batch, threads in
      try InferenceCase(
        chosen.model(input: images.shape), name: chosen.name, images: images, batch: batch,
        threads: threads, instructionSet: instructionSet, weights: chosen.weights, file: chosen.file
      )
    }
  }

  private func progress(_ text: String) {
    printError(text)
  }
}

extension BuiltInModel {
  /// Random samples of the shape that a network of the field is made for; nil for others, which take digits.
  func ownSamples(_ count: Int) -> ImageSet? {
    guard BuiltInModel.fieldModels.contains(self) else { return nil }
    var reader = Philox(seed: 0, stream: 0x6265_6E63_68).reader()
    let shape = defaultInput
    let values = (0..<count * shape.elementCount).map { _ in 2 * reader.nextUnit() - 1 }
    if self == .autoencoder {
      return ImageSet(
        shape: shape, pixels: .floats(values), labels: [], targets: values,
        targetWidth: shape.elementCount)
    }
    let classes = (try? model().shapes().output.elementCount) ?? 1
    return ImageSet(
      shape: shape, pixels: .floats(values), labels: (0..<count).map { UInt16($0 % classes) })
  }
}

/// The measurements of several rounds.
struct Samples {
  private(set) var values: [Double]

  init(_ values: [Double] = []) { self.values = values }

  mutating func add(_ value: Double) { values.append(value) }

  var least: Double { values.min() ?? .nan }
  var greatest: Double { values.max() ?? .nan }

  var median: Double {
    guard !values.isEmpty else { return .nan }
    let sorted = values.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }
}

/// Seconds that `body` takes.
func seconds<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure) -> Double {
  let start = ProgressLine.now
  try body()
  return ProgressLine.now - start
}
