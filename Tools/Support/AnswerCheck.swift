import FixedNet
import FixedNetFiles

extension Model {
  /// Where one output tells two classes apart: above it, the second one is meant. 0.5 behind a sigmoid; 0 for a loss on
  /// logits or on -1 and +1. nil where the output is a number to predict, or there are more of them.
  package func classThreshold(loss: Loss?) -> Float? {
    guard (try? shapes().output.elementCount) == 1 else { return nil }
    let onLogits: [Loss.Function] = [
      .binaryCrossEntropy, .binaryFocalCrossEntropy, .hinge, .squaredHinge,
    ]
    switch endFunction {
    case .sigmoid, .scaledSigmoid: return 0.5
    case .softmax: return nil
    default: return loss.map { onLogits.contains($0.function) } == true ? 0 : nil
    }
  }

  /// What the labels of a data file must suit. `loss`: what is known of it.
  package func ends(loss: Loss?) -> ModelEnds? {
    guard let outputCount = try? shapes().output.elementCount else { return nil }
    guard outputCount == 1, classThreshold(loss: loss) == nil, endFunction != .softmax else {
      return ModelEnds(outputCount: outputCount)
    }
    return ModelEnds(
      outputCount: 1,
      numbersReason: loss.map { "the model's loss is \($0.name)" }
        ?? "the model's one output is no probability (no sigmoid at its end)")
  }
}

extension NetworkPlan {
  /// Refuses labels or numbers that the loss or the outputs cannot use, with what to do about it. Without
  /// `needsLoss` there may be none.
  /// Throws: `ToolError`.
  package func checkAnswers(of images: ImageSet, in name: String, needsLoss: Bool = true) throws {
    let outputs = (try? model.shapes().output.elementCount) ?? 0
    if outputs == 1, model.endFunction == .softmax {
      throw ToolError(
        "softmax over the model's one output is always 1, so that nothing can be learned; end with a "
          + "sigmoid for two classes, or without an activation for numbers to predict")
    }
    guard !images.predictsNumbers else {
      switch loss {
      case let loss? where loss.takesClassNumbers:
        throw ToolError(
          "'\(name)' holds numbers to predict, and cross-entropy needs labels or one-hot rows; use "
            + "a model without softmax at the end, and --loss mean_squared_error or "
            + "binary_crossentropy")
      case nil where needsLoss:
        throw ToolError(
          "'\(name)' holds numbers to predict, and the model's end does not say which loss; give "
            + "--loss mean_squared_error")
      default:
        guard images.targetWidth == outputs else {
          throw ToolError(
            "the model has \(outputs) output\(outputs == 1 ? "" : "s"), but '\(name)' has "
              + "\(images.targetWidth) number\(images.targetWidth == 1 ? "" : "s") to predict per "
              + "sample")
        }
      }
      return
    }
    if outputs == 1, let largest = images.largestLabel, largest > 1 {
      throw ToolError(
        "the model's one output tells two classes apart, but '\(name)' has labels up to \(largest); "
          + "give a model with an output for each class")
    }
  }

  /// Whether counting hits says something: not where numbers are predicted, and not of one output whose error it is.
  package func hasAccuracy(on images: ImageSet) -> Bool {
    guard let loss, !loss.isForClasses else { return true }
    return !images.predictsNumbers && (try? model.shapes().output.elementCount) != 1
  }
}
