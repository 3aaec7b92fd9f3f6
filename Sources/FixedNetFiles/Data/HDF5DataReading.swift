#if HDF5
  import FixedNetCompute

  /// How arrays are read from an HDF5 data file.
  struct HDF5DataReading {
    let source: SealedFile
    let options: DataFileOptions

    private var said: DataArrayNames { options.arrays }

    /// Groups whose names are looked at.
    private static let groups = ["train", "test"]

    /// The failure inside of the result is about arrays, the thrown one about HDF5.
    func contents() throws(CheckpointError) -> Result<DataContents, DataFileError> {
      let usual = DataNames.usual("x")
      let isSaid = said != DataArrayNames()
      let first = try HDF5File(source, wants: wants(isSaid ? nil : usual))
      let listed = first.names()
      if !isSaid, listed.contains("x"), listed.contains("y") {
        return try contents(of: first, usual, listed: listed)
      }
      let names: DataNames
      do throws(DataFileError) {
        names = try DataPart.search(
          listed + nested(first), options,
          missing: said.x == nil && !listed.contains("x") ? "x" : "y",
          path: source.path, isMATLAB: false)
      } catch { return .failure(error) }
      return try contents(of: HDF5File(source, wants: wants(names)), names, listed: listed)
    }

    /// `names`: whose values are wanted; nil: only what there is.
    private func wants(_ names: DataNames?) -> HDF5Wants {
      var wants = HDF5Wants()
      wants.names()
      for group in HDF5DataReading.groups { wants.names(in: .name(group)) }
      for part in [names?.train, names?.test].compactMap(\.self) {
        wants.values(.name(part.x), as: .float)
        if let name = part.y {
          wants.values(.name(name), as: .double)
          wants.labels(.name(name))
        }
        if let weights = part.weights { wants.values(.name(weights), as: .double) }
      }
      return wants
    }

    /// What is in the groups: "train/data".
    private func nested(_ file: borrowing HDF5File) -> [String] {
      var names: [String] = []
      for group in HDF5DataReading.groups {
        names += file.names(in: group).map { "\(group)/\($0)" }
      }
      return names
    }

    private func contents(of file: borrowing HDF5File, _ names: DataNames, listed: [String])
      throws(CheckpointError) -> Result<DataContents, DataFileError>
    {
      let root = try file.root()
      let found = names.all.filter { file.has($0, in: root) }
      for name in [names.train.x, names.train.y].compactMap(\.self)
      where !found.contains(name) {
        let advice = DataAdvice.naming(listed, missing: name, isMATLAB: false)
        return .failure(.missing(path: file.path, array: name, found: listed, advice: advice))
      }
      var parts: [DataPart] = []
      for part in [names.train, names.test].compactMap(\.self)
      where found.contains(part.x) && part.y.map({ found.contains($0) }) ?? true {
        parts.append(try read(file, root, part, found: found))
      }
      if let name = DataPart.unpaired(names, found: found, count: parts.count) {
        return .failure(.missing(path: file.path, array: name, found: found))
      }
      let used = Set(names.all.flatMap { [$0, String($0.prefix { $0 != "/" })] })
      return .success(DataContents(parts: parts, others: listed.filter { !used.contains($0) }))
    }

    private func read(
      _ file: borrowing HDF5File, _ root: borrowing HDF5Object, _ names: PartNames,
      found: [String]
    ) throws(CheckpointError) -> DataPart {
      let x = try file.open(names.x, in: root, as: .numbers)
      var (weightShape, weights): ([Int]?, [Double]) = (nil, [])
      if let name = names.weights, found.contains(name) {
        let object = try file.open(name, in: root, as: .numbers)
        (weightShape, weights) = (object.shape, try object.doubles())
      }
      guard let name = names.y else {
        return DataPart(
          path: file.path, xName: names.x, shape: x.shape, x: try x.pixels(),
          weightName: names.weights ?? "sample_weight", weightShape: weightShape, weights: weights,
          form: .arrays)
      }
      let answers = try answers(file, root, name)
      return DataPart(
        path: file.path, xName: names.x, xShape: x.shape, x: try x.pixels(), yName: name,
        yShape: answers.shape, y: answers.values, weightName: names.weights ?? "sample_weight",
        weightShape: weightShape, weights: weights, classNames: answers.classes, form: .arrays)
    }

    /// Numbers, or the places of names of classes.
    private func answers(
      _ file: borrowing HDF5File, _ root: borrowing HDF5Object, _ name: String
    ) throws(CheckpointError) -> (shape: [Int], values: [Double], classes: [String]?) {
      if let labels = try file.labels(name, in: root) {
        return (labels.shape, labels.places, labels.classes)
      }
      let y = try file.open(name, in: root, as: .numbers)
      return (y.shape, try y.doubles(), nil)
    }
  }
#endif
