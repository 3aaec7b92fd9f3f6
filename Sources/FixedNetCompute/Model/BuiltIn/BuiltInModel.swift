/// The models that the tools know by name.
public enum BuiltInModel: String, CaseIterable, Sendable {
  /// LeNet-5 with batch normalisation at the input and after each block.
  case lenet
  /// LeNet-5: 5x5x6, 5x5x16, 120, 84, tanh, average pooling, valid padding.
  case lenetPlain = "lenet-plain"
  /// LeNet-5 with a Normalization layer at the input and batch normalisation after each block.
  case lenetNormalized = "lenet-normalized"
  /// LeNet-5 with dropout: 0.2 at the input, 0.5 after each block.
  case lenetDropout = "lenet-dropout"
  /// LeNet-5 with batch normalisation and dropout at each of those places.
  case lenetBatchNormalizedDropout = "lenet-bn-dropout"
  /// 3x3x32, 3x3x64, ReLU, max pooling, dropout, 128, dropout.
  case cnn
  /// Two hidden layers of 20, the scaled sigmoid 1 / (1 + exp(-2 z)) on every layer.
  case perceptron
  /// A linear layer and five tanh layers of 100.
  case deepMLP = "deep-mlp"
  /// One hidden layer of 500, tanh.
  case mlp
  /// Softmax regression on the pixels.
  case softmax
  /// MLPerf Tiny's keyword spotting: depthwise separable convolutions, 64 filters.
  case dsCNN = "ds-cnn"
  /// MLPerf Tiny's image classification: three residual stages of 16, 32 and 64 filters.
  case resNet8 = "resnet8"
  /// The same with 26, 52 and 104 filters.
  case resNet8Large = "resnet8-large"
  /// MLPerf Tiny's visual wake words: MobileNetV1, a quarter as wide.
  case mobileNet025 = "mobilenet-025"
  /// MLPerf Tiny's anomaly detection: dense layers of 128 and 8; its outputs are to be its inputs.
  case autoencoder
  /// MLPerf Tiny's streaming wake word: depthwise separable convolutions over time.
  case streamingWakeword = "streaming-wakeword"

  /// Those that are made for images of digits, or take them.
  package static let digitModels = allCases.filter { $0.fieldInput == nil }
  /// The six networks of MLPerf Tiny.
  package static let fieldModels = allCases.filter { $0.fieldInput != nil }

  /// What the model is made for where nobody says.
  public var defaultInput: Shape {
    self == .perceptron ? .vector(400) : fieldInput ?? .image(height: 28, width: 28, channels: 1)
  }

  /// The description, for samples of `input` (nil: `defaultInput`) and `classCount` classes (nil: 10, or as many as the
  /// official file has).
  public func model(input: Shape? = nil, classCount: Int? = nil) -> Model {
    let input = input ?? defaultInput
    let classCount = classCount ?? fieldOutputCount ?? 10
    if let model = fieldModel(input: input, outputCount: classCount) { return model }
    let last = Dense(name: "dense3", units: classCount, activation: .softmax)
    let layers: [any Layer]
    switch self {
    case .lenet: layers = lenet { [BatchNormalization(name: "bn\($0)")] } + [last]
    case .lenetPlain: layers = lenet { _ in [] } + [last]
    case .lenetNormalized:
      layers =
        lenet {
          $0 == 0
            ? [Normalization(name: "normalization")] : [BatchNormalization(name: "bn\($0)")]
        } + [last]
    case .lenetDropout: layers = lenet { [dropout($0)] } + [last]
    case .lenetBatchNormalizedDropout:
      layers = lenet { [BatchNormalization(name: "bn\($0)"), dropout($0)] } + [last]
    case .cnn: layers = cnn(classCount)
    case .perceptron: layers = flat(input, perceptron(classCount))
    case .deepMLP: layers = flat(input, deepMLP(classCount))
    case .mlp:
      layers = flat(
        input,
        [
          Dense(name: "dense1", units: 500, activation: .tanh),
          Dense(name: "dense2", units: classCount, activation: .softmax),
        ])
    case .softmax:
      layers = flat(input, [Dense(name: "dense1", units: classCount, activation: .softmax)])
    case .dsCNN, .resNet8, .resNet8Large, .mobileNet025, .autoencoder, .streamingWakeword:
      preconditionFailure("a network of the field, see fieldModel")
    }
    return Model(
      name: rawValue.replacing("-", with: "_"), input: input, layers: layers)
  }

  /// A Flatten layer in front where samples are images.
  private func flat(_ input: Shape, _ layers: [any Layer]) -> [any Layer] {
    if case .vector = input { layers } else { [Flatten(name: "flatten")] + layers }
  }

  /// All but the last layer; `between(0)` comes behind the input, `between(n)` behind block n.
  /// Source: LeCun, Bottou, Bengio, Haffner 1998, with the outputs' radial basis units replaced by softmax.
  private func lenet(between: (Int) -> [any Layer]) -> [any Layer] {
    let blocks: [[any Layer]] = [
      [],
      [
        Conv2D(name: "conv1", filters: 6, kernelSize: (5, 5), activation: .tanh),
        AveragePooling2D(name: "pool1", poolSize: (2, 2)),
      ],
      [
        Conv2D(name: "conv2", filters: 16, kernelSize: (5, 5), activation: .tanh),
        AveragePooling2D(name: "pool2", poolSize: (2, 2)),
      ],
      [Flatten(name: "flatten"), Dense(name: "dense1", units: 120, activation: .tanh)],
      [Dense(name: "dense2", units: 84, activation: .tanh)],
    ]
    return blocks.enumerated().flatMap { index, block in block + between(index) }
  }

  private func dropout(_ index: Int) -> any Layer {
    Dropout(name: "dropout\(index)", rate: index == 0 ? 0.2 : 0.5)
  }

  private func cnn(_ classCount: Int) -> [any Layer] {
    [
      Conv2D(name: "conv1", filters: 32, kernelSize: (3, 3), activation: .relu),
      Conv2D(name: "conv2", filters: 64, kernelSize: (3, 3), activation: .relu),
      MaxPooling2D(name: "pool", poolSize: (2, 2)), Dropout(name: "dropout1", rate: 0.25),
      Flatten(name: "flatten"), Dense(name: "dense1", units: 128, activation: .relu),
      Dropout(name: "dropout2", rate: 0.5),
      Dense(name: "dense2", units: classCount, activation: .softmax),
    ]
  }

  /// All parameters start uniform in +-1/8.
  private func perceptron(_ classCount: Int) -> [any Layer] {
    let start = Initializer.randomUniform(low: -0.125, high: 0.125)
    let options = WeightOptions(kernelInitializer: start, biasInitializer: start)
    return [20, 20, classCount].enumerated().map { index, units in
      Dense(
        name: "dense\(index + 1)", units: units, activation: .scaledSigmoid, options: options)
    }
  }

  private func deepMLP(_ classCount: Int) -> [any Layer] {
    let options = WeightOptions(kernelInitializer: .glorotNormal)
    var layers: [any Layer] = [Dense(name: "input", units: 100, options: options)]
    for index in 1...5 {
      layers.append(
        Dense(name: "hidden\(index)", units: 100, activation: .tanh, options: options))
    }
    return layers + [
      Dense(name: "output", units: classCount, activation: .softmax, options: options)
    ]
  }

  /// The built-in model of that name.
  /// Throws: `ModelError.unknownModel`.
  public static func named(_ name: String) throws(ModelError) -> BuiltInModel {
    guard let model = BuiltInModel(rawValue: name) else { throw .unknownModel(name) }
    return model
  }
}
