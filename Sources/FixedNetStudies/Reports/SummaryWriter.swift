import FixedNet

/// Writes summary.md: all studies at a glance.
package enum SummaryWriter {
  /// `folder`: the one that holds a folder per study.
  /// Throws: `StudyError.output`.
  package static func write(
    _ records: [StudyRecord], options: StudyOptions, command: String, to folder: String
  ) throws(StudyError) {
    let text = text(records, options: options, command: command)
    try FigureWriter.write(Array(text.utf8), to: "\(folder)/summary.md")
  }

  static func text(_ records: [StudyRecord], options: StudyOptions, command: String) -> String {
    let seconds = records.reduce(0) { $0 + $1.seconds }
    var parts = ["# The experiments"]
    if options.isQuick {
      parts.append("**A quick run: it shows that everything works. Its figures say nothing.**")
    }
    parts.append(
      "\(records.count) studies in \(Format.fixed(seconds, 1)) s on \(options.threads) "
        + "thread\(options.threads == 1 ? "" : "s"): \(MarkupText.markdownCode(command))")
    parts.append(
      Markdown.table(
        ReportTable(
          "", columns: ["study", "what", "checks met", "seconds"],
          rows: records.map { record in
            let met = record.checks.filter(\.isMet).count
            return [
              "[\(record.name)](\(record.name)/report.md)", MarkupText.markdown(record.title),
              "\(met) of \(record.checks.count)", Format.fixed(record.seconds, 1),
            ]
          })))
    let checks = records.flatMap { record in
      record.checks.map { [record.name] + $0.markdown }
    }
    if !checks.isEmpty {
      parts += [
        "## Checks",
        Markdown.table(
          ReportTable("", columns: ["study", "what it has to show", "found", "met"], rows: checks)),
      ]
    }
    for record in records {
      guard let figure = record.figures.first else { continue }
      parts += [
        "## \(MarkupText.markdown(record.title))",
        "![\(MarkupText.markdown(figure.caption))](\(record.name)/\(figure.name).svg)",
        "*\(MarkupText.markdown(figure.caption))*",
      ]
    }
    return parts.joined(separator: "\n\n") + "\n"
  }
}
