import FixedNet

/// What the studies that train networks have in common.
extension StudyContext {
  /// The data set, or of a quick run its first images.
  /// Throws: `StudyError.data`.
  func trainingData(_ name: String) throws -> DataSet {
    let data = try data(name)
    guard options.isQuick else { return data }
    return DataSet(
      name: data.name, train: data.train.first(640), test: data.test.first(320),
      classNames: data.classNames)
  }

  /// 0 ..< the seeds asked for, or `standard`; one in a quick run.
  func seeds(_ standard: Int) -> [UInt64] {
    (0..<max(1, options.seeds ?? (options.isQuick ? 1 : standard))).map { UInt64($0) }
  }
}

extension ImageSet {
  /// The first `limit` images.
  fileprivate func first(_ limit: Int) -> ImageSet {
    let count = min(count, limit)
    return ImageSet(
      shape: shape, pixels: pixels.images(at: Array(0..<count), width: shape.elementCount),
      labels: Array(labels.prefix(count)),
      targets: Array(targets.prefix(count * targetWidth)), targetWidth: targetWidth)
  }
}

extension DataSet {
  /// "60,000 training and 10,000 test images of fashion-mnist".
  var sizes: String {
    "\(Format.grouped(train.count)) training and \(Format.grouped(test.count)) test images of "
      + name
  }
}

extension StudyReport {
  /// data.csv's columns of a run's epochs.
  static let epochColumns = [
    "run", "seed", "epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy",
  ]

  /// A line per epoch, and the hash of the weights.
  mutating func add(_ result: TrainingResult, run: String, seed: UInt64) {
    if csv.isEmpty { csv = [StudyReport.epochColumns] }
    for (index, epoch) in result.epochs.enumerated() {
      let values = [epoch.trainLoss, epoch.trainAccuracy, epoch.testLoss, epoch.testAccuracy]
      csv.append([run, "\(seed)", "\(index + 1)"] + values.map { "\($0)" })
    }
    if result.divergence != nil {
      csv.append([run, "\(seed)", "\(result.epochs.count + 1)", "nan", "nan", "nan", "nan"])
    }
    modelHashes.append(("\(run), seed \(seed)", result.sha256))
  }
}

/// Runs of one kind, one per seed.
struct SeedRuns {
  var label: String
  var results: [TrainingResult]

  /// A figure of the last epoch over the seeds.
  func final(_ figure: KeyPath<TrainingResult.Epoch, Double>) -> SeedSpread {
    SeedSpread(results.map { $0.final[keyPath: figure] })
  }

  /// A figure per epoch, as its mean and spread over the seeds. `scale`: 100 for percents.
  func curve(
    _ figure: KeyPath<TrainingResult.Epoch, Double>, label: String? = nil, scale: Double = 1,
    isDashed: Bool = false
  ) -> Figure.Line {
    let epochs = results.map(\.epochs.count).min() ?? 0
    let spreads = (0..<epochs).map { epoch in
      SeedSpread(results.map { scale * $0.epochs[epoch][keyPath: figure] })
    }
    return Figure.Line(
      label ?? self.label,
      spreads.enumerated().map { (x: Double($0 + 1), y: $1.mean) },
      spread: results.count > 1 ? spreads.map(\.deviation) : [], isDashed: isDashed)
  }
}
