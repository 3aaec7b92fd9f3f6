/// What the order of scores is worth.
public enum RankMetrics {
  /// The area under the ROC curve: the probability that a sample of the class has a higher score than one that is not of it,
  /// a tie counting half.
  /// - Returns: nil where there are only samples of the class, or none, or scores that are no numbers.
  public static func rocAUC(_ scores: [Float], isOfClass: [Bool]) -> Double? {
    guard scores.count == isOfClass.count, !scores.contains(where: \.isNaN) else { return nil }
    let positive = isOfClass.count { $0 }
    let negative = isOfClass.count - positive
    guard positive > 0, negative > 0 else { return nil }
    let order = scores.indices.sorted { scores[$0] < scores[$1] }
    var (first, rankSum) = (0, 0.0)
    while first < order.count {
      var end = first + 1
      while end < order.count, scores[order[end]] == scores[order[first]] { end += 1 }
      // Equal scores share the mean of their ranks, which count from 1.
      let rank = Double(first + 1 + end) / 2
      rankSum += rank * Double(order[first..<end].count { isOfClass[$0] })
      first = end
    }
    let least = Double(positive) * Double(positive + 1) / 2
    return (rankSum - least) / (Double(positive) * Double(negative))
  }

  /// The same of a classifier: of one output, of the second class; of several, the mean over the classes, each against all
  /// others.
  /// - Parameters:
  ///   - outputs: [labels.count] and the model's output.
  ///   - labels: the class of each sample, from 0.
  /// - Returns: nil where a class has no sample.
  public static func rocAUC<Label: BinaryInteger>(_ outputs: Tensor, labels: [Label]) -> Double? {
    let width = outputs.values.count / max(1, labels.count)
    guard width > 0 else { return nil }
    var sum = 0.0
    for index in 0..<width {
      let scores = labels.indices.map { outputs.values[$0 * width + index] }
      let own = width == 1 ? 1 : index
      guard let area = rocAUC(scores, isOfClass: labels.map { Int($0) == own }) else { return nil }
      sum += area
    }
    return sum / Double(width)
  }

  /// The part of the samples whose class is among the `count` largest outputs; of equal ones the first counts as larger.
  public static func topAccuracy<Label: BinaryInteger>(
    _ outputs: Tensor, labels: [Label], count: Int
  ) -> Double {
    let width = outputs.values.count / max(1, labels.count)
    let hits = labels.indices.count { sample in
      let row = outputs.values[sample * width..<(sample + 1) * width]
      let place = row.startIndex + Int(labels[sample])
      guard row.indices.contains(place), row[place].isFinite else { return false }
      let above = row.indices.count {
        row[$0] > row[place] || row[$0] == row[place] && $0 < place
      }
      return above < count
    }
    return Double(hits) / Double(max(1, labels.count))
  }
}
