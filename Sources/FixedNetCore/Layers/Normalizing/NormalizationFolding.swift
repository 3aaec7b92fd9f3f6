import CSupport

/// Batch normalisation of the data taken into the convolution behind it, which pads nothing: the normalisation leaves
/// xhat, the convolution multiplies by gamma W and adds b + beta sum W. The gradients of gamma and beta then come from
/// those of the weights, and nobody needs the convolution's dX:
///
///     dgamma[c] = sum w dWhat over channel c,  dbeta[c] = sum (sum of w over c's taps) db,
///     dW = gamma[c] dWhat + beta[c] db,  where dWhat is the gradient by what xhat is multiplied by.
///
/// Shapes: W [outC][C][taps], b [outC], gamma, beta [C].
package struct NormalizationFolding: BitwiseCopyable, Sendable {
  package var gamma: SharedSlot
  package var beta: SharedSlot
  /// nil where gamma (or beta) is not trained: constants of one (or zero).
  package var trainedGamma: Parameter?
  package var trainedBeta: Parameter?
  /// gamma W and b + beta sum W, a copy per thread.
  package var weight: ThreadSlot
  package var bias: ThreadSlot

  package init(
    gamma: SharedSlot, beta: SharedSlot, trainedGamma: Parameter?, trainedBeta: Parameter?,
    weight: ThreadSlot, bias: ThreadSlot
  ) {
    self.gamma = gamma
    self.beta = beta
    self.trainedGamma = trainedGamma
    self.trainedBeta = trainedBeta
    self.weight = weight
    self.bias = bias
  }

  /// Works out the weights of this run.
  func prepare(_ convolution: ConvolutionOperation, _ c: BatchContext) {
    let (channels, taps) = extents(convolution.shape)
    let w = c(convolution.weight)
    let b = convolution.bias.map { c($0) }
    let (gamma, beta, folded, foldedBias) = (c(gamma), c(beta), c(weight), c(bias))
    for output in 0..<Int(convolution.shape.outChannels) {
      var bias = b.map { $0[output] } ?? 0
      for channel in 0..<channels {
        let first = (output * channels + channel) * taps
        var sum: Float = 0
        for tap in first..<first + taps {
          folded[tap] = gamma[channel] * w[tap]
          sum += w[tap]
        }
        bias += beta[channel] * sum
      }
      foldedBias[output] = bias
    }
  }

  /// dWhat becomes dW, and gamma and beta get their gradients; the weights are still those of the forward pass.
  func finish(
    _ convolution: ConvolutionOperation, gradient: UnsafeMutablePointer<Float>,
    biasGradient: UnsafePointer<Float>, _ c: BatchContext
  ) {
    let (channels, taps) = extents(convolution.shape)
    let w = c(convolution.weight)
    let (gamma, beta) = (c(gamma), c(beta))
    let dGamma = trainedGamma.map { c($0.gradient) }
    let dBeta = trainedBeta.map { c($0.gradient) }
    for channel in 0..<channels {
      var (products, sums) = (0.0, 0.0)
      for output in 0..<Int(convolution.shape.outChannels) {
        let first = (output * channels + channel) * taps
        let db = biasGradient[output]
        var sum = 0.0
        for tap in first..<first + taps {
          products += Double(w[tap]) * Double(gradient[tap])
          sum += Double(w[tap])
          gradient[tap] = gamma[channel] * gradient[tap] + beta[channel] * db
        }
        sums += sum * Double(db)
      }
      dGamma?[channel] = Float(products)
      dBeta?[channel] = Float(sums)
    }
  }

  /// The steps of gamma and beta.
  func update(_ c: BatchContext) {
    if let trainedGamma { trainedGamma.update(0..<trainedGamma.count, c) }
    if let trainedBeta { trainedBeta.update(0..<trainedBeta.count, c) }
  }

  private func extents(_ shape: cs_conv2d) -> (channels: Int, taps: Int) {
    (Int(shape.inChannels), Int(shape.kernelHeight) * Int(shape.kernelWidth))
  }
}
