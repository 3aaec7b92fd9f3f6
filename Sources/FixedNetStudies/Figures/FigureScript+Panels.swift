import Foundation

// MARK: - Curves

extension FigureScript {
  /// Bands first, then the curves, so that no band covers one.
  mutating func drawing(of lines: [Figure.Line], in panel: Figure.Panel) -> [String] {
    let shown = lines.flatMap { line in line.points.filter { isShown($0, panel) } }
    guard !shown.isEmpty else { return emptyPanel(panel) }
    var reach = shown.map(\.y)
    var bands: [String] = []
    var curves: [String] = []
    for (index, line) in lines.enumerated() {
      let colour = FigurePalette.line(line.colour ?? index, of: lines.count)
      if !line.spread.isEmpty {
        let (rows, ends) = bandRows(line, panel)
        reach += ends
        bands.append(
          "\(block(rows)) using 1:2:3 with filledcurves notitle fs transparent solid 0.18 noborder "
            + "fc rgb '\(colour)'")
      }
      let rows = curveRows(line, panel)
      guard !rows.isEmpty else { continue }
      curves.append("\(block(rows)) using 1:2 \(style(line, index, colour, width: panelWidth))")
    }
    let xs = shown.map(\.x)
    let x = FigureAxis(
      axis: panel.x, letter: "x", data: (xs.min() ?? 0)...(xs.max() ?? 0),
      labelLimit: panelWidth / 65, labelOptions: "offset 0,0.4")
    let y = FigureAxis(
      axis: panel.y, letter: "y", data: (reach.min() ?? 0)...(reach.max() ?? 0), padding: 0.05)
    let key = sharedLegend == nil && lines.contains { !$0.label.isEmpty }
    let turned = slant(panel.x.ticks.map(\.label), panel)
    var commands = x.commands(slant: turned) + y.commands()
    if key { commands.append(FigureScript.legend) }
    // In lines of text: the ticks, the label and the legend. gnuplot finds the length of turned ticks itself.
    if turned == 0, legendRows > 0 {
      commands.append("set bmargin \(3.3 + 1.25 * Double(legendRows))")
    }
    return commands
      + [plot(bands + curves)]
  }

  /// How a curve looks, and its name in a legend of a width in pixels.
  func style(_ line: Figure.Line, _ index: Int, _ colour: String, width: Int) -> String {
    let markers = [7, 5, 9, 13, 11, 15, 6, 4]
    let size = line.points.count == 1 ? 1.6 : 0.8
    let marker =
      line.hasMarkers ? "linespoints pt \(markers[index % markers.count]) ps \(size)" : "lines"
    let dash = line.isDashed ? "dt (10,14)" : "dt 1"
    // gnuplot leaves out the whole legend where an entry is wider than the panel.
    let label = Gnuplot.quoted(FigureScript.cut(line.label, width: width - 120))
    let title = line.label.isEmpty ? "notitle" : "title \(label)"
    return "with \(marker) lw 1.8 \(dash) lc rgb '\(colour)' \(title)"
  }

  private func isShown(_ point: (x: Double, y: Double), _ panel: Figure.Panel) -> Bool {
    FigureAxis.isShown(point.x, panel.x) && FigureAxis.isShown(point.y, panel.y)
  }

  /// An empty row is a gap. A point between two gaps stands twice: drawn from itself to itself it is a dot.
  private func curveRows(_ line: Figure.Line, _ panel: Figure.Panel) -> [String] {
    let runs = line.points.split(omittingEmptySubsequences: true) { !isShown($0, panel) }
    return runs.map { run in
      let rows = run.map { "\($0.x) \($0.y)" }
      return (rows.count == 1 ? rows + rows : rows).joined(separator: "\n") + "\n"
    }
  }

  /// Rows of x, low, high, and all of the lows and highs. On a logarithmic axis a band ends at a thousandth of its curve.
  private func bandRows(_ line: Figure.Line, _ panel: Figure.Panel) -> ([String], [Double]) {
    let points = zip(line.points, line.spread).map { ($0.0, $0.1) }
    let runs = points.split(omittingEmptySubsequences: true) { point, spread in
      !isShown(point, panel) || !spread.isFinite
    }
    var ends: [Double] = []
    let rows = runs.map { run in
      run.map { point, spread in
        let least = panel.y.isLogarithmic ? point.y / 1000 : -Double.infinity
        let (low, high) = (max(point.y - spread, least), point.y + spread)
        ends += [low, high]
        return "\(point.x) \(low) \(high)"
      }.joined(separator: "\n") + "\n"
    }
    return (rows, ends)
  }

  /// Degrees by which the labels under an axis are turned, so that none covers the next.
  private func slant(_ labels: [String], _ panel: Figure.Panel) -> Int {
    let room = (panelWidth - 90) / max(1, labels.count)
    return FigureScript.textWidth(labels) + 8 > room ? 40 : 0
  }
}

// MARK: - Violins

extension FigureScript {
  /// A violin per category, at 1, 2, ...: the mirrored density, a bar from quartile to quartile, a dot at the median.
  /// On a logarithmic axis the density is that of the logarithm.
  mutating func drawing(of violins: [Figure.Violin], in panel: Figure.Panel) -> [String] {
    let isLogarithmic = panel.y.isLogarithmic
    let place = { (value: Double) in isLogarithmic ? pow(10, value) : value }
    var elements: [String] = []
    var (bars, dots): ([String], [String]) = ([], [])
    var reach: [Double] = []
    for (index, violin) in violins.enumerated() {
      let values = violin.values.lazy.map(Double.init).filter { FigureAxis.isShown($0, panel.y) }
      guard let density = KernelDensity(values.map { isLogarithmic ? log10($0) : $0 }) else {
        continue
      }
      let centre = Double(index + 1)
      let scale = 0.4 / (density.densities.max() ?? 1)
      let right = zip(density.positions, density.densities).map {
        (x: centre + scale * $1, y: place($0))
      }
      let outline = right + right.reversed().map { (x: 2 * centre - $0.x, y: $0.y) } + [right[0]]
      let rows = block(outline.map { "\($0.x) \($0.y)" })
      reach += right.map(\.y)
      let colour = FigurePalette.lines[0]
      elements.append(
        "\(rows) using 1:2 with filledcurves closed notitle fs transparent solid 0.35 fc rgb '\(colour)'"
      )
      elements.append("\(rows) using 1:2 with lines notitle lw 1 lc rgb '\(colour)'")
      let quartiles = density.quartiles
      let ends = "\(place(quartiles.first)) \(place(quartiles.third))"
      bars.append("\(centre) 0 \(centre - 0.045) \(centre + 0.045) \(ends)")
      dots.append("\(centre) \(place(quartiles.median))")
    }
    guard !dots.isEmpty else { return emptyPanel(panel) }
    elements.append(
      "\(block(bars)) using 1:2:3:4:5:6 with boxxyerror notitle fs solid 1 noborder fc rgb '#333333'"
    )
    let median = block(dots)
    elements.append("\(median) using 1:2 with points notitle pt 7 ps 0.9 lc rgb '#333333'")
    elements.append("\(median) using 1:2 with points notitle pt 7 ps 0.6 lc rgb '#ffffff'")
    var xAxis = panel.x
    xAxis.isLogarithmic = false
    xAxis.range = 0.4...(Double(violins.count) + 0.6)
    xAxis.ticks = violins.enumerated().map { (Double($0 + 1), $1.label) }
    let x = FigureAxis(axis: xAxis, letter: "x", data: nil)
    let y = FigureAxis(
      axis: panel.y, letter: "y", data: (reach.min() ?? 0)...(reach.max() ?? 0), padding: 0.06)
    return x.commands(slant: slant(violins.map(\.label), panel)) + y.commands()
      + ["set grid noxtics", plot(elements)]
  }
}

// MARK: - Heat maps

extension FigureScript {
  /// Cells around whole numbers; without ticks of the axis they are numbered from 1. A cell that is not finite is grey.
  mutating func drawing(
    of values: [[Double]], unit: String, isPrinted: Bool, in panel: Figure.Panel
  ) -> [String] {
    let finite = values.joined().filter(\.isFinite)
    guard let low = finite.min(), let high = finite.max() else { return emptyPanel(panel) }
    let length = high > low ? high - low : 1
    let columnCount = values.map(\.count).max() ?? 1
    let number = FigureNumber.cells(finite)
    var (cells, missing, texts): ([String], [String], [String]) = ([], [], [])
    for (row, rowValues) in values.enumerated() {
      for (column, value) in rowValues.enumerated() {
        let place = "\(column + 1) \(row + 1)"
        guard value.isFinite else {
          missing.append(place)
          continue
        }
        cells.append("\(place) \(value)")
        texts.append("\(place) \(number(value)) \(FigurePalette.ink(on: (value - low) / length))")
      }
    }
    var elements = [
      "\(block(cells)) using 1:2:(0.5):(0.5):3 with boxxyerror notitle fs solid 1 noborder fc palette"
    ]
    if !missing.isEmpty {
      elements.append(
        "\(block(missing)) using 1:2:(0.5):(0.5) with boxxyerror notitle fs solid 1 noborder "
          + "fc rgb '#cccccc'")
    }
    if isPrinted {
      let size = columnCount > 12 ? 8 : 10
      elements.append(
        "\(block(texts)) using 1:2:3:4 with labels notitle font ',\(size)' tc rgb variable")
    }
    let x = cellAxis(panel.x, "x", count: columnCount)
    let y = cellAxis(panel.y, "y", count: values.count)
    let labels = panel.x.ticks.map(\.label)
    return x.commands(slant: slant(labels, panel)) + y.commands() + [
      "unset grid", "set border 0", "set tics scale 0",
      "set palette defined (\(FigureScript.paletteText))",
      "set cbrange [\(low):\(low + length)]",
      "set cblabel \(Gnuplot.quoted(unit)) offset 1.2,0",
      plot(elements),
    ]
  }

  private func cellAxis(_ axis: Figure.Axis, _ letter: String, count: Int) -> FigureAxis {
    var axis = axis
    axis.isLogarithmic = false
    axis.range = 0.5...(Double(count) + 0.5)
    if axis.ticks.isEmpty { axis.ticks = (1...max(1, count)).map { (Double($0), "\($0)") } }
    return FigureAxis(axis: axis, letter: letter, data: nil)
  }

  private static let paletteText = FigurePalette.gradient.enumerated().map { index, colour in
    "\(index) \(Double(colour.red) / 255) \(Double(colour.green) / 255) \(Double(colour.blue) / 255)"
  }.joined(separator: ", ")
}
