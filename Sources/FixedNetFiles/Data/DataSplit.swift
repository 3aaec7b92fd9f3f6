import FixedNetCompute
import FixedNetCore

// The test set.
extension DataFile {
  static let defaultTestFraction = 0.2
  /// Which samples are the test set never changes: it is drawn with this seed.
  private static let splitSeed: UInt64 = 0

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

/// A test set that has the same part of each class.
enum StratifiedSplit {
  /// Which samples are the test set never changes: those at the first places of a permutation for each class, which is drawn
  /// with seed 0 and the class' number. `labels`: the class of each sample. At least one sample of a class that has two, and
  /// never all of them.
  /// Returns: the places of the training samples and of the test set's, in order; nil where that would have none.
  static func places(_ labels: [Int], fraction: Double) -> (train: [Int], test: [Int])? {
    var members: [Int: [Int]] = [:]
    for (index, label) in labels.enumerated() { members[label, default: []].append(index) }
    var isTested = [Bool](repeating: false, count: labels.count)
    for (label, own) in members {
      let wanted = max(1, Int((Double(own.count) * fraction).rounded()))
      let order = Permutation(count: own.count, seed: 0, epoch: UInt64(label))
      for place in 0..<min(wanted, own.count - 1) { isTested[own[order[place]]] = true }
    }
    let test = labels.indices.filter { isTested[$0] }
    return test.isEmpty ? nil : (labels.indices.filter { !isTested[$0] }, test)
  }
}
