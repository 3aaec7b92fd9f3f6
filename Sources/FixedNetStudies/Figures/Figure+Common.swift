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
    return Figure(
      name, title: title, caption: caption, columns: 1,
      panels: [
        Panel(
          "",
          x: Axis("predicted class", ticks: (0..<width).map { (Double($0 + 1), label($0)) }),
          y: Axis("true class", ticks: (0..<rows).map { (Double(rows - $0), label($0)) }),
          .heatMap(
            values: counts.reversed().map { $0.map(Double.init) }, unit: "samples",
            isPrinted: true))
      ])
  }
}
