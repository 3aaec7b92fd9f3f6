import CSupport

/// The activations that a layer may apply to its output.
public enum ActivationFunction: String, CaseIterable, Sendable {
  case linear
  case tanh
  case relu
  case sigmoid
  /// 1 / (1 + exp(-2 z)). Keras has no name for it: in files it is Rescaling(2) and a sigmoid.
  case scaledSigmoid = "scaled_sigmoid"
  /// exp(z_i) / sum_j exp(z_j) over the features: couples them, so it runs as an operation of its own.
  case softmax

  /// The kernels' code of an element-wise activation.
  var kernelCode: cs_activation {
    switch self {
    case .linear, .softmax: CS_LINEAR
    case .tanh: CS_TANH
    case .relu: CS_RELU
    case .sigmoid: CS_SIGMOID
    case .scaledSigmoid: CS_SCALED_SIGMOID
    }
  }

  /// Those that Keras knows by name.
  static let named = allCases.filter { $0 != .scaledSigmoid }
}
