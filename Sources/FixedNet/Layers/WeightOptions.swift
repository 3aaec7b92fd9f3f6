/// How the kernel and bias of a layer start, and what the loss says of the kernel: what Dense and Conv2D share.
public struct WeightOptions: Equatable, Sendable {
  public var kernelInitializer = Initializer.glorotUniform
  public var biasInitializer = Initializer.zeros
  /// The loss has a term `kernelPenalty` times the sum of the kernel's squares: Keras' L2 regulariser.
  public var kernelPenalty: Float = 0
  /// Keras' config entries that this reads.
  static let configKeys: Set = [
    "kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer",
    "activity_regularizer", "kernel_constraint", "bias_constraint",
  ]
  /// What the file asks for and training here would not do.
  var obstacle: String?
  /// What of it is a part of the loss.
  var lossObstacle: String?

  public init(
    kernelInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros,
    kernelPenalty: Float = 0
  ) {
    self.kernelInitializer = kernelInitializer
    self.biasInitializer = biasInitializer
    self.kernelPenalty = kernelPenalty
  }

  init(_ config: LayerConfig) {
    kernelInitializer = Initializer(
      json: config.members["kernel_initializer"], default: .glorotUniform)
    biasInitializer = Initializer(json: config.members["bias_initializer"], default: .zeros)
    kernelPenalty = config.kernelPenalty
    obstacle = config.obstacle
    lossObstacle = config.lossObstacle
  }

  /// Keras' entries; what is Keras' own default is left out.
  var config: [String: JSONValue] {
    var config: [String: JSONValue] = [:]
    if kernelInitializer != .glorotUniform { config["kernel_initializer"] = kernelInitializer.json }
    if biasInitializer != .zeros { config["bias_initializer"] = biasInitializer.json }
    if kernelPenalty != 0 {
      config["kernel_regularizer"] = [
        "class_name": "L2", "config": ["l2": .number(Double(kernelPenalty))],
      ]
    }
    return config
  }

  /// A kernel of `shape`, and a bias of one value per output.
  func weights(shape: [Int], fanIn: Int, fanOut: Int, usesBias: Bool) -> [WeightDescription] {
    let outputs = shape[shape.count - 1]
    let kernel = WeightDescription(
      name: "kernel", shape: shape, isTrainable: true, initializer: kernelInitializer,
      fanIn: fanIn, fanOut: fanOut, penalty: kernelPenalty)
    let bias = WeightDescription(
      name: "bias", shape: [outputs], isTrainable: true, initializer: biasInitializer,
      fanIn: outputs, fanOut: outputs)
    return usesBias ? [kernel, bias] : [kernel]
  }
}

extension SequentialModel {
  /// Changes what layers with a kernel say of their weights.
  public mutating func changeKernels(_ change: (inout WeightOptions) -> Void) {
    for index in layers.indices {
      guard var options = layers[index].weightOptions else { continue }
      change(&options)
      layers[index].weightOptions = options
    }
  }
}
