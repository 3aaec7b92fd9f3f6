import FixedNet
import FixedNetCore

/// A network that nobody thought of: layers, shapes, batch, loss and optimiser drawn from a seed.
public struct RandomNetwork {
  public let seed: UInt64
  public let model: Model
  /// Classes, or values where the loss takes values.
  public let outputs: Int
  public let loss: Loss
  /// Images of a mini-batch.
  public let batch: Int
  /// Images of a data set: some mini-batches, the last of which is mostly short.
  public let imageCount: Int
  public let blockSize: Int?
  public let threads: Int
  public let optimizer: Optimizer
  public let clipping: Clipping
  public let rate: Double

  public init(seed: UInt64) {
    self.seed = seed
    var draw = Draw(seed: seed, stream: 1)
    loss = draw.pick([.crossEntropy, .crossEntropy, .meanSquaredError, .binaryCrossEntropy()])
    // The probability of a single class is 1, whatever the weights are.
    outputs = draw.integer(in: (loss == .binaryCrossEntropy() ? 1 : 2)...9)
    var builder = RandomLayers(draw: draw)
    model = builder.model(outputs: outputs, loss: loss)
    draw = builder.draw
    batch = draw.pick([1, 2, 3, 5, 7, 8, 15, 16, 17, 24, 32, 40])
    imageCount = draw.integer(in: max(1, batch / 2)...3 * batch)
    blockSize = draw.pick([nil, nil, 1, 16])
    threads = draw.integer(in: 2...5)
    optimizer = draw.pick([
      .sgd, .momentum(0.9), .momentum(0.5, isNesterov: true), .rmsprop(),
      .rmsprop(rho: 0.8, momentum: 0.5, isCentered: true), .rmsprop(isLegacy: true), .adam(),
      .adam(beta1: 0.5, beta2: 0.9, epsilon: 1e-4), Optimizer(.adamw), Optimizer(.nadam),
      .adagrad(), .momentum(0.9).decaying(0.1),
    ])
    clipping = draw.pick([.none, .none, .none, .value(0.02), .norm(0.3), .globalNorm(0.5)])
    rate = draw.pick([0.001, 0.003, 0.01])
  }

  public func options(isTraining: Bool = true, threads: Int = 1) -> PlanOptions {
    PlanOptions(
      batch: batch, isTraining: isTraining, threads: threads, blockSize: blockSize, loss: loss,
      optimizer: optimizer, clipping: clipping)
  }

  /// Float samples around 0 with class numbers, or with values as targets where the loss takes them.
  public func images(_ count: Int) -> ImageSet {
    var draw = Draw(seed: seed, stream: 2)
    let pixels = draw.values(count * model.input.elementCount)
    guard loss == .crossEntropy || draw.chance(0.5) else {
      // Values from 0 to 1: binary cross-entropy takes no others.
      let targets = draw.values(count * outputs).map { ($0 + 1) / 2 }
      return ImageSet(
        shape: model.input, pixels: .floats(pixels), labels: [], targets: targets,
        targetWidth: outputs)
    }
    let labels = (0..<count).map { _ in UInt16(draw.integer(in: 0...max(1, outputs - 1))) }
    return ImageSet(shape: model.input, pixels: .floats(pixels), labels: labels)
  }

  /// Weights of which no two are alike, small enough for deep networks; variances are positive.
  public func weights() throws -> [LayerWeights] {
    var draw = Draw(seed: seed, stream: 3)
    return try zip(model.layers, model.weightDescriptions()).map { layer, descriptions in
      LayerWeights(
        layer: layer.name,
        tensors: descriptions.map { description in
          let scale = Self.scale(of: description)
          let values = draw.values(description.shape.reduce(1, *))
          return Tensor(
            shape: description.shape, values: values.map { scale.offset + scale.factor * $0 })
        })
    }
  }

  private static func scale(of weight: WeightDescription) -> (offset: Float, factor: Float) {
    switch weight.name {
    case "gamma", "moving_variance": (1, 0.5)
    case "kernel", "depthwise_kernel", "pointwise_kernel":
      (0, (3 / Float(weight.fanIn)).squareRoot())
    default: (0, 0.25)
    }
  }
}

extension RandomNetwork: CustomStringConvertible {
  /// The network in a line, for the message of a property that does not hold.
  public var description: String {
    let layers = model.layers.map { layer in
      let config = layer.config.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.text)" }
      let reads = model.connections?[layer.name].map { " of \($0.joined(separator: ", "))" } ?? ""
      return
        "\(layer.name): \(type(of: layer).className)(\(config.joined(separator: ", ")))\(reads)"
    }
    return "network \(seed): \(model.input) -> \(layers.joined(separator: " -> ")), loss \(loss), "
      + "batch \(batch) of \(imageCount), blocks of \(blockSize.map(String.init) ?? "any"), "
      + "\(threads) threads, \(optimizer), \(clipping), rate \(rate)"
  }
}

/// Draws from a seed.
public struct Draw {
  private var reader: Philox.Reader

  public init(seed: UInt64, stream: UInt64) {
    reader = Philox(seed: seed, stream: stream).reader()
  }

  public mutating func integer(in range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(reader.next() % UInt32(range.count))
  }

  public mutating func pick<Choice>(_ choices: [Choice]) -> Choice {
    choices[integer(in: 0...choices.count - 1)]
  }

  public mutating func chance(_ probability: Float) -> Bool { reader.nextUnit() < probability }

  /// Uniform in [-1, 1).
  public mutating func values(_ count: Int) -> [Float] {
    (0..<count).map { _ in 2 * reader.nextUnit() - 1 }
  }
}
