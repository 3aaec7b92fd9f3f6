/// What a classifier got right: counts of (label, prediction), and what follows from them.
public struct ClassificationMetrics: Sendable {
  /// counts[label][prediction]
  public private(set) var counts: [[Int]]
  public let total: Int
  /// Images whose outputs are no numbers: no prediction, and not a hit.
  public private(set) var unanswered = 0

  /// The prediction is the first largest output; of one output, the second class where it is above `threshold`.
  /// - Parameters:
  ///   - outputs: [labels.count] and the model's output.
  ///   - labels: the class of each sample, from 0 to below `classCount`.
  ///   - classCount: how many classes the data have.
  ///   - threshold: of one output; nil: there are more.
  /// - Throws: `NetworkError.labels` where the model has fewer outputs than the data have classes.
  public init<Label: BinaryInteger>(
    _ outputs: Tensor, labels: [Label], classCount: Int, threshold: Float? = nil
  ) throws(NetworkError) {
    if let odd = labels.first(where: { !(0..<classCount).contains(Int($0)) }) {
      throw .option(
        name: "labels", expected: "from 0 to \(classCount - 1)", found: "\(odd)")
    }
    let width = outputs.values.count / max(1, labels.count)
    if let threshold, width == 1, classCount <= 2 {
      counts = [[0, 0], [0, 0]]
      total = labels.count
      for (output, label) in zip(outputs.values, labels) {
        if output.isFinite {
          counts[Int(label)][output > threshold ? 1 : 0] += 1
        } else {
          unanswered += 1
        }
      }
      return
    }
    guard width >= classCount else {
      throw .labels(outputCount: width, largest: classCount - 1)
    }
    counts = [[Int]](repeating: [Int](repeating: 0, count: width), count: classCount)
    total = labels.count
    outputs.values.withUnsafeBufferPointer { values in
      for (image, label) in labels.enumerated() {
        var best = 0
        for index in 1..<max(1, width)
        where values[image * width + index] > values[image * width + best] {
          best = index
        }
        if values[image * width + best].isFinite {
          counts[Int(label)][best] += 1
        } else {
          unanswered += 1
        }
      }
    }
  }

  public var classCount: Int { counts.count }
  public var hits: Int { (0..<classCount).reduce(0) { $0 + counts[$1][$1] } }
  public var accuracy: Double { Double(hits) / Double(total) }

  /// Of the predictions of a class, the part that is right; nil without predictions.
  public func precision(_ index: Int) -> Double? {
    let all = predictions(of: index)
    return all > 0 ? Double(counts[index][index]) / Double(all) : nil
  }

  /// Of the images of a class, the part that is found; nil without images.
  public func recall(_ index: Int) -> Double? {
    let present = support(index)
    return present > 0 ? Double(counts[index][index]) / Double(present) : nil
  }

  /// Images of a class.
  public func support(_ index: Int) -> Int { counts[index].reduce(0, +) }

  /// The harmonic mean of precision and recall, 2 hits / (predicted + present); nil where the class is neither.
  public func f1(_ index: Int) -> Double? {
    let sum = predictions(of: index) + support(index)
    return sum > 0 ? 2 * Double(counts[index][index]) / Double(sum) : nil
  }

  /// The mean F1 of the classes that have samples or predictions.
  public var macroF1: Double { mean((0..<classCount).compactMap(f1)) }

  /// The mean recall of the classes that have samples: of 99 and 1, a model that always says the first has 0.5.
  public var balancedAccuracy: Double { mean((0..<classCount).compactMap(recall)) }

  private func predictions(of index: Int) -> Int { counts.reduce(0) { $0 + $1[index] } }

  private func mean(_ values: [Double]) -> Double {
    values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count)
  }
}
