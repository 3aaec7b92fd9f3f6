import FixedNet
import ToolSupport

extension Model {
  /// The name of the layer that `standardize` puts in front.
  private static let standardizing = "standardize"

  /// Puts a Normalization layer in front, with the mean and the variance of these images: one per feature, or per channel.
  /// A feature that is the same in all of them is only shifted.
  /// `weights`: the model's, where it has some, which the new layer joins without any of its own.
  /// Throws: `ToolError` for models that have such a layer, or nest others.
  mutating func standardize(on images: ImageSet, _ weights: inout [LayerWeights]?) throws {
    guard fileItems == nil else {
      throw ToolError("--standardize: model '\(name)' holds other models; give it without them")
    }
    if let layer = layers.first(where: { $0 is Normalization }) {
      throw ToolError(
        "--standardize: model '\(name)' has a Normalization layer, '\(layer.name)'; --adapt gives it "
          + "mean and variance")
    }
    guard !layers.contains(where: { $0.name == Model.standardizing }) else {
      throw ToolError(
        "--standardize: a layer of model '\(name)' is called '\(Model.standardizing)'")
    }
    let isSame = images.shape.elementCount == input.elementCount
    let seen = ImageSet(shape: isSame ? input : images.shape, pixels: images.pixels, labels: [])
    let adapted = try Normalization(name: Model.standardizing).adapted(to: seen)
    let front = Normalization(
      name: Model.standardizing, mean: adapted.mean,
      variance: adapted.variance.map { $0.map { $0 > 0 ? $0 : 1 } })
    layers.insert(front, at: 0)
    if let known = connections {
      connections = known.mapValues { $0.map { $0 == inputName ? Model.standardizing : $0 } }
      connections?[Model.standardizing] = [inputName]
    }
    weights?.insert(LayerWeights(layer: Model.standardizing, tensors: []), at: 0)
  }
}
