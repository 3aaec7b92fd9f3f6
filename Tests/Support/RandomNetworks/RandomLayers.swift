import FixedNet

/// Draws layers that fit together.
struct RandomLayers {
  var draw: Draw
  private var layers: [any Layer] = []
  private var shape = Shape.vector(1)
  private var frozen: Set<String> = []

  init(draw: Draw) { self.draw = draw }

  mutating func model(outputs: Int, loss: Loss) -> SequentialModel {
    let input: Shape =
      draw.chance(0.6)
      ? .image(
        height: draw.integer(in: 1...13), width: draw.integer(in: 1...13),
        channels: draw.pick([1, 1, 2, 3, 5, 24]))
      : .vector(draw.integer(in: 1...40))
    shape = input
    for _ in 0..<draw.integer(in: 0...5) { addInner() }
    if case .image = shape { add(Flatten(name: name("flatten"))) }
    for _ in 0..<draw.integer(in: 0...3) { addInner() }
    addEnd(outputs, loss)
    var model = SequentialModel(name: "random", input: input, layers: layers)
    model.frozenLayers = frozen
    return model
  }

  private func name(_ kind: String) -> String { "\(kind)_\(layers.count)" }

  /// Adds a layer unless it does not fit: a window larger than its image.
  @discardableResult
  private mutating func add(_ layer: any Layer) -> Bool {
    guard let output = try? layer.outputShape(for: shape) else { return false }
    layers.append(layer)
    shape = output
    return true
  }

  private mutating func addInner() {
    let isImage = if case .image = shape { true } else { false }
    switch draw.integer(in: 0...11) {
    case 0...3: addWeighted(isImage)
    case 4:
      add(
        BatchNormalization(
          name: name("bn"), momentum: draw.pick([0.9, 0.99]), epsilon: draw.pick([0.001, 0.01]),
          centers: draw.chance(0.8), scales: draw.chance(0.8)))
    case 5, 6: if isImage { addPooling() } else { addWeighted(false) }
    case 7:
      add(
        Activation(
          name: name("act"), function: draw.pick([.tanh, .sigmoid, .relu, .scaledSigmoid, .linear]))
      )
    case 8: addRectifier()
    case 9:
      add(
        Rescaling(
          name: name("rescaling"), scale: draw.pick([0.5, -1.5]), offset: draw.pick([0, 0.25])))
    case 10: addNormalization()
    default: add(Dropout(name: name("dropout"), rate: draw.pick([0.1, 0.25, 0.5])))
    }
  }

  private mutating func addWeighted(_ isImage: Bool) {
    let options = WeightOptions(kernelPenalty: draw.pick([0, 0, 0, 0.01]))
    let activation: ActivationFunction = draw.pick([
      .linear, .tanh, .sigmoid, .relu, .scaledSigmoid,
    ])
    let name = name(isImage ? "conv" : "dense")
    // Winograd's kernels want many channels in and out.
    let isWide = isImage && draw.chance(shape.channels >= 24 ? 0.7 : 0.2)
    let isAdded =
      isWide
      ? add(
        Conv2D(
          name: name, filters: draw.pick([24, 25]), kernelSize: (3, 3),
          padding: draw.pick([.valid, .same]), usesBias: draw.chance(0.8), activation: activation,
          options: options))
      : isImage
        ? add(
          Conv2D(
            name: name, filters: draw.pick([1, 2, 3, 5, 6, 8, 13, 17]), kernelSize: window(upTo: 5),
            strides: draw.chance(0.3) ? window(upTo: 3) : (1, 1),
            padding: draw.pick([.valid, .same]), usesBias: draw.chance(0.8), activation: activation,
            options: options))
        : add(
          Dense(
            name: name, units: draw.pick([1, 2, 5, 11, 16, 17, 33]), usesBias: draw.chance(0.8),
            activation: activation, options: options))
    if isAdded, draw.chance(0.1) { frozen.insert(name) }
  }

  private mutating func addPooling() {
    let size = window(upTo: 3)
    let strides = draw.chance(0.5) ? nil : window(upTo: 3)
    let padding: Padding = draw.pick([.valid, .same])
    if draw.chance(0.5) {
      add(MaxPooling2D(name: name("max"), poolSize: size, strides: strides, padding: padding))
    } else {
      add(
        AveragePooling2D(name: name("average"), poolSize: size, strides: strides, padding: padding))
    }
  }

  private mutating func addRectifier() {
    if draw.chance(0.5) {
      add(LeakyReLU(name: name("leaky"), slope: draw.pick([0.1, 0.3])))
    } else {
      add(
        ReLU(
          name: name("relu"), maxValue: draw.pick([nil, 0.7]), negativeSlope: draw.pick([0, 0.2]),
          threshold: draw.pick([0, 0.05])))
    }
  }

  private mutating func addNormalization() {
    let count = shape.channels
    add(
      Normalization(
        name: name("normalization"), mean: draw.values(count),
        variance: draw.values(count).map { 1.25 + $0 }))
  }

  /// The end that the loss asks for.
  private mutating func addEnd(_ outputs: Int, _ loss: Loss) {
    let activation: ActivationFunction =
      switch loss {
      case .crossEntropy: .softmax
      case .meanSquaredError: draw.pick([.linear, .tanh, .softmax])
      default: draw.pick([.sigmoid, .scaledSigmoid])
      }
    if activation == .softmax, draw.chance(0.3) {
      add(Dense(name: "out", units: outputs))
      add(Softmax(name: "softmax"))
    } else {
      add(Dense(name: "out", units: outputs, activation: activation))
    }
  }

  private mutating func window(upTo extent: Int) -> (Int, Int) {
    (draw.integer(in: 1...extent), draw.integer(in: 1...extent))
  }
}
