import FixedNetCompute

/// What to do with a data file that people have and that is not read as it is.
enum DataAdvice {
  /// How arrays that a file has under other names are read. `found`: as messages list them, where "dataset (a struct)" may
  /// stand.
  static func naming(_ found: [String], missing: String, isMATLAB: Bool) -> String {
    let names = found.map { String($0.prefix { $0 != " " }) }
    if names.contains("model_weights") || names.contains("layers") {
      return "it is a Keras model's file; give one that holds data"
    }
    let structure = zip(names, found).first { $1.hasSuffix("(a struct)") }?.0
    if isMATLAB, let structure {
      return "make X (samples x features) and y of the struct, in MATLAB or Octave: X = "
        + "\(structure).FIELD; y = \(structure).FIELD; save('-v7', 'FILE.mat', 'X', 'y')"
    }
    return "say which arrays are samples and answers with --x NAME --y NAME"
      + (isMATLAB ? "" : ", as GROUP/NAME where they are in a group")
  }

  /// An array that is there and cannot be read as numbers: what it is, where that can be told.
  static func explain(_ error: CheckpointError) -> DataFileError {
    guard case .item(let path, let item, let expected, let found) = error else {
      return .hdf5(error)
    }
    let name = String(item.drop { $0 == "/" })
    if expected == "a dataset", found == "a group" {
      return .array(
        path: path, array: name, expected: expected, found: found,
        advice: "Octave's save -hdf5 makes groups: in Octave save it with save('-v7', 'FILE.mat', "
          + "'X', 'y')")
    }
    if found == "strings" {
      return .array(
        path: path, array: name, expected: "numbers", found: found,
        advice: name.hasPrefix("y")
          ? "number the classes from 0 on, in Python with numpy.unique(y, return_inverse=True)[1]"
          : "")
    }
    return .hdf5(error)
  }
}
