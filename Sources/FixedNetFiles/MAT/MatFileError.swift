import FixedNetCompute

/// Why a MATLAB file could not be read. The description is one line.
public enum MatFileError: Error, Equatable {
  /// This program was built without the package trait that reads files of this version.
  case unavailable(path: String, trait: String)
  /// The system refused.
  case file(FileError)
  /// Not a MATLAB file that is read here. `found`: what it is, and what to do.
  case wrongFormat(path: String, found: String)
  /// A MATLAB file whose parts do not fit together.
  case damaged(path: String, reason: String)
  /// A variable that must be there.
  case missing(path: String, variable: String, found: [String])
  /// A variable that is not what it must be.
  case variable(path: String, variable: String, expected: String, found: String)
}

extension MatFileError: CustomStringConvertible {
  public var description: String { OneLine.text(text) }

  private var text: String {
    switch self {
    case .unavailable(let path, let trait):
      "'\(path)': this program was built without \(trait); build it with the default package traits"
    case .file(let error): error.description
    case .wrongFormat(let path, let found): "'\(path)': \(found)"
    case .damaged(let path, let reason):
      "'\(path)': the file is damaged (\(OneLine.short(reason))); copy or save it again"
    case .missing(let path, let variable, let found):
      "'\(path)': variable \(variable) is missing; the file has " + OneLine.list(found)
    case .variable(let path, let variable, let expected, let found):
      "'\(path)': variable \(variable) must be \(expected), found \(OneLine.short(found))"
    }
  }
}
