import CSupport

/// The loss as a program computes it: on which layer's output.
struct LossHead {
  enum Operation {
    /// Softmax and cross-entropy of class numbers, on logits.
    case logits
    /// On the input of a sigmoid: h = sigmoid(slope z).
    case logistic(slope: Float, weight: Float)
    /// On the outputs themselves.
    case squared(weight: Float)
    /// Any other loss.
    case outputs(cs_loss)
  }

  var operation: Operation
  /// Whether the last layer is left out in training: the loss is computed on its input.
  var replacesLastLayer = false
  /// What the loss applies to the outputs first.
  var activation: ActivationFunction?

  /// Whether the program wants class numbers.
  var takesLabels: Bool {
    if case .logits = operation { true } else { false }
  }

  /// Whether targets that are all 0 or 1 stand for -1 and 1.
  var convertsBinaryTargets: Bool {
    guard case .outputs(let loss) = operation else { return false }
    return loss.kind == CS_HINGE || loss.kind == CS_SQUARED_HINGE
  }

  /// Whether the R-operator knows it.
  var hasTangent: Bool {
    if case .outputs = operation { false } else { activation == nil }
  }
}

extension Loss {
  /// What the end of a model asks for: cross-entropy behind softmax, binary cross-entropy behind a sigmoid; else nil.
  static func natural(for end: Graph.Node?, outputs: Shape) -> Loss? {
    guard case .vector(let count) = outputs else { return nil }
    switch end?.function {
    case .softmax? where count <= classLimit: return .crossEntropy
    case .sigmoid?, .scaledSigmoid?: return .binaryCrossEntropy()
    default: return nil
    }
  }

  /// How the loss is computed behind the last layer of a lowered graph.
  /// Throws: `ModelError.notTrainable`, `.loss` where their end does not suit it.
  func head(for end: Graph.Node?, outputs: Shape) throws(ModelError) -> LossHead {
    guard case .vector(let count) = outputs else {
      throw .notTrainable("its output is an image; put a Flatten layer at the end")
    }
    let end = end?.function
    if takesClassNumbers, count > Loss.classLimit {
      throw refusal("takes at most \(Loss.classLimit) classes, and the model has \(count) outputs")
    }
    switch function {
    case .sparseCategoricalCrossEntropy, .categoricalCrossEntropy:
      return try crossEntropyHead(end, count)
    case .binaryCrossEntropy: return try binaryHead(end, count)
    case .categoricalFocalCrossEntropy, .binaryFocalCrossEntropy:
      let isBinary = function == .binaryFocalCrossEntropy
      var head = LossHead(operation: .outputs(kernelLoss(count)))
      if try takesLogits(end, isBinary ? [.sigmoid, .scaledSigmoid] : [.softmax]) {
        head.activation = isBinary ? .sigmoid : .softmax
      }
      return head
    case .meanSquaredError:
      return LossHead(operation: .squared(weight: outputWeight(count)))
    default: return LossHead(operation: .outputs(kernelLoss(count)))
    }
  }

  private func crossEntropyHead(_ end: ActivationFunction?, _ count: Int) throws(ModelError)
    -> LossHead
  {
    let isLogits = try takesLogits(end, [.softmax])
    guard isLogits || end == .softmax else {
      return LossHead(
        operation: .outputs(kernelLoss(count, CS_CATEGORICAL_CROSS_ENTROPY)))
    }
    return LossHead(
      operation: takesClassNumbers
        ? .logits : .outputs(kernelLoss(count, CS_SOFTMAX_CROSS_ENTROPY)),
      replacesLastLayer: !isLogits)
  }

  private func binaryHead(_ end: ActivationFunction?, _ count: Int) throws(ModelError) -> LossHead {
    let isLogits = try takesLogits(end, [.sigmoid, .scaledSigmoid])
    guard isLogits || end == .sigmoid || end == .scaledSigmoid else {
      return LossHead(operation: .outputs(kernelLoss(count, CS_BINARY_CROSS_ENTROPY)))
    }
    let slope: Float = !isLogits && end == .scaledSigmoid ? 2 : 1
    var head = LossHead(
      operation: .logistic(slope: slope, weight: outputWeight(count)), replacesLastLayer: !isLogits)
    if labelSmoothing != 0 {
      var loss = kernelLoss(count, CS_LOGISTIC)
      (loss.slope, loss.hitThreshold) = (slope, 0)
      head.operation = .outputs(loss)
    }
    return head
  }

  /// Whether the outputs are logits. `own`: the functions whose argument a loss from logits wants.
  private func takesLogits(_ end: ActivationFunction?, _ own: [ActivationFunction])
    throws(ModelError) -> Bool
  {
    if fromLogits {
      guard let end, own.contains(end) else { return true }
      throw refusal(
        "from_logits is true, but the model ends in \(end.name): Keras applies it twice on JAX "
          + "and Torch and once on TensorFlow; choose with --loss \(name), or take it off the model"
      )
    }
    let probabilities: [ActivationFunction] = [.softmax, .sigmoid, .scaledSigmoid, .relu]
    guard let end, probabilities.contains(end) else {
      throw refusal(
        "needs probabilities, and the model ends in no \(own[0].name); put one at the end, or "
          + "say that the outputs are logits with --loss \(name):from_logits=true")
    }
    return false
  }

  private func refusal(_ reason: String) -> ModelError { .loss(name: name, reason: reason) }

  /// Keras' mean over the outputs.
  private func outputWeight(_ count: Int) -> Float { sumsOutputs ? 1 : 1 / Float(count) }

  /// `kind`: nil for the function's own.
  private func kernelLoss(_ count: Int, _ kind: cs_loss_kind? = nil) -> cs_loss {
    let (own, isJoint) = ownKind
    let smoothing = Float(labelSmoothing)
    let isBinary = function == .binaryCrossEntropy || function == .binaryFocalCrossEntropy
    let isMean = !isJoint && function != .klDivergence
    return cs_loss(
      kind: kind ?? own, weight: isMean ? outputWeight(count) : 1,
      targetScale: 1 - smoothing,
      targetOffset: smoothing == 0 ? 0 : isBinary ? smoothing / 2 : smoothing / Float(count),
      hitThreshold: convertsBinaryTargets ? 0 : 0.5, delta: Float(delta), alpha: Float(alpha),
      gamma: Float(gamma), slope: 1, balances: balancesClasses ? 1 : 0)
  }

  private var ownKind: (cs_loss_kind, isJoint: Bool) {
    switch function {
    case .sparseCategoricalCrossEntropy, .categoricalCrossEntropy:
      (CS_CATEGORICAL_CROSS_ENTROPY, true)
    case .categoricalFocalCrossEntropy: (CS_CATEGORICAL_FOCAL, true)
    case .categoricalHinge: (CS_CATEGORICAL_HINGE, true)
    case .binaryCrossEntropy: (CS_BINARY_CROSS_ENTROPY, false)
    case .binaryFocalCrossEntropy: (CS_BINARY_FOCAL, false)
    case .klDivergence: (CS_KL_DIVERGENCE, false)
    case .poisson: (CS_POISSON, false)
    // Never asked for: squared error has a kernel of its own.
    case .meanSquaredError, .meanAbsoluteError: (CS_ABSOLUTE_ERROR, false)
    case .meanAbsolutePercentageError: (CS_ABSOLUTE_PERCENTAGE_ERROR, false)
    case .meanSquaredLogarithmicError: (CS_SQUARED_LOGARITHMIC_ERROR, false)
    case .huber: (CS_HUBER, false)
    case .logCosh: (CS_LOG_COSH, false)
    case .hinge: (CS_HINGE, false)
    case .squaredHinge: (CS_SQUARED_HINGE, false)
    }
  }
}
