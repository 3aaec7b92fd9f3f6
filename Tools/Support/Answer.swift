import FixedNet
import FixedNetFiles
import Foundation

/// What a model's outputs say.
package enum Answer {
  /// The class whose output is the largest. `scale`: how outputs become probabilities.
  case classes([String], scale: Scale)
  /// One output, which tells two classes apart.
  case twoClasses([String], threshold: Float, scale: Scale)
  /// Numbers, or whatever else a model puts out.
  case numbers

  package enum Scale {
    /// They are probabilities.
    case probabilities
    /// Logits, in front of softmax or of a sigmoid.
    case logits
    /// Scores: a loss such as hinge learns no probabilities.
    case scores
  }

  /// `training`: what the file says of its training; `loss`: the model's, where it is known.
  package init(_ model: Model, training: TrainingState?, loss: Loss?) throws {
    let shape = try model.shapes().output
    let count = shape.elementCount
    let isOfNumbers = training?.predictsNumbers(outputCount: count) ?? false
    guard !isOfNumbers, shape.dimensions.count == 1 else {
      self = .numbers
      return
    }
    if let threshold = model.classThreshold(loss: loss) {
      let scale: Scale =
        threshold == 0.5 ? .probabilities : Answer.isHinge(loss) ? .scores : .logits
      self = .twoClasses(
        Answer.names(training, count: 2), threshold: threshold, scale: scale)
      return
    }
    let endsInSoftmax = model.endFunction == .softmax
    let isTrainedOnClasses = training?.classNames != nil
    let isOfClasses = endsInSoftmax || isTrainedOnClasses || Answer.isForOneClass(loss)
    guard count > 1, isOfClasses else {
      self = .numbers
      return
    }
    let isLogits = !endsInSoftmax && (loss?.fromLogits ?? false)
    let scale: Scale =
      endsInSoftmax || model.endFunction == .sigmoid
      ? .probabilities : isLogits ? .logits : .scores
    self = .classes(Answer.names(training, count: count), scale: scale)
  }

  /// The names of the training's classes, or numbers.
  private static func names(_ training: TrainingState?, count: Int) -> [String] {
    let known = training?.classNames ?? []
    return (0..<count).map { $0 < known.count ? known[$0] : "\($0)" }
  }

  private static func isHinge(_ loss: Loss?) -> Bool {
    loss?.function == .hinge || loss?.function == .squaredHinge
  }

  /// Whether a loss has one right class among several outputs. Binary cross-entropy of many outputs has none.
  private static func isForOneClass(_ loss: Loss?) -> Bool {
    switch loss?.function {
    case .sparseCategoricalCrossEntropy, .categoricalCrossEntropy, .categoricalFocalCrossEntropy,
      .categoricalHinge:
      true
    default: false
    }
  }

  package var classNames: [String]? {
    switch self {
    case .classes(let names, _), .twoClasses(let names, _, _): names
    case .numbers: nil
    }
  }

  /// What the numbers beside the classes are.
  package var measure: String {
    switch self {
    case .classes(_, .scores), .twoClasses(_, _, .scores): "score"
    case .classes, .twoClasses, .numbers: "probability"
    }
  }

  /// A probability or score for every class, from the outputs of one sample.
  package func values(_ outputs: ArraySlice<Float>) -> [Double] {
    switch self {
    case .numbers: return outputs.map(Double.init)
    case .classes(_, let scale):
      guard case .logits = scale else { return outputs.map(Double.init) }
      let largest = Double(outputs.max() ?? 0)
      let powers = outputs.map { exp(Double($0) - largest) }
      let sum = powers.reduce(0, +)
      return powers.map { $0 / sum }
    case .twoClasses(_, _, let scale):
      let output = Double(outputs.first ?? .nan)
      switch scale {
      case .probabilities: return [1 - output, output]
      case .logits: return [1 / (1 + exp(output)), 1 / (1 + exp(-output))]
      case .scores: return [-output, output]
      }
    }
  }

  /// The class of one sample: the first of the largest outputs; nil where outputs are not finite, or no classes.
  package func index(_ outputs: ArraySlice<Float>) -> Int? {
    guard outputs.allSatisfy(\.isFinite), let first = outputs.first else { return nil }
    switch self {
    case .numbers: return nil
    case .twoClasses(_, let threshold, _): return first > threshold ? 1 : 0
    case .classes:
      let largest = outputs.max() ?? first
      return outputs.firstIndex(of: largest).map { $0 - outputs.startIndex }
    }
  }
}
