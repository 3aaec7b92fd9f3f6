import FixedNet
import FixedNetCore
import FixedNetExport

/// A network that was trained on a host and meets other digits on a device: it goes on learning there, image by image, as
/// the C library that `export` writes.
package struct OnDeviceStudy: Study {
  package static let name = "on-device"
  package static let title = "Learning on a device: LeNet-5 and digits that have changed"

  package init() {}

  package func run(_ context: StudyContext) throws -> StudyReport {
    let data = try context.trainingData("mnist")
    let seeds = context.seeds(3)
    let isQuick = context.options.isQuick
    let streamCount = min(1000, data.test.count / 4)
    let testCount = data.test.count - streamCount
    let points =
      [0, 10, 20, 50, 100, 200, 350, 500, 750].filter { $0 < streamCount } + [streamCount]
    let epochs = isQuick ? 2 : 5
    let progress = TrainingProgress(context, total: seeds.count * (epochs + 4))
    let plain = try data.test.samples(at: Array(0..<testCount))
    let stream = try data.test.samples(at: Array(testCount..<data.test.count))
    let sets = try ChangedDigits.allCases.map { change in
      (
        change, try change.images(stream, of: data.name, first: testCount),
        try change.images(plain, of: data.name, first: 0)
      )
    }
    var report = OnDeviceReport(
      options: context.options, data: data, seeds: seeds, epochs: epochs, points: points)
    for seed in seeds {
      let (start, training) = try trained(data, seed, epochs, context, progress)
      report.trainings.append(training)
      for (change, stream, changed) in sets {
        for learning in Adaptation.Learning.allCases {
          let adaptation = Adaptation(
            learning: learning, change: change, seed: seed, weights: start, stream: stream,
            points: points, changed: changed, plain: plain)
          report.runs.append((adaptation, try result(adaptation, context, progress)))
        }
      }
    }
    return try report.report
  }

  /// The network as the host has trained it.
  private func trained(
    _ data: DataSet, _ seed: UInt64, _ epochs: Int, _ context: StudyContext,
    _ progress: TrainingProgress
  ) throws -> ([LayerWeights], TrainingResult) {
    let model = BuiltInModel.lenetPlain.model()
    var experiment = TrainingExperiment(
      name: "lenet-plain, seed \(seed)", model: model,
      optimizer: OptimizerConfiguration(schedule: .constant(0.1)), batch: 32, epochs: epochs,
      seed: seed)
    experiment.keepsWeights = true
    let result = try experiment.run(context, data, progress)
    guard result.divergence == nil else {
      throw StudyError.failed("'\(experiment.name)' has numbers that are not finite")
    }
    return (result.weights(like: try model.initialWeights(seed: seed)), result)
  }

  private func result(
    _ adaptation: Adaptation, _ context: StudyContext, _ progress: TrainingProgress
  ) throws -> AdaptationResult {
    let bench = context.options.bench
    let part = adaptation.name + (bench.map { ", on \($0.name)" } ?? "")
    progress.begin(part, from: 0)
    let json = try context.part(part) { try adaptation.run(context).json }
    progress.end(of: 1)
    guard
      let result = AdaptationResult(json, points: adaptation.points, hasDevice: bench != nil)
    else {
      throw StudyError.kept(
        place: "what was kept of '\(part)'", reason: "it cannot be its result")
    }
    return result
  }
}
