import FixedNetCompute
import FixedNetCore

/// Which class each label stands for. The labels are `first`, `first + step`, ..., `count` of them; class 0 is `zero`,
/// the labels above it follow, and those below it come last.
public struct LabelMap: Equatable, Sendable {
  /// The label of class 0.
  public var zero: Int
  /// The smallest label.
  public var first: Int
  /// Classes.
  public var count: Int
  /// 2 for -1 and +1, else 1.
  public var step: Int
  /// What the classes are called in the data, in their order, where answers are names; empty where they are numbers.
  public var names: [String] = []

  init(zero: Int, first: Int, last: Int, step: Int = 1) {
    self.zero = zero
    self.first = first
    self.step = step
    count = (last - first) / step + 1
  }

  /// Names in the order of their classes.
  init(names: [String]) {
    self.init(zero: 0, first: 0, last: names.count - 1)
    self.names = names
  }

  var last: Int { first + (count - 1) * step }

  /// The class of one of the labels.
  func `class`(of label: Int) -> Int { ((label - zero) / step + count) % count }

  /// A class is called what it is in the file; but where 10 stands for class 0, as digits are stored, 10 is 0.
  var classNames: [String] {
    guard names.isEmpty else { return names }
    let areDigits = zero == last && first == 1
    return (0..<count).map { index in
      let label = zero + index * step
      return "\(areDigits ? index : label > last ? label - count * step : label)"
    }
  }

  /// What was decided, for the digest of the data.
  var rule: String {
    guard names.isEmpty else {
      return "names " + JSONValue.array(names.map { .string($0) }).text
    }
    return step == 1 ? "zero label \(zero)" : "labels -1 and 1, zero label \(zero)"
  }

  /// The map for labels `range`, which may go on where the classes do: but in a map that turns round, another count
  /// would move every class.
  /// Returns: nil where `range` does not fit.
  func covering(_ range: ClosedRange<Int>) -> LabelMap? {
    if range.lowerBound >= first, range.upperBound <= last { return self }
    guard zero == first, step == 1, range.lowerBound >= first else { return nil }
    return LabelMap(zero: zero, first: first, last: range.upperBound)
  }

  // MARK: - In a checkpoint

  /// As checkpoints have it.
  public var json: JSONValue {
    var members: [String: JSONValue] = [
      "zero": .integer(zero), "first": .integer(first), "count": .integer(count),
      "step": .integer(step),
    ]
    if !names.isEmpty { members["names"] = .array(names.map { .string($0) }) }
    return .object(members)
  }

  /// nil for what is no such map.
  public init?(json: JSONValue?) {
    guard case .integer(let zero)? = json?["zero"], case .integer(let first)? = json?["first"],
      case .integer(let count)? = json?["count"], case .integer(let step)? = json?["step"],
      DataAnswers.labels.contains(first), (1...DataAnswers.classLimit).contains(count),
      (1...2).contains(step), (first...first + (count - 1) * step).contains(zero),
      (zero - first) % step == 0
    else { return nil }
    self.init(zero: zero, first: first, last: first + (count - 1) * step, step: step)
    guard let list = json?["names"] else { return }
    guard case .array(let values) = list, zero == 0, first == 0, step == 1 else { return nil }
    for value in values {
      guard case .string(let name) = value else { return nil }
      names.append(name)
    }
    // By their bytes: Swift takes some texts for equal that are two names.
    guard names.count == count, Set(names.map { Array($0.utf8) }).count == count else { return nil }
  }
}

extension TrainingState {
  /// What the classes are called that the outputs stand for; nil where the data held numbers to predict, or classes
  /// without names of their own.
  public var classNames: [String]? {
    if let labels { return labels.classNames }
    if let known = MNISTName(rawValue: data) { return known.classNames }
    return data == "digits" ? (0..<Digits.classCount).map(String.init) : nil
  }

  /// Whether the data held numbers to predict, as far as it shows: of a file that held no labels, one output is one.
  public func predictsNumbers(outputCount: Int) -> Bool {
    let (path, options) = DataFileOptions.split(data)
    return options.isRegression
      || outputCount == 1 && labels == nil && DataFile.isDataFile(path)
  }

  /// Which class each label of the data file stands for; nil where there were no labels, or in files of before.
  public var labels: LabelMap? {
    get { LabelMap(json: options["labels"]) }
    set {
      guard case .object(var members) = options else { return }
      members["labels"] = newValue?.json
      options = .object(members)
    }
  }
}
