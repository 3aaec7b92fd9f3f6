import FixedNet
import FixedNetFiles
import ToolSupport

/// A file of predictions.
enum PredictionFile {
  /// Whether the name says a format that is written.
  static func isNamed(_ path: String) -> Bool {
    path.lowercased().hasSuffix(".csv") || ArrayFile.isNamed(path)
  }

  /// Throws: `CheckpointError`, `FileError`.
  static func write(_ predictions: [Prediction], of answer: Answer, to path: String) throws {
    guard path.lowercased().hasSuffix(".csv") else {
      return try ArrayFile.write(arrays(predictions, of: answer, for: path), to: path)
    }
    try AtomicFile.write(Array(table(predictions, of: answer).utf8), to: path)
  }

  // MARK: - Arrays

  /// y, the outputs of all samples; of a classifier class_index too, and class_names; of a model that reproduces its samples
  /// squared_error.
  private static func arrays(
    _ predictions: [Prediction], of answer: Answer, for path: String
  ) -> [NamedArray] {
    let count = predictions.reduce(0) { $0 + $1.count }
    let sample = (predictions.first?.outputs.shape ?? [0]).dropFirst()
    let values = predictions.flatMap(\.outputs.values)
    let outputs = NamedArray("y", Tensor(shape: [count] + sample, values: values))
    guard let names = answer.classNames else {
      let errors = predictions.compactMap(\.squaredErrors)
      guard !errors.isEmpty else { return [outputs] }
      let all = errors.flatMap(\.self)
      return [outputs, NamedArray("squared_error", Tensor(shape: [all.count], values: all))]
    }
    let first = path.lowercased().hasSuffix(".mat") ? 1 : 0
    let classes = rows(predictions).map { row in
      answer.index(row).map { $0 + first } ?? first - 1
    }
    return [outputs, NamedArray("class_index", classes), NamedArray("class_names", names)]
  }

  private static func rows(_ predictions: [Prediction]) -> [ArraySlice<Float>] {
    predictions.flatMap { prediction in (0..<prediction.count).map { prediction.row($0) } }
  }

  // MARK: - A table

  /// file, sample, then class and a column for every class, or the outputs as y or y1, y2, ..., behind squared_error where
  /// a model reproduces its samples.
  private static func table(_ predictions: [Prediction], of answer: Answer) -> String {
    let width = predictions.lazy.filter { $0.count > 0 }.first?.row(0).count ?? 0
    let columns =
      answer.classNames.map { ["class"] + $0 }
      ?? (width == 1 ? ["y"] : (0..<width).map { "y\($0 + 1)" })
    let measures = predictions.contains { $0.squaredErrors != nil } ? ["squared_error"] : []
    var text = (["file", "sample"] + measures + columns).map(field).joined(separator: ",") + "\n"
    for prediction in predictions {
      for sample in 0..<prediction.count {
        let row = prediction.row(sample)
        let name = answer.classNames.map { names in answer.index(row).map { names[$0] } ?? "" }
        let values = answer.values(row).map { "\(Float($0))" }
        let errors = prediction.squaredErrors.map { ["\($0[sample])"] } ?? []
        let place = [prediction.path, "\(sample + 1)"]
        text +=
          (place + errors + (name.map { [$0] } ?? []) + values).map(field)
          .joined(separator: ",") + "\n"
      }
    }
    return text
  }

  /// Between quotes where it must be.
  /// Source: RFC 4180.
  private static func field(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) else {
      return text
    }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}
