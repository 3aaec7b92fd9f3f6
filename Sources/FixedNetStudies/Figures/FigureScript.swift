import Foundation

/// A figure as gnuplot takes it: a data file of blocks, and a script that draws them to an SVG and a PNG.
///
/// The script draws the SVG, then loads itself for the PNG: blocks in braces would be read in pieces at a `}` in a title.
struct FigureScript {
  static let firstLine = "# Draws the SVG and the PNG: run gnuplot on this file, in its folder."
  /// Pixels.
  static let width = 960
  private static let titleHeight = 44

  let figure: Figure
  /// Of the files, without an end.
  let name: String
  private(set) var blocks: [String] = []
  private var commands: [String] = []

  /// The contents of NAME.dat: blocks with two empty lines between them.
  var data: String { blocks.joined(separator: "\n\n") }
  /// The contents of NAME.gp.
  var script: String { commands.joined(separator: "\n") + "\n" }

  /// The data file as the script calls it. The folder in front keeps a name from being read as a command.
  var dataPath: String { Gnuplot.quotedPath("./\(name).dat") }

  init(_ figure: Figure, name: String? = nil) {
    self.figure = figure
    self.name = name ?? figure.name
    begin()
    for (index, panel) in figure.panels.enumerated() { draw(panel, at: index) }
    end()
  }

  // MARK: - Layout

  private var columns: Int { max(1, min(figure.columns, figure.panels.count)) }
  private var rows: Int { max(1, (figure.panels.count + columns - 1) / columns) }
  /// Of one panel, in pixels.
  var panelWidth: Int { FigureScript.width / columns }

  /// The tallest panel's height: curves are wider than high, a heat map's cells want room.
  private var panelHeight: Int {
    figure.panels.map { panel in
      switch panel.content {
      case .lines(let lines):
        let legend =
          sharedLegend == nil ? FigureScript.legendRows(lines, width: panelWidth) * 18 : 0
        return (columns == 1 ? 400 : columns == 2 ? 310 : 260) + legend
      case .violins: return columns == 1 ? 380 : columns == 2 ? 300 : 260
      case .heatMap(let values, _, _):
        let cell = (panelWidth - 190) / max(1, values.map(\.count).max() ?? 1)
        return 110 + min(max(values.count * min(max(cell, 26), 48), 160), 700)
      }
    }.max() ?? 300
  }

  /// The lines that all panels name alike: one legend at the foot of the figure is enough. nil: a legend under each panel.
  var sharedLegend: [Figure.Line]? {
    let panels = figure.panels.map { panel -> [Figure.Line] in
      if case .lines(let lines) = panel.content { lines } else { [] }
    }
    guard panels.count > 1, let first = panels.first,
      first.contains(where: { !$0.label.isEmpty }),
      panels.allSatisfy({ $0.elementsEqual(first, by: FigureScript.looksAlike) })
    else { return nil }
    return first
  }

  private static func looksAlike(_ a: Figure.Line, _ b: Figure.Line) -> Bool {
    a.label == b.label && a.colour == b.colour && a.isDashed == b.isDashed
      && a.hasMarkers == b.hasMarkers
  }

  /// Of the legend at the foot, in pixels; 0: there is none.
  private var footHeight: Int {
    sharedLegend.map { FigureScript.legendRows($0, width: FigureScript.width) * 18 + 10 } ?? 0
  }

  /// Rows of the longest legend under a panel: all leave room for it, so that their axes end at the same height.
  var legendRows: Int {
    guard sharedLegend == nil else { return 0 }
    return figure.panels.map { panel in
      if case .lines(let lines) = panel.content {
        FigureScript.legendRows(lines, width: panelWidth)
      } else {
        0
      }
    }.max() ?? 0
  }

  /// Rows that the legend takes under the axes.
  private static func legendRows(_ lines: [Figure.Line], width: Int) -> Int {
    let labels = lines.map { cut($0.label, width: width - 120) }.filter { !$0.isEmpty }
    let entry = textWidth(labels) + 60
    let perRow = max(1, (width - 60) / entry)
    return (labels.count + perRow - 1) / perRow
  }

  /// About what the longest of the texts needs in a sans-serif face of the ticks' size, in pixels.
  static func textWidth(_ texts: [String]) -> Int { (texts.map(\.count).max() ?? 0) * 7 }

  /// A text that is not wider than that, in pixels.
  static func cut(_ text: String, width: Int) -> String {
    textWidth([text]) <= width ? text : text.prefix(max(1, width / 7 - 1)) + "…"
  }

  private var height: Int { FigureScript.titleHeight + rows * panelHeight + footHeight }

  private mutating func begin() {
    let size = "size \(FigureScript.width),\(height)"
    let outputs = ["svg", "png"].map { Gnuplot.quotedPath("./\(name).\($0)") }
    commands = [
      FigureScript.firstLine,
      "reset",
      "set encoding utf8",
      "if (!exists('kind')) kind = 'svg'",
      "if (kind eq 'svg') set terminal svg \(size) font 'Helvetica,Arial,sans-serif,12' "
        + "background rgb 'white' noenhanced rounded dashlength 0.7",
      "if (kind eq 'svg') set output \(outputs[0])",
      "if (kind eq 'png') set terminal pngcairo \(size) font 'sans-serif,10' "
        + "background rgb 'white' noenhanced rounded dashlength 0.7",
      "if (kind eq 'png') set output \(outputs[1])",
      "set multiplot",
      "set label 1 \(Gnuplot.quoted(figure.title)) at screen 0.5,screen "
        + "\(1 - 22 / Double(height)) center font ',14' noenhanced",
    ]
  }

  private mutating func end() {
    if let sharedLegend { drawFoot(sharedLegend) }
    commands += [
      "unset multiplot",
      "unset output",
      "if (kind eq 'svg') kind = 'png'; load \(Gnuplot.quotedPath("./\(name).gp")); undefine kind",
    ]
  }

  /// A plot whose axes are one line above the legend, and whose curves are out of sight.
  private mutating func drawFoot(_ lines: [Figure.Line]) {
    let top = Double(footHeight) / Double(height)
    let curves = lines.enumerated().map { index, line in
      let colour = FigurePalette.line(line.colour ?? index, of: lines.count)
      return "-1e9 " + style(line, index, colour, width: FigureScript.width)
    }
    commands += [
      "", "set origin 0,0", "set size 1,1", "unset border", "unset tics",
      "set xrange [0:1]", "set yrange [0:1]", "set lmargin at screen 0.03",
      "set rmargin at screen 0.97", "set tmargin at screen \(top)",
      "set bmargin at screen \(top - 1 / Double(height))",
      FigureScript.legend, plot(curves), "reset",
    ]
  }

  /// Below the axes.
  static let legend =
    "set key bmargin center horizontal Left reverse samplen 2.5 spacing 1.15"

  private mutating func draw(_ panel: Figure.Panel, at index: Int) {
    let (row, column) = (index / columns, index % columns)
    let whole = Double(height)
    let bottom = Double(footHeight + (rows - row - 1) * panelHeight) / whole
    commands += [
      "",
      "set origin \(Double(column) / Double(columns)),\(bottom)",
      "set size \(1 / Double(columns)),\(Double(panelHeight) / whole)",
      "set title \(Gnuplot.quoted(panel.title)) font ',12' offset 0,-0.4",
      "set border 3 lc rgb '#444444'",
      "set tics nomirror out",
      "set grid lt 1 lc rgb '#dddddd' lw 0.6",
      "set key off",
    ]
    switch panel.content {
    case .lines(let lines): commands += drawing(of: lines, in: panel)
    case .violins(let violins): commands += drawing(of: violins, in: panel)
    case .heatMap(let values, let unit, let isPrinted):
      commands += drawing(of: values, unit: unit, isPrinted: isPrinted, in: panel)
    }
    commands.append("reset")
  }

  // MARK: - Blocks

  /// Adds a block of rows. Returns: what a plot command names it with.
  mutating func block(_ rows: [String]) -> String {
    blocks.append(rows.joined(separator: "\n") + "\n")
    return "\(dataPath) index \(blocks.count - 1)"
  }

  /// A plot command of several elements.
  func plot(_ elements: [String]) -> String { "plot " + elements.joined(separator: ", \\\n  ") }

  /// An empty panel that says why.
  func emptyPanel(_ panel: Figure.Panel) -> [String] {
    FigureAxis(axis: panel.x, letter: "x", data: nil).commands()
      + FigureAxis(axis: panel.y, letter: "y", data: nil).commands() + [
        "set label 2 'no finite values' at graph 0.5,graph 0.5 center",
        "plot -1e9 notitle",
      ]
  }
}
