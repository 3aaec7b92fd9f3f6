import FixedNet

/// Models that are not built in, with what the built-in ones do not have.
enum VariedModels {
  /// Rectifiers of every kind, batch normalisation without scale or centre, windows and strides that are no squares, an
  /// adapted Normalization, penalties, frozen layers, softmax as a layer; 5 classes.
  static var rectifiers: Model {
    let frozen = WeightOptions(kernelInitializer: .lecunUniform, kernelRegularizer: .l2(0.03))
    var model = Model(
      name: "rectifiers", input: .image(height: 13, width: 11, channels: 2),
      layers: [
        Rescaling(name: "rescaling", scale: 0.5, offset: -0.25),
        Normalization(name: "normalization", mean: [-0.3, 0.1], variance: [0.04, 0.5]),
        Conv2D(
          name: "conv1", filters: 5, kernelSize: (3, 2), strides: (2, 1), padding: .same,
          options: WeightOptions(kernelInitializer: .heNormal, kernelRegularizer: .l2(0.01))),
        LeakyReLU(name: "leaky", slope: 0.1),
        BatchNormalization(name: "bn1", momentum: 0.9, epsilon: 0.01, scales: false),
        MaxPooling2D(name: "max", poolSize: (2, 3), strides: (1, 2), padding: .same),
        Conv2D(name: "conv2", filters: 4, kernelSize: (1, 3), usesBias: false, options: frozen),
        ReLU(name: "relu", maxValue: 1, negativeSlope: 0.2, threshold: 0.1),
        BatchNormalization(name: "bn2", centers: false),
        AveragePooling2D(name: "average", poolSize: (3, 1), strides: (2, 1), padding: .same),
        BatchNormalization(name: "bn3"), Flatten(name: "flatten"),
        Dense(
          name: "dense1", units: 7, activation: .tanh,
          options: WeightOptions(kernelInitializer: .heUniform, kernelRegularizer: .l2(0.002))),
        Dropout(name: "dropout", rate: 0.3), Dense(name: "dense2", units: 5),
        Softmax(name: "softmax"),
      ])
    model.frozenLayers = ["conv2", "bn3"]
    return model
  }

  /// Initialisers with numbers of their own, no bias, scaled sigmoid as a layer; 3 values.
  static var regression: Model {
    func options(_ kernel: Initializer, _ bias: Initializer = .zeros) -> WeightOptions {
      WeightOptions(kernelInitializer: kernel, biasInitializer: bias)
    }
    return Model(
      name: "regression", input: .vector(6),
      layers: [
        Dense(
          name: "dense1", units: 9,
          options: options(.randomNormal(mean: 0.1, deviation: 0.3), .constant(0.1))),
        Activation(name: "scaled", function: .scaledSigmoid),
        Dense(
          name: "dense2", units: 8, usesBias: false, activation: .relu,
          options: options(.truncatedNormal(mean: 0, deviation: 0.4))),
        BatchNormalization(name: "bn", centers: false, scales: false),
        ReLU(name: "relu"),
        Dense(
          name: "dense3", units: 8, activation: .sigmoid,
          options: options(.randomUniform(low: -0.5, high: 0.25), .randomUniform())),
        Dense(name: "dense4", units: 3, options: options(.lecunNormal, .ones)),
      ])
  }

  /// Scaled sigmoids of convolution and Dense, a Normalization that is not adapted, a frozen convolution; 4 outputs.
  static var sigmoids: Model {
    var model = Model(
      name: "sigmoids", input: .image(height: 10, width: 9, channels: 1),
      layers: [
        Normalization(name: "normalization"),
        Conv2D(
          name: "conv1", filters: 3, kernelSize: (4, 2), strides: (1, 2),
          activation: .scaledSigmoid, options: WeightOptions(kernelInitializer: .glorotNormal)),
        MaxPooling2D(name: "max", poolSize: (3, 2), strides: (2, 1)),
        Conv2D(name: "conv2", filters: 5, kernelSize: (1, 1), activation: .sigmoid),
        Flatten(name: "flatten"),
        Dense(
          name: "dense", units: 4, activation: .scaledSigmoid,
          options: WeightOptions(kernelInitializer: .heNormal, kernelRegularizer: .l2(0.01))),
      ])
    model.frozenLayers = ["conv2"]
    return model
  }
}
