/// How far a classifier's probabilities are from how often it is right.
/// Source: Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", arXiv 1706.04599, section 2.
public struct CalibrationMetrics: Equatable, Sendable {
  /// Predictions whose probabilities lie in one part of 0 to 1.
  public struct Bin: Equatable, Sendable {
    /// Samples whose confidence lies in the bin.
    public let count: Int
    /// The mean probability of the predicted class, 0 to 1; 0 of an empty bin.
    public let confidence: Double
    /// How many of them were right, 0 to 1; 0 of an empty bin.
    public let accuracy: Double
  }

  /// Of equal width, from 0 on.
  public let bins: [Bin]
  /// The expected calibration error: the mean of |accuracy - confidence| over the bins, each counting as much as its
  /// samples. 0: as often right as it says.
  public let error: Double

  /// - Parameters:
  ///   - confidences: of each sample, the probability of the class that was predicted.
  ///   - areRight: whether that was its class.
  ///   - binCount: parts of 0 to 1; a bin holds its upper end.
  /// - Returns: nil where there are not as many of both, or none, or where a confidence is not from 0 to 1.
  public init?(_ confidences: [Double], areRight: [Bool], binCount: Int = 10) {
    guard confidences.count == areRight.count, !confidences.isEmpty, binCount > 0,
      confidences.allSatisfy((0...1).contains)
    else { return nil }
    var sums = [(count: Int, confidence: Double, hits: Int)](repeating: (0, 0, 0), count: binCount)
    for (confidence, isRight) in zip(confidences, areRight) {
      let place = (confidence * Double(binCount)).rounded(.up) - 1
      let bin = min(max(Int(place), 0), binCount - 1)
      sums[bin].count += 1
      sums[bin].confidence += confidence
      if isRight { sums[bin].hits += 1 }
    }
    bins = sums.map { sum in
      let count = Double(max(1, sum.count))
      return Bin(
        count: sum.count, confidence: sum.confidence / count, accuracy: Double(sum.hits) / count)
    }
    let weighted = bins.reduce(0) { $0 + Double($1.count) * abs($1.accuracy - $1.confidence) }
    error = weighted / Double(confidences.count)
  }
}
