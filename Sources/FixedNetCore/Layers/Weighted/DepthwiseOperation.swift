import CSupport

/// y = activation(x * W + b), each channel convolved by itself with its own kernels.
///
/// Shapes: x [C][H][W][B], W [C multiplier][kh][kw] (B = 1: [kh][kw][C multiplier]), b [C multiplier],
/// y [C multiplier][H'][W'][B] per block.
public struct DepthwiseOperation: OperationDescription {
  public var shape: cs_depthwise
  public var activation: cs_activation
  public var input: BlockSlot
  public var output: BlockSlot
  public var weight: SharedSlot
  public var bias: SharedSlot?
  public var scratch: ThreadSlot
  /// dY on entry, dZ afterwards; nil where there is no backward pass.
  public var outputGradient: BlockSlot?
  /// Whether the layer behind has left dZ where the output was.
  public var hasDelta = false
  public var inputGradient: BlockSlot?
  public var backwardScratch = ThreadSlot(byteOffset: 0)
  /// nil in a frozen layer.
  public var gradients: PartialGradients?
  /// Of the sums, before the activation; for inference.
  public var normalization: OutputNormalization?

  public static func operation(at place: UnsafePointer<DepthwiseOperation>) -> Operation {
    .depthwise(place)
  }

  public init(
    shape: cs_depthwise, activation: cs_activation, input: BlockSlot, output: BlockSlot,
    weight: SharedSlot, bias: SharedSlot?, scratch: ThreadSlot
  ) {
    self.shape = shape
    self.activation = activation
    self.input = input
    self.output = output
    self.weight = weight
    self.bias = bias
    self.scratch = scratch
  }

  private var outputCount: Int {
    Int(shape.channels) * Int(shape.multiplier) * Int(shape.outHeight) * Int(shape.outWidth)
  }

  func forward(_ c: BlockContext) {
    withUnsafePointer(to: shape) { shape in
      withNormalization(normalization, c) { normalization in
        c.kernels.pointee.depthwise_forward(
          shape, c.blockSize, c(input), c(weight), bias.map { UnsafePointer<Float>(c($0)) },
          normalization, c(output), activation, c(scratch))
      }
    }
  }

  func backward(_ c: BlockContext) {
    guard let outputGradient else { return }
    let dz = c(outputGradient)
    if !hasDelta {
      c.kernels.pointee.activation_backward(
        outputCount * Int(c.blockSize), activation, c(output), dz, dz)
    }
    withUnsafePointer(to: shape) { shape in
      if let gradients {
        let part = c(gradients.partial)
        c.kernels.pointee.depthwise_backward_weights(
          shape, c.blockSize, c(input), dz, part,
          gradients.second == nil ? nil : part + gradients.first.count, c(backwardScratch))
      }
      if let inputGradient {
        c.kernels.pointee.depthwise_backward_input(
          shape, c.blockSize, dz, c(weight), c(inputGradient), c(backwardScratch))
      }
    }
  }
}
