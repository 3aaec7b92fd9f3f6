import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// The figures that eval prints, against what one counts by hand.
@Suite("eval's figures")
struct MetricsToolTests {
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  /// Outputs softmax(x): the prediction is the first largest number.
  private func saveIdentity() throws {
    let model = Model(
      name: "identity", input: .vector(3),
      layers: [Dense(name: "out", units: 3, activation: .softmax)])
    let weights = [
      LayerWeights(
        layer: "out",
        tensors: [
          Tensor(shape: [3, 3], values: [1, 0, 0, 0, 1, 0, 0, 0, 1]), Tensor(zeros: [3]),
        ])
    ]
    try KerasFile.write(
      KerasModelFile(model: model, weights: weights), to: "\(folder)/identity.h5")
  }

  private func write(_ rows: [[Float]], _ labels: [Float], suffix: String = "")
    -> [(name: String, shape: [Int], values: [Float])]
  {
    [
      (name: "x" + suffix, shape: [rows.count, 3], values: rows.flatMap(\.self)),
      (name: "y" + suffix, shape: [labels.count], values: labels),
    ]
  }

  private func eval(_ options: String) throws -> Finished {
    let run = try Tool.run("eval", options, in: folder)
    #expect(run.exitCode == 0, "\(run.errors)")
    return run
  }

  @Test("confusion matrix, accuracy, precision and recall of seven samples; ties, and both splits")
  func classes() throws {
    try saveIdentity()
    // Label 0: predicted 0, 0, 1; label 1: 1, 2 and, of equal outputs, the first: 0; label 2: 0.
    let rows: [[Float]] = [
      [2, 0, 0], [2, 1, 0], [0, 2, 0], [0, 2, 0], [0, 0, 2], [1, 1, 0], [2, 0, 1],
    ]
    try HDF5Arrays.write(
      path: "\(folder)/data.h5",
      datasets: write(rows, [0, 0, 0, 1, 1, 1, 2])
        + write([[2, 0, 0], [2, 0, 0]], [0, 2], suffix: "_test"))
    let report = try eval("identity.h5 --data data.h5 --split train --json").report
    #expect(report["confusion"] == [[2, 1, 0], [1, 1, 1], [1, 0, 0]])
    #expect(report["images"] == 7 && report["split"] == "train")
    // All seven say their class with e^2, e^2 / e, ... over the sum; 4 to 9 tenths, and whether they are right.
    let sure = rows.map { row in
      Double(row.max() ?? 0)
        .exponential / row.reduce(0) { $0 + Double($1).exponential }
    }
    let right = [true, true, false, true, false, false, false]
    let bins = Dictionary(grouping: rows.indices) { Int(sure[$0] * 10) }
    let error = bins.values.reduce(0.0) { sum, bin in
      sum + abs(bin.reduce(0.0) { $0 + (right[$1] ? 1 : 0) - sure[$1] })
    }
    #expect(abs((report["calibrationError"]?.double ?? 9) - error / 7) < 1e-6)
    let drawn = try eval("identity.h5 --data data.h5 --split train --calibration c.svg")
    #expect(drawn.output.contains("calibration error \(String(format: "%.4f", error / 7))"))
    #expect(FileManager.default.fileExists(atPath: "\(folder)/c.svg"))
    let figures: [(precision: Double, recall: Double, images: Double)] = [
      (2 / 4.0, 2 / 3.0, 3), (1 / 2.0, 1 / 3.0, 3), (0, 0, 1),
    ]
    let classes = try #require(report["classes"]?.array)
    for (found, expected) in zip(classes, figures) {
      #expect(found["precision"]?.double == expected.precision)
      #expect(found["recall"]?.double == expected.recall)
      #expect(found["images"]?.double == expected.images)
    }
    #expect(classes.count == 3 && report["accuracy"]?.double == 3 / 7.0)
    // 2 hits / (predicted + present): 4 / 7, 2 / 5, 0; the mean recall of three classes.
    #expect(classes.map { $0["f1"]?.double } == [4 / 7.0, 2 / 5.0, 0])
    #expect(abs((report["macroF1"]?.double ?? 0) - (4 / 7.0 + 2 / 5.0) / 3) < 1e-12)
    #expect(abs((report["balancedAccuracy"]?.double ?? 0) - (2 / 3.0 + 1 / 3.0) / 3) < 1e-12)
    #expect(report["top5Accuracy"] == .null)
    // Cross-entropy: -log softmax of the label's number.
    let labels = [0, 0, 0, 1, 1, 1, 2]
    let losses = zip(rows, labels).map { row, label in
      log(row.reduce(0) { $0 + exp(Double($1)) }) - Double(row[label])
    }
    let loss = losses.reduce(0, +) / 7
    #expect(abs((report["loss"]?.double ?? 0) - loss) < 1e-6)

    let test = try eval("identity.h5 --data data.h5 --json").report
    #expect(test["confusion"] == [[1, 0, 0], [0, 0, 0], [1, 0, 0]])
    // No sample of class 1, and none predicted: no figures.
    let empty = try #require(test["classes"]?.array[1])
    #expect(empty["precision"] == .null && empty["recall"] == .null && empty["images"] == 0)
    let text = try eval("identity.h5 --data data.h5 --split train --confusion").output
    #expect(text.contains("accuracy 42.86 %  (4 wrong)"))
    #expect(text.contains("0    50.00 %    66.67 %  0.5714        3"))
    #expect(text.contains("1      1      1      1\n"))
  }

  @Test("data with more classes than outputs are refused, whatever a split has of them")
  func tooManyClasses() throws {
    try saveIdentity()
    try HDF5Arrays.write(
      path: "\(folder)/data.h5",
      datasets: write([[2, 0, 0], [0, 2, 0]], [0, 3]) + write([[2, 0, 0]], [0], suffix: "_test"))
    for split in ["train", "test"] {
      Tool.expectRefusal(
        try Tool.run("eval", "identity.h5 --data data.h5 --split \(split)", in: folder), "outputs")
    }
  }

  @Test("outputs that are no numbers are no prediction, and no hit")
  func unanswered() throws {
    try saveIdentity()
    // exp(inf - inf) is none.
    let rows: [[Float]] = [[.greatestFiniteMagnitude, 0, 0], [2, 0, 0], [0, 0, 2]]
    try HDF5Arrays.write(
      path: "\(folder)/data.h5", datasets: write(rows, [0, 0, 2]))
    var file = try KerasFile.read(path: "\(folder)/identity.h5")
    file.weights[0].tensors[0].values[0] = 2
    try KerasFile.write(file, to: "\(folder)/double.h5")
    let run = try eval("double.h5 --data data.h5 --test-fraction 0 --json")
    let report = try run.report
    #expect(report["confusion"] == [[1, 0, 0], [0, 0, 0], [0, 0, 1]])
    #expect(report["accuracy"]?.double == 2 / 3.0)
    #expect(run.errors.contains("1 of 3 samples have outputs that are not finite"))
  }

  @Test("a root mean square error, and the largest difference from what was expected")
  func numbers() throws {
    let model = Model(
      name: "sum", input: .vector(3), layers: [Dense(name: "out", units: 1)])
    let weights = [
      LayerWeights(
        layer: "out",
        tensors: [Tensor(shape: [3, 1], values: [1, 1, 1]), Tensor(zeros: [1])])
    ]
    try KerasFile.write(KerasModelFile(model: model, weights: weights), to: "\(folder)/sum.h5")
    // Outputs 1.5, 2 and 6; off by 1, -2 and 4.
    let rows: [[Float]] = [[0.5, 0.5, 0.5], [2, 0, 0], [1, 2, 3]]
    try HDF5Arrays.write(path: "\(folder)/data.h5", datasets: write(rows, [0.5, 4, 2]))
    let report = try eval(
      "sum.h5 --data data.h5 --test-fraction 0 --loss mean_squared_error --json"
    ).report
    #expect(abs((report["loss"]?.double ?? 0) - 7) < 1e-6)
    #expect(abs((report["rootMeanSquareError"]?.double ?? 0) - 7.0.squareRoot()) < 1e-6)

    for (expected, text) in [(Float(2), "4.0"), (.nan, "nan")] {
      try HDF5Arrays.write(
        path: "\(folder)/io.h5",
        datasets: [
          (name: "x", shape: [3, 3], values: rows.flatMap(\.self)),
          (name: "y", shape: [3, 1], values: [0.5, 4, expected]),
        ])
      #expect(
        try eval("sum.h5 --inputs io.h5").output.contains("max |difference|: \(text)\n"))
    }
  }
}

extension Double {
  fileprivate var exponential: Double { exp(self) }
}
