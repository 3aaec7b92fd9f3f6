/// The networks of the benchmark MLPerf Tiny, layer by layer as its official files have them.
/// Source: mlcommons/tiny, v1.4.
extension BuiltInModel {
  /// What the six of them are made for; nil for other models.
  var fieldInput: Shape? {
    switch self {
    case .dsCNN: .image(height: 49, width: 10, channels: 1)
    case .resNet8, .resNet8Large: .image(height: 32, width: 32, channels: 3)
    case .mobileNet025: .image(height: 96, width: 96, channels: 3)
    case .autoencoder: .vector(640)
    case .streamingWakeword: .image(height: 30, width: 1, channels: 40)
    default: nil
    }
  }

  /// Outputs of the official file; an autoencoder's are its inputs.
  var fieldOutputCount: Int? {
    switch self {
    case .dsCNN: 12
    case .resNet8, .resNet8Large: 10
    case .mobileNet025: 2
    case .autoencoder: 640
    case .streamingWakeword: 3
    default: nil
    }
  }

  /// The loss of a model whose end does not say it.
  package var loss: Loss? { self == .autoencoder ? .meanSquaredError : nil }

  /// nil for other models.
  func fieldModel(input: Shape, outputCount: Int) -> Model? {
    var network = FieldNetwork(input)
    switch self {
    case .dsCNN: network.dsCNN(outputCount)
    case .resNet8: network.resNet8([16, 32, 64], outputCount)
    case .resNet8Large: network.resNet8([26, 52, 104], outputCount)
    case .mobileNet025: network.mobileNet(outputCount)
    case .autoencoder: network.autoencoder(input.elementCount)
    case .streamingWakeword: network.streamingWakeword(outputCount)
    default: return nil
    }
    return network.model(name: rawValue.replacing("-", with: "_"))
  }
}

/// Layers that read each other by name, called as Keras calls them: the class, then the class_1, ...
private struct FieldNetwork {
  private let input: Shape
  private var layers: [any Layer] = []
  private var connections: [String: [String]] = [:]
  private var counts: [String: Int] = [:]
  private var shapes: [String: Shape] = [:]
  /// The layer that the next one reads.
  private var end = "input"
  private var branches = false

  init(_ input: Shape) {
    self.input = input
    shapes[end] = input
  }

  func model(name: String) -> Model {
    Model(
      name: name, input: input, layers: layers, connections: branches ? connections : nil,
      inputName: "input")
  }

  private var shape: Shape { shapes[end] ?? input }

  private func name(_ layer: any Layer) -> String {
    let base = SnakeCase.text(type(of: layer).className)
    let count = counts[base, default: 0]
    return count == 0 ? base : "\(base)_\(count)"
  }

  /// Adds a layer that reads `sources`; nil: the last one.
  private mutating func add(_ layer: any Layer, reading sources: [String]? = nil) {
    var layer = layer
    layer.name = name(layer)
    counts[SnakeCase.text(type(of: layer).className), default: 0] += 1
    let sources = sources ?? [end]
    connections[layer.name] = sources
    if let output = try? layer.outputShape(of: sources.compactMap { shapes[$0] }) {
      shapes[layer.name] = output
    }
    layers.append(layer)
    end = layer.name
  }

  /// A convolution with padding, L2 of 1e-4 on its kernel.
  private mutating func convolve(
    _ filters: Int, _ kernel: (Int, Int), stride: Int = 1, _ initializer: Initializer,
    reading sources: [String]? = nil
  ) {
    let options = WeightOptions(kernelInitializer: initializer, kernelRegularizer: .l2(1e-4))
    add(
      Conv2D(
        name: "", filters: filters, kernelSize: kernel, strides: (stride, stride), padding: .same,
        options: options), reading: sources)
  }

  private mutating func normalize() { add(BatchNormalization(name: "")) }

  private mutating func rectify() { add(Activation(name: "", function: .relu)) }

  private mutating func depthwise(stride: Int = 1) {
    add(
      DepthwiseConv2D(
        name: "", kernelSize: (3, 3), strides: (stride, stride), padding: .same))
    normalize()
    rectify()
  }

  /// Average pooling with windows of `size`, and a dense layer.
  private mutating func classify(
    _ count: Int, size: (Int, Int), _ initializer: Initializer = .glorotUniform
  ) {
    add(AveragePooling2D(name: "", poolSize: size))
    add(Flatten(name: ""))
    add(
      Dense(
        name: "", units: count, activation: .softmax,
        options: WeightOptions(kernelInitializer: initializer)))
  }

  private var extents: (height: Int, width: Int) {
    if case .image(let height, let width, _) = shape { (height, width) } else { (1, 1) }
  }

  // MARK: - The networks

  mutating func dsCNN(_ count: Int) {
    let size = extents
    convolve(64, (10, 4), stride: 2, .glorotUniform)
    normalize()
    rectify()
    add(Dropout(name: "", rate: 0.2))
    for _ in 0..<4 {
      depthwise()
      convolve(64, (1, 1), .glorotUniform)
      normalize()
      rectify()
    }
    add(Dropout(name: "", rate: 0.4))
    classify(count, size: (max(size.height / 2, 1), max(size.width / 2, 1)))
  }

  mutating func resNet8(_ widths: [Int], _ count: Int) {
    branches = true
    convolve(widths[0], (3, 3), .heNormal)
    normalize()
    rectify()
    for (stage, width) in widths.enumerated() {
      let start = end
      let stride = stage == 0 ? 1 : 2
      convolve(width, (3, 3), stride: stride, .heNormal)
      normalize()
      rectify()
      convolve(width, (3, 3), .heNormal)
      let convolution = end
      var shortcut = start
      if stage > 0 {
        convolve(width, (1, 1), stride: stride, .heNormal, reading: [start])
        shortcut = end
      }
      add(BatchNormalization(name: ""), reading: [convolution])
      let main = end
      add(Add(name: ""), reading: [shortcut, main])
      rectify()
    }
    let side = min(extents.height, extents.width)
    classify(count, size: (side, side), .heNormal)
  }

  mutating func mobileNet(_ count: Int) {
    convolve(8, (3, 3), stride: 2, .heNormal)
    normalize()
    rectify()
    let widths = [16, 32, 32, 64, 64] + [Int](repeating: 128, count: 6) + [256, 256]
    for (index, width) in widths.enumerated() {
      depthwise(stride: [1, 3, 5, 11].contains(index) ? 2 : 1)
      convolve(width, (1, 1), .heNormal)
      normalize()
      rectify()
    }
    classify(count, size: extents)
  }

  mutating func autoencoder(_ count: Int) {
    if case .vector = shape {} else { add(Flatten(name: "")) }
    for width in [128, 128, 128, 128, 8, 128, 128, 128, 128] {
      add(Dense(name: "", units: width))
      normalize()
      rectify()
    }
    add(Dense(name: "", units: count))
  }

  mutating func streamingWakeword(_ count: Int) {
    for (height, filters) in zip([3, 5, 10, 15], [128, 128, 128, 32]) {
      add(DepthwiseConv2D(name: "", kernelSize: (height, 1), usesBias: false))
      add(Conv2D(name: "", filters: filters, kernelSize: (1, 1), usesBias: false))
      normalize()
      rectify()
      add(Dropout(name: "", rate: 0.2))
    }
    add(Flatten(name: ""))
    add(Dense(name: "", units: count, activation: .softmax))
  }
}
