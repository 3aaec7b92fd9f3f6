/// What training makes small: the mean over the samples of what it says of one.
public enum Loss: Equatable, Sendable {
  /// -log of the probability of the sample's class. The model ends in softmax; computed on the logits.
  case crossEntropy
  /// The mean over the outputs of (y - target)^2.
  case meanSquaredError
  /// -(t log h + (1 - t) log(1 - h)) of every output; the model ends in a sigmoid (or the scaled one), computed on its
  /// argument. The mean over the outputs, as Keras; `isSum`: their sum.
  case binaryCrossEntropy(isSum: Bool = false)

  /// Keras' name. Data sets here hold class numbers, which Keras calls sparse.
  public var name: String {
    switch self {
    case .crossEntropy: "sparse_categorical_crossentropy"
    case .meanSquaredError: "mean_squared_error"
    case .binaryCrossEntropy: "binary_crossentropy"
    }
  }

  /// The loss that Keras calls `name`, by its long or short name.
  public init?(name: String) {
    switch name {
    case "sparse_categorical_crossentropy", "categorical_crossentropy": self = .crossEntropy
    case "mean_squared_error", "mse": self = .meanSquaredError
    case "binary_crossentropy": self = .binaryCrossEntropy()
    default: return nil
    }
  }

  /// Classes that cross-entropy takes: labels are bytes.
  static let classLimit = 256
}

/// The loss as a program computes it: on which layer's output.
enum LossHead: Equatable {
  /// On the input of the softmax at the end, which training leaves out.
  case logits
  /// On the input of the sigmoid at the end: h = sigmoid(slope z).
  case logistic(slope: Float, weight: Float)
  /// On the outputs themselves.
  case squared(weight: Float)

  /// Whether the last layer is left out in training.
  var replacesLastLayer: Bool {
    if case .squared = self { false } else { true }
  }
}

extension Loss {
  /// What the end of a model asks for: cross-entropy behind softmax, binary cross-entropy behind a sigmoid; else nil.
  static func natural(for layers: [any Layer], outputs: Shape) -> Loss? {
    guard case .vector(let count) = outputs else { return nil }
    switch (layers.last as? Activation)?.function {
    case .softmax? where count <= classLimit: return .crossEntropy
    case .sigmoid?, .scaledSigmoid?: return .binaryCrossEntropy()
    default: return nil
    }
  }

  /// How the loss is computed behind lowered `layers`.
  /// Throws: `ModelError.notTrainable` where their end does not suit it.
  func head(for layers: [any Layer], outputs: Shape) throws(ModelError) -> LossHead {
    guard case .vector(let count) = outputs else {
      throw .notTrainable("its output is an image; put a Flatten layer at the end")
    }
    let last = (layers.last as? Activation)?.function
    switch self {
    case .crossEntropy:
      guard last == .softmax, count <= Loss.classLimit else {
        throw .notTrainable(
          "its last layer must be a softmax over at most \(Loss.classLimit) classes (for "
            + "cross-entropy); sigmoids go with binary_crossentropy, other outputs with "
            + "mean_squared_error")
      }
      return .logits
    case .meanSquaredError: return .squared(weight: 1 / Float(count))
    case .binaryCrossEntropy(let isSum):
      guard last == .sigmoid || last == .scaledSigmoid else {
        throw .notTrainable("its last layer must be a sigmoid (for binary cross-entropy)")
      }
      return .logistic(
        slope: last == .sigmoid ? 1 : 2, weight: isSum ? 1 : 1 / Float(count))
    }
  }
}
