import FixedNetCompute

/// What to do with a data file that people have and that is not read as it is.
enum DataAdvice {
  /// Names that samples and answers have in well-known files.
  private static let samples = [
    "x_train", "X_train", "train_x", "train_X", "trainX", "Xtrain", "train_set_x", "data", "x", "X",
    "features", "fea", "images", "inputs", "train_images", "train_data",
  ]
  private static let answers = [
    "y_train", "Y_train", "train_y", "train_Y", "trainY", "Ytrain", "train_set_y", "label", "y",
    "Y", "labels", "target", "targets", "gnd", "gt", "class", "classes", "train_labels",
  ]

  /// How arrays that a file has under other names become `x` and `y`. `found`: as messages list them, where "dataset (a
  /// struct)" may stand.
  static func renaming(_ found: [String], missing: String, isMATLAB: Bool) -> String {
    let names = found.map { String($0.prefix { $0 != " " }) }
    func source(_ wanted: String, _ known: [String]) -> String {
      known.first { names.contains($0) && $0 != wanted } ?? "NAME"
    }
    let x = isMATLAB ? "X" : "x"
    let pairs = [(x, source(x, samples)), ("y", source("y", answers))].filter {
      !names.contains($0.0)
    }
    if names.contains("model_weights") || names.contains("layers") {
      return "it is a Keras model's file; give one that holds data"
    }
    guard isMATLAB else {
      let isGrouped = Set(names).isSubset(of: ["train", "test", "val", "valid", "meta"])
      let lines = pairs.map { target, source in
        "f['\(target)'] = f['\(isGrouped ? "train/NAME" : source)']"
      }
      return "name it so, in Python with f = h5py.File('FILE.h5', 'a'): "
        + lines.joined(separator: "; ")
    }
    let structure = zip(names, found).first { $1.hasSuffix("(a struct)") }?.0
    let lines = pairs.map { target, source in
      "\(target) = \(source == "NAME" ? structure.map { "\($0).FIELD" } ?? source : source)"
    }
    let both = "X (samples x features; X = X.' where they are columns) and y"
    return "make \(pairs.count == 1 ? "it" : both) in MATLAB or Octave: "
      + "\(lines.joined(separator: "; ")); save('-v7', 'FILE.mat', 'X', 'y')"
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
