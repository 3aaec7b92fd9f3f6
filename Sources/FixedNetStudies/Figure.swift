/// A figure as data: what is drawn, with labelled axes. `FigureWriter` makes a data file, a gnuplot script, an SVG and a
/// PNG of it.
package struct Figure: Sendable {
  /// The file's name without an end: "accuracy".
  package var name: String
  package var title: String
  /// A sentence under the figure in the report.
  package var caption: String
  /// Panels from left to right, in rows of `columns`.
  package var panels: [Panel]
  package var columns: Int

  package init(_ name: String, title: String, caption: String, columns: Int = 2, panels: [Panel]) {
    self.name = name
    self.title = title
    self.caption = caption
    self.panels = panels
    self.columns = columns
  }

  /// One pair of axes.
  package struct Panel: Sendable {
    package var title: String
    package var x: Axis
    package var y: Axis
    package var content: Content

    package init(_ title: String, x: Axis, y: Axis, _ content: Content) {
      self.title = title
      self.x = x
      self.y = y
      self.content = content
    }
  }

  package struct Axis: Sendable {
    /// With its unit: "learning rate", "test accuracy (%)".
    package var label: String
    package var isLogarithmic = false
    /// nil: what the data need.
    package var range: ClosedRange<Double>?
    /// Texts at positions, instead of numbers.
    package var ticks: [(position: Double, label: String)] = []

    package init(
      _ label: String, isLogarithmic: Bool = false, range: ClosedRange<Double>? = nil,
      ticks: [(position: Double, label: String)] = []
    ) {
      self.label = label
      self.isLogarithmic = isLogarithmic
      self.range = range
      self.ticks = ticks
    }
  }

  package enum Content: Sendable {
    /// Curves through points, a legend entry each. A value that is not finite is a gap.
    case lines([Line])
    /// A distribution per category, drawn as a violin with median and quartiles.
    case violins([Violin])
    /// values[row][column], rows upwards; `isPrinted`: the numbers stand in the cells.
    case heatMap(values: [[Double]], unit: String, isPrinted: Bool)
  }

  package struct Line: Sendable {
    package var label: String
    package var points: [(x: Double, y: Double)]
    /// Half the spread at each point (standard deviation over seeds), drawn as a band; empty: none.
    package var spread: [Double]
    package var isDashed = false
    package var hasMarkers = false
    /// Place in the palette; nil: the line's own place. Lines that belong together share one.
    package var colour: Int?

    /// An empty `label`: no entry in the legend.
    package init(
      _ label: String, _ points: [(x: Double, y: Double)], spread: [Double] = [],
      isDashed: Bool = false, hasMarkers: Bool = false, colour: Int? = nil
    ) {
      self.label = label
      self.points = points
      self.spread = spread
      self.isDashed = isDashed
      self.hasMarkers = hasMarkers
      self.colour = colour
    }
  }

  package struct Violin: Sendable {
    package var label: String
    package var values: [Float]

    package init(_ label: String, _ values: [Float]) {
      self.label = label
      self.values = values
    }
  }
}
