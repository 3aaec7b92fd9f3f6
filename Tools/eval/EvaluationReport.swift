import FixedNet
import FixedNetFiles
import Foundation
import ToolSupport

/// What `eval` prints about a model on a data set.
struct EvaluationReport {
  var path: String
  var data: DataSet
  var split: String
  var model: SequentialModel
  var weights: [LayerWeights]
  var metrics: Metrics
  /// Mean cross-entropy; nil for a model that does not end in softmax.
  var loss: Double?
  var imagesPerSecond: Double
  var arenaBytes: Int
  var nonFinite: [String]

  func print(confusion: Bool) {
    Swift.print(
      "\(path): \(model.name) on \(Format.grouped(metrics.total)) \(split) images of "
        + data.name)
    let lossText = loss.map { "loss \(Format.fixed($0, 4))  " } ?? ""
    Swift.print(
      "\(lossText)accuracy \(Format.percent(metrics.accuracy))  "
        + "(\(Format.grouped(metrics.total - metrics.hits)) wrong)")
    Swift.print(
      "\(Format.grouped(Int(imagesPerSecond))) images/s in an arena of "
        + Format.bytes(arenaBytes))
    printClasses()
    printStatistics()
    if confusion { printConfusion() }
  }

  private func printClasses() {
    let width = max(5, data.classNames.map(\.count).max() ?? 0)
    Swift.print("\n\(Format.padded("class", width))  precision     recall   images")
    for index in 0..<metrics.classCount {
      let columns = [metrics.precision(index), metrics.recall(index)].map {
        Format.padded($0.map { Format.percent($0) } ?? "-", 9)
      }
      Swift.print(
        "\(Format.padded(data.classNames[index], width))  \(columns[0])  \(columns[1])  "
          + Format.padded(Format.grouped(metrics.support(index)), 7))
    }
  }

  private func printStatistics() {
    let rows = statistics
    guard !rows.isEmpty else { return }
    let width = max(5, rows.map(\.layer.count).max() ?? 0)
    Swift.print(
      "\nbatch normalisation: mean (smallest ... largest) over the channels\n"
        + Format.padded("layer", width) + "  "
        + rows[0].values.map { Format.padded($0.name, 28) }.joined())
    for row in rows {
      let columns = row.values.map { value in
        Format.padded(
          "\(Format.fixed(value.mean, 3)) (\(Format.fixed(value.smallest, 3)) ... "
            + "\(Format.fixed(value.largest, 3)))", 28)
      }
      Swift.print(Format.padded(row.layer, width) + "  " + columns.joined())
    }
  }

  private func printConfusion() {
    Swift.print("\nconfusion matrix: rows are the labels, columns the predictions")
    let width = max(6, data.classNames.map(\.count).max() ?? 0) + 1
    let columns = metrics.counts.first?.count ?? 0
    let heads = (0..<columns).map { Format.padded(name($0), width) }
    Swift.print(Format.padded("", width) + heads.joined())
    for (label, row) in metrics.counts.enumerated() {
      Swift.print(
        Format.padded(name(label), width) + row.map { Format.padded("\($0)", width) }.joined())
    }
  }

  private func name(_ index: Int) -> String {
    index < data.classNames.count ? data.classNames[index] : "\(index)"
  }

  // MARK: - Batch normalisation

  /// Smallest, mean and largest value of each weight of each BatchNormalization layer.
  private var statistics:
    [(
      layer: String,
      values: [(name: String, smallest: Double, mean: Double, largest: Double)]
    )]
  {
    zip(model.layers, weights).compactMap { layer, weights in
      guard layer is BatchNormalization else { return nil }
      let names = ["gamma", "beta", "moving mean", "moving variance"]
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
    let classes: [JSONValue] = (0..<metrics.classCount).map { index in
      [
        "name": .string(data.classNames[index]),
        "precision": metrics.precision(index).map { .number($0) } ?? .null,
        "recall": metrics.recall(index).map { .number($0) } ?? .null,
        "images": .integer(metrics.support(index)),
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
      "file": .string(path), "model": .string(model.name), "data": .string(data.name),
      "split": .string(split), "images": .integer(metrics.total),
      "loss": loss.map { .number($0) } ?? .null, "accuracy": .number(metrics.accuracy),
      "classes": .array(classes),
      "confusion": .array(metrics.counts.map { .array($0.map { .integer($0) }) }),
      "batchNormalization": .array(statistics), "imagesPerSecond": .number(imagesPerSecond),
      "arenaBytes": .integer(arenaBytes), "nonFinite": .array(nonFinite.map { .string($0) }),
      "weightsSHA256": .string(WeightsDigest.sha256(weights)),
    ]
  }
}
