import FixedNet
import FixedNetFiles
import ToolSupport

// What eval says of classes alone.

extension Evaluation {
  /// Figures of classes need classes.
  /// Throws: `ToolError`.
  func checkClassFigures(_ images: ImageSet, of data: String) throws {
    let asked = [
      ("--plot", options.plot != nil, "a confusion matrix"),
      ("--confusion", options.confusion, "a confusion matrix"),
      ("--calibration", options.calibration != nil, "how sure the model is of its classes"),
    ]
    for (option, isGiven, what) in asked where isGiven && images.predictsNumbers {
      throw ToolError("\(option) shows \(what), but '\(data)' holds numbers, not classes")
    }
    let classes = images.largestLabel.map { Int($0) + 1 } ?? 0
    for (option, isGiven, _) in asked.prefix(2)
    where isGiven && classes > EvaluationReport.shownClasses {
      throw ToolError(
        "\(option) shows a confusion matrix of at most \(EvaluationReport.shownClasses) classes, but "
          + "'\(data)' has \(Format.grouped(classes)) (--json has it up to 1,024)")
    }
  }

  /// How far the probabilities are from what they promise; nil where there are none.
  /// Throws: `ToolError` where a figure of them was asked for.
  func calibration(_ outputs: Tensor, labels: [UInt16]) throws -> CalibrationMetrics? {
    guard !labels.isEmpty else { return nil }
    let answer = try Answer(file.model, training: file.training, loss: loss.computed)
    let metrics = answer.calibration(outputs, labels: labels)
    guard metrics == nil, options.calibration != nil else { return metrics }
    if let odd = outputs.values.first(where: { !$0.isFinite }) {
      throw ToolError(
        "--calibration: outputs of '\(options.file)' are not finite (\(odd)); evaluate a model whose are"
      )
    }
    throw ToolError(
      "--calibration: the outputs of '\(options.file)' are no probabilities of classes; end it in softmax or "
        + "sigmoid, or name a loss that learns them with --loss")
  }
}

extension Answer {
  /// By the probability of the class that is predicted; nil of scores, numbers, and outputs that are not finite.
  fileprivate func calibration(_ outputs: Tensor, labels: [UInt16]) -> CalibrationMetrics? {
    switch self {
    case .numbers, .classes(_, .scores), .twoClasses(_, _, .scores): return nil
    case .classes, .twoClasses: break
    }
    let width = outputs.values.count / labels.count
    var confidences: [Double] = []
    var areRight: [Bool] = []
    for (sample, label) in labels.enumerated() {
      let row = outputs.values[sample * width..<(sample + 1) * width]
      guard let predicted = index(row) else { return nil }
      confidences.append(values(row)[predicted])
      areRight.append(predicted == Int(label))
    }
    return CalibrationMetrics(confidences, areRight: areRight)
  }
}
