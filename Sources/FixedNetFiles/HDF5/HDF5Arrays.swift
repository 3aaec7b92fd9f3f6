/// Plain arrays in HDF5 files: what `eval` takes and gives.
package enum HDF5Arrays {
  /// Reads a dataset of float32, float64 or integers as Float. Files are not trusted: see `HDF5File`.
  /// `dataset`: its path from the root.
  /// Throws: `CheckpointError`.
  package static func readFloats(path: String, dataset: String) throws(CheckpointError)
    -> (shape: [Int], values: [Float])
  {
    #if HDF5
      var wants = HDF5Wants()
      wants.values(.name(dataset), as: .float)
      let file = try HDF5File(path: path, wants: wants)
      let object = try file.open(dataset, in: file.root(), as: .numbers)
      return (object.shape, try object.floats())
    #else
      throw .unavailable(path: path)
    #endif
  }

  /// Reads those of some datasets that the file has.
  /// Throws: `CheckpointError`.
  package static func readFloats(path: String, datasets: [String]) throws(CheckpointError)
    -> [String: (shape: [Int], values: [Float])]
  {
    #if HDF5
      var wants = HDF5Wants()
      for dataset in datasets { wants.values(.name(dataset), as: .float) }
      let file = try HDF5File(path: path, wants: wants)
      let root = try file.root()
      var arrays: [String: (shape: [Int], values: [Float])] = [:]
      for dataset in datasets where file.has(dataset, in: root) {
        let object = try file.open(dataset, in: root, as: .numbers)
        arrays[dataset] = (object.shape, try object.floats())
      }
      return arrays
    #else
      throw .unavailable(path: path)
    #endif
  }

  /// Whether the file has something of this name.
  /// Throws: `CheckpointError` where it is no HDF5 file.
  package static func contains(path: String, dataset: String) throws(CheckpointError) -> Bool {
    #if HDF5
      var wants = HDF5Wants()
      wants.object(.name(dataset))
      let file = try HDF5File(path: path, wants: wants)
      return file.has(dataset, in: try file.root())
    #else
      throw .unavailable(path: path)
    #endif
  }

  /// A string attribute of a group or dataset; nil where there is none. `object`: its path from the root.
  /// Throws: `CheckpointError`.
  package static func attribute(_ name: String, of object: String, path: String)
    throws(CheckpointError) -> String?
  {
    #if HDF5
      var wants = HDF5Wants()
      wants.attribute(name, of: .name(object))
      let file = try HDF5File(path: path, wants: wants)
      return try file.open(object, in: file.root(), as: .any).string(name)
    #else
      throw .unavailable(path: path)
    #endif
  }

  /// Writes a file of float32 datasets, row-major, in one step.
  /// Throws: `CheckpointError`.
  package static func write(
    path: String, datasets: [(name: String, shape: [Int], values: [Float])]
  ) throws(CheckpointError) {
    #if HDF5
      try write(path: path) { builder throws(CheckpointError) in
        for dataset in datasets {
          try builder.dataset(dataset.name, shape: dataset.shape, dataset.values)
        }
      }
    #else
      throw .unavailable(path: path)
    #endif
  }

  /// Writes arrays in one step; texts become attributes of the first one.
  /// Throws: `CheckpointError`.
  static func write(_ arrays: [NamedArray], to path: String) throws(CheckpointError) {
    #if HDF5
      try write(path: path) { builder throws(CheckpointError) in
        for array in arrays {
          switch array.values {
          case .floats(let values):
            try builder.dataset(array.name, shape: array.shape, values)
          case .integers(let values):
            try builder.integers(array.name, shape: array.shape, values)
          case .texts(let texts):
            try builder.attribute(array.name, of: arrays[0].name, texts, .utf8)
          }
        }
      }
    #else
      throw .unavailable(path: path)
    #endif
  }

  #if HDF5
    private static func write(
      path: String, _ fill: (borrowing HDF5Builder) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
      let bytes = try HDF5Library.locked { () throws(CheckpointError) in
        let builder = try HDF5Builder(path: path)
        try fill(builder)
        return try builder.finish()
      }
      do { try AtomicFile.write(bytes, to: path) } catch { throw .file(error) }
    }
  #endif
}
