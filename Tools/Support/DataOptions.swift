import ArgumentParser
import FixedNet
import FixedNetCore
import FixedNetFiles
import Foundation

/// The options that say which data set a tool works on.
public struct DataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "digits (built in, drawn by the program), mnist, fashion-mnist, a MATLAB FILE.mat (X "
        + "[samples x features], y) or an HDF5 FILE.h5 (x [samples, ...], y); both may hold "
        + "X_test, y_test (.h5: x_test, y_test). Labels, one-hot rows or numbers to predict.",
      valueName: "name"))
  public var data: String?

  @Option(
    help: ArgumentHelp(
      "Folder that holds the four IDX files, plain or .gz. Without it: $FIXEDNET_DATA/<name>, "
        + "Data/<name>, ~/.cache/fixednet/<name>.", valueName: "folder"))
  public var dataDir: String?

  @Flag(
    help: """
      Fetch and unpack missing files of mnist or fashion-mnist: into --data-dir or ~/.cache/fixednet.
      """)
  public var download = false

  @Option(
    help: ArgumentHelp(
      "With --download: where to fetch from instead of the usual mirrors.", valueName: "url"))
  public var mirror: [String] = []

  @Option(
    help: ArgumentHelp(
      "With a data file: samples are images of height x width x channels, such as 20x20x1. "
        + "MATLAB's are taken column by column, those of .h5 row by row.", valueName: "HxWxC"))
  public var image: ImageShape?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "With a data file: the label that stands for class 0, one of those there are or the one before "
        + "or behind them; labels above it follow, those below come last. (default: 0; in a .mat without label 0: 10 where labels are 1 to 10, else 1)",
      valueName: "label"))
  public var zeroLabel: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "With a data file that has no test set: the part of the samples that becomes it, always "
        + "the same ones; 0 tests on the training samples. (default: 0.2)", valueName: "part"))
  public var testFraction: Double?

  @Flag(help: "With a data file: y holds numbers to predict, even where all of them are whole.")
  public var regression = false

  public init() {}

  public func validate() throws {
    if let testFraction, !(0..<1).contains(testFraction) {
      throw ValidationError("--test-fraction must be from 0 to below 1, found \(testFraction)")
    }
    if let zeroLabel { try checked(zeroLabel, "--zero-label", in: 0...1_000_000) }
  }

  /// The parts of a data set.
  public enum Split: String, ExpressibleByArgument, CaseIterable, Sendable { case test, train }

  /// Loads the data set that was asked for, or `fallback`.
  /// `fallback`: a name as a checkpoint records it, which includes the options of a data file.
  /// `only`: the part that is needed; the other one of built-in data is left empty.
  /// `input`: what the model takes. What is known to differ is refused before anything is drawn or read.
  /// Throws: `ToolError`, `DataError`, `DataFileError`.
  public func load(
    default fallback: String = "digits", only split: Split? = nil, input: Shape? = nil
  ) throws -> LoadedData {
    let name = data ?? fallback
    guard mirror.isEmpty || download else {
      throw ValidationError("--mirror says where --download fetches from; give both")
    }
    let (path, recorded) =
      data == nil ? DataFileOptions.split(name) : (name, DataFileOptions())
    if DataFile.isDataFile(path) {
      let loaded = try load(path, recorded: recorded)
      try DataOptions.check(loaded.set.train.shape, of: loaded.set.name, against: input)
      return loaded
    }
    guard fileOptions == DataFileOptions() else {
      throw ValidationError(
        "--image, --zero-label, --test-fraction and --regression are for data files; "
          + "\(name) is none (.mat, .h5)")
    }
    if name == "digits" {
      guard dataDir == nil, !download else {
        throw ValidationError(
          "--data digits is drawn by the program; it takes no folder or download")
      }
      try DataOptions.check(DataOptions.greyDigit, of: name, against: input)
      let set = DataSet.digits(
        trainCount: split == .test ? 0 : Digits.trainCount,
        testCount: split == .train ? 0 : Digits.testCount)
      return LoadedData(set: set, digest: "digits, version 1, seed 0")
    }
    guard let kind = MNISTName(rawValue: name) else {
      throw ValidationError(
        "--data must be digits, mnist, fashion-mnist, a .mat or an .h5 file, found '\(name)'")
    }
    let shape = DataOptions.greyDigit
    try DataOptions.check(shape, of: name, against: input)
    if download {
      try fetch(kind)
    }
    let files = try MNISTFiles.load(kind, directory: dataDir)
    let set = DataSet(
      name: name,
      train: ImageSet(shape: shape, pixels: .bytes(files.trainImages), labels: files.trainLabels),
      test: ImageSet(shape: shape, pixels: .bytes(files.testImages), labels: files.testLabels),
      classNames: kind.classNames)
    return LoadedData(set: set, digest: kind.digest)
  }
}

extension DataOptions {
  private static let greyDigit = Shape.image(height: 28, width: 28, channels: 1)

  /// Samples must be what the model takes, or have as many values as the vector that it takes.
  /// Throws: `ToolError`.
  private static func check(_ shape: Shape, of name: String, against input: Shape?) throws {
    guard let input, !input.takes(shape) else { return }
    let isVector = if case .vector = shape { true } else { false }
    let advice =
      isVector && shape.elementCount == input.elementCount
      ? "; --image \(input) takes them as images" : "; choose the data with --data"
    throw ToolError("the model takes samples of \(input), but '\(name)' has \(shape)\(advice)")
  }

  private var fileOptions: DataFileOptions {
    DataFileOptions(
      image: image?.shape, zeroLabel: zeroLabel, testFraction: testFraction,
      isRegression: regression)
  }

  /// `recorded`: what counts where the command line says nothing.
  private func load(_ path: String, recorded: DataFileOptions) throws -> LoadedData {
    guard dataDir == nil, !download else {
      throw ValidationError("--data \(path) is a file; it takes no folder or download")
    }
    let given = fileOptions
    let file = try DataFile.load(
      path: path,
      options: DataFileOptions(
        image: given.image ?? recorded.image, zeroLabel: given.zeroLabel ?? recorded.zeroLabel,
        testFraction: given.testFraction ?? recorded.testFraction,
        isRegression: given.isRegression || recorded.isRegression))
    return LoadedData(set: file.set, digest: file.digest, note: file.note)
  }

  /// Into --data-dir where it is given, else into the cache.
  private func fetch(_ kind: MNISTName) throws {
    guard let folder = dataDir ?? MNISTFiles.cacheFolder(kind) else {
      throw ToolError("--download: no $HOME to keep the files in; give --data-dir")
    }
    try Downloader(mirrors: mirror.isEmpty ? nil : mirror).fetch(kind, into: folder) {
      FileHandle.standardError.write(Data("\(OneLine.text($0))\n".utf8))
    }
  }
}

/// A data set and what identifies its contents.
public struct LoadedData {
  public var set: DataSet
  public var digest: String
  /// What was read from a file and decided about it, in one line.
  public var note: String?
}

/// An image's shape on the command line: "20x20x1", or "20x20" of one channel.
public struct ImageShape: ExpressibleByArgument {
  public var shape: Shape

  public init?(argument: String) {
    guard let shape = Shape(imageText: argument) else { return nil }
    self.shape = shape
  }
}
