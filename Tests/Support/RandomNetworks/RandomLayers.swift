import FixedNet
import FixedNetCore

/// Draws layers that fit together: a row, or a graph of branches that meet again.
struct RandomLayers {
  var draw: Draw
  private var layers: [any Layer] = []
  private var shape = Shape.vector(1)
  private var frozen: Set<String> = []
  /// The layer that the next one reads, and what a graph's layers read.
  private var end = "image"
  private var connections: [String: [String]] = [:]
  /// What a branch may begin with, or a merge read besides.
  private var values: [(name: String, shape: Shape)] = []
  private var isGraph = false

  init(draw: Draw) { self.draw = draw }

  mutating func model(outputs: Int, loss: Loss) -> Model {
    let input = self.input()
    shape = input
    isGraph = draw.chance(0.6)
    values = [(end, shape)]
    if case .image(_, _, 24) = input, draw.chance(0.6) { addWeighted(true) }
    for _ in 0..<draw.integer(in: 0...(draw.chance(0.15) ? 24 : 5)) { addInner() }
    if case .vector = shape {} else { add(Flatten(name: name("flatten"))) }
    for _ in 0..<draw.integer(in: 0...3) { addInner() }
    if case .vector = shape {} else { add(Flatten(name: name("flatten"))) }
    addEnd(outputs, loss)
    var model = Model(
      name: "random", input: input, layers: layers, connections: isGraph ? connections : nil)
    model.frozenLayers = frozen
    return model
  }

  private mutating func input() -> Shape {
    switch draw.integer(in: 0...9) {
    case 0...5:
      .image(
        height: draw.integer(in: 1...13), width: draw.integer(in: 1...13),
        channels: draw.pick([1, 2, 3, 5, 24, 24]))
    case 6: .matrix(rows: draw.integer(in: 1...17), columns: draw.pick([1, 2, 3, 8]))
    default: .vector(draw.integer(in: 1...40))
    }
  }

  private func name(_ kind: String) -> String { "\(kind)_\(layers.count)" }

  /// Adds a layer that reads `others` before the last one, unless it does not fit: a window larger than its image.
  @discardableResult
  private mutating func add(_ layer: any Layer, reading others: [(name: String, shape: Shape)] = [])
    -> Bool
  {
    let inputs = others.map(\.shape) + [shape]
    guard let output = try? layer.outputShape(of: inputs), output.elementCount <= 6_000 else {
      return false
    }
    layers.append(layer)
    connections[layer.name] = others.map(\.name) + [end]
    (end, shape) = (layer.name, output)
    values.append((end, shape))
    return true
  }

  /// A merge with a value from before, or with a branch that begins at one.
  private mutating func addMerge() {
    let start = draw.pick(values)
    let (main, mainShape, count) = (end, shape, layers.count)
    if draw.chance(0.5) {
      (end, shape) = (start.name, start.shape)
      for _ in 0..<draw.integer(in: 1...2) { addInner(merges: false) }
    }
    let isBranch = layers.count > count
    if !isBranch { (end, shape) = (main, mainShape) }
    let other = isBranch ? (name: main, shape: mainShape) : start
    var merges: [any Layer] = [
      Add(name: name("add")), Subtract(name: name("subtract")), Multiply(name: name("multiply")),
      Average(name: name("mean")), Maximum(name: name("maximum")), Minimum(name: name("minimum")),
      Concatenate(name: name("concatenate")),
    ]
    while !merges.isEmpty {
      if add(merges.remove(at: draw.integer(in: 0...merges.count - 1)), reading: [other]) { return }
    }
    guard isBranch else { return }
    // Nothing fits: the branch would lead nowhere.
    for layer in layers[count...] {
      connections[layer.name] = nil
      frozen.remove(layer.name)
    }
    layers.removeSubrange(count...)
    values.removeLast(values.count - values.firstIndex { $0.name == main }! - 1)
    (end, shape) = (main, mainShape)
  }

  private mutating func addInner(merges: Bool = true) {
    if isGraph, merges, draw.chance(0.3) { return addMerge() }
    let isImage = if case .image = shape { true } else { false }
    // Winograd's kernels want many channels in and out.
    if isImage, shape.channels >= 24, draw.chance(0.3) { return addWeighted(true) }
    if draw.chance(0.35) { return addNewer() }
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

  /// Layers that came with graphs.
  private mutating func addNewer() {
    if case .vector = shape { return addNewerOverFeatures() }
    let isRows = if case .matrix = shape { true } else { false }
    switch draw.integer(in: 0...9) {
    case 0...2: isRows ? addRows() : addDepthwise()
    case 3: addConvolution()
    case 4:
      if isRows {
        add(
          GlobalMaxPooling1D(name: name("global"), image: GlobalMaxPooling2D(name: name("global"))))
      } else {
        add(GlobalAveragePooling2D(name: name("global"), keepsExtents: draw.chance(0.5)))
      }
    case 5: addBorder(isRows)
    case 6:
      add(
        Permute(
          name: name("permute"), axes: isRows ? [2, 1] : draw.pick([[3, 1, 2], [2, 1, 3]])))
    case 7: add(PReLU(name: name("prelu"), sharedAxes: isRows ? [1] : draw.pick([[1, 2], []])))
    default: addNewerOverFeatures()
    }
  }

  private mutating func addNewerOverFeatures() {
    switch draw.integer(in: 0...6) {
    case 0:
      add(LayerNormalization(name: name("ln"), centers: draw.chance(0.8), scales: draw.chance(0.8)))
    case 1: add(PReLU(name: name("prelu")))
    case 2: add(ELU(name: name("elu"), alpha: draw.pick([1, 0.5])))
    case 3:
      add(
        Reshape(name: name("reshape"), target: draw.pick([[-1, 1], [1, -1], [-1], [1, 1, -1]])))
    case 4:
      if draw.pick([true, false]) {
        add(GaussianNoise(name: name("noise"), deviation: 0.05))
      } else {
        add(GaussianDropout(name: name("noise"), rate: 0.05))
      }
    case 5:
      if case .vector = shape {
        add(RepeatVector(name: name("repeat"), count: draw.integer(in: 1...4)))
      }
    default:
      let kinds: [ElementFunction.Kind] = [
        .gelu, .silu, .softplus, .mish, .selu, .hardSilu, .softsign, .tanhShrink,
      ]
      add(Activation(name: name("act"), function: .function(ElementFunction(draw.pick(kinds)))))
    }
  }

  private mutating func addDepthwise() {
    let padding: Padding = draw.pick([.valid, .same])
    if draw.chance(0.3) {
      add(
        SeparableConv2D(
          name: name("separable"), filters: draw.integer(in: 1...6), kernelSize: window(upTo: 3),
          padding: padding, multiplier: draw.integer(in: 1...2)))
    } else {
      add(
        DepthwiseConv2D(
          name: name("depthwise"), kernelSize: window(upTo: 4),
          strides: draw.chance(0.3) ? (2, 2) : (1, 1), padding: padding,
          multiplier: draw.pick([1, 1, 2, 3]), usesBias: draw.chance(0.8),
          activation: draw.pick([.linear, .relu, .tanh])))
    }
  }

  private mutating func addConvolution() {
    guard case .image(_, _, let channels) = shape else {
      add(Dense(name: name("dense"), units: draw.integer(in: 1...6)))
      return
    }
    if draw.chance(0.4) {
      add(
        Conv2DTranspose(
          name: name("transpose"), filters: draw.integer(in: 1...4), kernelSize: window(upTo: 3),
          strides: draw.pick([(1, 1), (2, 2)]), padding: draw.pick([.valid, .same])))
    } else {
      let groups = channels % 2 == 0 ? 2 : 1
      add(
        Conv2D(
          name: name("grouped"), filters: 2 * draw.integer(in: 1...3), kernelSize: window(upTo: 3),
          padding: draw.pick([.valid, .same]), dilation: draw.pick([(1, 1), (2, 1), (2, 2)]),
          groups: groups, activation: draw.pick([.linear, .tanh])))
    }
  }

  private mutating func addRows() {
    let kernel = (draw.integer(in: 1...3), 1)
    switch draw.integer(in: 0...3) {
    case 0:
      let label = name("depthwise1d")
      add(DepthwiseConv1D(name: label, image: DepthwiseConv2D(name: label, kernelSize: kernel)))
    case 1:
      let label = name("max1d")
      add(MaxPooling1D(name: label, image: MaxPooling2D(name: label, poolSize: kernel)))
    default:
      let label = name("conv1d")
      add(
        Conv1D(
          name: label,
          image: Conv2D(
            name: label, filters: draw.integer(in: 1...6), kernelSize: kernel,
            strides: (draw.integer(in: 1...2), 1), padding: draw.pick([.valid, .same, .causal]))))
    }
  }

  private mutating func addBorder(_ isRows: Bool) {
    func amounts(_ least: Int) -> [(before: Int, after: Int)] {
      (0..<(isRows ? 1 : 2)).map { _ in (draw.integer(in: least...2), draw.integer(in: least...2)) }
    }
    let factors = amounts(1).map { ($0.before, $0.before) }
    switch draw.integer(in: 0...2) {
    case 0:
      let padding = amounts(0)
      let layer: any Layer =
        isRows
        ? ZeroPadding1D(name: name("padding"), amounts: padding)
        : ZeroPadding2D(name: name("padding"), amounts: padding)
      add(layer)
    case 1:
      let cropping = amounts(0)
      let layer: any Layer =
        isRows
        ? Cropping1D(name: name("cropping"), amounts: cropping)
        : Cropping2D(name: name("cropping"), amounts: cropping)
      add(layer)
    default:
      let layer: any Layer =
        isRows
        ? UpSampling1D(name: name("up"), amounts: factors)
        : UpSampling2D(name: name("up"), amounts: factors)
      add(layer)
    }
  }

  private mutating func addWeighted(_ isImage: Bool) {
    let options = WeightOptions(
      kernelRegularizer: Regularizer(
        l1: draw.pick([0, 0, 0, 0.005]), l2: draw.pick([0, 0, 0, 0.01])),
      biasRegularizer: draw.pick([.none, .none, .l2(0.02)]))
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
