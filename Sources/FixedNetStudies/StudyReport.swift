import FixedNet

/// What a study found: the contents of its report.md, data.csv and figures. Equal runs give equal contents, but for
/// `seconds`.
package struct StudyReport: Sendable {
  /// What was done, in sentences a reader can repeat it from: data, network, optimiser, epochs, seeds.
  package var protocolText: String
  /// The tables, ours beside the reference's.
  package var tables: [ReportTable] = []
  package var figures: [Figure] = []
  /// Where we do something else than the reference, and why.
  package var deviations: [String] = []
  /// What the figures say, one sentence each.
  package var findings: [String] = []
  /// What the study has to show, and whether it does: printed at the end and in summary.md.
  package var checks: [ReportCheck] = []
  /// data.csv: the first row names the columns. The same bytes for the same seed.
  package var csv: [[String]] = []
  /// Hashes of trained weights by run name; and of the data.
  package var modelHashes: [(name: String, sha256: String)] = []
  package var dataDigests: [(name: String, digest: String)] = []
  /// Measured; nowhere in data.csv.
  package var seconds = 0.0

  package init(protocolText: String) { self.protocolText = protocolText }
}

/// A table of a report; cells are texts as they are printed.
package struct ReportTable: Sendable, Equatable {
  package var title: String
  package var columns: [String]
  package var rows: [[String]]

  package init(_ title: String, columns: [String], rows: [[String]]) {
    self.title = title
    self.columns = columns
    self.rows = rows
  }
}

/// One thing that a full run has to show.
package struct ReportCheck: Sendable, Equatable {
  package var what: String
  package var isMet: Bool
  /// What was found: "98.51 % +- 0.06".
  package var found: String

  package init(_ what: String, isMet: Bool, found: String) {
    self.what = what
    self.isMet = isMet
    self.found = found
  }
}
