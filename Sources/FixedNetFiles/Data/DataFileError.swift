import FixedNetCompute

/// Why a file holds no data set. The description is one line.
public enum DataFileError: Error, Equatable {
  /// The system refused the file.
  case file(FileError)
  /// A MATLAB file that cannot be read.
  case mat(MatFileError)
  /// An HDF5 file that cannot be read.
  case hdf5(CheckpointError)
  /// Not a file of the kind its name says.
  case wrongFormat(path: String, found: String)
  /// An array that must be there. `found`: the names that the file has. `advice`: how to make one of them.
  case missing(path: String, array: String, found: [String], advice: String = "")
  /// An array that is not what it must be. `advice`: what to do about it.
  case array(path: String, array: String, expected: String, found: String, advice: String = "")
  /// A place in a table of text that is not what it must be. `line`: from 1; nil: none in particular.
  case table(
    path: String, line: Int?, what: String, expected: String, found: String, advice: String = "")
  /// An option that does not fit the file.
  case option(path: String, option: String, reason: String)
}

extension DataFileError: CustomStringConvertible {
  public var description: String { OneLine.text(text) }

  private var text: String {
    switch self {
    case .file(let error): error.description
    case .mat(let error): error.description
    case .hdf5(let error): error.description
    case .wrongFormat(let path, let found): "'\(path)': \(found)"
    case .missing(let path, let array, let found, let advice):
      "'\(path)': \(path.lowercased().hasSuffix(".mat") ? "variable" : "dataset") \(array) is "
        + "missing; the file has \(OneLine.list(found))\(DataFileError.behind(advice))"
    case .array(let path, let array, let expected, let found, let advice):
      "'\(path)': \(array) must be \(expected), found \(OneLine.short(found))"
        + DataFileError.behind(advice)
    case .table(let path, let line, let what, let expected, let found, let advice):
      "'\(path)'\(line.map { ", line \($0)" } ?? ""): \(what) must be \(expected), found "
        + OneLine.short(found) + DataFileError.behind(advice)
    case .option(let path, let option, let reason): "\(option): \(reason) in '\(path)'"
    }
  }

  private static func behind(_ advice: String) -> String { advice.isEmpty ? "" : "; \(advice)" }
}
