import FixedNet
import FixedNetFiles
import Foundation
import ToolSupport

/// What `eval` prints about a model on a data set.
struct EvaluationReport {
  var path: String
  var data: LoadedData
  var split: String
  var model: Model
  var weights: [LayerWeights]
  /// Samples.
  var count: Int
  /// Of labels; nil where numbers are predicted.
  var metrics: ClassificationMetrics?
  /// As Keras' evaluate; nil for a model whose loss is not known.
  var loss: Double?
  /// Which one it is, with its options.
  var lossName: String?
  /// Why the file's loss is not computed; nil where it is.
  var lossObstacle: String?
  /// 0 ... 1; nil where hits cannot be counted.
  var accuracy: Double?
  /// What the order of the outputs is worth; nil without labels.
  var ranks: Ranks?
  /// nil without labels, and of outputs that are no probabilities.
  var calibration: CalibrationMetrics?
  /// Of the differences between outputs and targets; nil where there are labels.
  var numbers: NumberMetrics?
  /// Of an autoencoder's errors; nil where no class is the normal one.
  var anomalies: AnomalyMetrics?
  var imagesPerSecond: Double
  var arenaBytes: Int
  var threads: ThreadChoice
  var nonFinite: [String]

  /// Of a classifier's outputs.
  struct Ranks {
    /// nil where a class has no sample, and of more than 100 classes.
    var rocAUC: Double?
    /// nil of five classes and fewer.
    var top5: Double?

    init<Label: BinaryInteger>(_ outputs: Tensor, labels: [Label]) {
      let width = outputs.values.count / max(1, labels.count)
      if width <= 100 { rocAUC = RankMetrics.rocAUC(outputs, labels: labels) }
      if width > 5 { top5 = RankMetrics.topAccuracy(outputs, labels: labels, count: 5) }
    }
  }

  func print(confusion: Bool) {
    printLine(
      "\(path): \(OneLine.short(model.name)) on \(Format.grouped(count)) \(split) images of \(data.record)"
    )
    let wrong = metrics.map { "  (\(Format.grouped($0.total - $0.hits)) wrong)" } ?? ""
    let figures = [
      loss.map { "loss\(lossName.map { " (\($0))" } ?? "") \(Format.fixed($0, 4))" },
      numbers.map { "root mean square error \(Format.fixed($0.rootMeanSquareError, 4))" },
      numbers.map { "mean absolute error \(Format.fixed($0.meanAbsoluteError, 4))" },
      numbers?.r2.map { "R2 \(Format.fixed($0, 4))" },
      accuracy.map { "accuracy \(Format.percent($0))\(wrong)" },
    ]
    if let lossObstacle {
      printLine("no loss: the file's is not computed: \(lossObstacle)")
    }
    printLine(figures.compactMap(\.self).joined(separator: "  "))
    if let anomalies {
      printLine(
        "anomalies by their squared error: "
          + (anomalies.rocAUC.map { "ROC AUC \(Format.fixed($0, 4))" } ?? "no ROC AUC")
          + "  (\(Format.grouped(anomalies.count)) of \(Format.grouped(anomalies.total)) are not "
          + "'\(OneLine.short(anomalies.normal))')")
    }
    if let metrics {
      let figures = [
        "balanced accuracy \(Format.percent(metrics.balancedAccuracy))",
        "macro F1 \(Format.fixed(metrics.macroF1, 4))",
        ranks?.rocAUC.map { "ROC AUC \(Format.fixed($0, 4))" },
        ranks?.top5.map { "top-5 \(Format.percent($0))" },
        calibration.map { "calibration error \(Format.fixed($0.error, 4))" },
      ]
      printLine(figures.compactMap(\.self).joined(separator: "  "))
    }
    printLine(
      "\(Format.grouped(Int(imagesPerSecond))) images/s in an arena of "
        + "\(Format.bytes(arenaBytes)), on \(threads.text)")
    if let metrics { printClasses(metrics) }
    printStatistics()
    if confusion, let metrics { printConfusion(metrics) }
  }

  /// Of more classes only those are shown that are known worst, and no confusion matrix.
  static let shownClasses = 100
  private static let worstClasses = 20

  /// Those that the table has: all, or the ones of the lowest F1, in their order.
  private func shown(_ metrics: ClassificationMetrics) -> [Int] {
    let all = (0..<metrics.classCount).filter { metrics.support($0) > 0 || metrics.f1($0) != nil }
    guard metrics.classCount > EvaluationReport.shownClasses else {
      return Array(0..<metrics.classCount)
    }
    let byF1 = all.map { (index: $0, f1: metrics.f1($0) ?? 0) }
      .sorted { $0.f1 != $1.f1 ? $0.f1 < $1.f1 : $0.index < $1.index }
    return byF1.prefix(EvaluationReport.worstClasses).map(\.index).sorted()
  }

  private func printClasses(_ metrics: ClassificationMetrics) {
    let shown = shown(metrics)
    let width = max(5, shown.map { TextWidth.columns(of: name($0)) }.max() ?? 0)
    printLine()
    if shown.count < metrics.classCount {
      printLine(
        "the \(shown.count) of \(Format.grouped(metrics.classCount)) classes with the lowest F1 (--json has "
          + "all):")
    }
    printLine("\(Format.padded("class", width))  precision     recall      F1   images")
    for index in shown {
      let columns = [metrics.precision(index), metrics.recall(index)].map {
        Format.padded($0.map { Format.percent($0) } ?? "-", 9)
      }
      printLine(
        "\(Format.padded(name(index), width))  \(columns[0])  \(columns[1])  "
          + Format.padded(metrics.f1(index).map { Format.fixed($0, 4) } ?? "-", 6) + "  "
          + Format.padded(Format.grouped(metrics.support(index)), 7))
    }
  }

  private func printStatistics() {
    let rows = statistics
    guard !rows.isEmpty else { return }
    let width = max(5, rows.map { TextWidth.columns(of: OneLine.short($0.layer)) }.max() ?? 0)
    printLine()
    printLine("batch normalisation: mean (smallest ... largest) over the channels")
    printLine(
      Format.padded("layer", width) + "  "
        + EvaluationReport.normalizationWeights.map { Format.padded($0, 28) }.joined())
    for row in rows {
      let columns = EvaluationReport.normalizationWeights.map { name in
        guard let value = row.values.first(where: { $0.name == name }) else {
          return Format.padded("-", 28)
        }
        return Format.padded(
          "\(Format.fixed(value.mean, 3)) (\(Format.fixed(value.smallest, 3)) ... "
            + "\(Format.fixed(value.largest, 3)))", 28)
      }
      printLine(Format.padded(OneLine.short(row.layer), width) + "  " + columns.joined())
    }
  }

  private func printConfusion(_ metrics: ClassificationMetrics) {
    printLine()
    printLine("confusion matrix: rows are the labels, columns the predictions")
    let width = max(6, nameWidth) + 1
    let columns = metrics.counts.first?.count ?? 0
    let heads = (0..<columns).map { Format.padded(name($0), width) }
    printLine(Format.padded("", width) + heads.joined())
    for (label, row) in metrics.counts.enumerated() {
      printLine(
        Format.padded(name(label), width) + row.map { Format.padded("\($0)", width) }.joined())
    }
  }

  /// As it stands in tables.
  private func name(_ index: Int) -> String { OneLine.short(className(index)) }

  private var nameWidth: Int {
    data.set.classNames.indices.map { TextWidth.columns(of: name($0)) }.max() ?? 0
  }

  private func className(_ index: Int) -> String {
    index < data.set.classNames.count ? data.set.classNames[index] : "\(index)"
  }

  // MARK: - Batch normalisation

  /// In Keras' order; a layer without scale has no gamma, one without center no beta.
  private static let normalizationWeights = ["gamma", "beta", "moving mean", "moving variance"]

  /// Smallest, mean and largest value of each weight of each BatchNormalization layer.
  private var statistics:
    [(
      layer: String,
      values: [(name: String, smallest: Double, mean: Double, largest: Double)]
    )]
  {
    zip(model.layers, weights).compactMap { layer, weights in
      guard let layer = layer as? BatchNormalization else { return nil }
      let names = EvaluationReport.normalizationWeights.filter {
        ($0 != "gamma" || layer.scales) && ($0 != "beta" || layer.centers)
      }
      let values = zip(names, weights.tensors).map { name, tensor in
        let numbers = tensor.values.map(Double.init)
        return (
          name, numbers.min() ?? 0, numbers.reduce(0, +) / Double(max(1, numbers.count)),
          numbers.max() ?? 0
        )
      }
      return (layer.name, values)
    }
  }

  // MARK: - JSON

  var json: JSONValue {
    let classes: [JSONValue] = (0..<(metrics?.classCount ?? 0)).map { index in
      [
        "name": .string(className(index)),
        "precision": metrics?.precision(index).map { .number($0) } ?? .null,
        "recall": metrics?.recall(index).map { .number($0) } ?? .null,
        "f1": metrics?.f1(index).map { .number($0) } ?? .null,
        "images": .integer(metrics?.support(index) ?? 0),
      ]
    }
    let statistics: [JSONValue] = statistics.map { row in
      var object: [String: JSONValue] = ["layer": .string(row.layer)]
      for value in row.values {
        object[value.name] = [
          "smallest": .number(value.smallest), "mean": .number(value.mean),
          "largest": .number(value.largest),
        ]
      }
      return .object(object)
    }
    return [
      "file": .string(path), "model": .string(model.name), "data": .string(data.record),
      "dataNote": data.notes.map { .string($0) } ?? .null,
      "split": .string(split), "images": .integer(count),
      "loss": loss.map { .number($0) } ?? .null,
      "lossFunction": lossName.map { .string($0) } ?? .null,
      "lossNotComputed": lossObstacle.map { .string($0) } ?? .null,
      "accuracy": accuracy.map { .number($0) } ?? .null,
      "balancedAccuracy": metrics.map { .number($0.balancedAccuracy) } ?? .null,
      "macroF1": metrics.map { .number($0.macroF1) } ?? .null,
      "rocAUC": ranks?.rocAUC.map { .number($0) } ?? .null,
      "top5Accuracy": ranks?.top5.map { .number($0) } ?? .null,
      "calibrationError": calibration.map { .number($0.error) } ?? .null,
      "rootMeanSquareError": numbers.map { .number($0.rootMeanSquareError) } ?? .null,
      "meanAbsoluteError": numbers.map { .number($0.meanAbsoluteError) } ?? .null,
      "r2": numbers?.r2.map { .number($0) } ?? .null,
      "anomalyROCAUC": anomalies?.rocAUC.map { .number($0) } ?? .null,
      "classes": .array(classes),
      "confusion": .array((metrics?.counts ?? []).map { .array($0.map { .integer($0) }) }),
      "batchNormalization": .array(statistics), "imagesPerSecond": .number(imagesPerSecond),
      "arenaBytes": .integer(arenaBytes), "threads": .integer(threads.count),
      "threadsReason": .string(threads.reason),
      "nonFinite": .array(nonFinite.map { .string($0) }),
      "weightsSHA256": .string(WeightsDigest.sha256(weights, of: model)),
    ]
  }
}
