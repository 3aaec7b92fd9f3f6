import FixedNet
import FixedNetFiles

extension Figure {
  /// Which class is taken for which: labels downwards, predictions to the right.
  /// `counts`: counts[label][prediction]; `classNames`: may be fewer than predictions.
  public static func confusion(
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

  /// Loss and accuracy of training and test set per epoch; accuracies that say nothing are left out.
  public static func history(_ name: String, title: String, _ records: [EpochRecord]) -> Figure {
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
          Line("test", tested, isDashed: true, hasMarkers: hasMarkers),
        ]))
    }
    var panels = [panel("loss", { $0.trainLoss }, { $0.testLoss })]
    if records.contains(where: { $0.trainAccuracy.isFinite || $0.testAccuracy.isFinite }) {
      panels.append(panel("accuracy (%)", { 100 * $0.trainAccuracy }, { 100 * $0.testAccuracy }))
    }
    return Figure(name, title: title, caption: "Loss and accuracy per epoch.", panels: panels)
  }

  /// The loss against a full-batch solver's evaluations.
  public static func solverHistory(
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
