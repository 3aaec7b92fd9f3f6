import FixedNet
import FixedNetFiles
import Foundation

/// Writes a study's report.md, data.csv and figures into its folder.
package struct ReportWriter {
  package let figures: FigureWriter

  package init(figures: FigureWriter = FigureWriter()) { self.figures = figures }

  /// `folder`: exists. `command`: the command line that repeats the study.
  /// Returns: how to draw the figures, where they could not be drawn here.
  /// Throws: `StudyError.output`.
  @discardableResult
  package func write(
    _ report: StudyReport, of study: any Study.Type, options: StudyOptions, command: String,
    to folder: String
  ) throws(StudyError) -> String? {
    var advice: String?
    for figure in report.figures {
      if let text = try figures.write(figure, to: folder).advice { advice = text }
    }
    if !report.csv.isEmpty {
      try FigureWriter.write(
        Array(MarkupText.csv(report.csv).utf8), to: "\(folder)/data.csv")
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
    var parts = ["# \(MarkupText.markdown(title))"]
    if options.isQuick {
      parts.append("**A quick run: it shows that everything works. Its figures say nothing.**")
    }
    parts += ["## Protocol", report.protocolText]
    if !report.checks.isEmpty { parts += ["## Checks", checks] }
    if !report.findings.isEmpty { parts += ["## Findings", Markdown.list(report.findings)] }
    if !report.tables.isEmpty {
      parts.append("## Results")
      for table in report.tables {
        parts += ["### \(MarkupText.markdown(table.title))", Markdown.table(table)]
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
        rows: report.checks.map { $0.markdown }))
  }

  /// The picture (the script where there is none) and its caption.
  private func figure(_ figure: Figure) -> String {
    let alternative = MarkupText.markdown(figure.title)
    let picture =
      isDrawn
      ? "![\(alternative)](\(figure.name).svg)"
      : "[\(alternative)](\(figure.name).gp): `gnuplot \(figure.name).gp` draws it."
    return "\(picture)\n\n*\(MarkupText.markdown(figure.caption))* ([PNG](\(figure.name).png), "
      + "[data](\(figure.name).dat), [script](\(figure.name).gp))"
  }

  private var provenance: String {
    var rows = [["command", MarkupText.markdownCode(command)]]
    if let seeds = options.seeds { rows.append(["seeds", ReportText.seeds(seeds)]) }
    rows.append(["threads", "\(options.threads)"])
    rows.append(["seconds", Format.fixed(report.seconds, 1)])
    for data in report.dataDigests {
      rows.append([MarkupText.markdown("data \(data.name)"), MarkupText.markdownCode(data.digest)])
    }
    for hash in report.modelHashes {
      rows.append([
        MarkupText.markdown("weights of \(hash.name)"), MarkupText.markdownCode(hash.sha256),
      ])
    }
    return Markdown.table(ReportTable("", columns: ["", ""], rows: rows))
      + (report.csv.isEmpty ? "" : "\n\nAll numbers: [data.csv](data.csv).")
  }
}

extension ReportCheck {
  /// What, what was found, and whether it is met, as cells of Markdown.
  var markdown: [String] {
    [MarkupText.markdown(what), MarkupText.markdown(found), isMet ? "yes" : "**no**"]
  }
}

/// Texts of reports.
package enum ReportText {
  /// "0 to 4"; "0" for one.
  package static func seeds(_ count: Int) -> String { count == 1 ? "0" : "0 to \(count - 1)" }

  /// Mean and standard deviation over seeds (n - 1): "98.51 ± 0.06"; the mean alone for one value.
  package static func spread(_ values: [Double], _ digits: Int) -> String {
    let (mean, deviation) = meanAndDeviation(values)
    guard values.count > 1 else { return Format.fixed(mean, digits) }
    return "\(Format.fixed(mean, digits)) ± \(Format.fixed(deviation, digits))"
  }

  /// The deviation is the sample's (n - 1); 0 for one value.
  package static func meanAndDeviation(_ values: [Double]) -> (mean: Double, deviation: Double) {
    guard !values.isEmpty else { return (.nan, .nan) }
    let mean = values.reduce(0, +) / Double(values.count)
    guard values.count > 1 else { return (mean, 0) }
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, (squares / Double(values.count - 1)).squareRoot())
  }
}

/// Markdown's few forms.
enum Markdown {
  static func list(_ items: [String]) -> String { items.map { "- \($0)" }.joined(separator: "\n") }

  /// Cells are Markdown; a bar in one does not end it.
  static func table(_ table: ReportTable) -> String {
    let line = "|" + String(repeating: "---|", count: table.columns.count)
    return ([MarkupText.markdownRow(table.columns), line] + table.rows.map(MarkupText.markdownRow))
      .joined(separator: "\n")
  }
}
