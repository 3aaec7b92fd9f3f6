import CSupport

/// A function of one value whose derivative is computed from its input: Keras' activations by name.
public struct ElementFunction: Hashable, Sendable {
  /// Keras' functions, by Keras' names.
  public enum Kind: String, CaseIterable, Sendable {
    /// Keras' function of this name.
    case elu, celu, selu, gelu, silu, mish, softplus, softsign, squareplus, exponential, threshold
    /// GELU with a tanh in place of the error function.
    case geluTanh = "gelu_tanh"
    /// log(1 / (1 + exp(-x)))
    case logSigmoid = "log_sigmoid"
    /// x - tanh(x)
    case tanhShrink = "tanh_shrink"
    /// min(max(x / 6 + 1/2, 0), 1)
    case hardSigmoid = "hard_sigmoid"
    /// Keras 2's hard_sigmoid, min(max(0.2 x + 0.5, 0), 1): no name in files, where it is Rescaling and ReLU.
    case hardSigmoid2 = "hard_sigmoid_2"
    /// x times Keras 3's hard sigmoid.
    case hardSilu = "hard_silu"
    /// min(max(x, -1), 1)
    case hardTanh = "hard_tanh"
    /// x outside -parameter ... parameter, 0 within.
    case hardShrink = "hard_shrink"
    /// What of x lies outside -parameter ... parameter.
    case softShrink = "soft_shrink"
    /// 0 below -1, (x + 1)^2 / 4 up to 1, x above.
    case sparsePlus = "sparse_plus"
    /// min(max((x + 1) / 2, 0), 1)
    case sparseSigmoid = "sparse_sigmoid"
  }

  /// Which of Keras' functions.
  public var kind: Kind
  /// ELU's and CELU's alpha, the limit of the shrinking functions, squareplus' b, a threshold; else 0.
  public var parameter: Double

  /// `parameter`: nil for Keras' default.
  public init(_ kind: Kind, parameter: Double? = nil) {
    self.kind = kind
    self.parameter = parameter ?? ElementFunction.defaultParameter(kind)
  }

  private static func defaultParameter(_ kind: Kind) -> Double {
    switch kind {
    case .elu, .celu: 1
    case .hardShrink, .softShrink: 0.5
    case .squareplus: 4
    case .threshold: 1
    case .selu, .gelu, .geluTanh, .silu, .mish, .softplus, .softsign, .exponential, .logSigmoid,
      .tanhShrink, .hardSigmoid, .hardSigmoid2, .hardSilu, .hardTanh, .sparsePlus, .sparseSigmoid:
      0
    }
  }

  /// Whether Keras knows it by its kind's name: its parameter is the default.
  var isNamed: Bool {
    kind != .hardSigmoid2 && kind != .geluTanh && kind != .threshold
      && self == ElementFunction(kind)
  }

  /// Keras' other names.
  private static let otherNames = ["swish": Kind.silu, "hard_swish": .hardSilu]

  init?(name: String) {
    guard let kind = Kind(rawValue: name) ?? ElementFunction.otherNames[name] else { return nil }
    self.init(kind)
    guard isNamed else { return nil }
  }

  var kernel: cs_function {
    let code =
      switch kind {
      case .elu: CS_ELU
      case .celu: CS_CELU
      case .selu: CS_SELU
      case .gelu: CS_GELU
      case .geluTanh: CS_GELU_TANH
      case .silu: CS_SILU
      case .mish: CS_MISH
      case .softplus: CS_SOFTPLUS
      case .logSigmoid: CS_LOG_SIGMOID
      case .softsign: CS_SOFTSIGN
      case .squareplus: CS_SQUAREPLUS
      case .exponential: CS_EXPONENTIAL
      case .tanhShrink: CS_TANH_SHRINK
      case .hardSigmoid: CS_HARD_SIGMOID
      case .hardSigmoid2: CS_HARD_SIGMOID_2
      case .hardSilu: CS_HARD_SILU
      case .hardTanh: CS_HARD_TANH
      case .hardShrink: CS_HARD_SHRINK
      case .softShrink: CS_SOFT_SHRINK
      case .threshold: CS_THRESHOLD
      case .sparsePlus: CS_SPARSE_PLUS
      case .sparseSigmoid: CS_SPARSE_SIGMOID
      }
    return cs_function(kind: code, parameter: Float(parameter), otherwise: 0)
  }
}
