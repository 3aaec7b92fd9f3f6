import FixedNet
import ToolSupport

/// What a classifier got right: counts of (label, prediction).
struct Metrics {
  /// counts[label][prediction]
  private(set) var counts: [[Int]]
  let total: Int
  /// Images whose outputs are no numbers: no prediction, and not a hit.
  private(set) var unanswered = 0

  /// The prediction is the first largest output; of one output, the second class where it is above `threshold`.
  /// Throws: `ToolError` where the model has fewer outputs than the data have classes.
  init(_ outputs: Tensor, labels: [UInt8], classCount: Int, threshold: Float? = nil) throws {
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
      throw ToolError("the model has \(width) outputs, but the data have \(classCount) classes")
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

  var classCount: Int { counts.count }
  var hits: Int { (0..<classCount).reduce(0) { $0 + counts[$1][$1] } }
  var accuracy: Double { Double(hits) / Double(total) }

  /// Of the predictions of a class, the part that is right; nil without predictions.
  func precision(_ index: Int) -> Double? {
    let predicted = counts.reduce(0) { $0 + $1[index] }
    return predicted > 0 ? Double(counts[index][index]) / Double(predicted) : nil
  }

  /// Of the images of a class, the part that is found; nil without images.
  func recall(_ index: Int) -> Double? {
    let present = support(index)
    return present > 0 ? Double(counts[index][index]) / Double(present) : nil
  }

  /// Images of a class.
  func support(_ index: Int) -> Int { counts[index].reduce(0, +) }

  /// The root of the mean of (output - target)^2 over samples and outputs.
  static func rootMeanSquare(_ outputs: [Float], _ targets: [Float]) -> Double {
    let sum = zip(outputs, targets).reduce(0.0) { sum, pair in
      let difference = Double(pair.0) - Double(pair.1)
      return sum + difference * difference
    }
    return (sum / Double(max(1, targets.count))).squareRoot()
  }

  /// NaN where either side is not a number.
  static func largestDifference(_ left: [Float], _ right: [Float]) -> Float {
    var largest: Float = 0
    for (a, b) in zip(left, right) {
      let difference = abs(a - b)
      if difference.isNaN { return .nan }
      largest = max(largest, difference)
    }
    return largest
  }
}
