/// How far predicted numbers are from those that should be.
public struct NumberMetrics: Equatable, Sendable {
  /// The mean of |output - target| over samples and outputs.
  public let meanAbsoluteError: Double
  /// The root of the mean of (output - target)^2.
  public let rootMeanSquareError: Double
  /// 1 - sum (output - target)^2 / sum (target - mean target)^2, the mean over the outputs: 1 is perfect, 0 is what the mean
  /// would do. nil where the targets of an output are all the same.
  public let r2: Double?

  /// - Parameters:
  ///   - outputs: [samples][width].
  ///   - targets: as many.
  ///   - width: numbers of one sample.
  /// - Throws: `NetworkError.samples` where there are not as many outputs as targets, or none.
  public init(_ outputs: [Float], targets: [Float], width: Int) throws(NetworkError) {
    guard outputs.count == targets.count, width > 0, !targets.isEmpty,
      targets.count % width == 0
    else {
      throw .samples(
        expected: "as many outputs as targets, \(targets.count) of \(width) each",
        found: outputs.count)
    }
    let count = Double(targets.count)
    var (absolute, squared) = (0.0, 0.0)
    var (errors, sums, squares) = (
      [Double](repeating: 0, count: width), [Double](repeating: 0, count: width),
      [Double](repeating: 0, count: width)
    )
    for (index, (output, target)) in zip(outputs, targets).enumerated() {
      let difference = Double(output) - Double(target)
      absolute += abs(difference)
      squared += difference * difference
      errors[index % width] += difference * difference
      sums[index % width] += Double(target)
    }
    let samples = count / Double(width)
    for (index, target) in targets.enumerated() {
      let deviation = Double(target) - sums[index % width] / samples
      squares[index % width] += deviation * deviation
    }
    meanAbsoluteError = absolute / count
    rootMeanSquareError = (squared / count).squareRoot()
    r2 =
      squares.allSatisfy { $0 > 0 }
      ? zip(errors, squares).reduce(0) { $0 + 1 - $1.0 / $1.1 } / Double(width) : nil
  }

  /// The largest |left - right|; NaN where either side is not a number.
  package static func largestDifference(_ left: [Float], _ right: [Float]) -> Float {
    var largest: Float = 0
    for (a, b) in zip(left, right) {
      let difference = abs(a - b)
      if difference.isNaN { return .nan }
      largest = max(largest, difference)
    }
    return largest
  }
}
