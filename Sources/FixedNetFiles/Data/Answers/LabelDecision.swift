import FixedNetCompute

/// The labels that a data file holds.
struct LabelRange {
  let range: ClosedRange<Int>
  /// Nothing but -1 and +1.
  let areSigns: Bool

  /// -1 and +1, the two classes of many a MATLAB file.
  var isSigned: Bool { areSigns && range == -1...1 }

  /// "labels 1 to 10"
  var text: String {
    if isSigned { return "labels -1 and 1" }
    let (first, last) = (range.lowerBound, range.upperBound)
    return first == last ? "label \(first) in every sample" : "labels \(first) to \(last)"
  }

  /// Whole numbers of all parts of a file.
  /// Throws: `DataFileError.array` for what no label can be.
  init(_ parts: [DataPart], model: ModelEnds?) throws(DataFileError) {
    var (smallest, largest, areSigns) = (Int.max, Int.min, true)
    for part in parts {
      for (place, value) in part.y.enumerated() {
        guard (-0x1p31...0x1p31).contains(value) else {
          throw .array(
            path: part.path, array: part.yName,
            expected: "labels from -2^31 to 2^31 (--regression reads it as numbers to predict)",
            found: "\(value) at \(part.element(part.yName, place, part.yShape))")
        }
        smallest = min(smallest, Int(value))
        largest = max(largest, Int(value))
        areSigns = areSigns && abs(value) == 1
      }
    }
    range = smallest...largest
    self.areSigns = areSigns
  }
}

/// Which label stands for which class, and why: what the user says; else what was so in training; else what fits the
/// model's outputs; else what is usual for files of that kind.
struct LabelDecision {
  private(set) var map: LabelMap
  private(set) var note: String
  private(set) var doubt: String?

  /// Throws: `DataFileError.array` for labels that fit no class, `.option`.
  init(
    _ found: LabelRange, part: DataPart, options: DataFileOptions, model: ModelEnds?,
    trained: LabelMap?
  ) throws(DataFileError) {
    if let model, let reason = model.numbersReason, model.outputCount == 1 {
      throw .array(
        path: part.path, array: part.yName,
        expected: "numbers to predict, because \(reason) (--regression reads it so)",
        found: found.text)
    }
    if let names = trained?.names, !names.isEmpty, options.zeroLabel == nil {
      throw .array(
        path: part.path, array: part.yName,
        expected: "names of the training's classes (\(OneLine.list(names)))",
        found: "\(found.text); --zero-label reads them as numbers")
    }
    if let zero = options.zeroLabel {
      try LabelDecision.check(zero, found, part: part)
      map = LabelDecision.map(found, zero: zero)
      note = "y: \(found.text)\(map.says(of: zero))"
    } else if let trained {
      guard let covering = trained.covering(found.range), trained.step == 1 || found.areSigns
      else {
        throw .array(
          path: part.path, array: part.yName,
          expected: "labels of the training, \(trained.first) to \(trained.last), "
            + "\(trained.zero) being class 0 (--zero-label decides anew)", found: found.text)
      }
      map = covering
      note = "y: \(found.text)\(map.says(of: trained.zero)), as in training"
    } else {
      let guess = try LabelGuess(found, part: part, model: model)
      map = LabelDecision.map(found, zero: guess.zero)
      note = "y: \(found.text)\(map.says(of: guess.zero))\(guess.reason)"
      doubt = guess.doubt
    }
    try check(found, part: part, model: model)
  }

  private static func map(_ found: LabelRange, zero: Int) -> LabelMap {
    if found.isSigned, abs(zero) == 1 {
      return LabelMap(zero: zero, first: -1, last: 1, step: 2)
    }
    let (first, last) = (found.range.lowerBound, found.range.upperBound)
    return LabelMap(zero: zero, first: min(first, zero), last: max(last, zero))
  }

  /// `zero`: one of the labels, the one before or behind them, or 0, which leaves them as they are.
  private static func check(_ zero: Int, _ found: LabelRange, part: DataPart) throws(DataFileError)
  {
    let (first, last) = (found.range.lowerBound, found.range.upperBound)
    guard zero == 0 && first > 0 || (first - 1...last + 1).contains(zero) else {
      throw .option(
        path: part.path, option: "--zero-label \(zero)",
        reason: "must be one of the labels, \(first) to \(last), or the one before or behind them,")
    }
  }

  /// Every class must have an output.
  private func check(_ found: LabelRange, part: DataPart, model: ModelEnds?) throws(DataFileError) {
    guard map.count <= DataAnswers.classLimit else {
      throw DataAnswers.tooMany(part, map.count, model)
    }
    guard let model, map.count > model.classCount else { return }
    let (first, last) = (found.range.lowerBound, found.range.upperBound)
    let advice =
      map.zero == 0 && first > 0 && last - first < model.classCount
      ? "--zero-label \(first) makes \(first) class 0"
      : model.outputCount == 1
        ? "one output tells two classes apart: give a model with an output for each class, or "
          + "--regression for numbers to predict"
        : "give a model with an output for each class, or --regression for numbers to predict"
    throw .array(
      path: part.path, array: part.yName,
      expected: "labels of at most \(model.classCount) classes for the model's \(model.outputs)",
      found: "\(found.text)\(map.zero == 0 ? "" : ", \(map.zero) being class 0")",
      advice: advice)
  }
}

extension LabelMap {
  /// ", 1 stands for class 0", or " as they are".
  fileprivate func says(of zero: Int) -> String {
    zero == 0 && first >= 0 && step == 1 && zero == first
      ? " as they are"
      : step == 2
        ? ", two classes: \(zero) stands for class 0, \(-zero) for class 1"
        : ", \(zero) stands for class 0"
  }
}

/// Which label stands for class 0 where nobody says it.
private struct LabelGuess {
  var zero = 0
  /// Behind what was decided.
  var reason = ""
  var doubt: String?

  /// A `.mat` without label 0 counts from 1, as MATLAB does; where the labels are 1 to 10, 10 is 0, as digits are
  /// stored there. But labels that fit the model's outputs as they are stay so: nothing says that they are shifted.
  /// Throws: `DataFileError.array` for negative labels but -1 and +1.
  init(_ found: LabelRange, part: DataPart, model: ModelEnds?) throws(DataFileError) {
    let (first, last) = (found.range.lowerBound, found.range.upperBound)
    if found.isSigned {
      if let model, model.classCount != 2 {
        throw .array(
          path: part.path, array: part.yName,
          expected: "labels of \(model.classCount) classes for the model's \(model.outputs)",
          found: found.text, advice: "--zero-label -1 counts from -1 on, 0 being the class between")
      }
      (zero, reason) = (-1, " (--zero-label changes that)")
      return
    }
    guard first >= 0 else {
      let place = part.y.firstIndex { $0 < 0 }
      let value = place.map { "\(part.y[$0]) at \(part.element(part.yName, $0, part.yShape))" }
      throw .array(
        path: part.path, array: part.yName,
        expected: "labels from 0 on (--zero-label \(first) makes \(first) class 0; --regression "
          + "reads it as numbers to predict\(model?.numbersAdvice ?? ""))",
        found: value ?? found.text)
    }
    guard first > 0 else { return }
    let fits = model.map { last < $0.classCount }
    if part.isMATLAB, fits != true {
      let areDigits = found.range == 1...10
      zero = areDigits ? 10 : 1
      reason = " (--zero-label changes that)"
      if areDigits {
        doubt =
          "label 10 is taken as class 0, as digits are stored; where the classes are numbered "
          + "from 1, give --zero-label 1"
      }
    } else {
      let other = "--zero-label \(first) makes \(first) class 0"
      reason =
        model.map { "; the model has \($0.outputs) (\(other))" }
        ?? "; class 0 has no sample (\(other))"
    }
  }
}
