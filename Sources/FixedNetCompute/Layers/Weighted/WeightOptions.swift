import FixedNetCore

/// How the kernel and bias of a layer start, and what the loss says of them: what Dense and Conv2D share.
public struct WeightOptions: Equatable, Sendable {
  /// How the kernel starts.
  public var kernelInitializer = Initializer.glorotUniform
  /// How the bias starts.
  public var biasInitializer = Initializer.zeros
  /// What the loss says of the kernel.
  public var kernelRegularizer = Regularizer.none
  /// What the loss says of the bias.
  public var biasRegularizer = Regularizer.none
  /// Keras' config entries that this reads.
  static let configKeys: Set = [
    "kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer",
    "activity_regularizer", "kernel_constraint", "bias_constraint",
  ]
  /// What the file asks for and training here would not do.
  var obstacle: String?
  /// What of it is a part of the loss.
  var lossObstacle: String?

  /// Keras' defaults where nothing is said.
  public init(
    kernelInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros,
    kernelRegularizer: Regularizer = .none, biasRegularizer: Regularizer = .none
  ) {
    self.kernelInitializer = kernelInitializer
    self.biasInitializer = biasInitializer
    self.kernelRegularizer = kernelRegularizer
    self.biasRegularizer = biasRegularizer
  }

  init(_ config: LayerConfig) {
    kernelInitializer = Initializer(
      json: config.members["kernel_initializer"], default: .glorotUniform)
    biasInitializer = Initializer(json: config.members["bias_initializer"], default: .zeros)
    kernelRegularizer = config.regularizer("kernel_regularizer")
    biasRegularizer = config.regularizer("bias_regularizer")
    obstacle = config.obstacle
    lossObstacle = config.lossObstacle
  }

  /// Of a kernel that Keras calls by another name: `depthwise_initializer` and so on. What is said of a `kernel` there,
  /// Keras passes over.
  init(_ config: LayerConfig, kernel: String) {
    var members = config.members
    for part in WeightOptions.parts {
      members["kernel_\(part)"] = members["\(kernel)_\(part)"]
    }
    // The other kernel of a separable convolution says what it has to say itself.
    members = members.filter { !$0.key.hasPrefix("depthwise_") && !$0.key.hasPrefix("pointwise_") }
    self.init(LayerConfig(layer: config.layer, members: members))
  }

  private static let parts = ["initializer", "regularizer", "constraint"]

  static func configKeys(kernel: String) -> Set<String> {
    configKeys.union(parts.map { "\(kernel)_\($0)" })
  }

  /// Keras' entries for a kernel of another name.
  func config(kernel: String) -> [String: JSONValue] {
    var config = config
    for part in WeightOptions.parts {
      config["\(kernel)_\(part)"] = config["kernel_\(part)"]
      config["kernel_\(part)"] = nil
    }
    return config
  }

  /// Keras' entries; what is Keras' own default is left out.
  var config: [String: JSONValue] {
    var config: [String: JSONValue] = [:]
    if kernelInitializer != .glorotUniform { config["kernel_initializer"] = kernelInitializer.json }
    if biasInitializer != .zeros { config["bias_initializer"] = biasInitializer.json }
    config["kernel_regularizer"] = kernelRegularizer.json
    config["bias_regularizer"] = biasRegularizer.json
    return config
  }

  /// A kernel of `shape`, and a bias of one value per output.
  func weights(shape: [Int], fanIn: Int, fanOut: Int, usesBias: Bool) -> [WeightDescription] {
    let outputs = shape[shape.count - 1]
    let kernel = WeightDescription(
      name: "kernel", shape: shape, isTrainable: true, initializer: kernelInitializer,
      fanIn: fanIn, fanOut: fanOut, regularizer: kernelRegularizer)
    let bias = WeightDescription(
      name: "bias", shape: [outputs], isTrainable: true, initializer: biasInitializer,
      fanIn: outputs, fanOut: outputs, regularizer: biasRegularizer)
    return usesBias ? [kernel, bias] : [kernel]
  }
}

extension Model {
  /// Changes what layers with a kernel say of their weights.
  public mutating func changeKernels(_ change: (inout WeightOptions) -> Void) {
    for index in layers.indices {
      guard var layer = layers[index].planned, var options = layer.weightOptions else { continue }
      change(&options)
      layer.weightOptions = options
      layers[index] = layer
    }
  }
}
