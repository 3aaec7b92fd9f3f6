import CReader
import FixedNetCompute

/// Why a table cannot be read, as the helper says it.
struct TableFault {
  private var kind: Int
  /// From 1; 0: none in particular.
  private var line = 0
  /// From 0.
  private var column: Int?
  private var expected = 0
  private var found = 0
  private var columnName: [UInt8] = []
  private var texts: [[UInt8]] = []

  init(_ record: inout AnswerRecord) throws(HelperFailure) {
    kind = try record.count()
    line = try record.count()
    let column = try record.bits()
    self.column = column == .max ? nil : Int(clamping: column)
    (expected, found) = (try record.count(), try record.count())
    columnName = try record.text()
    texts = [try record.text(), try record.text()]
  }

  private init(kind: Int, texts: [[UInt8]]) { (self.kind, self.texts) = (kind, texts) }

  /// A class' name that is no UTF-8.
  static func encoding(_ name: [UInt8]) -> TableFault {
    TableFault(kind: encodingKind, texts: [name, []])
  }

  private static let encodingKind = -1

  /// "column 5 'species'"
  static func column(_ index: Int, name: String) -> String {
    "column \(index + 1)\(name.isEmpty ? "" : " '\(OneLine.short(name))'")"
  }

  private func text(_ index: Int) -> String {
    "'\(OneLine.short(String(decoding: texts[index], as: UTF8.self)))'"
  }

  private var columnText: String {
    guard let column else { return "the table" }
    return TableFault.column(column, name: String(decoding: columnName, as: UTF8.self))
  }

  /// `options`: what the user said of the file.
  func error(path: String, options: DataFileOptions) -> DataFileError {
    func at(_ what: String, _ expected: String, _ found: String, _ advice: String = "")
      -> DataFileError
    {
      .table(
        path: path, line: line > 0 ? line : nil, what: what, expected: expected, found: found,
        advice: advice)
    }
    switch kind {
    case Int(FN_TABLE_EMPTY):
      return .wrongFormat(path: path, found: "there is no row of values in it")
    case Int(FN_TABLE_RAGGED):
      // One field over several is a title or a remark, which tables have above them.
      return at(
        "the line", "\(expected) field\(expected == 1 ? "" : "s") like the others", "\(found)",
        expected == 1 && line == 2
          ? "where the first line is a title or a remark and no row, take it out" : "")
    case Int(FN_TABLE_MISSING):
      return at(
        columnText, "a value",
        texts[0].isEmpty ? "nothing" : "\(text(0)), which marks a missing one",
        "fill it in or take the line out; --ignore-column leaves the column out")
    case Int(FN_TABLE_TEXT): return at(columnText, "a number", text(0), textAdvice)
    case Int(FN_TABLE_BEYOND): return at(columnText, "a finite number of float32", text(0))
    case Int(FN_TABLE_QUOTE):
      return at("a field", "in quotes as a whole, quotes inside of it doubled", "a quote elsewhere")
    case Int(FN_TABLE_OPEN_QUOTE):
      return at("a field in quotes", "closed by a quote", "none up to the end of the file")
    case Int(FN_TABLE_NUL): return at("the file", "text", "a byte of zero: a binary file?")
    case Int(FN_TABLE_WIDE):
      return at("the table", "at most 1,048,576 columns", Format.grouped(found))
    case Int(FN_TABLE_DELIMITER):
      return at(
        "the delimiter", "clear", "more than one that fits",
        "say which one with --delimiter comma, semicolon or tab")
    case Int(FN_TABLE_NO_COLUMN):
      return .option(
        path: path, option: text(0),
        reason: "no column is called so, and columns have numbers from 1 on,")
    case Int(FN_TABLE_COLUMNS_ALIKE):
      return at(
        "the target", "one column",
        texts[1].isEmpty ? "several called \(text(0))" : "\(text(0)) and \(text(1))",
        "say which one with --target NAME, or by its number")
    case Int(FN_TABLE_MIXED):
      return at(
        columnText, "numbers, or names of classes",
        "\(text(0)) in this line and \(text(1)) in line \(found)")
    case Int(FN_TABLE_TOO_MANY_CLASSES):
      return at(
        columnText, "names of at most 65,536 classes", "\(Format.grouped(found)) different ones",
        "say with --target which column holds the answers")
    case Int(FN_TABLE_LONG_NAME):
      return at(columnText, "names of at most 1,024 bytes", "\(text(0)) and more")
    case Int(FN_TABLE_NARROW):
      return .wrongFormat(
        path: path,
        found:
          "only \(found) column\(found == 1 ? "" : "s") of fields between commas, semicolons or "
          + "tabs; a row needs its features and, as another column, the answer")
    case TableFault.encodingKind:
      return at("names of classes", "in UTF-8", "\(text(0))", "save the file in UTF-8")
    default: return .wrongFormat(path: path, found: "it cannot be read")
    }
  }

  /// What a text among the numbers may mean.
  private var textAdvice: String {
    let isDecimalComma =
      texts[0].contains(UInt8(ascii: ","))
      && texts[0].allSatisfy { "0123456789,+-".utf8.contains($0) }
    return isDecimalComma
      ? "decimal commas and separators of thousands are not read: write points, and no separators"
      : "number its categories, or leave it out with --ignore-column; where it holds the answers, "
        + "say so with --target"
  }
}
