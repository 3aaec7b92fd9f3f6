/// The models that the tools know by name.
public enum BuiltInModel: String, CaseIterable, Sendable {
  /// LeNet-5 with batch normalisation at the input and after each block.
  case lenet
  /// LeNet-5: 5x5x6, 5x5x16, 120, 84, tanh, average pooling, valid padding.
  case lenetPlain = "lenet-plain"
  /// 784 - 500 - 10, tanh.
  case mlp
  /// Softmax regression on the pixels.
  case softmax

  /// The description, for images of `input` and `classCount` classes.
  public func model(
    input: Shape = .image(height: 28, width: 28, channels: 1), classCount: Int = 10
  ) -> SequentialModel {
    let layers: [any Layer]
    switch self {
    case .lenet: layers = lenet(normalized: true, classCount: classCount)
    case .lenetPlain: layers = lenet(normalized: false, classCount: classCount)
    case .mlp:
      layers = [
        Flatten(name: "flatten"),
        Dense(name: "dense1", units: 500, activation: .tanh),
        Dense(name: "dense2", units: classCount, activation: .softmax),
      ]
    case .softmax:
      layers = [
        Flatten(name: "flatten"),
        Dense(name: "dense1", units: classCount, activation: .softmax),
      ]
    }
    return SequentialModel(
      name: rawValue.replacing("-", with: "_"), input: input, layers: layers)
  }

  /// Source: LeCun, Bottou, Bengio, Haffner 1998, with the outputs' radial basis units replaced by softmax.
  private func lenet(normalized: Bool, classCount: Int) -> [any Layer] {
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
    var layers: [any Layer] = []
    for (index, block) in blocks.enumerated() {
      layers += block
      if normalized { layers.append(BatchNormalization(name: "bn\(index)")) }
    }
    return layers + [Dense(name: "dense3", units: classCount, activation: .softmax)]
  }

  /// The built-in model of that name.
  /// Throws: `ModelError.unknownModel`.
  public static func named(_ name: String) throws(ModelError) -> BuiltInModel {
    guard let model = BuiltInModel(rawValue: name) else { throw .unknownModel(name) }
    return model
  }
}
