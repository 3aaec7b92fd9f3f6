import ArgumentParser
import FixedNet
import FixedNetFiles
import ToolSupport

/// How much the training samples of each class count, as `class_weight` of Keras' `fit`.
enum ClassWeight: Equatable {
  /// Samples divided by (classes that have some times samples of the class), as scikit-learn has it.
  case balanced
  /// By the class' number; the others count 1.
  case given([Int: Float])

  static let help =
    "How much each class counts in training, as Keras' class_weight: 0=1,3=2.5 by the classes' "
    + "numbers (others count 1), or balanced: the rarer a class, the more. (default: all the same)"

  /// "balanced", or "0=1,3=2.5".
  /// Throws: `ValidationError`.
  static func option(_ text: String) throws -> ClassWeight {
    if text == "balanced" { return .balanced }
    var weights: [Int: Float] = [:]
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = part.split(separator: "=", omittingEmptySubsequences: false)
      guard sides.count == 2, let label = Int(sides[0]), label >= 0, let weight = Float(sides[1]),
        isUsable(weight), weights.updateValue(weight, forKey: label) == nil
      else {
        throw ValidationError(
          "--class-weight must be balanced, or classes with weights of 0 or more, each once, such "
            + "as 0=1,3=2.5; found '\(text)'")
      }
    }
    return .given(weights)
  }

  private static func isUsable(_ weight: Float) -> Bool { weight >= 0 && weight <= 1e30 }

  /// One weight per class of `data`.
  /// Throws: `ToolError` where there are no classes, or none of a number.
  func weights(for data: DataSet) throws -> [Float] {
    guard !data.train.predictsNumbers else {
      throw ToolError("--class-weight is for classes, but '\(data.name)' holds numbers to predict")
    }
    switch self {
    case .given(let weights):
      if let stranger = weights.keys.filter({ $0 >= data.classCount }).min() {
        throw ToolError(
          "--class-weight: '\(data.name)' has classes 0 to \(data.classCount - 1), found \(stranger)"
        )
      }
      return (0..<data.classCount).map { weights[$0] ?? 1 }
    case .balanced:
      var counts = [Int](repeating: 0, count: data.classCount)
      for label in data.train.labels where Int(label) < counts.count { counts[Int(label)] += 1 }
      let present = Double(counts.count { $0 > 0 })
      return counts.map { count in
        count == 0 ? 1 : Float(Double(data.train.count) / (present * Double(count)))
      }
    }
  }
}

extension TrainingState {
  /// The weight of each class in training, kept among the options; nil where all count the same.
  var classWeights: JSONValue? {
    get { options["class_weight"] }
    set { setOption("class_weight", newValue) }
  }

  /// Gives the training samples the weights that are kept.
  /// Throws: `ToolError` for weights that are none of these classes'. `path`: the file that says so.
  func weigh(_ data: inout DataSet, path: String) throws {
    guard let classWeights else { return }
    guard case .array(let values) = classWeights, values.count == data.classCount else {
      throw ToolError(
        "'\(path)': its class_weight is not one number per class; it cannot be resumed")
    }
    let weights = try values.map { value in
      switch value {
      case .number(let weight) where weight >= 0 && Float(weight).isFinite: return Float(weight)
      case .integer(let weight) where weight >= 0: return Float(weight)
      default:
        throw ToolError("'\(path)': its class_weight has \(value.summary); it cannot be resumed")
      }
    }
    data.train = data.train.weighted(byClass: weights)
  }
}
