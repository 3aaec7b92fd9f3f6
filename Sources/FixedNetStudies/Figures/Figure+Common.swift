import FixedNet
import FixedNetFiles

extension Figure {
  /// Which class is taken for which: labels downwards, predictions to the right.
  /// `counts`: counts[label][prediction]; `classNames`: may be fewer than predictions.
  package static func confusion(
    _ name: String, title: String, caption: String, counts: [[Int]], classNames: [String]
  ) -> Figure {
    let width = counts.map(\.count).max() ?? 0
    func label(_ index: Int) -> String {
      index < classNames.count ? classNames[index] : "\(index)"
    }
    let rows = counts.count
    let tickStride = max(1, width / 25)
    return Figure(
      name, title: title, caption: caption, columns: 1,
      panels: [
        Panel(
          "",
          x: Axis(
            "predicted class",
            ticks: stride(from: 0, to: width, by: tickStride).map { (Double($0 + 1), label($0)) }),
          y: Axis(
            "true class",
            ticks: stride(from: 0, to: rows, by: tickStride).map { (Double(rows - $0), label($0)) }),
          .heatMap(
            values: counts.reversed().map { $0.map(Double.init) }, unit: "samples",
            isPrinted: width <= 20))
      ])
  }

  /// Loss and accuracy per epoch, of the training samples and of the validation part or the test set; accuracies that say
  /// nothing are left out.
  package static func history(_ name: String, title: String, _ records: [EpochRecord]) -> Figure {
    let unseen = records.contains { $0.validation != nil } ? "validation" : "test"
    func panel(
      _ label: String, _ train: (EpochRecord) -> Double, _ test: (EpochRecord) -> Double
    ) -> Panel {
      let training = records.map { (x: Double($0.epoch), y: train($0)) }
      let tested = records.map { (x: Double($0.epoch), y: test($0)) }
      let hasMarkers = records.count <= 20
      return Panel(
        "", x: Axis("epoch"), y: Axis(label),
        .lines([
          Line("training", training, hasMarkers: hasMarkers),
          Line(unseen, tested, isDashed: true, hasMarkers: hasMarkers),
        ]))
    }
    var panels = [panel("loss", { $0.trainLoss }, { $0.unseen.loss })]
    if records.contains(where: { $0.trainAccuracy.isFinite || $0.unseen.accuracy.isFinite }) {
      panels.append(
        panel("accuracy (%)", { 100 * $0.trainAccuracy }, { 100 * $0.unseen.accuracy }))
    }
    return Figure(name, title: title, caption: "Loss and accuracy per epoch.", panels: panels)
  }

  /// What trainings on more and more samples come to, by their number.
  /// `scores`: on the samples of the training and on those of the validation part.
  package static func learningCurve(
    _ name: String, title: String,
    _ scores: [(samples: Int, training: Training.Evaluation, validation: Training.Evaluation)]
  ) -> Figure {
    func panel(_ label: String, _ value: (Training.Evaluation) -> Double) -> Panel {
      Panel(
        "", x: Axis("training samples", isLogarithmic: true), y: Axis(label),
        .lines([
          Line(
            "training", scores.map { (Double($0.samples), value($0.training)) }, hasMarkers: true),
          Line(
            "validation", scores.map { (Double($0.samples), value($0.validation)) }, isDashed: true,
            hasMarkers: true),
        ]))
    }
    var panels = [panel("loss", \.loss)]
    if scores.contains(where: { $0.validation.accuracy.isFinite }) {
      panels.append(panel("accuracy (%)") { 100 * $0.accuracy })
    }
    return Figure(
      name, title: title, caption: "Loss and accuracy against training samples.", panels: panels)
  }

  /// How often a classifier is right against how sure it is, and of how many samples.
  package static func calibration(
    _ name: String, title: String, _ metrics: CalibrationMetrics
  ) -> Figure {
    let bins = metrics.bins.filter { $0.count > 0 }
    let sure = Axis("probability of the predicted class", range: 0...1)
    return Figure(
      name, title: title,
      caption: "Accuracy against the probability of the predicted class, by tenths.",
      panels: [
        Panel(
          "", x: sure, y: Axis("accuracy", range: 0...1),
          .lines([
            Line("calibrated", [(0, 0), (1, 1)], isDashed: true),
            Line("model", bins.map { ($0.confidence, $0.accuracy) }, hasMarkers: true),
          ])),
        Panel(
          "", x: sure, y: Axis("samples", isLogarithmic: true),
          .lines([Line("", bins.map { ($0.confidence, Double($0.count)) }, hasMarkers: true)])),
      ])
  }

  /// The loss against a full-batch solver's evaluations.
  package static func solverHistory(
    _ name: String, title: String, _ points: [(evaluations: Int, loss: Double)]
  ) -> Figure {
    Figure(
      name, title: title, caption: "Loss against evaluations.", columns: 1,
      panels: [
        Panel(
          "", x: Axis("evaluations of loss and gradient, or Hessian products"),
          y: Axis("loss", isLogarithmic: true),
          .lines([Line("", points.map { (Double($0.evaluations), $0.loss) })]))
      ])
  }
}
