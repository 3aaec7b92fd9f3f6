import CSupport

/// y = activation(the gradient of a convolution by its input, at x, + b): Keras' Conv2DTranspose.
///
/// Shapes: x [C][H][W][B], W [C][filters][kh][kw] (B = 1: [filters][kh][kw][C]), b [filters], y [filters][H'][W'][B].
package struct TransposedConvolutionOperation: OperationDescription {
  /// Of the convolution that leads from y to x.
  package var shape: cs_conv2d
  package var activation: cs_activation
  package var input: BlockSlot
  package var output: BlockSlot
  package var weight: SharedSlot
  package var bias: SharedSlot?
  package var scratch: ThreadSlot
  /// dY on entry, dZ afterwards; nil where there is no backward pass.
  package var outputGradient: BlockSlot?
  package var inputGradient: BlockSlot?
  package var backwardScratch = ThreadSlot(byteOffset: 0)
  /// nil in a frozen layer.
  package var gradients: PartialGradients?

  package static func operation(at place: UnsafePointer<TransposedConvolutionOperation>)
    -> Operation
  {
    .transposedConvolution(place)
  }

  package init(
    shape: cs_conv2d, activation: cs_activation, input: BlockSlot, output: BlockSlot,
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

  private var filters: Int { Int(shape.inChannels) }
  private var pixels: Int { Int(shape.inHeight) * Int(shape.inWidth) }

  func forward(_ c: BlockContext) {
    let (y, size) = (c(output), pixels * Int(c.blockSize))
    withUnsafePointer(to: shape) {
      c.kernels.pointee.conv2d_backward_input(
        $0, c.blockSize, c(input), c(weight), y, c(scratch))
    }
    if let bias {
      let b = c(bias)
      for channel in 0..<filters {
        let plane = y + channel * size
        for index in 0..<size { plane[index] += b[channel] }
      }
    }
    c.kernels.pointee.activation_forward(filters * size, activation, y, y)
  }

  func backward(_ c: BlockContext) {
    guard let outputGradient else { return }
    let (dz, size) = (c(outputGradient), pixels * Int(c.blockSize))
    c.kernels.pointee.activation_backward(filters * size, activation, c(output), dz, dz)
    withUnsafePointer(to: shape) { shape in
      if let gradients {
        let part = c(gradients.partial)
        c.kernels.pointee.conv2d_backward_weights(
          shape, c.blockSize, dz, c(input), part, nil, c(backwardScratch))
        if gradients.second != nil { sum(dz, size, into: part + gradients.first.count) }
      }
      if let inputGradient {
        c.kernels.pointee.conv2d_forward(
          shape, c.blockSize, dz, c(weight), nil, nil, c(inputGradient), CS_LINEAR,
          c(backwardScratch))
      }
    }
  }

  /// db[channel]: the sum of dZ over its pixels and images, in their order.
  private func sum(
    _ dz: UnsafePointer<Float>, _ size: Int, into db: UnsafeMutablePointer<Float>
  ) {
    for channel in 0..<filters {
      var sum: Float = 0
      for index in channel * size..<(channel + 1) * size { sum += dz[index] }
      db[channel] = sum
    }
  }
}
