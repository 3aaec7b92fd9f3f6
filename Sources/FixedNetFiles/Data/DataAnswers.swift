import FixedNetCompute

/// What is to be predicted: classes or numbers, from the arrays `y` of a data file.
struct DataAnswers: Sendable {
  /// One list per part of the file; empty for numbers.
  private let classes: [[UInt8]]
  /// Row-major [samples][targetWidth]; empty for classes.
  private let targets: [[Float]]
  let targetWidth: Int
  let classNames: [String]
  /// How labels became classes; nil for numbers and one-hot rows.
  let labels: LabelMap?
  /// What was decided, for the digest.
  let rule: String
  /// The same for people.
  let note: String
  /// What may be meant otherwise, in a sentence; nil where nothing is doubtful.
  let doubt: String?

  static let classLimit = 256
  /// What a label may be.
  static let labels = -1 << 31...1 << 31

  /// `model`: settles what the labels alone leave open; nil where the model will be made for the data.
  /// `trained`: how labels became classes in training; nil where that is not known.
  /// Throws: `DataFileError.array`, `.option`.
  init(
    _ parts: [DataPart], options: DataFileOptions, model: ModelEnds?, trained: LabelMap?
  ) throws(DataFileError) {
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
      try self.init(targets: parts, width: width, options: options, because: other)
    } else if width > 1 {
      try self.init(oneHot: parts, width: width, model: model)
    } else {
      let found = try LabelRange(parts, model: model)
      let decision = try LabelDecision(
        found, part: parts[0], options: options, model: model, trained: trained)
      self.init(parts, decision)
    }
  }

  /// Numbers to predict. `other`: what no label can be.
  private init(
    targets parts: [DataPart], width: Int, options: DataFileOptions, because other: String?
  ) throws(DataFileError) {
    if let other, options.zeroLabel != nil {
      throw .array(
        path: parts[0].path, array: parts[0].yName, expected: "whole numbers with --zero-label",
        found: other)
    }
    classes = parts.map { _ in [] }
    targets = parts.map { part in part.y.map { Float($0) } }
    targetWidth = width
    classNames = []
    (labels, doubt) = (nil, nil)
    rule = "targets"
    let reason = other.map { ", because of \($0)" } ?? ""
    note = "y: \(width) number\(width == 1 ? "" : "s") to predict per sample\(reason)"
    for (part, values) in zip(parts, targets) {
      guard let place = values.firstIndex(where: { !$0.isFinite }) else { continue }
      throw .array(
        path: part.path, array: part.yName, expected: "numbers that fit float32",
        found: "\(part.y[place]) at \(part.element(part.yName, place, part.yShape))")
    }
  }

  /// One row of zeros and a one per sample.
  private init(oneHot parts: [DataPart], width: Int, model: ModelEnds?) throws(DataFileError) {
    let part = parts[0]
    if let model, model.outputCount != width {
      throw .array(
        path: part.path, array: part.yName,
        expected: "\(model.outputCount) wide for the model's \(model.outputs)",
        found: "one-hot rows of \(width) classes")
    }
    guard width <= DataAnswers.classLimit else { throw DataAnswers.tooMany(part, width, model) }
    targets = parts.map { _ in [] }
    targetWidth = 0
    classes = parts.map { part in
      (0..<part.count).map { row in
        UInt8(part.y[row * width..<(row + 1) * width].firstIndex(of: 1)! - row * width)
      }
    }
    classNames = (0..<width).map(String.init)
    (labels, doubt) = (nil, nil)
    rule = "one-hot"
    note = "y: one-hot, \(width) classes"
  }

  /// Labels.
  private init(_ parts: [DataPart], _ decision: LabelDecision) {
    let map = decision.map
    targets = parts.map { _ in [] }
    targetWidth = 0
    classes = parts.map { part in part.y.map { UInt8(map.class(of: Int($0))) } }
    classNames = map.classNames
    labels = map
    rule = map.rule
    (note, doubt) = (decision.note, decision.doubt)
  }

  /// The answers of some samples of a part.
  func of(_ part: Int, _ indices: [Int]) -> (labels: [UInt8], targets: [Float]) {
    guard targetWidth > 0 else { return (indices.map { classes[part][$0] }, []) }
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

  /// Labels are bytes.
  static func tooMany(_ part: DataPart, _ count: Int, _ model: ModelEnds?) -> DataFileError {
    .array(
      path: part.path, array: part.yName,
      expected: "labels of at most \(classLimit) classes (--regression reads it as numbers to "
        + "predict\(model?.numbersAdvice ?? ""))",
      found: "\(count) classes")
  }
}

extension ModelEnds {
  /// What speaks for --regression, as the end of a sentence.
  var numbersAdvice: String { numbersReason.map { ", and \($0)" } ?? "" }
}
