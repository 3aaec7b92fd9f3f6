import FixedNetCore

/// Values with their extents, row-major, in the layout that Keras files use. Whatever takes one refuses it where it is
/// not whole.
public struct Tensor: Equatable, Sendable {
  /// Extents, the slowest axis first.
  public var shape: [Int]
  /// As many as the extents' product, the last axis running fastest.
  public var values: [Float]

  /// `values`: as many as the extents' product.
  public init(shape: [Int], values: [Float]) {
    self.shape = shape
    self.values = values
  }

  /// Zeros; none for a shape that no tensor can have.
  public init(zeros shape: [Int]) {
    let count = Tensor.isUsable(shape) ? Shape.product(shape) : 0
    self.init(shape: shape, values: [Float](repeating: 0, count: count))
  }

  /// Whether there are as many values as the shape says.
  public var isWhole: Bool {
    Tensor.isUsable(shape) && Shape.product(shape) == values.count
  }

  private static func isUsable(_ shape: [Int]) -> Bool {
    shape.allSatisfy { $0 >= 0 } && Shape.product(shape) <= Shape.elementLimit
  }
}

/// One weight that a layer has: its name in the file, extents, and how it starts.
public struct WeightDescription: Equatable, Sendable {
  /// The last part of the dataset's name: kernel, bias, gamma, beta, moving_mean, moving_variance.
  public var name: String
  /// What another version of Keras calls it; nil where all agree.
  public var otherName: String?
  /// Extents, as Keras has them.
  public var shape: [Int]
  /// Whether an optimiser changes it; BN's moving statistics are not.
  public var isTrainable: Bool
  /// How the weight starts.
  public var initializer: Initializer
  /// Inputs that one output sees, and outputs that one input reaches: what initialisers scale by.
  public var fanIn: Int
  /// Outputs that one input reaches.
  public var fanOut: Int
  /// What the loss says of its values.
  public var regularizer: Regularizer
  /// Whether a file holds it as an integer.
  public var isInteger: Bool

  /// `fanIn`, `fanOut`: what initialisers scale by.
  public init(
    name: String, shape: [Int], isTrainable: Bool, initializer: Initializer, fanIn: Int = 1,
    fanOut: Int = 1, regularizer: Regularizer = .none, isInteger: Bool = false
  ) {
    self.name = name
    self.shape = shape
    self.isTrainable = isTrainable
    self.initializer = initializer
    self.fanIn = fanIn
    self.fanOut = fanOut
    self.regularizer = regularizer
    self.isInteger = isInteger
  }
}

/// The weights of one layer in Keras' order (trainable ones, then the others).
public struct LayerWeights: Equatable, Sendable {
  /// The layer's name.
  public var layer: String
  /// In Keras' order.
  public var tensors: [Tensor]

  /// `tensors`: in Keras' order, in the shapes of the layer's descriptions.
  public init(layer: String, tensors: [Tensor]) {
    self.layer = layer
    self.tensors = tensors
  }
}

extension Tensor {
  /// Throws: `ModelError.weights` where the values are not as many as the shape says.
  func checkWhole(layer: String, _ weight: String) throws(ModelError) {
    guard isWhole else {
      throw .weights(
        layer: layer, weight: weight, expected: "as many values as its shape \(shape) says",
        found: "\(values.count)")
    }
  }
}
