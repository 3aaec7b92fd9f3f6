extension DataPart {
  /// Throws: `DataFileError.mat`, `.missing` where there are test samples without answers or the reverse.
  static func readMAT(_ path: String) throws(DataFileError) -> [DataPart] {
    let arrays: [String: MatArray]
    do {
      arrays = try MatFile.read(
        path: path, variables: ["X", "y"], optional: ["X_test", "y_test"])
    } catch { throw .mat(error) }
    return try parts(path, x: "X", found: Array(arrays.keys)) { xName, yName in
      guard let x = arrays[xName], let y = arrays[yName] else { return nil }
      let floats = x.values.withUnsafeBufferPointer { values in values.map { Float($0) } }
      return DataPart(
        path: path, xName: xName, xShape: x.shape, x: floats, yName: yName, yShape: y.shape,
        y: y.values, isMATLAB: true)
    }
  }

  /// Throws: `DataFileError.hdf5`, `.missing`, `.wrongFormat`.
  static func readHDF5(_ path: String) throws(DataFileError) -> [DataPart] {
    #if HDF5
      try checkSignature(path)
      var failure: DataFileError?
      let parts: [DataPart]
      do {
        parts = try HDF5Library.locked { () throws(CheckpointError) in
          let known = ["x", "y", "x_test", "y_test"]
          let file = try HDF5File(path: path, names: known)
          let root = try file.root()
          let names = known.filter { file.has($0, in: root) }
          if let name = ["x", "y"].first(where: { !names.contains($0) }) {
            failure = .missing(path: path, array: name, found: file.names())
            return []
          }
          var result: [DataPart] = []
          for suffix in ["", "_test"] where names.contains("x" + suffix) {
            guard names.contains("y" + suffix) else { break }
            let x = try file.open("x" + suffix, in: root, as: .numbers)
            let y = try file.open("y" + suffix, in: root, as: .numbers)
            result.append(
              DataPart(
                path: path, xName: "x" + suffix, xShape: x.shape, x: try x.floats(),
                yName: "y" + suffix, yShape: y.shape, y: try y.doubles(), isMATLAB: false))
          }
          if result.count == 1, let odd = names.first(where: { $0.hasSuffix("_test") }) {
            let other = odd == "x_test" ? "y_test" : "x_test"
            failure = .missing(path: path, array: other, found: names)
          }
          return result
        }
      } catch { throw .hdf5(error) }
      if let failure { throw failure }
      return parts
    #else
      throw .hdf5(.unavailable(path: path))
    #endif
  }

  /// A file of another kind is called that, and not a damaged model.
  private static func checkSignature(_ path: String) throws(DataFileError) {
    let start: [UInt8]
    do {
      _ = try FileBytes.size(of: path, limit: 4 << 30)
      start = try FileBytes.start(of: path, count: 8)
    } catch { throw .file(error) }
    guard start == [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A] else {
      throw .wrongFormat(
        path: path,
        found: start.isEmpty ? "the file is empty" : "not an HDF5 file; --data takes .h5 or .mat")
    }
  }

  /// The training part, and the test part where the file has both of its arrays.
  private static func parts(
    _ path: String, x: String, found: [String], _ part: (String, String) -> DataPart?
  ) throws(DataFileError) -> [DataPart] {
    var result: [DataPart] = []
    for (xName, yName) in [(x, "y"), (x + "_test", "y_test")] {
      if let part = part(xName, yName) {
        result.append(part)
      } else if found.contains(xName) || found.contains(yName) {
        throw .missing(
          path: path, array: found.contains(xName) ? yName : xName, found: found.sorted())
      }
    }
    return result
  }
}
