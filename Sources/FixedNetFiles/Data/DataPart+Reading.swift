/// The names of the arrays in a data file.
struct DataNames {
  let x: String
  let y = "y"
  let weights = "sample_weight"
  static let test = "_test"

  static let matlab = DataNames(x: "X")
  static let hdf5 = DataNames(x: "x")

  /// Those of the training part, and those of the test part.
  var optional: [String] {
    [weights] + [x, y, weights].map { $0 + DataNames.test }
  }

  var all: [String] { [x, y] + optional }
}

/// A data file's arrays as they were read.
struct DataContents {
  /// Training, and test where the file has it.
  var parts: [DataPart]
  /// What the file holds besides.
  var others: [String]
}

extension DataPart {
  /// Throws: `DataFileError.mat`, `.missing` where there are test samples without answers or the reverse.
  static func readMAT(_ file: SealedFile) throws(DataFileError) -> DataContents {
    let path = file.path
    let contents: MatContents
    let names = DataNames.matlab
    do {
      contents = try MatFile.contents(
        file, variables: [names.x, names.y], optional: names.optional)
    } catch .missing(_, let variable, let found) {
      throw .missing(
        path: path, array: variable, found: found,
        advice: DataAdvice.renaming(found, missing: variable, isMATLAB: true))
    } catch {
      throw .mat(error)
    }
    let arrays = contents.arrays
    let parts = try parts(path, names, found: Array(arrays.keys)) { suffix in
      guard let x = arrays[names.x + suffix], let y = arrays[names.y + suffix] else { return nil }
      let weights = arrays[names.weights + suffix]
      let floats = x.values.withUnsafeBufferPointer { values in values.map { Float($0) } }
      return DataPart(
        path: path, xName: names.x + suffix, xShape: x.shape, x: floats, yName: names.y + suffix,
        yShape: y.shape, y: y.values, weightName: names.weights + suffix,
        weightShape: weights?.shape, weights: weights?.values ?? [], isMATLAB: true)
    }
    return DataContents(parts: parts, others: contents.others)
  }

  /// Throws: `DataFileError.hdf5`, `.array`, `.missing`, `.wrongFormat`.
  static func readHDF5(_ source: SealedFile) throws(DataFileError) -> DataContents {
    #if HDF5
      try checkSignature(source)
      let names = DataNames.hdf5
      let contents: Result<DataContents, DataFileError>
      do throws(CheckpointError) {
        contents = try self.contents(of: HDF5File(source, wants: wants(names)), names)
      } catch { throw DataAdvice.explain(error) }
      return try contents.get()
    #else
      throw .hdf5(.unavailable(path: source.path))
    #endif
  }

  #if HDF5
    private static func wants(_ names: DataNames) -> HDF5Wants {
      var wants = HDF5Wants()
      wants.names()
      for name in names.all {
        wants.values(.name(name), as: name.hasPrefix(names.x) ? .float : .double)
      }
      return wants
    }

    /// The failure inside of the result is about arrays, the thrown one about HDF5.
    private static func contents(of file: borrowing HDF5File, _ names: DataNames)
      throws(CheckpointError) -> Result<DataContents, DataFileError>
    {
      let root = try file.root()
      let found = names.all.filter { file.has($0, in: root) }
      let listed = file.names()
      if let name = [names.x, names.y].first(where: { !found.contains($0) }) {
        let advice = DataAdvice.renaming(listed, missing: name, isMATLAB: false)
        return .failure(.missing(path: file.path, array: name, found: listed, advice: advice))
      }
      var parts: [DataPart] = []
      for suffix in ["", DataNames.test]
      where found.contains(names.x + suffix) && found.contains(names.y + suffix) {
        parts.append(try read(file, root, names, suffix, found: found))
      }
      if let name = unpaired(names, found: found, count: parts.count) {
        return .failure(.missing(path: file.path, array: name, found: found))
      }
      return .success(
        DataContents(parts: parts, others: listed.filter { !names.all.contains($0) }))
    }

    private static func read(
      _ file: borrowing HDF5File, _ root: borrowing HDF5Object, _ names: DataNames,
      _ suffix: String, found: [String]
    ) throws(CheckpointError) -> DataPart {
      let x = try file.open(names.x + suffix, in: root, as: .numbers)
      let y = try file.open(names.y + suffix, in: root, as: .numbers)
      var (weightShape, weights): ([Int]?, [Double]) = (nil, [])
      if found.contains(names.weights + suffix) {
        let object = try file.open(names.weights + suffix, in: root, as: .numbers)
        (weightShape, weights) = (object.shape, try object.doubles())
      }
      return DataPart(
        path: file.path, xName: names.x + suffix, xShape: x.shape, x: try x.floats(),
        yName: names.y + suffix, yShape: y.shape, y: try y.doubles(),
        weightName: names.weights + suffix, weightShape: weightShape, weights: weights,
        isMATLAB: false)
    }
  #endif

  /// A file of another kind is called that, and not a damaged model.
  private static func checkSignature(_ file: SealedFile) throws(DataFileError) {
    let start: [UInt8]
    do { start = try file.bytes(at: 0, count: 8) } catch { throw .file(error) }
    guard start == [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A] else {
      throw .wrongFormat(
        path: file.path,
        found: start.isEmpty ? "the file is empty" : "not an HDF5 file; --data takes .h5 or .mat")
    }
  }

  /// The training part, and the test part where the file has both of its arrays.
  private static func parts(
    _ path: String, _ names: DataNames, found: [String], _ part: (String) -> DataPart?
  ) throws(DataFileError) -> [DataPart] {
    let result = ["", DataNames.test].compactMap { part($0) }
    if let missing = unpaired(names, found: found, count: result.count) {
      throw .missing(path: path, array: missing, found: found.sorted())
    }
    return result
  }

  /// The array that is missing where there is only one of `x_test` and `y_test`, or weights without them.
  private static func unpaired(_ names: DataNames, found: [String], count: Int) -> String? {
    guard count == 1 else { return nil }
    let (x, y) = (names.x + DataNames.test, names.y + DataNames.test)
    if found.contains(x) { return y }
    return found.contains(y) || found.contains(names.weights + DataNames.test) ? x : nil
  }
}
