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

  /// The test set: the file's own, all samples, or those at the first places of a fixed permutation: of every class the
  /// same share, to within a sample, where classes are large enough for that.
  /// `labels`: the class of each sample of the first part; empty where answers are numbers.
  static func split(_ contents: DataContents, labels: [UInt16], options: DataFileOptions)
    throws(DataFileError) -> (train: Samples, test: Samples, split: (rule: String, note: String))
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
    let testCount = max(1, StratifiedSplit.share(of: count, fraction))
    guard testCount < count else {
      throw .option(
        path: path, option: "--test-fraction \(fraction)",
        reason: "no sample is left to train on (0 tests on the training samples); \(count)")
    }
    func divided(_ classes: [UInt16]) -> (first: [Int], second: [Int]) {
      StratifiedSplit.places(count, taking: testCount, seed: splitSeed) {
        classes.isEmpty ? 0 : Int(classes[$0])
      }
    }
    var (places, isOfClasses) = (divided(labels), !labels.isEmpty)
    if places.second.count < testCount { (places, isOfClasses) = (divided([]), false) }
    return (
      Samples(part: 0, indices: places.first), Samples(part: 0, indices: places.second),
      (
        "\(testCount) \(isOfClasses ? "of all classes " : "")by permutation 0",
        "\(Format.grouped(testCount)) samples, \(isOfClasses ? "the same part of each class and " : "")"
          + "always the same, are the test set (--test-fraction \(fraction))"
      )
    )
  }
}
