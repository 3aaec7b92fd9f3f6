import CReader
import FixedNetCompute

/// What stands between the fields of a table.
public enum TableDelimiter: String, CaseIterable, Sendable {
  /// What is between two fields.
  case comma, semicolon, tab

  var byte: UInt8 {
    switch self {
    case .comma: UInt8(ascii: ",")
    case .semicolon: UInt8(ascii: ";")
    case .tab: UInt8(ascii: "\t")
    }
  }

  init?(byte: Int) {
    guard let found = TableDelimiter.allCases.first(where: { Int($0.byte) == byte }) else {
      return nil
    }
    self = found
  }
}

/// A table in text (RFC 4180): CSV, TSV. A helper reads it: see `FN_READ_TABLE`.
struct TableFile {
  /// Which column holds the answers.
  enum Target {
    /// The one of this name or number; nil: the one that is called so, else the last.
    case column(String?)
    /// None in a table of so many columns, else as `column` has it.
    case unlessWide(Int, String?)
  }

  /// What the first line is.
  enum Header: Int {
    case none = 0
    case names = 1
    /// 0, 1, 2, ...
    case counted = 2
    /// scikit-learn's numbers of rows and features, and names of classes.
    case classes = 3
  }

  let path: String
  private(set) var delimiter = TableDelimiter.comma
  private(set) var header = Header.none
  private(set) var rowCount = 0
  private(set) var columnCount = 0
  private(set) var featureCount = 0
  /// From 0; nil: none holds answers.
  private(set) var target: Int?
  /// The target is the last column because nothing says which one it is.
  private(set) var isGuessed = false
  /// Of the columns; empty without a first line of names.
  private(set) var columnNames: [String] = []
  /// Of the classes, whose places `answers` hold; nil where answers are numbers.
  private(set) var classNames: [String]?
  /// [rows][features], float32 next to the decimal numbers.
  private(set) var features = ImageSet.Pixels.floats([])
  /// Whole numbers exactly, others as float32; empty without a target.
  private(set) var answers: [Double] = []
  /// The line of the file that each row starts in, from 1.
  private(set) var lines: [Double] = []

  /// `areNames`: answers are names of classes, even where they look like numbers.
  /// Throws: `DataFileError.file`, `.wrongFormat`, `.table`.
  init(_ file: SealedFile, options: DataFileOptions, target: Target, areNames: Bool)
    throws(DataFileError)
  {
    path = file.path
    try TableFile.checkStart(file)
    let output = try TableFile.ask(file, options, target, areNames: areNames)
    do throws(HelperFailure) {
      try read(output)
    } catch { throw TableFile.failure(error, path: path) }
    if let fault { throw fault.error(path: path, options: options) }
    do throws(HelperFailure) { try checkAnswer() } catch {
      throw TableFile.failure(error, path: path)
    }
  }

  private var fault: TableFault?

  /// "column 5 'species'", as messages name it.
  func column(_ index: Int) -> String {
    TableFault.column(index, name: index < columnNames.count ? columnNames[index] : "")
  }

  // MARK: - The helper

  private static func failure(_ error: HelperFailure, path: String) -> DataFileError {
    error.isSystems
      ? .file(FileError(path: path, action: "read", reason: error.reason))
      : .wrongFormat(path: path, found: error.reason)
  }

  /// Text, by its first bytes: other files are called what they are.
  private static func checkStart(_ file: SealedFile) throws(DataFileError) {
    let start: [UInt8]
    do { start = try file.bytes(at: 0, count: 8) } catch { throw .file(error) }
    let found: String
    switch (start.first, start.dropFirst().first) {
    case (nil, _): found = "the file is empty"
    case (0xFF, 0xFE), (0xFE, 0xFF): found = "text in UTF-16; save it as CSV in UTF-8"
    case (0x50, 0x4B): found = "a zip archive (a spreadsheet?) and no text; save it as CSV"
    case (0x89, 0x48): found = "an HDF5 file and no text; name it .h5"
    default: return
    }
    throw .wrongFormat(path: file.path, found: found)
  }

  private static func ask(
    _ file: SealedFile, _ options: DataFileOptions, _ target: Target, areNames: Bool
  ) throws(DataFileError) -> HelperOutput {
    // A row takes two bytes at least, a field one and its delimiter.
    let room = 16 << 20 + 16 * file.count
    let seconds = 2 + file.count >> 24
    var request = HelperRequest(
      kind: Int(FN_READ_TABLE), memory: 64 << 20 + 32 * file.count, seconds: seconds)
    request.number(options.delimiter.map { Int($0.byte) } ?? 0)
    var name: String?
    switch target {
    case .column(let column):
      name = column
      request.number(Int(column == nil ? FN_TARGET_USUAL : FN_TARGET_NAMED))
      request.number(0)
    case .unlessWide(let width, let column):
      name = column
      request.number(Int(FN_TARGET_BY_WIDTH))
      request.number(width)
    }
    request.number(areNames ? 1 : 0)
    request.text(Array((name ?? "").utf8))
    request.number(options.ignoredColumns.count)
    for column in options.ignoredColumns { request.text(Array(column.utf8)) }
    do throws(HelperFailure) {
      // Numbers of three characters and what is between them.
      let run = try HelperRun(
        .reader, file, request, room: room, expected: file.count, certain: file.count / 2,
        seconds: seconds)
      return try run.answer()
    } catch { throw failure(error, path: file.path) }
  }

  private mutating func read(_ output: HelperOutput) throws(HelperFailure) {
    var x: AnswerValues?
    var records = AnswerRecords(output)
    while var record = try records.next() {
      switch record.tag {
      case Int(FN_RECORD_CELL): fault = try TableFault(&record)
      case Int(FN_RECORD_TABLE): try readTable(&record)
      case Int(FN_RECORD_NAMES):
        let isColumns = try record.text() == Array("columns".utf8)
        let names = try record.texts()
        if isColumns {
          columnNames = names.map { String(decoding: $0, as: UTF8.self) }
        } else {
          try readClasses(names)
        }
      case Int(FN_RECORD_VALUES):
        let name = String(decoding: try record.text(), as: UTF8.self)
        guard try record.count() == Int(FN_VALUES_HERE) else { throw .answer }
        let values = try record.values()
        switch name {
        case "x": x = values
        case "y": answers = try values.doubles()
        case "lines": lines = try values.doubles()
        default: throw .answer
        }
      default: throw .answer
      }
    }
    if let x { features = try x.pixels(rowCount) }
  }

  private mutating func readTable(_ record: inout AnswerRecord) throws(HelperFailure) {
    guard let delimiter = TableDelimiter(byte: try record.count()),
      let header = Header(rawValue: try record.count())
    else { throw .answer }
    (self.delimiter, self.header) = (delimiter, header)
    (rowCount, columnCount, featureCount) = (
      try record.count(), try record.count(), try record.count()
    )
    let target = try record.bits()
    self.target = target == .max ? nil : Int(clamping: target)
    isGuessed = try record.count() != 0
    if try record.count() == 0 { classNames = nil }
  }

  /// Names that are no UTF-8 could not be told apart.
  private mutating func readClasses(_ names: [[UInt8]]) throws(HelperFailure) {
    var texts: [String] = []
    for name in names {
      guard let text = String(validating: name, as: UTF8.self) else {
        fault = .encoding(name)
        return
      }
      texts.append(text)
    }
    classNames = texts
  }

  /// All that was said must go together.
  private func checkAnswer() throws(HelperFailure) {
    let count = rowCount.multipliedReportingOverflow(by: featureCount)
    guard rowCount > 0, featureCount > 0, !count.overflow, features.count == count.partialValue,
      lines.count == rowCount, answers.count == (target == nil ? 0 : rowCount),
      lines.allSatisfy({ $0 >= 1 && $0 <= 0x1p53 }), (target ?? 0) < columnCount,
      columnNames.isEmpty || columnNames.count == columnCount
    else { throw .answer }
    guard let classNames else { return }
    guard
      answers.allSatisfy({ $0 >= 0 && $0 < Double(classNames.count) && $0 == $0.rounded(.down) })
    else { throw .answer }
  }
}
