import ArgumentParser
import FixedNet
import FixedNetCore
import FixedNetFiles
import Foundation

/// The options that say which data set a tool works on.
package struct DataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "digits (built in, drawn by the program), mnist, fashion-mnist, a table FILE.csv (.tsv, .txt: "
        + "features and one column of answers), a FOLDER with a sub-folder of .png and .jpg pictures for "
        + "each class (or with folders train and test of such), a MATLAB FILE.mat (X [samples x features], y) or an "
        + "HDF5 FILE.h5 or NumPy FILE.npz (x [samples, ...], y); the last ones may hold a test set too "
        + "(X_test, y_test; x_test, y_test). Names of classes, labels, one-hot rows or numbers to predict.",
      valueName: "name"), completion: .names(["digits"] + MNISTName.allCases.map(\.rawValue)))
  package var data: String?

  @Option(
    help: ArgumentHelp(
      "Folder that holds the four IDX files, plain or .gz. Without it: $FIXEDNET_DATA/<name>, "
        + "Data/<name>, ~/.cache/fixednet/<name>.", valueName: "folder"), completion: .directory)
  package var dataDir: String?

  @Flag(
    help: """
      Fetch and unpack missing files of mnist or fashion-mnist: into --data-dir or ~/.cache/fixednet.
      """)
  package var download = false

  @Option(
    help: ArgumentHelp(
      "With --download: where to fetch from instead of the usual mirrors.", valueName: "url"))
  package var mirror: [String] = []

  @Option(
    help: ArgumentHelp(
      "With a data file of vectors: they are images of height x width x channels, such as 20x20x1. With "
        + "pictures: what all are brought to. (default: what the model takes, else their own size)",
      valueName: "HxWxC"))
  package var image: ImageShape?

  @Option(
    help: ArgumentHelp(
      "With --image: how a vector holds its image, in rows or in columns, one channel after the "
        + "other. (default: columns in a .mat, as MATLAB unrolls images; rows in an .h5)",
      valueName: "rows|columns"))
  package var pixelOrder: PixelOrder?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "With a data file: the label that stands for class 0, one of those there are or the one before "
        + "or behind them; labels above it follow, those below come last. (default: as the file to "
        + "evaluate was trained; else 0, or -1 of -1 and 1; in a .mat whose labels do not fit the "
        + "model's outputs as they are: 10 where labels are 1 to 10, else 1)",
      valueName: "label"))
  package var zeroLabel: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "With a data file that has no test set: the part of the samples that becomes it, always "
        + "the same ones; 0 tests on the training samples. (default: 0.2)", valueName: "part"))
  package var testFraction: Double?

  @Flag(help: "With a data file: y holds numbers to predict, even where all of them are whole.")
  package var regression = false

  @OptionGroup package var columns: ColumnOptions

  package init() {}

  package func validate() throws {
    if let testFraction, !(0..<1).contains(testFraction) {
      throw ValidationError("--test-fraction must be from 0 to below 1, found \(testFraction)")
    }
    if let zeroLabel { try checked(zeroLabel, "--zero-label", in: -1_000_000...1_000_000) }
  }

  /// The parts of a data set: validation is what a run held out of the training samples.
  package enum Split: String, ExpressibleByArgument, CaseIterable, Sendable {
    case test, train, validation
  }

  /// Loads the data set that was asked for, or the one that a checkpoint `recorded`, or digits.
  /// `only`: the part that is needed; the other one of built-in data is left empty.
  /// `input`: what the model takes. What is known to differ is refused before anything is drawn or read.
  /// `model`: what the labels of a file must suit; nil where the model will be made for the data.
  /// Throws: `ToolError`, `DataError`, `DataFileError`.
  package func load(
    recorded: RecordedData? = nil, only split: Split? = nil, input: Shape? = nil,
    model: ModelEnds? = nil
  ) throws -> LoadedData {
    let learnsInputs =
      columns.target == nil ? recorded?.learnsInputs ?? false : columns.learnsInputs
    guard learnsInputs else {
      if columns.normal != nil {
        throw ValidationError("--normal is for --target inputs, an autoencoder's data")
      }
      return try read(recorded: recorded, only: split, input: input, model: model)
    }
    var loaded = try read(recorded: recorded, only: split, input: input, model: nil)
    try loaded.learnInputs(
      normal: columns.normal ?? recorded?.normalClass, isAsked: columns.normal != nil)
    return loaded
  }

  /// The same with the data's own answers.
  private func read(
    recorded: RecordedData?, only split: Split?, input: Shape?, model: ModelEnds?
  ) throws -> LoadedData {
    guard mirror.isEmpty || download else {
      throw ValidationError("--mirror says where --download fetches from; give both")
    }
    let path = data ?? recorded.map { DataFileOptions.split($0.name).path } ?? "digits"
    if DataFile.isDataFile(path) {
      let loaded = try load(path, recorded: recorded, input: input, model: model)
      try DataOptions.check(loaded.set.train.shape, of: loaded.set.name, against: input)
      return loaded
    }
    let name = data ?? recorded?.name ?? "digits"
    var described = fileOptions
    described.learnsInputs = false
    guard described == DataFileOptions() else {
      throw ValidationError(
        "--image, --pixel-order, --zero-label, --test-fraction, --regression and the names of columns "
          + "and arrays are for data files; \(name) is none (.csv, .mat, .h5)")
    }
    if name == "digits" {
      guard dataDir == nil, !download else {
        throw ValidationError(
          "--data digits is drawn by the program; it takes no folder or download")
      }
      try DataOptions.check(DataOptions.greyDigit, of: name, against: input)
      let set = DataSet.digits(
        trainCount: split == .test ? 0 : Digits.trainCount,
        testCount: split == .test || split == nil ? Digits.testCount : 0)
      return LoadedData(set: set, record: set.name, digest: "digits, version 1, seed 0")
    }
    guard let kind = MNISTName(rawValue: name) else {
      // Whoever wrote a file did not use this program wrongly.
      guard data == nil, recorded != nil else { throw OtherFile.refusal(of: name) }
      throw ToolError(
        "the checkpoint records '\(name)' as its data, which is neither digits, mnist, fashion-mnist nor "
          + "a data file or a folder that is there; say where they are with --data")
    }
    let shape = DataOptions.greyDigit
    try DataOptions.check(shape, of: name, against: input)
    if download {
      try fetch(kind)
    }
    let files = try MNISTFiles.load(kind, directory: dataDir)
    let set = DataSet(
      name: name,
      train: ImageSet(
        shape: shape, pixels: .bytes(files.trainImages),
        labels: files.trainLabels.map(UInt16.init)),
      test: ImageSet(
        shape: shape, pixels: .bytes(files.testImages),
        labels: files.testLabels.map(UInt16.init)),
      classNames: kind.classNames)
    return LoadedData(
      set: set, record: set.name, digest: kind.digest,
      files: MNISTFiles.existing(kind, directory: dataDir))
  }
}

extension DataOptions {
  private static let greyDigit = Shape.image(height: 28, width: 28, channels: 1)

  /// Samples must be what the model takes, or have as many values as the vector that it takes.
  /// Throws: `ToolError`.
  private static func check(_ shape: Shape, of name: String, against input: Shape?) throws {
    guard let input, !input.takes(shape) else { return }
    throw ToolError(
      "the model takes samples of \(input), but '\(name)' has \(shape); "
        + advice(shape, against: input))
  }

  /// What to do about samples of another shape than the model's input.
  private static func advice(_ shape: Shape, against input: Shape) -> String {
    let (found, wanted) = (shape.dimensions, input.dimensions)
    if found.count == 1, shape.elementCount == input.elementCount {
      return "--image \(input) takes them as images"
    }
    guard found.count == 3, wanted.count == 3 else { return "choose the data with --data" }
    var orders: [String] = []
    if found == wanted.reversed() {
      orders.append(
        "in reverse, as MATLAB and Julia write them (in MATLAB permute(X, [3 2 1 4]) before "
          + "h5write; in NumPy x.transpose(0, 3, 2, 1))")
    }
    if found == [wanted[2], wanted[0], wanted[1]] {
      orders.append("channels first, as in PyTorch (in NumPy x.transpose(0, 2, 3, 1))")
    }
    return orders.isEmpty
      ? "choose the data with --data" : "its axes may be \(orders.joined(separator: ", or "))"
  }

  /// Whether something was said about a data file, which may be read in another way than before then.
  package var describesFile: Bool { fileOptions != DataFileOptions() }

  /// What was said about a data file.
  package var fileOptions: DataFileOptions {
    var options = columns.options
    options.image = image?.shape
    options.pixelOrder = pixelOrder
    options.zeroLabel = zeroLabel
    options.testFraction = testFraction
    options.isRegression = regression
    return options
  }

  /// The first option that was given; `pixelOrder`: whether that one counts.
  package func firstGiven(pixelOrder countsOrder: Bool) -> String? {
    let given = [
      ("--data", data != nil), ("--data-dir", dataDir != nil), ("--download", download),
      ("--mirror", !mirror.isEmpty), ("--image", image != nil),
      ("--pixel-order", countsOrder && pixelOrder != nil), ("--zero-label", zeroLabel != nil),
      ("--test-fraction", testFraction != nil), ("--regression", regression),
    ]
    return given.first(where: \.1)?.0
  }

  /// `recorded`: what counts where the command line says nothing. Another file than the recorded one is read in the same
  /// way, but has a test set of its own.
  private func load(_ path: String, recorded: RecordedData?, input: Shape?, model: ModelEnds?)
    throws -> LoadedData
  {
    guard dataDir == nil, !download else {
      throw ValidationError("--data \(path) is a file; it takes no folder or download")
    }
    var known = recorded.map { DataFileOptions.split($0.name).options } ?? DataFileOptions()
    if data != nil { known.testFraction = nil }
    known.learnsInputs = columns.target == nil && recorded?.learnsInputs ?? false
    // How labels became classes says the same, and more.
    if recorded?.labels != nil { known.zeroLabel = nil }
    let file = try DataFile.load(
      path: path, options: fileOptions.completed(by: known), input: input, model: model,
      trained: recorded?.labels)
    return LoadedData(
      set: file.set, record: file.record, labels: file.labels, digest: file.digest,
      note: file.note, doubt: file.doubt, files: [path])
  }

  /// Into --data-dir where it is given, else into the cache.
  private func fetch(_ kind: MNISTName) throws {
    guard let folder = dataDir ?? MNISTFiles.cacheFolder(kind) else {
      throw ToolError("--download: no $HOME to keep the files in; give --data-dir")
    }
    try Downloader(mirrors: mirror.isEmpty ? nil : mirror).fetch(kind, into: folder) {
      printNotice($0)
    }
  }
}

/// A data set and what identifies its contents.
package struct LoadedData {
  package var set: DataSet
  /// What was held out of the training samples; nil: nothing.
  package var validation: ImageSet?
  /// The set's name with the options of a data file, as a checkpoint records it.
  package var record: String
  /// Of data whose samples are their own answers, where a class was said to be normal.
  package var anomalies: Anomalies?
  /// Whether samples are their own answers, and the class of those that are trained on, nil for all.
  package var learnsInputs = false
  package var normalClass: String?
  /// How the labels of a data file became classes.
  package var labels: LabelMap?
  package var digest: String
  /// What was read from a file and decided about it, in one line.
  package var note: String?
  /// What may be meant otherwise, in one line.
  package var doubt: String?
  /// The files that it is in, or may be in: nothing may be written there.
  package var files: [String] = []

  /// All that is to be said, for a report in JSON.
  package var notes: String? {
    note.map { [$0, doubt].compactMap(\.self).joined(separator: "; ") }
  }

  /// Says what was read; where there is little to be printed, only what is doubtful, on standard error.
  package func announce(isQuiet: Bool, isJSON: Bool) {
    guard !isJSON else { return }
    guard !isQuiet else {
      if let doubt { printError("note: \(doubt)") }
      return
    }
    if let note { printLine(note) }
    if let doubt { printLine("note: \(doubt)") }
  }
}

/// What a checkpoint says of the data that it was trained on.
package struct RecordedData {
  /// With the options of a data file.
  package var name: String
  /// nil where labels stayed what they were, and in files of before.
  package var labels: LabelMap?
  package var learnsInputs: Bool
  package var normalClass: String?

  package init(_ state: TrainingState) {
    name = state.data
    labels = state.labels
    (learnsInputs, normalClass) = (state.learnsInputs, state.normalClass)
  }
}

extension PixelOrder: ExpressibleByArgument {}

/// An image's shape on the command line: "20x20x1", or "20x20" of one channel.
package struct ImageShape: ExpressibleByArgument {
  package var shape: Shape

  package init?(argument: String) {
    guard let shape = Shape(imageText: argument) else { return nil }
    self.shape = shape
  }
}
