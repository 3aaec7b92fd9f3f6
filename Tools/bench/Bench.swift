import FixedNet
import FixedNetCore
import Foundation
import ToolSupport

/// What is measured, in which order.
struct Bench {
  var models: [BuiltInModel]
  var batch: Int
  var threads: Int
  var rounds: Int
  var isQuick: Bool
  var instructionSet: InstructionSet

  private var imageCount: Int { isQuick ? 9_600 : Digits.trainCount }
  /// Seconds that one short measurement takes.
  private var slice: Double { isQuick ? 0.005 : 0.02 }

  /// 1, 2, 4, ... and all.
  private var threadCounts: [Int] {
    Array(sequence(first: 1) { $0 * 2 }.prefix { $0 < threads }) + [threads]
  }

  /// Throws: `ToolError`, `NetworkError` or `TrainingError`.
  func run() throws -> Report {
    progress("drawing \(Format.grouped(imageCount)) digits")
    let images = DataSet.digits(trainCount: imageCount, testCount: 1).train
    // More threads than cores cannot compute more.
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let peaks = try Set(threadCounts.map { min($0, cores) }).sorted().map {
      try PeakMeter(threads: $0, instructionSet: instructionSet, seconds: slice / 2)
    }
    var training: [TrainingCase] = []
    var inference: [InferenceCase] = []
    for model in models {
      let description = model.model(input: images.shape)
      for threads in threadCounts {
        training.append(
          try TrainingCase(
            description, name: model.rawValue, images: images, batch: batch, threads: threads,
            instructionSet: instructionSet))
      }
      for (batch, threads) in [(1, 1), (batch, threads)] {
        inference.append(
          try InferenceCase(
            description, name: model.rawValue, images: images, batch: batch, threads: threads,
            instructionSet: instructionSet))
      }
    }
    let kernels = try KernelBench(
      BuiltInModel.lenetPlain.model(), batch: 128, kernels: instructionSet.kernels)
    for round in 1...rounds {
      progress("round \(round) of \(rounds)")
      let peak = Dictionary(uniqueKeysWithValues: peaks.map { ($0.threads, $0.measure()) })
      for item in training { try item.measure(peak: peak[min(item.threads, cores)] ?? .nan) }
      for item in inference { try item.measure(seconds: slice * 5) }
      kernels.measure(peak: peaks[0], seconds: slice)
    }
    return Report(
      machine: Machine(instructionSet: instructionSet), rounds: rounds, imageCount: imageCount,
      peaks: peaks, training: training, inference: inference, kernels: kernels.results)
  }

  private func progress(_ text: String) {
    FileHandle.standardError.write(Data("bench: \(text)\n".utf8))
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
