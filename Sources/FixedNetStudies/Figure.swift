/// A figure as data: what is drawn, with labelled axes. `FigureWriter` makes a data file, a gnuplot script, an SVG and a
/// PNG of it.
public struct Figure: Sendable {
  /// The file's name without an end: "accuracy".
  public var name: String
  public var title: String
  /// A sentence under the figure in the report.
  public var caption: String
  /// Panels from left to right, in rows of `columns`.
  public var panels: [Panel]
  public var columns: Int

  public init(_ name: String, title: String, caption: String, columns: Int = 2, panels: [Panel]) {
    self.name = name
    self.title = title
    self.caption = caption
    self.panels = panels
    self.columns = columns
  }

  /// One pair of axes.
  public struct Panel: Sendable {
    public var title: String
    public var x: Axis
    public var y: Axis
    public var content: Content

    public init(_ title: String, x: Axis, y: Axis, _ content: Content) {
      self.title = title
      self.x = x
      self.y = y
      self.content = content
    }
  }

  public struct Axis: Sendable {
    /// With its unit: "learning rate", "test accuracy (%)".
    public var label: String
    public var isLogarithmic = false
    /// nil: what the data need.
    public var range: ClosedRange<Double>?
    /// Texts at positions, instead of numbers.
    public var ticks: [(position: Double, label: String)] = []

    public init(
      _ label: String, isLogarithmic: Bool = false, range: ClosedRange<Double>? = nil,
      ticks: [(position: Double, label: String)] = []
    ) {
      self.label = label
      self.isLogarithmic = isLogarithmic
      self.range = range
      self.ticks = ticks
    }
  }

  public enum Content: Sendable {
    /// Curves through points, a legend entry each. A value that is not finite is a gap.
    case lines([Line])
    /// A distribution per category, drawn as a violin with median and quartiles.
    case violins([Violin])
    /// values[row][column], rows upwards; `isPrinted`: the numbers stand in the cells.
    case heatMap(values: [[Double]], unit: String, isPrinted: Bool)
  }

  public struct Line: Sendable {
    public var label: String
    public var points: [(x: Double, y: Double)]
    /// Half the spread at each point (standard deviation over seeds), drawn as a band; empty: none.
    public var spread: [Double]
    public var isDashed = false
    public var hasMarkers = false
    /// Place in the palette; nil: the line's own place. Lines that belong together share one.
    public var colour: Int?

    /// An empty `label`: no entry in the legend.
    public init(
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

  public struct Violin: Sendable {
    public var label: String
    public var values: [Float]

    public init(_ label: String, _ values: [Float]) {
      self.label = label
      self.values = values
    }
  }
}
