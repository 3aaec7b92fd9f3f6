import CSupport

/// Softmax, or its logarithm, over the channels of every pixel.
///
/// Shapes: z, y [classes][pixels][B] per block.
package struct ColumnSoftmaxOperation: OperationDescription {
  package var isLogarithm: Bool
  package var classCount: Int32
  package var pixels: Int
  package var input: BlockSlot
  package var output: BlockSlot
  /// dY on entry, dZ afterwards.
  package var gradient: BlockSlot?

  package static func operation(at place: UnsafePointer<ColumnSoftmaxOperation>) -> Operation {
    .columnSoftmax(place)
  }

  package init(
    isLogarithm: Bool, classCount: Int32, pixels: Int, input: BlockSlot, output: BlockSlot,
    gradient: BlockSlot?
  ) {
    self.isLogarithm = isLogarithm
    self.classCount = classCount
    self.pixels = pixels
    self.input = input
    self.output = output
    self.gradient = gradient
  }

  func forward(_ c: BlockContext) {
    let columns = pixels * Int(c.blockSize)
    if isLogarithm {
      c.kernels.pointee.log_softmax(classCount, columns, c(input), c(output))
    } else {
      c.kernels.pointee.softmax_columns(classCount, columns, c(input), c(output))
    }
  }

  func backward(_ c: BlockContext) {
    guard let gradient else { return }
    let columns = pixels * Int(c.blockSize)
    let dy = c(gradient)
    if isLogarithm {
      c.kernels.pointee.log_softmax_backward(classCount, columns, c(output), dy, dy)
    } else {
      c.kernels.pointee.softmax_columns_backward(classCount, columns, c(output), dy, dy)
    }
  }
}

/// y = (x - mean) / sqrt(variance + epsilon) gamma + beta with the mean and variance of every pixel's channels.
///
/// Shapes: x, y [channels][pixels][B] per block; gamma, beta [channels].
package struct LayerNormalizationOperation: OperationDescription {
  package var channels: Int32
  package var pixels: Int32
  package var epsilon: Float
  package var input: BlockSlot
  package var output: BlockSlot
  package var gamma: SharedSlot?
  package var beta: SharedSlot?
  /// [pixels][B] each, from the forward to the backward pass; nil where there is none.
  package var mean: BlockSlot?
  package var inverseDeviation: BlockSlot?
  /// dY on entry, dX afterwards, where `propagates`; nil where there is no backward pass.
  package var gradient: BlockSlot?
  package var propagates = false
  /// The block's part of dgamma and dbeta; nil where neither is trained.
  package var gradients: PartialGradients?
  /// Whether the first of `gradients` is dgamma.
  package var trainsGamma = false

  package static func operation(at place: UnsafePointer<LayerNormalizationOperation>) -> Operation {
    .layerNormalization(place)
  }

  package init(
    channels: Int32, pixels: Int32, epsilon: Float, input: BlockSlot, output: BlockSlot,
    gamma: SharedSlot?, beta: SharedSlot?
  ) {
    self.channels = channels
    self.pixels = pixels
    self.epsilon = epsilon
    self.input = input
    self.output = output
    self.gamma = gamma
    self.beta = beta
  }

  func forward(_ c: BlockContext) {
    c.kernels.pointee.layernorm_forward(
      channels, Int(pixels) * Int(c.blockSize), c(input),
      gamma.map { UnsafePointer<Float>(c($0)) }, beta.map { UnsafePointer<Float>(c($0)) }, epsilon,
      c(output), mean.map { c($0) }, inverseDeviation.map { c($0) })
  }

  func backward(_ c: BlockContext) {
    guard let gradient, let mean, let inverseDeviation else { return }
    let dy = c(gradient)
    if let gradients {
      let part = c(gradients.partial)
      let dgamma = trainsGamma ? part : nil
      let dbeta =
        trainsGamma ? (gradients.second == nil ? nil : part + Int(channels)) : part
      c.kernels.pointee.layernorm_backward_parameters(
        channels, pixels, c.blockSize, c.lanes, c(input), dy, c(mean), c(inverseDeviation), dgamma,
        dbeta)
    }
    if propagates {
      c.kernels.pointee.layernorm_backward_input(
        channels, Int(pixels) * Int(c.blockSize), c(input), dy,
        gamma.map { UnsafePointer<Float>(c($0)) }, c(mean), c(inverseDeviation), dy)
    }
  }
}

/// y = x > 0 ? x : alpha x with an alpha of its own for each element, or for each channel, or one.
///
/// Shapes: x, y [channels][pixels][B] per block; alpha [channels][slopes].
package struct PReLUOperation: OperationDescription {
  package var channels: Int32
  package var pixels: Int32
  package var slopes: Int32
  package var input: BlockSlot
  package var output: BlockSlot
  package var alpha: SharedSlot
  /// dY on entry, dX afterwards; nil where there is no backward pass.
  package var gradient: BlockSlot?
  /// nil in a frozen layer.
  package var gradients: PartialGradients?

  package static func operation(at place: UnsafePointer<PReLUOperation>) -> Operation {
    .prelu(place)
  }

  package init(
    channels: Int32, pixels: Int32, slopes: Int32, input: BlockSlot, output: BlockSlot,
    alpha: SharedSlot
  ) {
    self.channels = channels
    self.pixels = pixels
    self.slopes = slopes
    self.input = input
    self.output = output
    self.alpha = alpha
  }

  func forward(_ c: BlockContext) {
    c.kernels.pointee.prelu_forward(
      channels, pixels, slopes, c.blockSize, c(input), c(alpha), c(output))
  }

  func backward(_ c: BlockContext) {
    guard let gradient else { return }
    c.kernels.pointee.prelu_backward(
      channels, pixels, slopes, c.blockSize, c.lanes, c(input), c(alpha), c(gradient), c(gradient),
      gradients.map { c($0.partial) })
  }
}
