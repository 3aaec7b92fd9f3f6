import FixedNet

extension NetworkPlan {
  /// Refuses labels or numbers that the loss or the outputs cannot use, with what to do about it.
  /// Throws: `ToolError`.
  public func checkAnswers(of images: ImageSet, in name: String) throws {
    let outputs = (try? model.shapes().last?.elementCount) ?? 0
    guard images.targets.isEmpty else {
      switch loss {
      case .crossEntropy?:
        throw ToolError(
          "'\(name)' holds numbers to predict, and cross-entropy needs labels or one-hot rows; use "
            + "a model without softmax at the end, and --loss mean_squared_error or "
            + "binary_crossentropy")
      case nil:
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
    if outputs == 1, loss != nil, !images.labels.isEmpty {
      throw ToolError(
        "the model has one output, but '\(name)' has labels; --regression takes those of a data "
          + "file as numbers to predict")
    }
  }

  /// Whether counting hits says something: not where numbers are predicted by squared error.
  public func hasAccuracy(on images: ImageSet) -> Bool {
    images.targets.isEmpty || loss != .meanSquaredError
  }
}
