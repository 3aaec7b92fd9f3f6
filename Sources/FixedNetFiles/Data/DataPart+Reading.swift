import FixedNetCompute

extension DataPart {
  /// Throws: `DataFileError.mat`, `.missing` where there are test samples without answers or the reverse.
  static func readMAT(_ file: SealedFile, _ options: DataFileOptions) throws(DataFileError)
    -> DataContents
  {
    let said = options.arrays
    var names = DataNames.usual("X")
    let contents: MatContents
    if said == DataArrayNames(), !options.learnsInputs {
      do { contents = try variables(file, names) } catch {
        guard case .mat(.missing(let path, let variable, let found)) = error else { throw error }
        names = try search(found, options, missing: variable, path: path, isMATLAB: true)
        contents = try variables(file, names)
      }
    } else {
      // What is said needs no directory; only a half of a pair is looked for.
      let found = said.x == nil || said.y == nil ? try variableNames(file) : []
      names = try search(
        found, options, missing: said.x == nil ? "X" : "y", path: file.path, isMATLAB: true)
      contents = try variables(file, names)
    }
    let arrays = contents.arrays
    let columns = contents.columns
    for name in [names.train.x, names.test?.x].compactMap(\.self) where contents.labels[name] != nil
    {
      throw .array(path: file.path, array: name, expected: "numbers", found: "texts")
    }
    for (name, texts) in contents.labels {
      guard let empty = texts.classes.firstIndex(of: ""),
        let sample = texts.places.firstIndex(of: Double(empty))
      else { continue }
      throw .array(
        path: file.path, array: name, expected: "a name for each sample",
        found: "an empty text at sample \(sample + 1)")
    }
    let isTurnedName = names.train.x != "X" && said == DataArrayNames()
    let found = Array(arrays.keys) + columns.keys + contents.labels.keys
    func samples(_ name: String, _ answers: [Int], turnsRows: Bool) throws(DataFileError)
      -> MatSamples?
    {
      if let x = arrays[name] { return MatSamples(x, answers: answers, turnsRows: turnsRows) }
      guard let x = columns[name] else { return nil }
      return try MatSamples(x, answers: answers, turnsRows: turnsRows, path: file.path)
    }
    let parts = try parts(file.path, names, found: found) { part throws(DataFileError) in
      let weights = part.weights.flatMap { arrays[$0] }
      guard let name = part.y else {
        guard let samples = try samples(part.x, [], turnsRows: isTurnedName) else { return nil }
        return DataPart(
          path: file.path, xName: part.x, shape: samples.shape, x: samples.pixels,
          weightName: part.weights ?? "sample_weight", weightShape: weights?.shape,
          weights: weights?.values ?? [], form: .matlab(note: samples.note))
      }
      let texts = contents.labels[name]
      let y =
        texts.map { MatArray(shape: [$0.places.count, 1], values: $0.places) } ?? arrays[name]
      guard let y else { return nil }
      guard let samples = try samples(part.x, y.shape, turnsRows: isTurnedName) else { return nil }
      return DataPart(
        path: file.path, xName: part.x, xShape: samples.shape, x: samples.pixels, yName: name,
        yShape: y.shape, y: y.values, weightName: part.weights ?? "sample_weight",
        weightShape: weights?.shape, weights: weights?.values ?? [], classNames: texts?.classes,
        form: .matlab(note: samples.note))
    }
    return DataContents(parts: parts, others: contents.others)
  }

  private static func variables(_ file: SealedFile, _ names: DataNames) throws(DataFileError)
    -> MatContents
  {
    let required = [names.train.x, names.train.y].compactMap(\.self)
    do {
      return try MatFile.contents(
        file, variables: required, optional: names.all.filter { !required.contains($0) },
        inPlace: Set([names.train.x, names.test?.x].compactMap(\.self)))
    } catch { throw .mat(error) }
  }

  /// The names of a file's variables.
  private static func variableNames(_ file: SealedFile) throws(DataFileError) -> [String] {
    do { return try MatFile.contents(file, variables: []).others } catch { throw .mat(error) }
  }

  /// Throws: `DataFileError.missing` where names are unknown or several are possible.
  static func search(
    _ found: [String], _ options: DataFileOptions, missing: String, path: String, isMATLAB: Bool
  ) throws(DataFileError) -> DataNames {
    var result = DataNames.search(found, said: options.arrays)
    // Whoever names the samples of a test set and no answers wants none.
    let isAlone = options.arrays.xTest != nil && options.arrays.yTest == nil
    if options.learnsInputs, options.arrays.y == nil, result == .none || isAlone {
      result = DataNames.searchAlone(found, said: options.arrays)
    }
    switch result {
    case .one(let names): return names
    case .none:
      throw .missing(
        path: path, array: missing, found: found,
        advice: DataAdvice.naming(found, missing: missing, isMATLAB: isMATLAB))
    case .several(let names):
      throw .missing(
        path: path, array: missing, found: found,
        advice: "several may be meant (\(OneLine.list(names))): say which with --x NAME --y NAME")
    }
  }

  /// Throws: `DataFileError.hdf5`, `.array`, `.missing`, `.wrongFormat`.
  static func readHDF5(_ source: SealedFile, _ options: DataFileOptions) throws(DataFileError)
    -> DataContents
  {
    #if HDF5
      try checkSignature(source)
      let reading = HDF5DataReading(source: source, options: options)
      let contents: Result<DataContents, DataFileError>
      do throws(CheckpointError) { contents = try reading.contents() } catch {
        throw DataAdvice.explain(error)
      }
      return try contents.get()
    #else
      throw .hdf5(.unavailable(path: source.path))
    #endif
  }

  /// A file of another kind is called that, and not a damaged model.
  private static func checkSignature(_ file: SealedFile) throws(DataFileError) {
    let start: [UInt8]
    do { start = try file.bytes(at: 0, count: 8) } catch { throw .file(error) }
    guard start == [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A] else {
      throw .wrongFormat(
        path: file.path,
        found: start.isEmpty
          ? "the file is empty"
          : "not an HDF5 file; --data takes .h5, .mat, .csv and more: see --help")
    }
  }

  /// The training part, and the test part where the file has both of its arrays.
  static func parts(
    _ path: String, _ names: DataNames, found: [String],
    _ part: (PartNames) throws(DataFileError) -> DataPart?
  ) throws(DataFileError) -> [DataPart] {
    var result: [DataPart] = []
    for name in [names.train, names.test].compactMap(\.self) {
      if let found = try part(name) { result.append(found) }
    }
    if let missing = unpaired(names, found: found, count: result.count) {
      throw .missing(path: path, array: missing, found: found.sorted())
    }
    return result
  }

  /// The array that is missing where there is only one of the test set's two, or weights without them.
  static func unpaired(_ names: DataNames, found: [String], count: Int) -> String? {
    guard count == 1, let test = names.test else { return nil }
    if found.contains(test.x) { return test.y }
    return test.answers.contains { found.contains($0) } ? test.x : nil
  }
}
