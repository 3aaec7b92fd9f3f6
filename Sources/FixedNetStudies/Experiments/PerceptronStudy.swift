import FixedNet
import Foundation

/// Section 2: perceptrons on the 5,000 digits of 20x20, trained on all samples at once.
struct PerceptronStudy: Study {
  static let name = "perceptron"
  static let title = "Perceptrons of two and three layers, trained with full-batch solvers"

  func run(_ context: StudyContext) throws -> StudyReport {
    let isQuick = context.options.isQuick
    let seeds = context.options.seeds ?? (isQuick ? 1 : 3)
    let evaluations = isQuick ? 30 : 250
    let data = try context.data("digits20x20")
    let images = isQuick ? Self.everyTenth(data.train) : data.train
    let cases = Self.cases(
      seeds: seeds, isReferenceOnly: context.options.switches.contains("reference-gradient"))
    var results: [(PerceptronCase, PerceptronResult)] = []
    for (index, run) in cases.enumerated() {
      try context.checkInterrupt()
      context.progress(index, of: cases.count, run.name)
      let part = try context.part(run.name) {
        do { return try run.run(images, evaluations: evaluations, context).json } catch let error
          as StudyError
        { throw error } catch { throw StudyError.failed("\(run.name): \(error)") }
      }
      guard let result = PerceptronResult(part) else {
        throw StudyError.kept(
          place: "what was kept of '\(run.name)'", reason: "it cannot be its result")
      }
      results.append((run, result))
    }
    return PerceptronReport(
      results: results, classNames: data.classNames, dataName: data.name,
      sampleCount: images.count, evaluations: evaluations, seeds: seeds, isQuick: isQuick
    ).report
  }

  /// Both networks with both methods; with both gradients, or the reference's alone.
  static func cases(seeds: Int, isReferenceOnly: Bool) -> [PerceptronCase] {
    var cases: [PerceptronCase] = []
    for isReference in isReferenceOnly ? [true] : [false, true] {
      for hidden in [[20, 20], [25]] {
        for method in [FullBatchMethod.truncatedNewton, .lbfgs] {
          for seed in 0..<seeds {
            cases.append(
              PerceptronCase(
                hidden: hidden, method: method, usesReferenceGradient: isReference, seed: seed))
          }
        }
      }
    }
    return cases
  }

  /// Samples 0, 10, 20, ...: of every class, as the file is sorted by class.
  private static func everyTenth(_ images: ImageSet) -> ImageSet {
    guard case .floats(let values) = images.pixels else { return images }
    let width = images.shape.elementCount
    let chosen = stride(from: 0, to: images.count, by: 10)
    return ImageSet(
      shape: images.shape,
      pixels: .floats(chosen.flatMap { values[$0 * width..<($0 + 1) * width] }),
      labels: chosen.map { images.labels[$0] })
  }
}
