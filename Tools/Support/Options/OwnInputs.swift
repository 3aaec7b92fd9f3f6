import FixedNet
import FixedNetFiles

// Data for autoencoders: every sample is its own answer.

extension LoadedData {
  /// Which samples are not of the class that is learned, part by part.
  package struct Anomalies {
    /// The class that is learned.
    package var normal: String
    package var test: [Bool]
  }

  /// Makes every sample its own answer. `normal`: the class that is trained on; the others stay in the test set, to be told
  /// apart by how badly they are reproduced. nil: all samples are trained on. `isAsked`: whether the user said so, and not
  /// the file alone that is evaluated.
  /// Throws: `ToolError` for a class that there is not, or that has no samples to train on.
  mutating func learnInputs(normal: String?, isAsked: Bool) throws {
    (learnsInputs, normalClass) = (true, normal)
    if let normal {
      guard let index = set.classNames.firstIndex(of: normal) else {
        guard isAsked else {
          doubt =
            "no sample is of the class '\(OneLine.short(normal))' of the training: what its errors are worth is not said"
          return answerThemselves(", as none is of a known class")
        }
        throw ToolError(
          "--normal: '\(set.name)' has no class '\(normal)'; it has "
            + OneLine.list(set.classNames)
            + (set.classNames.isEmpty ? " (in a table --y NAME says which column holds them)" : ""))
      }
      anomalies = Anomalies(normal: normal, test: set.test.labels.map { Int($0) != index })
      let places = set.train.labels.indices.filter { Int(set.train.labels[$0]) == index }
      guard set.train.count == 0 || !places.isEmpty else {
        throw ToolError(
          "--normal: no training sample of '\(set.name)' is of the class '\(normal)'; name another one"
        )
      }
      if set.train.count > 0 { set.train = try set.train.samples(at: places) }
    }
    answerThemselves(normal.map { ", of which '\(OneLine.short($0))' is trained on" } ?? "")
  }

  private mutating func answerThemselves(_ taken: String) {
    set.train = set.train.learningItself
    set.test = set.test.learningItself
    set.classNames = []
    labels = nil
    note = note.map { "\($0); every sample is its own answer\(taken)" }
  }
}

extension TrainingState {
  /// Whether the samples were their own answers.
  package var learnsInputs: Bool {
    get { options["targets"] == "inputs" }
    set { setOption("targets", newValue ? "inputs" : nil) }
  }

  /// The class that was trained on; nil: all, or there are none.
  package var normalClass: String? {
    get { if case .string(let name)? = options["normal_class"] { name } else { nil } }
    set { setOption("normal_class", newValue.map { .string($0) }) }
  }
}

/// How well the error of each sample tells those that were not learned.
package struct AnomalyMetrics {
  /// The class that was learned.
  package let normal: String
  /// Samples that are not of it, of all.
  package let count: Int
  package let total: Int
  /// The probability that one of them has a larger mean squared error than one that is of it; nil where there are only
  /// samples of one kind.
  package let rocAUC: Double?

  /// `outputs`, `targets`: [samples][width].
  package init(_ anomalies: LoadedData.Anomalies, outputs: [Float], targets: [Float], width: Int) {
    let scores = AnomalyMetrics.squaredErrors(outputs, targets, width: width)
    normal = anomalies.normal
    (count, total) = (anomalies.test.count { $0 }, anomalies.test.count)
    rocAUC = RankMetrics.rocAUC(scores, isOfClass: anomalies.test)
  }

  /// How badly each sample is reproduced: the mean of its squared differences.
  /// Shapes: outputs and samples [samples][width], result [samples].
  package static func squaredErrors(_ outputs: [Float], _ samples: [Float], width: Int) -> [Float] {
    (0..<samples.count / width).map { sample in
      let places = sample * width..<(sample + 1) * width
      let sum = places.reduce(0.0) { sum, place in
        let difference = Double(outputs[place]) - Double(samples[place])
        return sum + difference * difference
      }
      return Float(sum / Double(width))
    }
  }
}
