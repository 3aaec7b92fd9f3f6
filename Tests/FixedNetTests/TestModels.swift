import FixedNetCore

@testable import FixedNetCompute

/// Small networks and data that the suites share.
enum TestModels {
  /// LeNet in miniature on 12x12x2 images: every layer kind, batch normalisation everywhere.
  static let small = Model(
    name: "small", input: .image(height: 12, width: 12, channels: 2),
    layers: [
      BatchNormalization(name: "bn0"),
      Conv2D(name: "conv1", filters: 5, kernelSize: (3, 3), padding: .same, activation: .tanh),
      AveragePooling2D(name: "pool1", poolSize: (2, 2)),
      BatchNormalization(name: "bn1"),
      Conv2D(name: "conv2", filters: 7, kernelSize: (3, 2), activation: .sigmoid),
      Flatten(name: "flatten"),
      BatchNormalization(name: "bn2"),
      Dense(name: "dense1", units: 11, activation: .linear),
      Activation(name: "tanh", function: .tanh),
      Dense(name: "dense2", units: 5, activation: .softmax),
    ])

  /// The layers that `small` does not have: max pooling, dropout, rectifiers, constants, a penalty, BN without gamma or
  /// beta, a frozen layer, the scaled sigmoid.
  static let varied: Model = {
    var model = Model(
      name: "varied", input: .image(height: 11, width: 10, channels: 2),
      layers: [
        Normalization(name: "norm", mean: [0.1, -0.2], variance: [0.4, 1.5]),
        Dropout(name: "drop0", rate: 0.2),
        Conv2D(name: "conv1", filters: 5, kernelSize: (2, 3), strides: (1, 2), padding: .same),
        LeakyReLU(name: "leaky", slope: 0.1),
        BatchNormalization(name: "bn1", centers: false),
        MaxPooling2D(name: "pool", poolSize: (2, 3), strides: (2, 1), padding: .same),
        Rescaling(name: "scale", scale: 0.5, offset: 0.1),
        Conv2D(name: "frozen", filters: 4, kernelSize: (2, 2), activation: .scaledSigmoid),
        BatchNormalization(name: "bn2", scales: false),
        ReLU(name: "relu", maxValue: 2, negativeSlope: 0.1, threshold: 0.05),
        Flatten(name: "flatten"), Dropout(name: "drop1", rate: 0.5),
        Dense(
          name: "dense1", units: 9, activation: .relu,
          options: WeightOptions(kernelRegularizer: .l2(1e-3))),
        Dense(name: "dense2", units: 5), Softmax(name: "softmax"),
      ])
    model.frozenLayers = ["frozen"]
    return model
  }()

  static let optimizers: [Optimizer] = [
    .sgd, .momentum(0.9), .momentum(0.9, isNesterov: true), .rmsprop(),
    .rmsprop(momentum: 0.5, isCentered: true), .rmsprop(isLegacy: true), .adam(),
    Optimizer(.adamw), Optimizer(.nadam), .adagrad(), .momentum(0.9).decaying(0.5),
  ]

  /// The same without anything that couples the batch.
  static let plain = Model(
    name: "plain", input: small.input,
    layers: small.layers.filter { !($0 is BatchNormalization) })

  /// Convolutions with a pooling layer right behind them, of all kinds, and a penalty.
  static let pooled = Model(
    name: "pooled", input: .image(height: 15, width: 14, channels: 2),
    layers: [
      Dropout(name: "drop", rate: 0.1),
      Conv2D(name: "conv1", filters: 5, kernelSize: (3, 2), padding: .same, activation: .tanh),
      MaxPooling2D(name: "pool1", poolSize: (3, 2), strides: (2, 1), padding: .same),
      Conv2D(name: "conv2", filters: 18, kernelSize: (2, 3), strides: (1, 2), activation: .sigmoid),
      AveragePooling2D(name: "pool2", poolSize: (3, 2), strides: (2, 1), padding: .same),
      Conv2D(name: "conv3", filters: 4, kernelSize: (2, 2), activation: .relu),
      AveragePooling2D(name: "pool3", poolSize: (2, 2)),
      Flatten(name: "flatten"),
      Dense(
        name: "dense1", units: 9, activation: .tanh,
        options: WeightOptions(kernelRegularizer: .l2(1e-3))),
      Dense(name: "dense2", units: 5, usesBias: false, activation: .softmax),
    ])

  /// Float images with values around 0 and labels, a function of the seed.
  static func images(_ count: Int, shape: Shape, classes: Int, seed: UInt64 = 7) -> ImageSet {
    var random = Philox(seed: seed, stream: 1).reader()
    let pixels = (0..<count * shape.elementCount).map { _ in 2 * random.nextUnit() - 1 }
    let labels = (0..<count).map { _ in UInt16(random.nextUnit() * Float(classes)) }
    return ImageSet(shape: shape, pixels: .floats(pixels), labels: labels)
  }

  /// Fresh weights, the zero ones moved away from zero so that every gradient shows.
  static func weights(_ model: Model, seed: UInt64 = 3) throws -> [LayerWeights] {
    var random = Philox(seed: seed, stream: 99).reader()
    return try model.initialWeights(seed: seed).map { layer in
      LayerWeights(
        layer: layer.layer,
        tensors: layer.tensors.map { tensor in
          Tensor(
            shape: tensor.shape,
            values: tensor.values.map { $0 + 0.2 * (random.nextUnit() - 0.3) })
        })
    }
  }

  static func network(
    _ model: Model, batch: Int, threads: Int = 1, blockSize: Int? = nil,
    isTraining: Bool = true, instructionSet: InstructionSet = .best, loss: Loss? = nil,
    optimizer: Optimizer = .sgd, clipping: Clipping = .none, updatesInBackward: Bool = false,
    recomputes: Bool = false, augmentation: Augmentation = Augmentation()
  ) throws -> Network {
    var options = PlanOptions(
      batch: batch, isTraining: isTraining, threads: threads, blockSize: blockSize, loss: loss,
      optimizer: optimizer, clipping: clipping)
    options.updatesInBackward = updatesInBackward
    options.recomputes = recomputes
    options.augmentation = augmentation
    let plan = try NetworkPlan(model, options: options)
    let network = try Network(plan, instructionSet: instructionSet)
    try network.load(try weights(model))
    return network
  }

  /// A hash of values' bits (FNV-1a over words): equal bits, equal hash.
  static func hash(_ values: some Sequence<Float>) -> UInt64 {
    values.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1.bitPattern)) &* 0x100_0000_01B3 }
  }

  static func hash(_ weights: [LayerWeights]) -> UInt64 {
    hash(weights.flatMap { $0.tensors.flatMap(\.values) })
  }

  static var instructionSets: [InstructionSet] {
    InstructionSet.allCases.filter { $0 <= .best }
  }
}
