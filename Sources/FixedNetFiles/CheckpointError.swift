import FixedNetCompute

/// Why a checkpoint or another HDF5 file could not be read or written. The description is one line.
public enum CheckpointError: Error, Equatable {
  /// This program was built without the package trait HDF5.
  case unavailable(path: String)
  /// The system refused.
  case file(FileError)
  /// Not a file of the kind that is read here. `found`: what it is, and what to do.
  case wrongFormat(path: String, found: String)
  /// An object or attribute that must be there.
  case missing(path: String, item: String, advice: String)
  /// An object or attribute that is not what it must be.
  case item(path: String, item: String, expected: String, found: String)
  /// A text that is not JSON.
  case json(path: String, item: String, JSONError)
  /// A model that cannot be used.
  case model(path: String, ModelError)
  /// libhdf5 gave up.
  case library(path: String, item: String, reason: String)
}

extension CheckpointError: CustomStringConvertible {
  public var description: String { OneLine.text(text) }

  private var text: String {
    switch self {
    case .unavailable(let path):
      "'\(path)': this program was built without HDF5; build it with the default package traits"
    case .file(let error): error.description
    case .wrongFormat(let path, let found): "'\(path)': \(found)"
    case .missing(let path, let item, let advice):
      "'\(path)': \(OneLine.short(item)) is missing; \(advice)"
    case .item(let path, let item, let expected, let found):
      "'\(path)': \(OneLine.short(item)) must be \(OneLine.short(expected)), found "
        + OneLine.short(found)
    case .json(let path, let item, let error): "'\(path)': \(item) is unusable: \(error)"
    case .model(let path, let error): "'\(path)': \(error)"
    case .library(let path, let item, let reason):
      "'\(path)': \(OneLine.short(item)) cannot be read; the file is damaged (HDF5: \(reason))"
    }
  }
}
