import FixedNetCompute
import FixedNetCore

/// Samples for a model to answer, without a training or test set: what `eval --inputs` runs on. From every kind of file that
/// `DataFile` reads, with answers where the file has some.
public struct DataSamples: Sendable {
  /// [count] samples of the model's input, one after the other, channels last.
  public let values: [Float]
  /// Samples.
  public let count: Int
  /// What the file gives as answers, as it is: numbers, labels or one-hot rows; nil where there are none, or names.
  public let answers: (shape: [Int], values: [Float])?
  /// What the samples were taken from, in one line.
  public let note: String

  /// What a file holds.
  private struct Found {
    var shape: [Int]
    var values: [Float]
    var answers: (shape: [Int], values: [Float])?
    var note: String
    /// "dataset x", for messages.
    var title: String
  }

  /// `input`: what the model takes. `options`: which arrays or columns, and how vectors hold images. `usualTarget`: a
  /// table's column of answers where nothing is said and it is wider than the model's input.
  /// Throws: `DataFileError`; `.array` for samples that the model does not take.
  public static func load(
    path: String, input: Shape, options: DataFileOptions = DataFileOptions(),
    usualTarget: String? = nil
  ) throws(DataFileError) -> DataSamples {
    let kind = DataFile.Kind(path: path) ?? .hdf5
    if let stranger = kind.stranger(options) {
      throw .option(path: path, option: stranger.option, reason: stranger.reason)
    }
    if kind == .pictures {
      let paths = try pictures(in: path) ?? []
      return try pictures(paths, input: input, image: options.image)
    }
    let found =
      switch kind {
      case .matlab: try matlab(path, options)
      case .hdf5, .pictures: try hdf5(path, options)
      case .numpy: try numpy(path, options)
      case .idx: try idx(path)
      case .table: try table(path, options, width: input.elementCount, usualTarget)
      }
    let order = options.pixelOrder ?? (kind == .matlab ? .columns : .rows)
    let sample = Array(found.shape.dropFirst())
    let count = found.shape.first ?? 0
    let isVector = kind != .hdf5 && sample == [input.elementCount]
    guard count > 0, fits(sample, input) || isVector else {
      let isTurned = found.shape.count == 2 && found.shape[0] == input.elementCount
      throw .array(
        path: path, array: found.title, expected: "[samples] x \(input)",
        found: text(found.shape),
        advice: isTurned ? "it looks transposed: store the samples as its rows" : "")
    }
    let isImage = isVector && input.dimensions.count == 3
    return DataSamples(
      values: isImage ? DataFile.images(found.values, shape: input, order: order) : found.values,
      count: count, answers: found.answers, note: found.note)
  }

  /// Whether samples of these extents have a model's values in its order: a last extent of 1 may be left out, and a
  /// vector takes anything as it lies.
  private static func fits(_ sample: [Int], _ input: Shape) -> Bool {
    let wanted = input.dimensions
    return sample == wanted || sample + [1] == wanted || sample == wanted + [1]
      || wanted.count == 1 && sample.reduce(1, *) == wanted[0]
  }

  /// "150x4"
  private static func text(_ shape: [Int]) -> String {
    shape.map(String.init).joined(separator: "x")
  }

  // MARK: - Kinds of files

  private static func matlab(_ path: String, _ options: DataFileOptions) throws(DataFileError)
    -> Found
  {
    let said = options.arrays
    var name = said.x ?? "X"
    let answers = said.y ?? "y"
    var arrays: [String: MatArray]
    do throws(MatFileError) {
      do throws(MatFileError) {
        arrays = try MatFile.read(path: path, variables: [name], optional: [answers])
      } catch {
        guard said.x == nil, case .missing(_, _, let names) = error,
          let other = DataNames.samples(in: names)
        else { throw error }
        name = other
        arrays = try MatFile.read(path: path, variables: [name], optional: [answers])
      }
    } catch { throw .mat(error) }
    guard let x = arrays[name] else { throw .missing(path: path, array: name, found: []) }
    let y = arrays[answers]
    let samples = MatSamples(x, answers: y?.shape ?? [], turnsRows: false)
    return Found(
      shape: samples.shape, values: samples.pixels.floats,
      answers: y.map { ($0.shape, $0.values.map { Float($0) }) },
      note: "\(name) of '\(path)'\(samples.note.map { ", \($0)" } ?? "")",
      title: "variable \(name)")
  }

  private static func hdf5(_ path: String, _ options: DataFileOptions) throws(DataFileError)
    -> Found
  {
    #if HDF5
      do throws(CheckpointError) { return try arrays(path, options.arrays) } catch {
        guard case .wrongFormat(_, let found) = error, found.hasPrefix("not an HDF5 file") else {
          throw .hdf5(error)
        }
        throw .wrongFormat(
          path: path,
          found:
            "not an HDF5 file; give samples as a table (.csv, .tsv, .txt), as X of a .mat, or as x of "
            + "an .npz or .h5 file")
      }
    #else
      throw .hdf5(.unavailable(path: path))
    #endif
  }

  #if HDF5
    private static func arrays(_ path: String, _ said: DataArrayNames) throws(CheckpointError)
      -> Found
    {
      let first = try open(path, said.x ?? "x", said.y ?? "y")
      let listed = first.names()
      let hasUsual = first.has("x", in: try first.root())
      let isElsewhere = said.x == nil && !hasUsual
      guard isElsewhere, let name = DataNames.samples(in: listed) else {
        return try arrays(first, said.x ?? "x", said.y ?? "y", path)
      }
      return try arrays(open(path, name, said.y ?? "y"), name, said.y ?? "y", path)
    }

    private static func open(_ path: String, _ x: String, _ y: String) throws(CheckpointError)
      -> HDF5File
    {
      var wants = HDF5Wants()
      wants.names()
      for name in [x, y] { wants.values(.name(name), as: .float) }
      wants.labels(.name(y))
      return try HDF5File(path: path, wants: wants)
    }

    private static func arrays(
      _ file: borrowing HDF5File, _ xName: String, _ yName: String, _ path: String
    ) throws(CheckpointError) -> Found {
      let root = try file.root()
      guard file.has(xName, in: root) else {
        throw .missing(
          path: path, item: "dataset \(xName)",
          advice: "--inputs needs the samples as dataset x (--x NAME says another name)")
      }
      let x = try file.open(xName, in: root, as: .numbers)
      var answers: (shape: [Int], values: [Float])?
      if file.has(yName, in: root), try file.labels(yName, in: root) == nil {
        let y = try file.open(yName, in: root, as: .numbers)
        answers = (y.shape, try y.floats())
      }
      return Found(
        shape: x.shape, values: try x.floats(), answers: answers,
        note: "\(xName) of '\(path)'", title: "dataset \(xName)")
    }
  #endif

  /// The images of the first pair.
  private static func idx(_ path: String) throws(DataFileError) -> Found {
    let part = try IDXPair(path: path).read().contents.parts[0]
    return Found(
      shape: part.xShape, values: part.x.floats,
      answers: (part.yShape, part.y.map { Float($0) }),
      note: "\(part.xName) of '\(path)', bytes divided by 255", title: part.xName)
  }

  /// The one array of an `.npy`, or x of an `.npz`.
  private static func numpy(_ path: String, _ options: DataFileOptions) throws(DataFileError)
    -> Found
  {
    let source: SealedFile
    do { source = try SealedFile(path: path, limit: 4 << 30, for: .reader) } catch {
      throw .file(error)
    }
    let file = try NumpyFile(source)
    let isAlone = file.names == [""]
    let usual = file.names.contains("x") ? "x" : DataNames.samples(in: file.names) ?? "x"
    let name = isAlone ? "" : options.arrays.x ?? usual
    let answers = options.arrays.y ?? "y"
    let arrays = try file.read([name, answers], doubles: [])
    guard let x = arrays[name] else {
      throw .missing(
        path: path, array: name, found: file.names,
        advice: "say with --x NAME which array holds the samples")
    }
    guard let values = x.values else {
      throw .array(path: path, array: NumpyFile.title(name), expected: "numbers", found: "texts")
    }
    do throws(HelperFailure) {
      let y = arrays[answers]
      let numbers = try isAlone ? nil : y?.values?.floats()
      return Found(
        shape: x.shape, values: try values.floats(),
        answers: numbers.map { (y?.shape ?? [], $0) },
        note: "\(NumpyFile.title(name)) of '\(path)'", title: NumpyFile.title(name))
    } catch { throw .wrongFormat(path: path, found: error.reason) }
  }

  /// All columns but the one that is said to hold answers; where nothing is said, all where there are as many as the model
  /// takes, else all but the usual one.
  private static func table(
    _ path: String, _ options: DataFileOptions, width: Int, _ usualTarget: String?
  ) throws(DataFileError) -> Found {
    let file = try TableFile.open(path)
    let table = try TableFile(
      file, options: options,
      target: options.target == nil ? .unlessWide(width, usualTarget) : .column(options.target),
      areNames: false)
    let hasNumbers = table.target != nil && table.classNames == nil
    return Found(
      shape: [table.rowCount, table.featureCount], values: table.features.floats,
      answers: hasNumbers ? ([table.rowCount], table.answers.map { Float($0) }) : nil,
      note: "\(table.rowCount) rows of '\(path)' (\(table.note))"
        + (table.target.map { ", without \(table.column($0))" } ?? ""),
      title: "the table")
  }
}
