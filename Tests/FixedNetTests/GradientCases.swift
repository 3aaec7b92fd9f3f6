import FixedNetCore
import Testing

@testable import FixedNetCompute

/// The networks whose gradients are compared with central differences.
extension GradientTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var model: Model
    var loss: Loss?
    /// Central differences are taken with these; small ones where kinks are close together.
    var steps: [Float] = [1e-2, 5e-3]
    var testDescription: String { name }
  }

  static func classifier(
    _ name: String, _ input: Shape, _ layers: [any Layer], steps: [Float] = [1e-2, 5e-3]
  ) -> Case {
    Case(
      name: name,
      model: Model(
        name: "case", input: input,
        layers: layers + [
          Flatten(name: "flatten_end"), Dense(name: "out", units: 4, activation: .softmax),
        ]), steps: steps)
  }

  static let image = Shape.image(height: 7, width: 6, channels: 3)

  static let cases: [Case] = [
    classifier("dense tanh", .vector(9), [Dense(name: "d", units: 7, activation: .tanh)]),
    classifier(
      "dense sigmoid without bias", .vector(9),
      [
        Dense(name: "d", units: 7, usesBias: false, activation: .sigmoid)
      ]),
    classifier("dense relu", .vector(9), [Dense(name: "d", units: 17, activation: .relu)]),
    classifier(
      "convolution valid", image,
      [
        Conv2D(name: "c", filters: 4, kernelSize: (3, 3), activation: .tanh)
      ]),
    classifier(
      "convolution same, even kernel", image,
      [
        Conv2D(name: "c", filters: 4, kernelSize: (4, 2), padding: .same, activation: .sigmoid),
        Conv2D(name: "c2", filters: 3, kernelSize: (3, 3), padding: .same),
      ]),
    classifier(
      "convolution with strides", image,
      [
        Conv2D(name: "c", filters: 5, kernelSize: (3, 2), strides: (1, 1), activation: .tanh),
        Conv2D(
          name: "c2", filters: 3, kernelSize: (3, 3), strides: (2, 1), padding: .same,
          usesBias: false, activation: .tanh),
      ]),
    classifier(
      "convolution of many channels", image,
      [
        Conv2D(name: "c", filters: 24, kernelSize: (3, 3), padding: .same, activation: .tanh),
        Conv2D(name: "c2", filters: 25, kernelSize: (3, 3), padding: .same, activation: .tanh),
      ], steps: [4e-2, 2e-2]),
    classifier(
      "batch normalisation and many channels", .image(height: 8, width: 8, channels: 24),
      [
        BatchNormalization(name: "bn"),
        Conv2D(name: "c", filters: 24, kernelSize: (3, 3), activation: .tanh),
        AveragePooling2D(name: "p", poolSize: (2, 2)),
      ], steps: [4e-2, 2e-2]),
    classifier(
      "average pooling valid", image,
      [
        Conv2D(name: "c", filters: 4, kernelSize: (2, 2), activation: .tanh),
        AveragePooling2D(name: "p", poolSize: (2, 2)),
      ]),
    classifier(
      "average pooling same, overlapping", image,
      [
        Conv2D(name: "c", filters: 4, kernelSize: (2, 2), activation: .tanh),
        AveragePooling2D(name: "p", poolSize: (3, 2), strides: (2, 1), padding: .same),
      ]),
    classifier(
      "batch normalisation first", image,
      [
        BatchNormalization(name: "bn"),
        Conv2D(name: "c", filters: 4, kernelSize: (3, 3), activation: .tanh),
      ]),
    classifier(
      "batch normalisation between", image,
      [
        Conv2D(name: "c", filters: 4, kernelSize: (3, 3), activation: .tanh),
        BatchNormalization(name: "bn"), Flatten(name: "f"),
        Dense(name: "d", units: 6, activation: .tanh), BatchNormalization(name: "bn2"),
      ]),
    classifier(
      "batch normalisation of a flattened image", image,
      [
        Conv2D(name: "c", filters: 4, kernelSize: (3, 3), activation: .tanh), Flatten(name: "f"),
        BatchNormalization(name: "bn"), Dense(name: "d", units: 6, activation: .tanh),
      ]),
    classifier(
      "activation layers", .vector(9),
      [
        Dense(name: "d", units: 8), Activation(name: "a", function: .sigmoid),
        Dense(name: "d2", units: 6), Activation(name: "a2", function: .tanh),
        Activation(name: "a3", function: .linear),
      ]),
    classifier(
      "softmax inside", .vector(9),
      [
        Dense(name: "d", units: 6), Activation(name: "a", function: .softmax),
      ]),
    classifier(
      "max pooling valid", image,
      [
        Conv2D(name: "c", filters: 4, kernelSize: (2, 2), activation: .tanh),
        MaxPooling2D(name: "p", poolSize: (2, 3)),
      ]),
    classifier(
      "max pooling same, overlapping", .image(height: 5, width: 4, channels: 1),
      [
        Conv2D(name: "c", filters: 2, kernelSize: (2, 2), activation: .tanh),
        MaxPooling2D(name: "p", poolSize: (3, 2), strides: (2, 1), padding: .same),
      ], steps: [2e-3, 1e-3]),
    classifier(
      "rectangular windows, asymmetric padding", .image(height: 9, width: 8, channels: 2),
      [
        Conv2D(
          name: "c", filters: 3, kernelSize: (2, 4), strides: (2, 3), padding: .same,
          activation: .tanh),
        Conv2D(name: "c2", filters: 4, kernelSize: (4, 2), strides: (1, 2), padding: .same),
      ]),
    classifier(
      "leaky rectifier", .vector(9),
      [Dense(name: "d", units: 12), LeakyReLU(name: "l", slope: 0.2)]),
    classifier(
      "bounded rectifier", .vector(9),
      [Dense(name: "d", units: 12), ReLU(name: "r", maxValue: 0.7, negativeSlope: 0.1)]),
    classifier("rectifier", .vector(9), [Dense(name: "d", units: 12), ReLU(name: "r")]),
    classifier(
      "rescaling and normalisation", image,
      [
        Rescaling(name: "r", scale: 1.5, offset: -0.2),
        Conv2D(name: "c", filters: 4, kernelSize: (3, 3)),
        Normalization(name: "n", mean: [0.1, -0.2, 0.3, 0], variance: [0.5, 2, 1, 0.1]),
        Activation(name: "a", function: .tanh), Rescaling(name: "r2", scale: -0.7),
      ]),
    classifier(
      "dropout", .vector(9),
      [
        Dropout(name: "p0", rate: 0.2), Dense(name: "d", units: 14, activation: .tanh),
        Dropout(name: "p1", rate: 0.5),
      ]),
    classifier(
      "batch normalisation without scale or centre", image,
      [
        Conv2D(name: "c", filters: 4, kernelSize: (3, 3), activation: .tanh),
        BatchNormalization(name: "bn", scales: false),
        Conv2D(name: "c2", filters: 3, kernelSize: (3, 3), activation: .tanh),
        BatchNormalization(name: "bn2", centers: false),
      ]),
    classifier(
      "scaled sigmoid", image,
      [
        Conv2D(name: "c", filters: 4, kernelSize: (3, 3), activation: .scaledSigmoid),
        Flatten(name: "f"), Dense(name: "d", units: 6, activation: .scaledSigmoid),
      ]),
    Case(
      name: "penalties on kernels and biases, Gaussian dropout",
      model: Model(
        name: "case", input: .vector(9),
        layers: [
          Dense(
            name: "d", units: 7, activation: .tanh,
            options: WeightOptions(
              kernelRegularizer: .l2(0.03), biasRegularizer: Regularizer(l1: 0.2, l2: 0.3))),
          GaussianDropout(name: "noise", rate: 0.4),
          Dense(
            name: "out", units: 4, activation: .softmax,
            options: WeightOptions(kernelRegularizer: Regularizer(l1: 0.2, l2: 0.1))),
        ])),
    end("mean squared error", .tanh, .meanSquaredError),
    end("mean squared error of probabilities", .softmax, .meanSquaredError),
    end("binary cross-entropy", .sigmoid, nil),
    end(
      "binary cross-entropy of scaled sigmoids, summed", .scaledSigmoid,
      .binaryCrossEntropy(isSum: true)),
  ]

  static func end(_ name: String, _ activation: ActivationFunction, _ loss: Loss?) -> Case {
    Case(
      name: name,
      model: Model(
        name: "case", input: .vector(9),
        layers: [
          Dense(name: "d", units: 7, activation: .tanh),
          Dense(name: "out", units: 4, activation: activation),
        ]), loss: loss)
  }
}
