import FixedNetCompute

extension DataPart {
  /// The rows of a table.
  /// Throws: `DataFileError.file`, `.wrongFormat`, `.table`.
  static func readTable(_ file: SealedFile, options: DataFileOptions, trained: LabelMap?)
    throws(DataFileError) -> DataContents
  {
    let areNames = trained.map { !$0.names.isEmpty } ?? false
    var table = try TableFile(
      file, options: options, target: .column(options.target ?? options.arrays.y),
      areNames: areNames)
    // The last column is a guess; texts are answers all the same, as no feature is one.
    if options.learnsInputs, table.isGuessed, table.classNames == nil {
      table = try TableFile(
        file, options: options, target: .unlessWide(table.featureCount + 1, nil), areNames: false)
      if table.target == nil {
        return DataContents(parts: [unanswered(table, file.path)], others: table.ignored(options))
      }
    }
    guard let target = table.target else {
      throw .wrongFormat(path: file.path, found: "it has no column of answers")
    }
    if table.isGuessed, table.rowCount > 2, let first = table.answers.first,
      table.answers.allSatisfy({ $0 == first }), trained == nil
    {
      throw .table(
        path: file.path, line: nil, what: "\(table.column(target)), the last,",
        expected: "the answers", found: "the same value in every row",
        advice: "say with --target which column holds them")
    }
    let part = DataPart(
      path: file.path, xName: "the table", xShape: [table.rowCount, table.featureCount],
      x: table.features, yName: table.column(target), yShape: [table.rowCount], y: table.answers,
      classNames: table.classNames,
      form: .table(
        lines: table.lines, note: "\(table.note); answers in \(table.column(target))"))
    return DataContents(
      parts: [part], others: table.ignored(options), doubt: table.doubt(target))
  }
}

extension DataPart {
  /// Rows that are features alone.
  private static func unanswered(_ table: TableFile, _ path: String) -> DataPart {
    DataPart(
      path: path, xName: "the table", shape: [table.rowCount, table.featureCount],
      x: table.features, form: .table(lines: table.lines, note: table.note))
  }
}

extension TableFile {
  /// "CSV, names of columns in line 1"
  var note: String {
    let kind =
      switch delimiter {
      case .comma: "comma-separated"
      case .semicolon: "separated by semicolons"
      case .tab: "separated by tabs"
      }
    let first =
      switch header {
      case .none: "no names of columns"
      case .names, .counted: "names of columns in the first line"
      case .classes: "scikit-learn's first line of counts and classes"
      }
    return "\(kind), \(first)"
  }

  /// Columns that are passed over, for the note.
  fileprivate func ignored(_ options: DataFileOptions) -> [String] {
    options.ignoredColumns.map { "column \($0)" }
  }

  /// What may be meant otherwise.
  fileprivate func doubt(_ target: Int) -> String? {
    var doubts: [String] = []
    if isGuessed, header != .classes {
      doubts.append(
        "\(column(target)), the last, is taken for the answers, as none is called label, target, "
          + "class, species or y (--target NAME or NUMBER takes another one)")
    }
    if header == .counted {
      doubts.append(
        "the first line, 0 to \(columnCount - 1), is taken for names of columns; where it is a row, "
          + "write a line of names above it")
    }
    if columnNames.contains(where: { Double($0) != nil }) {
      doubts.append(
        "the first line is taken for names of columns, though some of them are numbers; where it is a "
          + "row, write a line of names above it")
    }
    if let place = counter {
      doubts.append(
        "\(place) only counts the rows and is a feature all the same (--ignore-column leaves it out)"
      )
    }
    return doubts.isEmpty ? nil : doubts.joined(separator: "; ")
  }

  /// The first feature where it counts the rows, as "column 1".
  private var counter: String? {
    guard rowCount > 2, target != 0 else { return nil }
    let counts = features.withFloats { features in
      (features[0] == 0 || features[0] == 1)
        && (0..<rowCount).allSatisfy { features[$0 * featureCount] == features[0] + Float($0) }
    }
    return counts == true ? "the first column of features" : nil
  }
}
