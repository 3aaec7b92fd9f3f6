import ArgumentParser
import FixedNet
import FixedNetFiles

/// A loss as Keras calls it.
public enum LossName: String, ExpressibleByArgument, CaseIterable, Sendable {
  case categoricalCrossEntropy = "categorical_crossentropy"
  case sparseCategoricalCrossEntropy = "sparse_categorical_crossentropy"
  case meanSquaredError = "mean_squared_error"
  case binaryCrossEntropy = "binary_crossentropy"

  public init?(argument: String) {
    self.init(rawValue: argument == "mse" ? "mean_squared_error" : argument)
  }

  public init(_ loss: Loss) {
    switch loss {
    case .crossEntropy: self = .sparseCategoricalCrossEntropy
    case .meanSquaredError: self = .meanSquaredError
    case .binaryCrossEntropy: self = .binaryCrossEntropy
    }
  }

  public var loss: Loss {
    switch self {
    case .categoricalCrossEntropy, .sparseCategoricalCrossEntropy: .crossEntropy
    case .meanSquaredError: .meanSquaredError
    case .binaryCrossEntropy: .binaryCrossEntropy()
    }
  }

  public static let help =
    "What is made small: cross-entropy behind softmax (sparse or not is one and the same here), binary "
    + "cross-entropy behind a sigmoid, or the squared error."

  /// Keras' description of a loss: its name, or an object. nil for what would compute something else here.
  init?(json: JSONValue?) {
    switch json {
    case .string(let name)?: self.init(argument: name)
    case .object?:
      let config = json?["config"]
      let standards: [JSONValue?] = [nil, .null, false, .integer(0), .number(0)]
      guard standards.contains(config?["from_logits"]),
        standards.contains(config?["label_smoothing"]), case .string(let name)? = config?["name"]
      else { return nil }
      self.init(argument: name)
    default: return nil
    }
  }
}

extension KerasModelFile {
  /// What the file says of its loss where that is none of those known here, or does not suit the model.
  public var ignoredLoss: String? {
    guard statedLoss == nil, let loss = trainingConfig?["loss"], loss != .null else { return nil }
    return loss["config"]?["name"]?.summary ?? loss["class_name"]?.summary ?? loss.summary
  }

  /// The loss that the file says it was trained with, where its model can be used with it.
  public var statedLoss: LossName? {
    let name =
      training.map { LossName(rawValue: $0.loss) } ?? LossName(json: trainingConfig?["loss"])
    guard let name else { return nil }
    let options = PlanOptions(batch: 1, isTraining: false, loss: name.loss)
    return (try? NetworkPlan(model, options: options)) == nil ? nil : name
  }
}
