import FixedNet
import FixedNetFiles
import Foundation

/// Writes a study's report.md, data.csv and figures into its folder.
public struct ReportWriter {
  public let figures: FigureWriter

  public init(figures: FigureWriter = FigureWriter()) { self.figures = figures }

  /// `folder`: exists. `command`: the command line that repeats the study.
  /// Returns: how to draw the figures, where they could not be drawn here.
  /// Throws: `StudyError.output`.
  @discardableResult
  public func write(
    _ report: StudyReport, of study: any Study.Type, options: StudyOptions, command: String,
    to folder: String
  ) throws(StudyError) -> String? {
    var advice: String?
    for figure in report.figures {
      if let text = try figures.write(figure, to: folder).advice { advice = text }
    }
    if !report.csv.isEmpty {
      try FigureWriter.write(
        Array(ReportWriter.csvText(report.csv).utf8), to: "\(folder)/data.csv")
    }
    let text = MarkdownReport(
      report: report, title: study.title, name: study.name, options: options, command: command,
      isDrawn: advice == nil
    ).text
    try FigureWriter.write(Array(text.utf8), to: "\(folder)/report.md")
    return advice.map { _ in
      "no gnuplot on this machine; install it (Debian: gnuplot-nox) and run gnuplot *.gp in "
        + "'\(folder)'"
    }
  }

  /// Comma-separated values; cells with commas, quotes or line breaks are quoted (RFC 4180, line ends as on Unix).
  public static func csvText(_ rows: [[String]]) -> String {
    rows.map { row in
      row.map { cell in
        let isPlain = !cell.unicodeScalars.contains { ",\"\n\r".unicodeScalars.contains($0) }
        return isPlain ? cell : "\"" + cell.replacing("\"", with: "\"\"") + "\""
      }.joined(separator: ",") + "\n"
    }.joined()
  }
}

/// A report as Markdown.
struct MarkdownReport {
  let report: StudyReport
  let title: String
  let name: String
  let options: StudyOptions
  let command: String
  /// Whether the figures have pictures.
  let isDrawn: Bool

  var text: String {
    var parts = ["# \(Markdown.text(title))"]
    if options.isQuick {
      parts.append("**A quick run: it shows that everything works. Its figures say nothing.**")
    }
    parts += ["## Protocol", report.protocolText]
    if !report.checks.isEmpty { parts += ["## Checks", checks] }
    if !report.findings.isEmpty { parts += ["## Findings", Markdown.list(report.findings)] }
    if !report.tables.isEmpty {
      parts.append("## Results")
      for table in report.tables {
        parts += ["### \(Markdown.text(table.title))", Markdown.table(table)]
      }
    }
    if !report.figures.isEmpty { parts += ["## Figures"] + report.figures.map(figure) }
    if !report.deviations.isEmpty {
      parts += ["## Deviations from the reference", Markdown.list(report.deviations)]
    }
    parts += ["## How it was made", provenance]
    return parts.joined(separator: "\n\n") + "\n"
  }

  private var checks: String {
    Markdown.table(
      ReportTable(
        "", columns: ["what it has to show", "found", "met"],
        rows: report.checks.map { [$0.what, $0.found, $0.isMet ? "yes" : "**no**"] }))
  }

  /// The picture (the script where there is none) and its caption.
  private func figure(_ figure: Figure) -> String {
    let alternative = Markdown.text(figure.title)
    let picture =
      isDrawn
      ? "![\(alternative)](\(figure.name).svg)"
      : "[\(alternative)](\(figure.name).gp): `gnuplot \(figure.name).gp` draws it."
    return "\(picture)\n\n*\(Markdown.text(figure.caption))* ([PNG](\(figure.name).png), "
      + "[data](\(figure.name).dat), [script](\(figure.name).gp))"
  }

  private var provenance: String {
    var rows = [["command", "`\(command.replacing("`", with: "'"))`"]]
    if let seeds = options.seeds { rows.append(["seeds", ReportText.seeds(seeds)]) }
    rows.append(["threads", "\(options.threads)"])
    rows.append(["seconds", Format.fixed(report.seconds, 1)])
    for data in report.dataDigests { rows.append(["data \(data.name)", "`\(data.digest)`"]) }
    for hash in report.modelHashes { rows.append(["weights of \(hash.name)", "`\(hash.sha256)`"]) }
    return Markdown.table(ReportTable("", columns: ["", ""], rows: rows))
      + (report.csv.isEmpty ? "" : "\n\nAll numbers: [data.csv](data.csv).")
  }
}

/// Texts of reports.
public enum ReportText {
  /// "0 to 4"; "0" for one.
  public static func seeds(_ count: Int) -> String { count == 1 ? "0" : "0 to \(count - 1)" }

  /// Mean and standard deviation over seeds (n - 1): "98.51 ± 0.06"; the mean alone for one value.
  public static func spread(_ values: [Double], _ digits: Int) -> String {
    let (mean, deviation) = meanAndDeviation(values)
    guard values.count > 1 else { return Format.fixed(mean, digits) }
    return "\(Format.fixed(mean, digits)) ± \(Format.fixed(deviation, digits))"
  }

  /// The deviation is the sample's (n - 1); 0 for one value.
  public static func meanAndDeviation(_ values: [Double]) -> (mean: Double, deviation: Double) {
    guard !values.isEmpty else { return (.nan, .nan) }
    let mean = values.reduce(0, +) / Double(values.count)
    guard values.count > 1 else { return (mean, 0) }
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, (squares / Double(values.count - 1)).squareRoot())
  }
}

/// Markdown's few forms.
enum Markdown {
  /// Text that is nothing but text: on one line, without markup.
  static func text(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "<": result += "&lt;"
      case "\\", "[", "]", "`", "*", "_", "|": result += "\\\(scalar)"
      default:
        result.unicodeScalars.append(scalar.value < 0x20 || scalar.value == 0x7F ? " " : scalar)
      }
    }
    return result
  }

  static func list(_ items: [String]) -> String { items.map { "- \($0)" }.joined(separator: "\n") }

  /// Cells are Markdown; a bar in one would end it.
  static func table(_ table: ReportTable) -> String {
    func row(_ cells: [String]) -> String {
      let texts = cells.map {
        $0.replacing("|", with: "\\|").split(whereSeparator: \.isNewline).joined(separator: " ")
      }
      return "| " + texts.joined(separator: " | ") + " |"
    }
    let line = "|" + String(repeating: "---|", count: table.columns.count)
    return ([row(table.columns), line] + table.rows.map(row)).joined(separator: "\n")
  }
}
