import CSupport

/// The activations that a layer may apply to its output.
public enum ActivationFunction: String, CaseIterable, Sendable {
  case linear
  case tanh
  case relu
  case sigmoid
  /// exp(z_i) / sum_j exp(z_j) over the features: couples them, so it runs as an operation of its own.
  case softmax

  /// The kernels' code of an element-wise activation.
  var kernelCode: cs_activation {
    switch self {
    case .linear, .softmax: CS_LINEAR
    case .tanh: CS_TANH
    case .relu: CS_RELU
    case .sigmoid: CS_SIGMOID
    }
  }
}
