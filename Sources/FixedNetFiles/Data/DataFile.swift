import FixedNetCompute
import FixedNetCore
import Foundation

/// A data set in one file.
/// Text (`.csv`, `.tsv`, `.txt`, `.data`): a table (RFC 4180) of features and one column of answers: see `TableFile`.
/// MATLAB (`.mat`): `X` [samples x features], `y` [samples x 1], [1 x samples] or one-hot [samples x classes], and
/// `X_test`, `y_test` where there is a test set.
/// HDF5 (`.h5`): `x` [samples, features], [samples, height, width] or [samples, height, width, channels], `y`
/// [samples], [samples, 1] or one-hot [samples, classes], and `x_test`, `y_test`.
/// NumPy (`.npz`): arrays as in HDF5.
/// A folder with a sub-folder of PNG and JPEG pictures for each class, or with folders train and test of such.
/// Files of arrays may hold `sample_weight` (and `sample_weight_test`): one number of at least 0 per sample.
/// Labels are whole numbers; where `y` holds others, it holds targets: numbers to predict. Values are used as they are.
public struct DataFile: Sendable {
  /// What was read, with its test part.
  public let set: DataSet
  /// The file's path with its options, for a checkpoint: see `DataFileOptions.split`.
  public let record: String
  /// How labels became classes; nil for numbers and one-hot rows.
  public let labels: LabelMap?
  /// SHA-256 of the file's bytes and of all that decides what becomes of them.
  public let digest: String
  /// What was read and decided, in one line.
  public let note: String
  /// What was decided and may be meant otherwise, in one line; nil where nothing is doubtful.
  public let doubt: String?

  /// What a file is by the end of its name.
  enum Kind {
    case matlab, hdf5, table, numpy, idx, pictures

    static let ends: [(end: String, kind: Kind)] = [
      (".mat", .matlab), (".h5", .hdf5), (".hdf5", .hdf5), (".csv", .table), (".tsv", .table),
      (".txt", .table), (".data", .table), (".npz", .numpy), (".npy", .numpy),
      (".csv.gz", .table), (".tsv.gz", .table), (".txt.gz", .table), (".data.gz", .table),
    ]

    init?(path: String) {
      let name = path.lowercased()
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
        guard MNISTName(rawValue: path) == nil, path != "digits" else { return nil }
        self = !IDXPair.isFolder(path) && PictureFolder.isOne(path) ? .pictures : .idx
        return
      }
      if IDXPair.isName(path) || PictureFolder.isPicture(path) {
        self = IDXPair.isName(path) ? .idx : .pictures
        return
      }
      guard let kind = Kind.ends.first(where: { name.hasSuffix($0.end) })?.kind else { return nil }
      self = kind
    }

    /// What was said that files of this kind have no use for.
    func stranger(_ options: DataFileOptions) -> (option: String, reason: String)? {
      if self == .idx || self == .pictures {
        return DataFileOptions.chosen(options).text.split(separator: " ").first.map {
          (String($0), "there are neither columns nor arrays with names")
        }
      }
      let isTable = self == .table
      let table = [
        ("--target", options.target != nil), ("--delimiter", options.delimiter != nil),
        ("--ignore-column", !options.ignoredColumns.isEmpty),
      ]
      let arrays = [
        ("--x", options.arrays.x != nil),
        // Of a table it is a column, where --target cannot name it.
        ("--y", options.arrays.y != nil && !(isTable && options.learnsInputs)),
        ("--x-test", options.arrays.xTest != nil), ("--y-test", options.arrays.yTest != nil),
      ]
      return (isTable ? arrays : table).first(where: \.1).map {
        (
          $0.0,
          isTable ? "there are columns and no arrays (--target says which)" : "there are no columns"
        )
      }
    }
  }

  /// Whether a name is that of a data file.
  public static func isDataFile(_ path: String) -> Bool { Kind(path: path) != nil }

  /// `input`: what the model takes, where that is known: pictures are brought to its size if the options say none.
  /// `model`: what the data are for, where that is known: it settles what the file alone leaves open.
  /// `trained`: how labels became classes in the training that the model comes from.
  /// Throws: `DataFileError`.
  public static func load(
    path: String, options given: DataFileOptions = DataFileOptions(), input: Shape? = nil,
    model: ModelEnds? = nil, trained: LabelMap? = nil
  ) throws(DataFileError) -> DataFile {
    var options = given
    let kind = Kind(path: path) ?? .hdf5
    if let stranger = kind.stranger(options) {
      throw .option(path: path, option: stranger.option, reason: stranger.reason)
    }
    if kind == .pictures, options.image == nil, let input, input.isPicture {
      options.image = input
    }
    let (contents, fileDigest) = try read(path, kind, options, trained: trained)
    let parts = contents.parts
    // What pictures were brought to belongs to what the data are.
    if kind == .pictures { options.image = parts[0].sample }
    for part in parts { try part.check() }
    try checkWeights(parts)
    let answers = try DataAnswers(parts, options: options, model: model, trained: trained)
    let (shape, order) = try layout(of: parts, options: options)
    let (train, test, split) = try split(
      contents, labels: answers.of(0, Array(0..<parts[0].count)).labels, options: options)
    func images(_ samples: Samples) throws(DataFileError) -> ImageSet {
      let part = parts[samples.part]
      let (labels, targets) = answers.of(samples.part, samples.indices)
      return ImageSet(
        shape: shape,
        pixels: try part.pixels(samples.indices, shape: shape, order: order.used),
        labels: labels, targets: targets, targetWidth: answers.targetWidth,
        sampleWeights: part.sampleWeights(samples.indices))
    }
    let trainSet = try images(train)
    let isWeighted = parts[0].weightShape != nil
    let rules =
      [
        "data 1", fileDigest, "\(shape)\(order.rule)", answers.rule,
        "\(split.rule)\(isWeighted ? "; weighted" : "")",
      ] + rules(options)
    let testSet = train == test ? trainSet : try images(test)
    let doubts = [
      contents.doubt, answers.doubt, input == nil ? parts[0].axesDoubt : nil,
      trained == nil ? unseen(in: testSet, trainSet, names: answers.classNames) : nil,
    ]
    let weights = parts[0].weightNote.map { "\($0), the weights of the samples" }
    let others = contents.others.isEmpty ? nil : "not used: \(OneLine.list(contents.others))"
    let notes = [
      "\(DataPart.pictureNote(parts) ?? parts[0].note)\(order.note)", answers.note, weights,
      split.note, others, parts[0].scratchNote,
    ]
    return DataFile(
      set: DataSet(
        name: path, train: trainSet, test: testSet, classNames: answers.classNames),
      record: [path, options.text].filter { !$0.isEmpty }.joined(separator: " "),
      labels: answers.labels, digest: Digest.sha256(Array(rules.joined(separator: "; ").utf8)),
      note: "'\(path)': \(notes.compactMap(\.self).joined(separator: "; "))",
      doubt: doubts.compactMap(\.self).reduce(nil) { text, doubt in
        "\(text.map { "\($0); " } ?? "'\(path)': ")\(doubt)"
      })
  }

  /// What a file holds, and the digest of its bytes.
  private static func read(
    _ path: String, _ kind: Kind, _ options: DataFileOptions, trained: LabelMap?
  ) throws(DataFileError) -> (DataContents, String) {
    if kind == .idx {
      let read = try IDXPair(path: path).read()
      return (read.contents, read.digest)
    }
    if kind == .pictures {
      if let image = options.image, !image.isPicture {
        throw .option(
          path: path, option: "--image \(image)",
          reason: "pictures are grey or coloured, of 1 or 3 channels,")
      }
      return try DataPart.readPictures(path, options)
    }
    let file = try kind == .table ? TableFile.open(path) : DataFile.open(path)
    let contents =
      switch kind {
      case .matlab: try DataPart.readMAT(file, options)
      case .hdf5: try DataPart.readHDF5(file, options)
      case .numpy: try DataPart.readNumpy(file, options)
      case .table, .idx, .pictures: try DataPart.readTable(file, options: options, trained: trained)
      }
    do { return (contents, try file.digest()) } catch { throw .file(error) }
  }

  private static func open(_ path: String) throws(DataFileError) -> SealedFile {
    do { return try SealedFile(path: path, limit: 4 << 30, for: .reader) } catch {
      throw .file(error)
    }
  }

  /// What decides which values of the file are used: nothing where they are the usual ones.
  private static func rules(_ options: DataFileOptions) -> [String] {
    let text = DataFileOptions.chosen(options).text
    return text.isEmpty ? [] : [text]
  }

  /// Both parts have weights, or none.
  private static func checkWeights(_ parts: [DataPart]) throws(DataFileError) {
    guard let odd = parts.first(where: { $0.weightShape == nil }),
      let other = parts.first(where: { $0.weightShape != nil })
    else { return }
    throw .array(
      path: odd.path, array: odd.weightName, expected: "there like \(other.weightName)",
      found: "none", advice: "give weights of 1, or leave both out")
  }

  /// Vectors as images of `shape`, one after the other, channels last.
  package static func images(_ vectors: [Float], shape: Shape, order: PixelOrder) -> [Float] {
    guard order == .columns, let places = DataPart.columnOrder(shape) else { return vectors }
    return vectors.indices.map { index in
      vectors[index / places.count * places.count + places[index % places.count]]
    }
  }

  // MARK: - Shapes

  /// How vectors become images.
  private struct Order {
    var used: PixelOrder
    /// For the digest: nothing where it is the usual one.
    var rule = ""
    var note = ""
  }

  private static func layout(of parts: [DataPart], options: DataFileOptions) throws(DataFileError)
    -> (shape: Shape, order: Order)
  {
    let first = parts[0]
    let usual = first.isMATLAB ? PixelOrder.columns : .rows
    if let part = parts.first(where: { $0.sample != first.sample }) {
      throw .array(
        path: part.path, array: part.xName,
        expected: "samples of \(first.sample) like \(first.xName)", found: "\(part.sample)")
    }
    guard let image = options.image, image != first.sample else {
      if let order = options.pixelOrder {
        throw .option(
          path: first.path, option: "--pixel-order \(order.rawValue)",
          reason: first.xShape.count > 2
            ? "the images have axes of their own" : "belongs to --image HxWxC, for the vectors")
      }
      return (first.sample, Order(used: usual))
    }
    guard case .vector(let count) = first.sample, image.elementCount == count else {
      throw .option(
        path: first.path, option: "--image \(image)",
        reason: "samples of \(first.sample) are not images of that shape")
    }
    let used = options.pixelOrder ?? usual
    let note =
      options.pixelOrder == nil
      ? " (--pixel-order \(usual == .columns ? "rows" : "columns") takes them otherwise)" : ""
    return (
      image,
      Order(
        used: used, rule: used == usual ? "" : ", \(used.rawValue)",
        note: ", images of \(image) "
          + (used == .columns ? "column by column" : "row by row") + note)
    )
  }
}
