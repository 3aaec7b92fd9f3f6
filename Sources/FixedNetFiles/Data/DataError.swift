import FixedNetCompute

/// Why a data set could not be read or fetched. The description is one line.
public enum DataError: Error, Equatable {
  /// The system refused.
  case file(FileError)
  /// No folder has the data set's files.
  case missing(name: String, searched: [String])
  /// A file that is not what it must be.
  case malformed(path: String, expected: String, found: String)
  /// A file of the right form whose contents are not the known ones.
  case digest(path: String, expected: String, found: String)
  /// Labels that name no class.
  case label(path: String, value: Int, image: Int, classCount: Int)
  /// No mirror gave the file; the reason of each.
  case download(file: String, reasons: [String])
}

extension DataError: CustomStringConvertible {
  public var description: String { OneLine.text(text) }

  /// Files of that name may be somebody's only copy of another data set.
  private static let advice =
    "say where the right files are with --data-dir FOLDER, or fetch them into a new folder with "
    + "--download --data-dir FOLDER"

  private var text: String {
    switch self {
    case .file(let error): error.description
    case .missing(let name, let searched):
      "the four files of \(name) (\(MNISTFile.names), plain or .gz) are in none of "
        + "\(searched.joined(separator: ", ")); fetch them with --download, or say where they are with "
        + "--data-dir"
    case .malformed(let path, let expected, let found):
      "'\(path)': must be \(expected), found \(found); \(DataError.advice)"
    case .digest(let path, let expected, let found):
      "'\(path)': the contents are not the known data set's (SHA-256 \(found), not \(expected)): "
        + "another data set under the same file names, or a damaged file; \(DataError.advice)"
    case .label(let path, let value, let image, let classCount):
      "'\(path)': image \(image) has label \(value), but labels must be 0 to \(classCount - 1)"
    case .download(let file, let reasons):
      "no mirror gave \(file): \(reasons.joined(separator: "; "))"
    }
  }
}
