import FixedNet

/// What is to be predicted: classes or numbers, from the arrays `y` of a data file.
struct DataAnswers: Sendable {
  /// One list per part of the file; empty for numbers.
  private let labels: [[UInt8]]
  /// Row-major [samples][targetWidth]; empty for classes.
  private let targets: [[Float]]
  let targetWidth: Int
  let classNames: [String]
  /// What was decided, for the digest.
  let rule: String
  /// The same for people.
  let note: String

  static let classLimit = 256

  /// `countsFromOne`: labels without a 0 are MATLAB's: 1 stands for class 0, or 10 where the labels are 1 to 10, which
  /// is how digits are stored there.
  /// Throws: `DataFileError.array`, `.option`.
  init(_ parts: [DataPart], options: DataFileOptions, countsFromOne: Bool) throws(DataFileError) {
    let width = parts[0].answerWidth ?? 1
    for part in parts where part.answerWidth != width {
      throw .array(
        path: part.path, array: part.yName, expected: "\(width) wide like \(parts[0].yName)",
        found: DataPart.text(part.yShape))
    }
    if let zero = options.zeroLabel, width > 1 || options.isRegression {
      throw .option(
        path: parts[0].path, option: "--zero-label \(zero)",
        reason: "\(parts[0].yName) holds no labels but \(width) numbers per sample")
    }
    let other = try options.isRegression ? nil : DataAnswers.nonLabel(parts, width: width)
    if options.isRegression || other != nil {
      if let other, options.zeroLabel != nil {
        throw .array(
          path: parts[0].path, array: parts[0].yName, expected: "whole numbers with --zero-label",
          found: other)
      }
      labels = parts.map { _ in [] }
      targets = parts.map { part in part.y.map { Float($0) } }
      targetWidth = width
      classNames = []
      rule = "targets"
      let reason = other.map { ", because of \($0)" } ?? ""
      note = "y: \(width) number\(width == 1 ? "" : "s") to predict per sample\(reason)"
      for (part, values) in zip(parts, targets) {
        guard let place = values.firstIndex(where: { !$0.isFinite }) else { continue }
        throw .array(
          path: part.path, array: part.yName, expected: "numbers that fit float32",
          found: "\(part.y[place]) at \(part.element(part.yName, place, part.yShape))")
      }
      return
    }
    targets = parts.map { _ in [] }
    targetWidth = 0
    if width > 1 {
      guard width <= DataAnswers.classLimit else { throw DataAnswers.tooMany(parts[0], width) }
      labels = parts.map { part in
        (0..<part.count).map { row in
          UInt8(part.y[row * width..<(row + 1) * width].firstIndex(of: 1)! - row * width)
        }
      }
      classNames = (0..<width).map(String.init)
      rule = "one-hot"
      note = "y: one-hot, \(width) classes"
      return
    }
    let range = try DataAnswers.labelRange(parts)
    let zero = options.zeroLabel ?? DataAnswers.zeroLabel(range, countsFromOne: countsFromOne)
    guard
      options.zeroLabel == nil || (range.lowerBound - 1...range.upperBound + 1).contains(zero)
    else {
      throw .option(
        path: parts[0].path, option: "--zero-label \(zero)",
        reason: "must be one of the labels, \(range.lowerBound) to \(range.upperBound), or the one "
          + "before or behind them,")
    }
    let (first, last) = (min(range.lowerBound, zero), max(range.upperBound, zero))
    let classCount = last - first + 1
    guard classCount <= DataAnswers.classLimit else {
      throw DataAnswers.tooMany(parts[0], classCount)
    }
    labels = parts.map { part in
      part.y.map { UInt8((Int($0) - zero + classCount) % classCount) }
    }
    // A class is called what it is in the file, unless the order was turned round.
    classNames = (0..<classCount).map { zero == first ? "\(first + $0)" : "\($0)" }
    rule = "zero label \(zero)"
    let found = "labels \(range.lowerBound) to \(range.upperBound)"
    let decided = options.zeroLabel == nil && zero != 0 ? " (--zero-label changes that)" : ""
    note =
      zero == 0 ? "y: \(found) as they are" : "y: \(found), \(zero) stands for class 0\(decided)"
  }

  /// The answers of some samples of a part.
  func of(_ part: Int, _ indices: [Int]) -> (labels: [UInt8], targets: [Float]) {
    guard targetWidth > 0 else { return (indices.map { labels[part][$0] }, []) }
    let width = targetWidth
    return ([], indices.flatMap { targets[part][$0 * width..<($0 + 1) * width] })
  }

  // MARK: - Rules

  /// The first value that no label or one-hot row has; nil where all are labels.
  /// Throws: `DataFileError.array` for rows of zeros and ones that are not one-hot.
  private static func nonLabel(_ parts: [DataPart], width: Int) throws(DataFileError) -> String? {
    for part in parts {
      let place = part.y.firstIndex { width == 1 ? $0 != $0.rounded() : $0 != 0 && $0 != 1 }
      guard let place else { continue }
      return "\(part.y[place]) at \(part.element(part.yName, place, part.yShape))"
    }
    guard width > 1 else { return nil }
    for part in parts {
      for row in 0..<part.count {
        let ones = part.y[row * width..<(row + 1) * width].reduce(0, +)
        guard ones != 1 else { continue }
        throw .array(
          path: part.path, array: part.yName,
          expected: "one-hot: one 1 per sample (--regression reads it as numbers to predict)",
          found: "\(Int(ones)) at sample \(part.isMATLAB ? row + 1 : row)")
      }
    }
    return nil
  }

  /// The smallest and the largest label.
  private static func labelRange(_ parts: [DataPart]) throws(DataFileError) -> ClosedRange<Int> {
    var (smallest, largest) = (Int.max, 0)
    for part in parts {
      for (place, value) in part.y.enumerated() {
        guard (0...0x1p31).contains(value) else {
          throw .array(
            path: part.path, array: part.yName,
            expected: "labels from 0 on (--regression reads it as numbers to predict)",
            found: "\(value) at \(part.element(part.yName, place, part.yShape))")
        }
        smallest = min(smallest, Int(value))
        largest = max(largest, Int(value))
      }
    }
    return smallest...largest
  }

  private static func zeroLabel(_ range: ClosedRange<Int>, countsFromOne: Bool) -> Int {
    guard countsFromOne, range.lowerBound > 0 else { return 0 }
    return range == 1...10 ? 10 : 1
  }

  private static func tooMany(_ part: DataPart, _ count: Int) -> DataFileError {
    .array(
      path: part.path, array: part.yName, expected: "labels of at most \(classLimit) classes",
      found: "\(count) classes")
  }
}
