import FixedNetCompute

/// What is to be predicted: classes or numbers, from the arrays `y` of a data file.
struct DataAnswers: Sendable {
  /// One list per part of the file; empty for numbers.
  private let classes: [[UInt16]]
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

  static let classLimit = 65_536
  /// What answers are called that are not there.
  static let none = "no answers"
  /// What a label may be.
  static let labels = -1 << 31...1 << 31

  /// `model`: settles what the labels alone leave open; nil where the model will be made for the data.
  /// `trained`: how labels became classes in training; nil where that is not known.
  /// Throws: `DataFileError.array`, `.option`.
  init(
    _ parts: [DataPart], options: DataFileOptions, model: ModelEnds?, trained: LabelMap?
  ) throws(DataFileError) {
    guard parts[0].yName != DataAnswers.none else {
      self.init(without: parts)
      return
    }
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
    if let names = try DataAnswers.names(parts, options: options, model: model, trained: trained) {
      self.init(parts, names, isTrained: trained != nil)
      return
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

  /// No answers.
  private init(without parts: [DataPart]) {
    (classes, targets) = (parts.map { _ in [] }, parts.map { _ in [] })
    (targetWidth, classNames, labels, doubt) = (0, [], nil, nil)
    (rule, note) = ("none", DataAnswers.none)
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
        UInt16(part.y[row * width..<(row + 1) * width].firstIndex(of: 1)! - row * width)
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
    classes = parts.map { part in part.y.map { UInt16(map.class(of: Int($0))) } }
    classNames = map.classNames
    labels = map
    rule = map.rule
    (note, doubt) = (decision.note, decision.doubt)
  }

  /// Names of classes: the places of the parts' own become those in `map`.
  private init(_ parts: [DataPart], _ map: LabelMap, isTrained: Bool) {
    let places = Dictionary(
      uniqueKeysWithValues: map.names.enumerated().map { (Array($0.element.utf8), $0.offset) })
    targets = parts.map { _ in [] }
    targetWidth = 0
    classes = parts.map { part in
      let own = (part.classNames ?? []).map { UInt16(places[Array($0.utf8)] ?? 0) }
      return part.y.map { own[Int($0)] }
    }
    classNames = map.names
    labels = map
    rule = map.rule
    doubt = nil
    note =
      "\(parts[0].yName): \(map.count) classes by name: \(OneLine.list(map.names))"
      + (isTrained ? ", as in training" : "")
  }

  /// The answers of some samples of a part.
  func of(_ part: Int, _ indices: [Int]) -> (labels: [UInt16], targets: [Float]) {
    guard targetWidth > 0 else {
      return (classes[part].isEmpty ? [] : indices.map { classes[part][$0] }, [])
    }
    let width = targetWidth
    return ([], indices.flatMap { targets[part][$0 * width..<($0 + 1) * width] })
  }

  // MARK: - Names

  /// The classes where answers are names: those of the training, else those of all parts in the order of their bytes; nil
  /// where answers are numbers.
  /// Throws: `DataFileError.array` for names that are no class of the training or have no output, and for names in one part
  /// alone; `.option`.
  private static func names(
    _ parts: [DataPart], options: DataFileOptions, model: ModelEnds?, trained: LabelMap?
  ) throws(DataFileError) -> LabelMap? {
    guard let part = parts.first(where: { $0.classNames != nil }) else { return nil }
    func refuse(_ part: DataPart, _ expected: String, _ found: String, _ advice: String = "")
      -> DataFileError
    {
      .array(path: part.path, array: part.yName, expected: expected, found: found, advice: advice)
    }
    if let numbers = parts.first(where: { $0.classNames == nil }) {
      throw refuse(numbers, "names of classes like \(part.yName)", "numbers")
    }
    let given = [
      ("--regression", options.isRegression), ("--zero-label", options.zeroLabel != nil),
    ].first(where: \.1)
    if let option = given?.0 {
      throw .option(
        path: part.path, option: option, reason: "\(part.yName) holds names and no numbers")
    }
    let names = try classNames(parts, trained: trained)
    let map = LabelMap(names: names)
    if let model, let reason = model.numbersReason, model.outputCount == 1 {
      throw refuse(part, "numbers to predict, because \(reason)", "names of classes")
    }
    let limit = min(model?.classCount ?? classLimit, classLimit)
    guard map.count <= limit else {
      throw refuse(
        part,
        "names of at most \(limit) classes"
          + (model.map { " for the model's \($0.outputs)" } ?? ""),
        "\(map.count): \(OneLine.list(names))",
        model == nil ? "" : "give a model with an output for each class")
    }
    return map
  }

  private static func classNames(_ parts: [DataPart], trained: LabelMap?) throws(DataFileError)
    -> [String]
  {
    guard let trained else {
      let all = parts.compactMap(\.classNames)
      guard all.count > 1 else { return all[0] }
      let sorted = Set(all.joined().map { Array($0.utf8) }).sorted {
        $0.lexicographicallyPrecedes($1)
      }
      return sorted.map { String(decoding: $0, as: UTF8.self) }
    }
    guard !trained.names.isEmpty else {
      throw .array(
        path: parts[0].path, array: parts[0].yName,
        expected: "labels of the training, \(trained.first) to \(trained.last)",
        found: "names: \(OneLine.list(parts[0].classNames ?? []))")
    }
    let known = Set(trained.names.map { Array($0.utf8) })
    for part in parts {
      let names = part.classNames ?? []
      guard let place = part.y.firstIndex(where: { !known.contains(Array(names[Int($0)].utf8)) })
      else { continue }
      throw .array(
        path: part.path, array: part.yName,
        expected: "one of the training's classes (\(OneLine.list(trained.names)))",
        found: "'\(OneLine.short(names[Int(part.y[place])]))' at \(part.sampleName(place))")
    }
    return trained.names
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

  /// Labels have 16 bits.
  static func tooMany(_ part: DataPart, _ count: Int, _ model: ModelEnds?) -> DataFileError {
    .array(
      path: part.path, array: part.yName,
      expected:
        "labels of at most \(Format.grouped(classLimit)) classes (--regression reads it as numbers to "
        + "predict\(model?.numbersAdvice ?? ""))",
      found: "\(count) classes")
  }
}

extension ModelEnds {
  /// What speaks for --regression, as the end of a sentence.
  var numbersAdvice: String { numbersReason.map { ", and \($0)" } ?? "" }
}
