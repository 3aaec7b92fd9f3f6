/// What training makes small, as Keras describes it: a function of the outputs and of what they should be, and how the
/// losses of a mini-batch become one number.
public struct Loss: Equatable, Sendable {
  /// Keras' functions, by Keras' names. With y the outputs and t the targets of a sample, K of them:
  public enum Function: String, CaseIterable, Sendable {
    /// -log of the probability of the sample's class, a number.
    case sparseCategoricalCrossEntropy = "sparse_categorical_crossentropy"
    /// -sum t log y; a label is a one among zeros.
    case categoricalCrossEntropy = "categorical_crossentropy"
    /// The mean of -(t log y + (1 - t) log(1 - y)).
    case binaryCrossEntropy = "binary_crossentropy"
    /// -sum alpha t (1 - y)^gamma log y.
    case categoricalFocalCrossEntropy = "categorical_focal_crossentropy"
    /// The mean of binary cross-entropy times (1 - t y - (1 - t) (1 - y))^gamma.
    case binaryFocalCrossEntropy = "binary_focal_crossentropy"
    /// sum t log(t / y), both limited to 1e-7 ... 1.
    case klDivergence = "kl_divergence"
    /// The mean of y - t log(y + 1e-7).
    case poisson
    /// The mean of (y - t)^2.
    case meanSquaredError = "mean_squared_error"
    /// The mean of |y - t|.
    case meanAbsoluteError = "mean_absolute_error"
    /// 100 times the mean of |y - t| / max(|t|, 1e-7).
    case meanAbsolutePercentageError = "mean_absolute_percentage_error"
    /// The mean of (log(y + 1) - log(t + 1))^2, both at least 1e-7.
    case meanSquaredLogarithmicError = "mean_squared_logarithmic_error"
    /// The mean of (y - t)^2 / 2 up to delta, of delta |y - t| - delta^2 / 2 beyond.
    case huber
    /// The mean of log(cosh(y - t)).
    case logCosh = "log_cosh"
    /// The mean of max(1 - t y, 0); targets that are all 0 or 1 in a mini-batch stand for -1 and 1.
    case hinge
    /// The mean of the square of that.
    case squaredHinge = "squared_hinge"
    /// max(max((1 - t) y) - sum t y + 1, 0).
    case categoricalHinge = "categorical_hinge"
  }

  /// How the losses of a mini-batch become one number: divided by
  public enum Reduction: String, CaseIterable, Sendable {
    /// the number of samples (of those whose class counts).
    case sumOverBatchSize = "sum_over_batch_size"
    /// nothing.
    case sum
    /// the sum of the sample weights.
    case meanWithSampleWeight = "mean_with_sample_weight"
  }

  /// What is computed from an output and its target.
  public var function: Function
  /// How the samples' losses become one.
  public var reduction = Reduction.sumOverBatchSize
  /// Whether the outputs are logits: softmax or sigmoid belongs to the loss.
  public var fromLogits = false
  /// s in 0 ... 1: a target t is t (1 - s) + s / K, for binary cross-entropy t (1 - s) + s / 2.
  public var labelSmoothing = 0.0
  /// The class whose samples have no loss.
  public var ignoredClass: Int?
  /// Huber's: where the parabola becomes a line.
  public var delta = 1.0
  /// Focal cross-entropy's: the weight of class 1 where classes are balanced.
  public var alpha = 0.25
  /// Focal cross-entropy's: the power of 1 - p.
  public var gamma = 2.0
  /// Whether binary focal cross-entropy weighs class 1 by alpha and class 0 by 1 - alpha.
  public var balancesClasses = false
  /// Keras' loss_weights of the one output.
  public var weight = 1.0
  /// Whether the sum over the outputs is taken where Keras takes their mean.
  public var sumsOutputs = false

  /// With Keras' numbers.
  public init(_ function: Function) { self.function = function }

  /// -log of the probability of the sample's class.
  public static let crossEntropy = Loss(.sparseCategoricalCrossEntropy)
  /// The mean over the outputs of (output - target)^2.
  public static let meanSquaredError = Loss(.meanSquaredError)

  /// `isSum`: the sum over the outputs, not their mean.
  public static func binaryCrossEntropy(isSum: Bool = false) -> Loss {
    var loss = Loss(.binaryCrossEntropy)
    loss.sumsOutputs = isSum
    return loss
  }

  /// Keras' name.
  public var name: String { function.rawValue }

  /// Classes that are known by a number: labels have 16 bits.
  static let classLimit = 65_536

  /// Whether the targets must be class numbers.
  public var takesClassNumbers: Bool { function == .sparseCategoricalCrossEntropy }

  /// Whether the outputs stand for classes, so that the largest one, or one output's side, is an answer.
  public var isForClasses: Bool {
    switch function {
    case .sparseCategoricalCrossEntropy, .categoricalCrossEntropy, .binaryCrossEntropy,
      .categoricalFocalCrossEntropy, .binaryFocalCrossEntropy, .klDivergence, .hinge,
      .squaredHinge, .categoricalHinge:
      true
    default: false
    }
  }

  /// Whether the loss of a mini-batch is not the sum of its samples' divided by their number.
  var dependsOnBatch: Bool {
    reduction != .sumOverBatchSize || ignoredClass != nil || convertsBinaryTargets
  }

  var convertsBinaryTargets: Bool { function == .hinge || function == .squaredHinge }
}

extension Loss: CustomStringConvertible {
  /// "huber, delta 1", "categorical_crossentropy, label_smoothing 0.1, reduction sum"
  public var description: String {
    var parts = [name]
    let defaults = Loss(function)
    for key in function.keys where self[key] != defaults[key] || Loss.shownKeys.contains(key) {
      parts.append(self[key] == true ? key : "\(key) \(Loss.text(self[key]))")
    }
    if weight != 1 { parts.append("loss_weights \(Loss.text(.number(weight)))") }
    return parts.joined(separator: ", ")
  }

  private static func text(_ value: JSONValue) -> String {
    switch value {
    case .string(let text): text
    case .number(let number): Int(exactly: number).map { "\($0)" } ?? "\(number)"
    default: value.summary
    }
  }

  /// Numbers that a reader wants to see even where they are the default.
  private static let shownKeys: Set<String> = ["delta", "alpha", "gamma"]
}
