import FixedNetCompute
import FixedNetCore

extension DataPart {
  /// Samples there must be, of shapes that a model can have, with finite values, and as many answers and weights.
  /// Throws: `DataFileError.array`.
  func check() throws(DataFileError) {
    try checkAxes()
    // Samples along the first axis or the last: both have as many.
    if case .matlab(note: nil) = form, xShape.count > 2, xShape[0] == xShape.last {
      throw .array(
        path: path, array: xName,
        expected: "an array whose samples have an axis of their own length",
        found: DataPart.text(xShape), advice: "leave a sample out, or store them as rows")
    }
    guard xShape.allSatisfy({ $0 > 0 }) else {
      throw .array(
        path: path, array: xName, expected: "at least one sample with values",
        found: "the empty array \(DataPart.text(xShape))")
    }
    try checkCounts()
    guard x.count / count <= Shape.extentLimit else {
      throw .array(
        path: path, array: xName, expected: "samples of at most 2^24 values",
        found: DataPart.text(xShape))
    }
    let odd = x.withFloats { x in ValueScan.firstNonFinite(x).map { (place: $0, value: x[$0]) } }
    if case (let place, let value)?? = odd {
      throw .array(
        path: path, array: xName, expected: "finite numbers (float32)",
        found: "\(value) at \(element(xName, place, xShape))")
    }
    if let place = y.firstIndex(where: { !$0.isFinite }) {
      throw .array(
        path: path, array: yName, expected: "finite numbers",
        found: "\(y[place]) at \(element(yName, place, yShape))")
    }
    try checkWeights()
  }

  /// The rank of `x`.
  private func checkAxes() throws(DataFileError) {
    guard (2...4).contains(xShape.count) else {
      throw .array(
        path: path, array: xName,
        expected: isMATLAB
          ? "samples x features"
          : "[samples, features], [samples, height, width] or [samples, height, width, channels]",
        found: DataPart.text(xShape), advice: rowsAdvice)
    }
  }

  /// How a MATLAB array of images becomes one of rows, which --image makes images of again.
  private var rowsAdvice: String {
    guard isMATLAB, (3...4).contains(xShape.count), let last = xShape.last else { return "" }
    let answers = yShape.max() ?? 0
    let (isLast, isFirst) = (last == answers, xShape[0] == answers)
    guard isLast != isFirst else { return "" }
    let extents = (isLast ? xShape.dropLast() : xShape.dropFirst()).map(String.init)
    let rows =
      isLast ? "reshape(\(xName), [], \(last)).'" : "reshape(\(xName), \(xShape[0]), [])"
    let image = extents.joined(separator: "x")
    return
      "in MATLAB \(xName) = \(rows) makes a row of each sample, and --image \(image) makes images "
      + "of the rows again"
  }

  /// As many answers as samples.
  private func checkCounts() throws(DataFileError) {
    guard answerWidth == nil || y.isEmpty else { return }
    let columns = isMATLAB ? "\(count) x 1, 1 x \(count)" : "[\(count)], [\(count), 1]"
    let transposed = answersOfTransposed
    throw .array(
      path: path, array: yName,
      expected: "\(columns) or \(count) x classes, for the \(count) samples of \(xName)",
      found: DataPart.text(yShape), advice: transposed ?? "")
  }

  /// What to do where `x` has as many values in its last axis as there are answers: it lies the other way round.
  private var answersOfTransposed: String? {
    guard xShape.count >= 2, let last = xShape.last, last != count, (1...2).contains(yShape.count),
      yShape.contains(last)
    else { return nil }
    let seems =
      "\(xName) \(DataPart.text(xShape)) looks transposed: its last axis has the "
      + "\(Format.grouped(last)) samples of \(yName)"
    guard xShape.count == 2 else {
      return "\(seems); store the samples first, as [samples, height, width, channels]"
    }
    return isMATLAB
      ? "\(seems); in MATLAB \(xName) = \(xName).' puts them right"
      : "\(seems); MATLAB and Julia write the axes in reverse: write \(xName).' there, or "
        + "\(xName).T in NumPy"
  }

  /// One weight of at least 0 per sample.
  private func checkWeights() throws(DataFileError) {
    guard let weightShape else { return }
    guard weightShape.allSatisfy({ $0 == 1 || $0 == count }), weights.count == count else {
      throw .array(
        path: path, array: weightName,
        expected: "one weight for each of the \(count) samples of \(xName)",
        found: DataPart.text(weightShape))
    }
    guard let place = weights.firstIndex(where: { !($0 >= 0 && Float($0).isFinite) }) else {
      return
    }
    throw .array(
      path: path, array: weightName, expected: "finite and at least 0",
      found: "\(weights[place]) at \(element(weightName, place, weightShape))")
  }
}
