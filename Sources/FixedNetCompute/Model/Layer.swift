/// A layer as it is described, before it has memory: its Keras name and config, its shapes, its weights. The classes are
/// FixedNet's own, a fixed set: a model with a layer of another type is refused.
public protocol Layer: Sendable {
  /// Keras' class name.
  static var className: String { get }
  /// What the model's other layers and its files know it by.
  var name: String { get set }

  /// Keras' config besides name, dtype and trainable, in the form that Keras 2 and Keras 3 both load.
  var config: [String: JSONValue] { get }

  /// Of a layer that reads one other.
  /// Throws: `ModelError.shape` if the layer cannot take `input`.
  func outputShape(for input: Shape) throws(ModelError) -> Shape

  /// Of a layer that reads several others: as many as there are `inputs`.
  /// Throws: `ModelError.shape`, `.connection`.
  func outputShape(of inputs: [Shape]) throws(ModelError) -> Shape

  /// The layer's weights in Keras' order.
  func weights(for input: Shape) -> [WeightDescription]

  /// Multiply-adds of one image's forward pass.
  func multiplyAdds(for input: Shape) -> Int
}

extension Layer {
  public func weights(for input: Shape) -> [WeightDescription] { [] }

  public func outputShape(of inputs: [Shape]) throws(ModelError) -> Shape {
    guard inputs.count == 1 else {
      throw .connection(
        layer: name, expected: "one layer to read", found: "\(inputs.count)")
    }
    return try outputShape(for: inputs[0])
  }

  public func multiplyAdds(for input: Shape) -> Int { 0 }

  /// How it is read and planned; nil for a type that is not FixedNet's, which `Model.check` refuses.
  package var planned: (any PlannedLayer)? { self as? any PlannedLayer }
}

/// The layer classes that models may name: a fixed table, nothing is ever looked up elsewhere.
public enum LayerRegistry {
  static let all: [any PlannedLayer.Type] = [
    Activation.self, ActivityRegularization.self, Add.self, AlphaDropout.self, Average.self,
    AveragePooling1D.self, AveragePooling2D.self, BatchNormalization.self, Concatenate.self,
    Conv1D.self, Conv2D.self, Conv2DTranspose.self, Cropping1D.self, Cropping2D.self, Dense.self,
    DepthwiseConv1D.self, DepthwiseConv2D.self, Dropout.self, ELU.self, Flatten.self,
    GaussianDropout.self, GaussianNoise.self, GlobalAveragePooling1D.self,
    GlobalAveragePooling2D.self, GlobalMaxPooling1D.self, GlobalMaxPooling2D.self,
    LayerNormalization.self, LeakyReLU.self, MaxPooling1D.self, MaxPooling2D.self, Maximum.self,
    Minimum.self, Multiply.self, Normalization.self, PReLU.self, Permute.self,
    RandomBrightness.self, RandomContrast.self, RandomFlip.self, RandomRotation.self,
    RandomTranslation.self, RandomZoom.self, ReLU.self, RepeatVector.self, Rescaling.self,
    Reshape.self, SeparableConv1D.self, SeparableConv2D.self, Softmax.self, SpatialDropout1D.self,
    SpatialDropout2D.self, Subtract.self, ThresholdedReLU.self, UpSampling1D.self,
    UpSampling2D.self, ZeroPadding1D.self, ZeroPadding2D.self,
  ]

  /// In the order of the alphabet.
  public static var classNames: [String] { all.map { $0.className } }

  static func layerType(_ className: String) -> (any PlannedLayer.Type)? {
    all.first { $0.className == className }
  }
}
