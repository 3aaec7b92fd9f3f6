/// What a classifier got right: counts of (label, prediction), and what follows from them.
public struct ClassificationMetrics: Sendable {
  /// counts[label][prediction]; empty where there are more than `matrixLimit` classes: it would have their square.
  public private(set) var counts: [[Int]]
  /// By class: samples, predictions, and predictions that are right.
  private var supports: [Int]
  private var predicted: [Int]
  private var right: [Int]
  /// Samples.
  public let total: Int
  /// Images whose outputs are no numbers: no prediction, and not a hit.
  public private(set) var unanswered = 0

  /// Classes, and outputs, of which `counts` are kept.
  public static let matrixLimit = 1024

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
    let isPair = threshold != nil && width == 1 && classCount <= 2
    guard isPair || width >= classCount else {
      throw .labels(outputCount: width, largest: classCount - 1)
    }
    let (rows, columns) = isPair ? (2, 2) : (classCount, width)
    let hasMatrix = max(rows, columns) <= ClassificationMetrics.matrixLimit
    counts = hasMatrix ? Array(repeating: Array(repeating: 0, count: columns), count: rows) : []
    supports = Array(repeating: 0, count: rows)
    predicted = Array(repeating: 0, count: columns)
    right = Array(repeating: 0, count: rows)
    total = labels.count
    outputs.values.withUnsafeBufferPointer { values in
      for (image, label) in labels.enumerated() {
        let row = values[image * width..<(image + 1) * width]
        guard let best = ClassificationMetrics.prediction(row, isPair ? threshold : nil) else {
          unanswered += 1
          continue
        }
        add(Int(label), best)
      }
    }
  }

  /// The first largest output, or of one the side of `threshold`; nil where it is not finite.
  private static func prediction(
    _ outputs: Slice<UnsafeBufferPointer<Float>>, _ threshold: Float?
  ) -> Int? {
    guard var largest = outputs.first else { return nil }
    if let threshold { return largest.isFinite ? (largest > threshold ? 1 : 0) : nil }
    var best = outputs.startIndex
    for index in outputs.indices.dropFirst() where outputs[index] > largest {
      (best, largest) = (index, outputs[index])
    }
    return largest.isFinite ? best - outputs.startIndex : nil
  }

  private mutating func add(_ label: Int, _ prediction: Int) {
    if !counts.isEmpty { counts[label][prediction] += 1 }
    supports[label] += 1
    predicted[prediction] += 1
    if label == prediction { right[label] += 1 }
  }

  /// Classes that answers or labels may name.
  public var classCount: Int { supports.count }
  /// Samples whose answer is right.
  public var hits: Int { right.reduce(0, +) }
  /// The part of the samples whose answer is right.
  public var accuracy: Double { Double(hits) / Double(total) }

  /// Of the predictions of a class, the part that is right; nil without predictions.
  public func precision(_ index: Int) -> Double? {
    let all = predictions(of: index)
    return all > 0 ? Double(right[index]) / Double(all) : nil
  }

  /// Of the images of a class, the part that is found; nil without images.
  public func recall(_ index: Int) -> Double? {
    let present = support(index)
    return present > 0 ? Double(right[index]) / Double(present) : nil
  }

  /// Images of a class.
  public func support(_ index: Int) -> Int { supports[index] }

  /// The harmonic mean of precision and recall, 2 hits / (predicted + present); nil where the class is neither.
  public func f1(_ index: Int) -> Double? {
    let sum = predictions(of: index) + support(index)
    return sum > 0 ? 2 * Double(right[index]) / Double(sum) : nil
  }

  /// The mean F1 of the classes that have samples or predictions.
  public var macroF1: Double { mean((0..<classCount).compactMap(f1)) }

  /// The mean recall of the classes that have samples: of 99 and 1, a model that always says the first has 0.5.
  public var balancedAccuracy: Double { mean((0..<classCount).compactMap(recall)) }

  private func predictions(of index: Int) -> Int { predicted[index] }

  private func mean(_ values: [Double]) -> Double {
    values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count)
  }
}
