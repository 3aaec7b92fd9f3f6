import FixedNet
import Testing

/// Measures against what one counts by hand, and the examples of scikit-learn's documentation.
@Suite("Measures")
struct MetricsTests {
  /// roc_auc_score's example has 0.75.
  @Test("area under the ROC curve, ties counting half")
  func area() throws {
    let isOfClass = [false, false, true, true]
    #expect(RankMetrics.rocAUC([0.1, 0.4, 0.35, 0.8], isOfClass: isOfClass) == 0.75)
    #expect(RankMetrics.rocAUC([1, 2, 3, 4], isOfClass: isOfClass) == 1)
    #expect(RankMetrics.rocAUC([4, 3, 2, 1], isOfClass: isOfClass) == 0)
    #expect(RankMetrics.rocAUC([5, 5, 5, 5], isOfClass: isOfClass) == 0.5)
    // Of the four pairs one is won, two are ties, one is lost.
    #expect(RankMetrics.rocAUC([1, 2, 2, 1], isOfClass: isOfClass) == 0.5)
    #expect(RankMetrics.rocAUC([1, 2], isOfClass: [true, true]) == nil)
    #expect(RankMetrics.rocAUC([1, .nan], isOfClass: [true, false]) == nil)
  }

  @Test("of several classes the mean of each against the others; of one output the second class")
  func areas() throws {
    let outputs = Tensor(
      shape: [3, 3], values: [0.9, 0.1, 0.0, 0.2, 0.3, 0.5, 0.1, 0.3, 0.6])
    // Class 0: 1 of (0.9; 0.2, 0.1) is 1. Class 1: 0.3 against 0.1 and 0.3: 3 / 4. Class 2: 0.6 against 0, 0.5: 1.
    let mean: Double = 2.75 / 3
    #expect(RankMetrics.rocAUC(outputs, labels: [0, 1, 2]) == mean)
    let one = Tensor(shape: [2, 1], values: [0.2, 0.7])
    #expect(RankMetrics.rocAUC(one, labels: [0, 1]) == 1)
    #expect(RankMetrics.rocAUC(outputs, labels: [0, 1, 1]) == nil)
  }

  @Test("of more than 1,024 classes there is no matrix, and all else")
  func manyClasses() throws {
    for count in [1024, 1025] {
      var outputs = Tensor(shape: [4, count], values: [Float](repeating: 0, count: 4 * count))
      for (sample, prediction) in [7, count - 1, 3, 3].enumerated() {
        outputs.values[sample * count + prediction] = 1
      }
      let metrics = try ClassificationMetrics(
        outputs, labels: [7, count - 1, 3, 5], classCount: count)
      #expect(metrics.counts.count == (count == 1024 ? 1024 : 0))
      #expect(metrics.hits == 3 && metrics.accuracy == 0.75 && metrics.classCount == count)
      #expect(metrics.precision(3) == 0.5 && metrics.recall(5) == 0 && metrics.support(7) == 1)
      #expect(metrics.balancedAccuracy == 0.75 && metrics.precision(0) == nil)
    }
  }

  @Test("the largest outputs, the first of equal ones before the others")
  func top() {
    let outputs = Tensor(shape: [2, 4], values: [0.1, 0.4, 0.3, 0.2, 0.25, 0.25, 0.25, 0.25])
    #expect(RankMetrics.topAccuracy(outputs, labels: [2, 2], count: 1) == 0)
    #expect(RankMetrics.topAccuracy(outputs, labels: [2, 2], count: 2) == 0.5)
    #expect(RankMetrics.topAccuracy(outputs, labels: [2, 2], count: 3) == 1)
    #expect(RankMetrics.topAccuracy(outputs, labels: [9, 2], count: 4) == 0.5)
  }

  /// r2_score's examples have 0.948... and, of two outputs, 0.938....
  @Test("numbers: mean absolute error, root mean square error, R2")
  func numbers() throws {
    let metrics = try NumberMetrics([2.5, 0, 2, 8], targets: [3, -0.5, 2, 7], width: 1)
    #expect(metrics.meanAbsoluteError == 0.5)
    #expect(abs(metrics.rootMeanSquareError - 0.375.squareRoot()) < 1e-12)
    #expect(abs((metrics.r2 ?? 0) - 0.9486081370449679) < 1e-12)
    let two = try NumberMetrics([0, 2, -1, 2, 8, -5], targets: [0.5, 1, -1, 1, 7, -6], width: 2)
    #expect(abs((two.r2 ?? 0) - 0.9368005266622779) < 1e-9)
    #expect(try NumberMetrics([1, 2], targets: [3, 3], width: 1).r2 == nil)
    #expect(throws: NetworkError.self) { try NumberMetrics([1], targets: [1, 2], width: 1) }
  }

  @Test("a model that always says the same has half the balanced accuracy of two classes")
  func balanced() throws {
    let outputs = Tensor(shape: [4, 2], values: [1, 0, 1, 0, 1, 0, 1, 0])
    let metrics = try ClassificationMetrics(outputs, labels: [0, 0, 0, 1], classCount: 2)
    #expect(metrics.accuracy == 0.75 && metrics.balancedAccuracy == 0.5)
    #expect(metrics.f1(0) == 6 / 7.0 && metrics.f1(1) == 0)
    #expect(throws: NetworkError.labels(outputCount: 2, largest: 2)) {
      try ClassificationMetrics(outputs, labels: [0, 0, 0, 2], classCount: 3)
    }
    for odd in [-1, 2] {
      #expect(throws: NetworkError.option(name: "labels", expected: "from 0 to 1", found: "\(odd)"))
      {
        try ClassificationMetrics(outputs, labels: [0, 0, 0, odd], classCount: 2)
      }
      #expect(RankMetrics.topAccuracy(outputs, labels: [0, 0, 0, odd], count: 2) == 0.75)
    }
  }
}
