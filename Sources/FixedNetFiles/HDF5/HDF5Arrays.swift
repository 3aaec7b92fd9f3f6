/// Plain arrays in HDF5 files: what `eval` takes and gives.
public enum HDF5Arrays {
  /// Reads a dataset of float32, float64 or integers as Float. Files are not trusted: see `HDF5File`.
  /// `dataset`: its path from the root.
  /// Throws: `CheckpointError`.
  public static func readFloats(path: String, dataset: String) throws(CheckpointError)
    -> (shape: [Int], values: [Float])
  {
    #if HDF5
      try HDF5Library.locked { () throws(CheckpointError) in
        let file = try HDF5File(path: path, names: [dataset])
        let object = try file.open(dataset, in: file.root(), as: .numbers)
        return (object.shape, try object.floats())
      }
    #else
      throw .unavailable(path: path)
    #endif
  }

  /// Whether the root of the file has something of this name.
  /// Throws: `CheckpointError` where it is no HDF5 file.
  public static func contains(path: String, dataset: String) throws(CheckpointError) -> Bool {
    #if HDF5
      try HDF5Library.locked { () throws(CheckpointError) in
        let file = try HDF5File(path: path)
        return file.has(dataset, in: try file.root())
      }
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
      try HDF5Library.locked { () throws(CheckpointError) in
        let file = try HDF5File(path: path)
        return try file.open(object, in: file.root(), as: .any).string(name)
      }
    #else
      throw .unavailable(path: path)
    #endif
  }

  /// Writes a file of float32 datasets, row-major, in one step.
  /// Throws: `CheckpointError`.
  public static func write(
    path: String, datasets: [(name: String, shape: [Int], values: [Float])]
  ) throws(CheckpointError) {
    #if HDF5
      let bytes = try HDF5Library.locked { () throws(CheckpointError) in
        let builder = try HDF5Builder(path: path)
        for dataset in datasets {
          try builder.dataset(dataset.name, shape: dataset.shape, dataset.values)
        }
        return try builder.finish()
      }
      do { try AtomicFile.write(bytes, to: path) } catch { throw .file(error) }
    #else
      throw .unavailable(path: path)
    #endif
  }
}
