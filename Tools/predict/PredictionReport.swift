import FixedNet
import Foundation
import ToolSupport

/// What `predict` prints.
struct PredictionReport {
  var model: String
  var answer: Answer
  /// Classes of each sample.
  var top: Int
  var threads: ThreadChoice

  /// Of numbers so many are printed in a line; a file has all.
  private static let shownNumbers = 10

  func print(_ prediction: Prediction) {
    for sample in 0..<prediction.count {
      let place = prediction.count == 1 ? prediction.path : "\(prediction.path):\(sample + 1)"
      let errors = prediction.squaredErrors
      printLine(
        "\(place): \(errors.map { "squared error \($0[sample])" } ?? text(prediction.row(sample)))")
    }
  }

  private func text(_ outputs: ArraySlice<Float>) -> String {
    guard let names = answer.classNames else {
      let shown = outputs.prefix(PredictionReport.shownNumbers).map { "\($0)" }
      let rest = outputs.count - shown.count
      return shown.joined(separator: ", ")
        + (rest > 0 ? ", and \(Format.grouped(rest)) more (--output keeps all)" : "")
    }
    guard let ranking = ranking(outputs) else { return "no class: the outputs are not finite" }
    return ranking.map { index, value in
      let number = answer.measure == "score" ? "score \(Float(value))" : Format.percent(value)
      return "\(OneLine.short(names[index])) \(number)"
    }.joined(separator: ", ")
  }

  /// The first `top` classes; nil where outputs are not finite.
  private func ranking(_ outputs: ArraySlice<Float>) -> [(index: Int, value: Double)]? {
    guard let first = answer.index(outputs) else { return nil }
    let values = answer.values(outputs)
    // What decides is the outputs themselves: of equal ones the first, of one output its side of the threshold.
    let others = values.indices.filter { $0 != first }
      .sorted { values[$0] != values[$1] ? values[$0] > values[$1] : $0 < $1 }
    return ([first] + others).prefix(top).map { ($0, values[$0]) }
  }

  func json(_ predictions: [Prediction], output: String?) -> JSONValue {
    var object: [String: JSONValue] = [
      "model": .string(model),
      "samples": .integer(predictions.reduce(0) { $0 + $1.count }),
      "output": output.map { .string($0) } ?? .null, "threads": .integer(threads.count),
      "threadsReason": .string(threads.reason),
      "classNames": answer.classNames.map { .array($0.map { .string($0) }) } ?? .null,
    ]
    // What went to a file is not printed too.
    guard output == nil else { return .object(object) }
    object["predictions"] = .array(
      predictions.flatMap { prediction in
        (0..<prediction.count).map { json(prediction, sample: $0) }
      })
    return .object(object)
  }

  private func json(_ prediction: Prediction, sample: Int) -> JSONValue {
    let outputs = prediction.row(sample)
    var object: [String: JSONValue] = [
      "file": .string(prediction.path), "sample": .integer(sample + 1),
    ]
    if let names = answer.classNames {
      object["classes"] = .array(
        (ranking(outputs) ?? []).map { index, value in
          [
            "index": .integer(index), "class": .string(names[index]),
            answer.measure: .number(value),
          ]
        })
    } else {
      object["outputs"] = .array(outputs.map { .number(Double($0)) })
    }
    object["squaredError"] = prediction.squaredErrors.map { .number(Double($0[sample])) }
    return .object(object)
  }
}
