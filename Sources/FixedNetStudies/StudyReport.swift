import FixedNet

/// What a study found: the contents of its report.md, data.csv and figures. Equal runs give equal contents, but for
/// `seconds`.
public struct StudyReport: Sendable {
  /// What was done, in sentences a reader can repeat it from: data, network, optimiser, epochs, seeds.
  public var protocolText: String
  /// The tables, ours beside the reference's.
  public var tables: [ReportTable] = []
  public var figures: [Figure] = []
  /// Where we do something else than the reference, and why.
  public var deviations: [String] = []
  /// What the figures say, one sentence each.
  public var findings: [String] = []
  /// What the study has to show, and whether it does: printed at the end and in summary.md.
  public var checks: [ReportCheck] = []
  /// data.csv: the first row names the columns. The same bytes for the same seed.
  public var csv: [[String]] = []
  /// Hashes of trained weights by run name; and of the data.
  public var modelHashes: [(name: String, sha256: String)] = []
  public var dataDigests: [(name: String, digest: String)] = []
  /// Measured; nowhere in data.csv.
  public var seconds = 0.0

  public init(protocolText: String) { self.protocolText = protocolText }
}

/// A table of a report; cells are texts as they are printed.
public struct ReportTable: Sendable, Equatable {
  public var title: String
  public var columns: [String]
  public var rows: [[String]]

  public init(_ title: String, columns: [String], rows: [[String]]) {
    self.title = title
    self.columns = columns
    self.rows = rows
  }
}

/// One thing that a full run has to show.
public struct ReportCheck: Sendable, Equatable {
  public var what: String
  public var isMet: Bool
  /// What was found: "98.51 % +- 0.06".
  public var found: String

  public init(_ what: String, isMet: Bool, found: String) {
    self.what = what
    self.isMet = isMet
    self.found = found
  }
}
