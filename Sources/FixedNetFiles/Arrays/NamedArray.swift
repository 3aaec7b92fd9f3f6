import FixedNetCompute

/// An array to be written to a file.
public struct NamedArray: Sendable {
  /// Numbers of one kind, or texts.
  public enum Values: Sendable {
    /// float32 in the file.
    case floats([Float])
    /// int64 in the file.
    case integers([Int64])
    /// A list: its shape has one extent.
    case texts([String])
  }

  /// Letters, digits and underscores: what MATLAB takes for a variable.
  public var name: String
  /// Extents, the slowest axis first.
  public var shape: [Int]
  /// Row-major.
  public var values: Values

  /// A list of texts.
  public init(_ name: String, _ texts: [String]) {
    (self.name, shape, values) = (name, [texts.count], .texts(texts))
  }

  /// A list of whole numbers.
  public init(_ name: String, _ numbers: [Int]) {
    (self.name, shape, values) = (name, [numbers.count], .integers(numbers.map { Int64($0) }))
  }

  /// float32 of the tensor's shape.
  public init(_ name: String, _ tensor: Tensor) {
    (self.name, shape, values) = (name, tensor.shape, .floats(tensor.values))
  }
}

/// Files of named arrays, by the end of their name: `.npz` (NumPy), `.h5` and `.hdf5` (HDF5), `.mat` (MATLAB).
public enum ArrayFile {
  /// What the files' names may end in.
  public static let ends = [".npz", ".h5", ".hdf5", ".mat"]

  /// Whether the name says one of these formats.
  public static func isNamed(_ path: String) -> Bool {
    ends.contains { path.lowercased().hasSuffix($0) }
  }

  /// Writes the arrays in one step: whole, or not at all. Texts become an attribute of the first array in HDF5, a cell
  /// array in MATLAB, an array of Unicode in NumPy.
  /// Throws: `CheckpointError`.
  public static func write(_ arrays: [NamedArray], to path: String) throws(CheckpointError) {
    let name = path.lowercased()
    if name.hasSuffix(".npz") || name.hasSuffix(".mat") {
      guard let bytes = name.hasSuffix(".npz") ? NumPyWriter.npz(arrays) : MatWriter.bytes(arrays)
      else {
        let reason =
          "the arrays take 4 GiB and more, which the format does not hold; name an .h5 file"
        throw .file(FileError(path: path, action: "write", reason: reason))
      }
      do { try AtomicFile.write(bytes, to: path) } catch { throw .file(error) }
    } else {
      try HDF5Arrays.write(arrays, to: path)
    }
  }
}
