import CSupport

/// The slots of a dense layer's R-operator: the derivative of everything along a direction (V, v) of the weights, which
/// gives a product with the Hessian.
///
/// R{z} = x V + v + R{x} W; R{y} = f'(z) R{z};
/// R{dz} = f'(z) R{dy} + f''(z) R{z} dy; R{dW} = x' R{dz} + R{x}' dz; R{dx} = R{dz} W' + dz V'.
/// Source: Pearlmutter, "Fast Exact Multiplication by the Hessian", Neural Computation 6, 1994.
package struct DenseTangent: BitwiseCopyable, Sendable {
  /// R{x}; nil where x is data.
  package var input: BlockSlot?
  /// R{z}
  package var sum: BlockSlot
  /// R{y}; `sum` where the activation is linear.
  package var output: BlockSlot
  /// R{dY} on entry, R{dZ} afterwards.
  package var outputGradient: BlockSlot
  /// R{dX}; nil where x is data.
  package var inputGradient: BlockSlot?
  /// R{dZ} with one row per image, as the layer's own.
  package var transposed: BlockSlot
  /// max(inputs, outputs) [B].
  package var scratch: ThreadSlot
  /// What R{dY} is multiplied by first: 1, unless `derivative` is not the activation's.
  package var factor: Float

  package init(
    input: BlockSlot?, sum: BlockSlot, output: BlockSlot, outputGradient: BlockSlot,
    inputGradient: BlockSlot?, transposed: BlockSlot, scratch: ThreadSlot, factor: Float
  ) {
    self.input = input
    self.sum = sum
    self.output = output
    self.outputGradient = outputGradient
    self.inputGradient = inputGradient
    self.transposed = transposed
    self.scratch = scratch
    self.factor = factor
  }
}

extension DenseOperation {
  func forwardTangent(_ c: BlockContext) {
    guard let training, let tangent = training.tangent, let weight = training.weight else { return }
    let kernels = c.kernels.pointee
    let count = outputCount * Int(c.blockSize)
    let sum = c(tangent.sum)
    kernels.dense_forward(
      inputs, outputs, c.blockSize, c(input), c(weight.direction),
      training.bias.map { UnsafePointer(c($0.direction)) }, nil, sum, CS_LINEAR)
    if let input = tangent.input {
      let scratch = c(tangent.scratch)
      kernels.dense_forward(
        inputs, outputs, c.blockSize, c(input), c(weight.weight), nil, nil, scratch, CS_LINEAR)
      kernels.add_scaled(count, 1, scratch, sum)
    }
    kernels.activation_backward(count, activation, c(output), sum, c(tangent.output))
  }

  func backwardTangent(_ c: BlockContext) {
    guard let training, let tangent = training.tangent, let weight = training.weight else { return }
    let kernels = c.kernels.pointee
    let count = outputCount * Int(c.blockSize)
    let rdz = c(tangent.outputGradient)
    if tangent.factor != 1 { kernels.affine(count, tangent.factor, 0, rdz, rdz) }
    kernels.activation_backward_tangent(
      count, activation, c(output), c(training.outputGradient), c(tangent.sum), rdz, rdz)
    if let inputGradient = tangent.inputGradient {
      let rdx = c(inputGradient)
      let scratch = c(tangent.scratch)
      kernels.dense_backward_input(inputs, outputs, c.blockSize, rdz, c(weight.weight), rdx)
      kernels.dense_backward_input(
        inputs, outputs, c.blockSize, c(training.outputGradient), c(weight.direction), scratch)
      kernels.add_scaled(inputCount * Int(c.blockSize), 1, scratch, rdx)
    }
    if c.blockSize > 1 {
      kernels.transpose16(
        outputs, Int32(truncatingIfNeeded: training.leading), rdz, c(tangent.transposed))
    }
  }

  /// This thread's rows of the product.
  func multiply(_ c: BatchContext) {
    guard let training, let tangent = training.tangent, let weight = training.weight else { return }
    let rows = c.share(of: inputCount, granule: 6)
    if !rows.isEmpty {
      addRows(rows, c(input, block: 0), c(tangent.transposed, block: 0), 0, c)
      if let input = tangent.input {
        addRows(rows, c(input, block: 0), c(training.transposed, block: 0), 1, c)
      }
      weight.completeProduct(
        rows.lowerBound * outputCount..<rows.upperBound * outputCount, c)
    }
    guard let bias = training.bias else { return }
    let columns = c.share(of: outputCount, granule: 16)
    guard !columns.isEmpty else { return }
    c.kernels.pointee.dense_backward_bias(
      Int32(truncatingIfNeeded: columns.lowerBound), Int32(truncatingIfNeeded: columns.upperBound),
      Int32(truncatingIfNeeded: c.blockSize), Int32(truncatingIfNeeded: c.imageCount),
      c(tangent.transposed, block: 0), c.blockStrideInFloats, training.leading, 0, c(bias.product))
    bias.completeProduct(columns, c)
  }

  private func addRows(
    _ rows: Range<Int>, _ x: UnsafeMutablePointer<Float>, _ dzT: UnsafeMutablePointer<Float>,
    _ accumulates: Int32, _ c: BatchContext
  ) {
    guard let training, let weight = training.weight else { return }
    c.kernels.pointee.dense_backward_weights(
      Int32(truncatingIfNeeded: rows.lowerBound), Int32(truncatingIfNeeded: rows.upperBound),
      outputs, Int32(truncatingIfNeeded: c.blockSize), Int32(truncatingIfNeeded: c.imageCount), x,
      c.blockStrideInFloats, dzT, c.blockStrideInFloats, training.leading, accumulates,
      c(weight.product))
  }
}
