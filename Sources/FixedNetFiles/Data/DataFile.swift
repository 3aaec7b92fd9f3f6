import FixedNet
import FixedNetCore

/// A data set in one file.
/// MATLAB (`.mat`): `X` [samples x features], `y` [samples x 1], [1 x samples] or one-hot [samples x classes], and
/// `X_test`, `y_test` where there is a test set.
/// HDF5 (`.h5`): `x` [samples, features], [samples, height, width] or [samples, height, width, channels], `y`
/// [samples], [samples, 1] or one-hot [samples, classes], and `x_test`, `y_test`.
/// Labels are whole numbers; where `y` holds others, it holds targets: numbers to predict. Values are used as they are.
public struct DataFile: Sendable {
  public let set: DataSet
  /// SHA-256 of the file's bytes and of all that decides what becomes of them.
  public let digest: String
  /// What was read and decided, in one line.
  public let note: String

  static let defaultTestFraction = 0.2
  /// Which samples are the test set never changes: it is drawn with this seed.
  private static let splitSeed: UInt64 = 0

  /// Whether a name is that of a data file: `.mat`, `.h5` or `.hdf5`.
  public static func isDataFile(_ path: String) -> Bool {
    [".mat", ".h5", ".hdf5"].contains { path.lowercased().hasSuffix($0) }
  }

  /// Throws: `DataFileError`.
  public static func load(
    path: String, options: DataFileOptions = DataFileOptions()
  ) throws(DataFileError) -> DataFile {
    let isMATLAB = path.lowercased().hasSuffix(".mat")
    let parts = isMATLAB ? try DataPart.readMAT(path) : try DataPart.readHDF5(path)
    for part in parts { try part.check() }
    let answers = try DataAnswers(parts, options: options, countsFromOne: isMATLAB)
    let shape = try shape(of: parts, options: options)
    let (train, test, split) = try split(parts, options: options)
    func images(_ samples: Samples) -> ImageSet {
      let x = parts[samples.part].images(samples.indices, shape: shape)
      let (labels, targets) = answers.of(samples.part, samples.indices)
      return ImageSet(
        shape: shape, pixels: .floats(x), labels: labels, targets: targets,
        targetWidth: answers.targetWidth)
    }
    let trainSet = images(train)
    let words = [path, options.text].filter { !$0.isEmpty }
    let fileDigest: String
    do { fileDigest = try Digest.sha256(file: path) } catch { throw .file(error) }
    return DataFile(
      set: DataSet(
        name: words.joined(separator: " "), train: trainSet,
        test: train == test ? trainSet : images(test), classNames: answers.classNames),
      digest: Digest.sha256(
        Array("data 1; \(fileDigest); \(shape); \(answers.rule); \(split.rule)".utf8)),
      note: "'\(path)': \(parts[0].note); \(answers.note); \(split.note)")
  }

  // MARK: - Shapes

  private static func shape(of parts: [DataPart], options: DataFileOptions) throws(DataFileError)
    -> Shape
  {
    let first = parts[0]
    guard let part = parts.first(where: { $0.sample != first.sample }) else {
      guard let image = options.image, image != first.sample else { return first.sample }
      guard case .vector(let count) = first.sample, image.elementCount == count else {
        throw .option(
          path: first.path, option: "--image \(image)",
          reason: "samples of \(first.sample) are not images of that shape")
      }
      return image
    }
    throw .array(
      path: part.path, array: part.xName,
      expected: "samples of \(first.sample) like \(first.xName)", found: "\(part.sample)")
  }

  // MARK: - The test set

  /// Some samples of one part of the file.
  private struct Samples: Equatable {
    var part: Int
    var indices: [Int]
  }

  /// The test set: the file's own, all samples, or those at the first places of a fixed permutation.
  private static func split(_ parts: [DataPart], options: DataFileOptions) throws(DataFileError)
    -> (train: Samples, test: Samples, split: (rule: String, note: String))
  {
    let (path, count) = (parts[0].path, parts[0].count)
    let all = Samples(part: 0, indices: Array(0..<count))
    guard parts.count == 1 else {
      guard options.testFraction == nil else {
        throw .option(
          path: path, option: "--test-fraction", reason: "there is a test set \(parts[1].xName)")
      }
      let test = Samples(part: 1, indices: Array(0..<parts[1].count))
      return (all, test, ("own", "\(Format.grouped(parts[1].count)) test samples of its own"))
    }
    let fraction = options.testFraction ?? defaultTestFraction
    guard fraction > 0 else { return (all, all, ("0", "tested on the training samples")) }
    let testCount = max(1, Int((Double(count) * fraction).rounded()))
    guard testCount < count else {
      throw .option(
        path: path, option: "--test-fraction \(fraction)",
        reason: "no sample is left to train on (0 tests on the training samples); \(count)")
    }
    let order = Permutation(count: count, seed: splitSeed, epoch: 0)
    let places = (0..<count).map { order[$0] }
    return (
      Samples(part: 0, indices: places[testCount...].sorted()),
      Samples(part: 0, indices: places[..<testCount].sorted()),
      (
        "\(testCount) by permutation 0",
        "\(Format.grouped(testCount)) samples, always the same, are the test set "
          + "(--test-fraction \(fraction))"
      )
    )
  }
}
