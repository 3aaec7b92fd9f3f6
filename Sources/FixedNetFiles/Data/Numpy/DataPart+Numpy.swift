import FixedNetCompute

extension DataPart {
  /// Throws: `DataFileError`; `.missing` where names are unknown or several are possible.
  static func readNumpy(_ source: SealedFile, _ options: DataFileOptions) throws(DataFileError)
    -> DataContents
  {
    let file = try NumpyFile(source)
    guard file.names != [""] || options.learnsInputs else {
      throw .wrongFormat(
        path: source.path,
        found: "one array, and none of answers; save both in one file, in Python "
          + "numpy.savez('FILE.npz', x=SAMPLES, y=ANSWERS); train --target inputs learns the samples "
          + "themselves")
    }
    let missing = options.arrays.x == nil && !file.names.contains("x") ? "x" : "y"
    let names = try search(
      file.names, options, missing: missing, path: source.path, isMATLAB: false)
    for name in names.train.all where !file.names.contains(name) {
      throw .missing(path: source.path, array: name, found: file.names)
    }
    let answers = [names.train, names.test].compactMap { $0 }.flatMap(\.answers)
    let arrays = try file.read(names.all, doubles: Set(answers))
    var parts: [DataPart] = []
    for part in [names.train, names.test].compactMap(\.self) {
      guard let x = arrays[part.x] else { continue }
      var y: NumpyFile.Array?
      if let name = part.y {
        guard let found = arrays[name] else { continue }
        y = found
      }
      parts.append(
        try DataPart(source.path, part, x: x, y: y, weights: part.weights.flatMap { arrays[$0] }))
    }
    if let name = unpaired(names, found: Array(arrays.keys), count: parts.count) {
      throw .missing(path: source.path, array: name, found: file.names)
    }
    return DataContents(
      parts: parts, others: file.names.filter { !names.all.contains($0) })
  }

  private init(
    _ path: String, _ names: PartNames, x: NumpyFile.Array, y: NumpyFile.Array?,
    weights: NumpyFile.Array?
  ) throws(DataFileError) {
    guard let values = x.values else {
      throw .array(path: path, array: names.x, expected: "numbers", found: "texts")
    }
    do throws(HelperFailure) {
      guard let y else {
        let name = names.x.isEmpty ? NumpyFile.title("") : names.x
        self.init(
          path: path, xName: name, shape: x.shape, x: try values.pixels(x.shape.first ?? 0),
          weightName: names.weights ?? "sample_weight", weightShape: weights?.shape,
          weights: try weights?.values?.doubles() ?? [], form: .arrays)
        return
      }
      self.init(
        path: path, xName: names.x, xShape: x.shape, x: try values.pixels(x.shape.first ?? 0),
        yName: names.y ?? DataAnswers.none,
        yShape: y.shape, y: try y.values?.doubles() ?? y.places,
        weightName: names.weights ?? "sample_weight", weightShape: weights?.shape,
        weights: try weights?.values?.doubles() ?? [],
        classNames: y.values == nil ? y.classes : nil, form: .arrays)
    } catch { throw .wrongFormat(path: path, found: error.reason) }
  }
}
