import FixedNetCompute
import FixedNetCore

// The test set.
extension DataFile {
  static let defaultTestFraction = 0.2
  /// Which samples are the test set never changes: it is drawn with this seed.
  static let splitSeed: UInt64 = 0

  /// Some samples of one part of the file.
  struct Samples: Equatable {
    var part: Int
    var indices: [Int]
  }

  /// The test set: the file's own, all samples, or those at the first places of a fixed permutation.
  static func split(_ contents: DataContents, options: DataFileOptions) throws(DataFileError)
    -> (train: Samples, test: Samples, split: (rule: String, note: String))
  {
    let parts = contents.parts
    let (path, count) = (parts[0].path, parts[0].count)
    let all = Samples(part: 0, indices: Array(0..<count))
    if let split = contents.split {
      return (all, Samples(part: 1, indices: Array(0..<parts[1].count)), split)
    }
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
