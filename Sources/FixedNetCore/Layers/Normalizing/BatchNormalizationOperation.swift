import CSupport

/// y = gamma (x - mean) / sqrt(variance + epsilon) + beta, or max(y, 0), one mean and variance per channel over the pixels and
/// images of the batch; moving statistics as Keras 3: moving = momentum moving + (1 - momentum) batch, with the biased
/// variance (divided by the count).
///
/// The batch is coupled: every block gathers its own mean and sum of squared deviations, the team meets, every
/// thread combines the blocks' figures in block order (Chan, Golub, LeVeque 1983) and goes on.
///
/// Shapes: x, y [C][pixels][B] per block; gamma, beta, mean, variance [C].
/// Source: Ioffe and Szegedy 2015, arXiv 1502.03167, algorithm 1.
package struct BatchNormalizationOperation: OperationDescription {
  package var channels: Int
  package var pixels: Int
  package var momentum: Float
  package var epsilon: Float
  package var input: BlockSlot
  package var output: BlockSlot
  /// This block's mean [C] and sum of squared deviations [C].
  package var blockMean: BlockSlot
  package var blockM2: BlockSlot
  /// This block's sum dY [C] and sum dY xhat [C].
  package var blockSumDy: BlockSlot
  package var blockSumDyXhat: BlockSlot
  /// Each [C], combined over the batch, one copy per thread.
  package var mean: ThreadSlot
  package var variance: ThreadSlot
  package var invStd: ThreadSlot
  package var scale: ThreadSlot
  package var sumDy: ThreadSlot
  package var sumDyXhat: ThreadSlot
  /// Two work vectors of [C].
  package var work: ThreadSlot
  package var gamma: SharedSlot
  package var beta: SharedSlot
  /// nil where gamma (or beta) is not trained: constants of one (or zero).
  package var trainedGamma: Parameter?
  package var trainedBeta: Parameter?
  package var movingMean: SharedSlot
  package var movingVariance: SharedSlot
  /// Whether the moving variance follows count / (count - 1) times the batch's: Keras 2's fused operation.
  package var isUnbiased = false
  /// dY on entry, dX afterwards; nil where nothing up to this layer is trained.
  package var gradient: BlockSlot?
  /// Whether dX is needed: something before this layer is trained.
  package var propagates: Bool
  /// Whether the output is xhat, as the convolution behind takes gamma and beta in.
  package var isFolded = false
  /// Whether ReLU is applied to the output. Where it gives 0 is worked out again in the backward pass.
  package var rectifies = false

  package static func operation(at place: UnsafePointer<BatchNormalizationOperation>) -> Operation {
    .batchNormalization(place)
  }

  package init(
    channels: Int, pixels: Int, momentum: Float, epsilon: Float, input: BlockSlot,
    output: BlockSlot, blockMean: BlockSlot, blockM2: BlockSlot, blockSumDy: BlockSlot,
    blockSumDyXhat: BlockSlot, mean: ThreadSlot, variance: ThreadSlot, invStd: ThreadSlot,
    scale: ThreadSlot, sumDy: ThreadSlot, sumDyXhat: ThreadSlot, work: ThreadSlot,
    gamma: SharedSlot, beta: SharedSlot, trainedGamma: Parameter?, trainedBeta: Parameter?,
    movingMean: SharedSlot, movingVariance: SharedSlot, gradient: BlockSlot?, propagates: Bool
  ) {
    self.channels = channels
    self.pixels = pixels
    self.momentum = momentum
    self.epsilon = epsilon
    self.input = input
    self.output = output
    self.blockMean = blockMean
    self.blockM2 = blockM2
    self.blockSumDy = blockSumDy
    self.blockSumDyXhat = blockSumDyXhat
    self.mean = mean
    self.variance = variance
    self.invStd = invStd
    self.scale = scale
    self.sumDy = sumDy
    self.sumDyXhat = sumDyXhat
    self.work = work
    self.gamma = gamma
    self.beta = beta
    self.trainedGamma = trainedGamma
    self.trainedBeta = trainedBeta
    self.movingMean = movingMean
    self.movingVariance = movingVariance
    self.gradient = gradient
    self.propagates = propagates
  }

  private var pixelCount: Int32 { Int32(truncatingIfNeeded: pixels) }

  /// This thread's channels: how many, the first one, and where its numbers begin.
  private func slice(_ c: BlockContext) -> (count: Int32, first: Int, at: Int) {
    let own = c.slice(of: channels)
    return (
      Int32(truncatingIfNeeded: own.count), own.lowerBound,
      own.lowerBound * pixels * Int(c.blockSize)
    )
  }

  // MARK: Forward

  func gatherForward(_ c: BlockContext) {
    let (count, first, at) = slice(c)
    c.kernels.pointee.batchnorm_statistics(
      count, pixelCount, c.blockSize, c.lanes, c(input) + at, c(blockMean) + first,
      c(blockM2) + first)
  }

  /// mean, variance and 1 / sqrt(variance + epsilon) of the batch from the blocks' figures.
  func combineForward(_ c: BatchContext) {
    let mean = c(mean)
    let m2 = c(variance)
    let invStd = c(invStd)
    let scale = c(scale)
    let gamma = c(gamma)
    for channel in 0..<channels {
      mean[channel] = 0
      m2[channel] = 0
    }
    var count: Float = 0
    for block in 0..<c.blockCount {
      let blockCount = Float(c.lanes(of: block) * pixels)
      let weight = blockCount / (count + blockCount)
      let cross = count * weight
      let blockMean = c(blockMean, block: block)
      let blockM2 = c(blockM2, block: block)
      for channel in 0..<channels {
        let delta = blockMean[channel] - mean[channel]
        mean[channel] += delta * weight
        m2[channel] += blockM2[channel] + delta * delta * cross
      }
      count += blockCount
    }
    for channel in 0..<channels {
      let variance = m2[channel] / count
      m2[channel] = variance
      let inverse = 1 / (variance + epsilon).squareRoot()
      invStd[channel] = inverse
      scale[channel] = isFolded ? inverse : gamma[channel] * inverse
    }
    guard isFolded else { return }
    let zeros = c(sumDy)
    for channel in 0..<channels { zeros[channel] = 0 }
  }

  func forward(_ c: BlockContext) {
    let (count, first, at) = slice(c)
    c.kernels.pointee.batchnorm_apply(
      count, pixelCount, c.blockSize, rectifies ? 1 : 0, c(input) + at, c(mean) + first,
      c(scale) + first, (isFolded ? c(sumDy) : c(beta)) + first, c(output) + at)
  }

  // MARK: Backward

  /// What the kernels find the rectifier's zeros with, from channel `first` on; nil where there is no rectifier.
  private func rectifierShift(from first: Int, _ c: BlockContext) -> UnsafePointer<Float>? {
    rectifies ? UnsafePointer(c(beta) + first) : nil
  }

  func gatherBackward(_ c: BlockContext) {
    guard let gradient else { return }
    let (count, first, at) = slice(c)
    c.kernels.pointee.batchnorm_backward_sums(
      count, pixelCount, c.blockSize, c.lanes, c(input) + at, c(gradient) + at, c(mean) + first,
      c(invStd) + first, c(scale) + first, rectifierShift(from: first, c), c(blockSumDy) + first,
      c(blockSumDyXhat) + first)
  }

  func combineBackward(_ c: BatchContext) {
    guard gradient != nil else { return }
    let sumDy = c(sumDy)
    let sumDyXhat = c(sumDyXhat)
    c.kernels.pointee.sum_partials(
      channels, Int32(truncatingIfNeeded: c.blockCount), c(blockSumDy, block: 0),
      c.blockStrideInFloats, 0, sumDy)
    c.kernels.pointee.sum_partials(
      channels, Int32(truncatingIfNeeded: c.blockCount), c(blockSumDyXhat, block: 0),
      c.blockStrideInFloats, 0, sumDyXhat)
    let count = Float(c.imageCount * pixels)
    let work = c(work)
    for channel in 0..<channels {
      work[channel] = sumDy[channel] / count
      work[channels + channel] = sumDyXhat[channel] / count
    }
  }

  /// dx = gamma / sqrt(variance + epsilon) (dy - mean(dy) - xhat mean(dy xhat)), in place.
  func backward(_ c: BlockContext) {
    guard let gradient, propagates else { return }
    let (count, first, at) = slice(c)
    let (work, dx) = (c(work) + first, c(gradient) + at)
    c.kernels.pointee.batchnorm_backward_input(
      count, pixelCount, c.blockSize, c.lanes, c(input) + at, dx, c(mean) + first,
      c(invStd) + first, c(scale) + first, rectifierShift(from: first, c), work, work + channels,
      dx)
  }

  /// The step of gamma and beta, and the moving statistics, for this thread's share of the channels.
  func update(_ c: BatchContext) {
    let share = c.share(of: channels, granule: 16)
    if !isFolded {
      if let trainedGamma { update(trainedGamma, from: c(sumDyXhat), share, c) }
      if let trainedBeta { update(trainedBeta, from: c(sumDy), share, c) }
    }
    guard c.update != nil else { return }
    let mean = c(mean)
    let variance = c(variance)
    let movingMean = c(movingMean)
    let movingVariance = c(movingVariance)
    let count = Float(c.imageCount * pixels)
    let correction = isUnbiased && count > 1 ? count / (count - 1) : 1
    for channel in share {
      movingMean[channel] = movingMean[channel] * momentum + mean[channel] * (1 - momentum)
      movingVariance[channel] =
        movingVariance[channel] * momentum
        + variance[channel] * correction * (1 - momentum)
    }
  }

  private func update(
    _ parameter: Parameter, from sums: UnsafeMutablePointer<Float>, _ share: Range<Int>,
    _ c: BatchContext
  ) {
    let gradient = c(parameter.gradient)
    if c.accumulates {
      for channel in share { gradient[channel] += sums[channel] }
    } else {
      for channel in share { gradient[channel] = sums[channel] }
    }
    parameter.update(share, c)
  }
}

/// y = gamma (x - movingMean) / sqrt(movingVariance + epsilon) + beta, or max(y, 0): batch normalisation at inference, and
/// in training where the layer is frozen.
package struct BatchNormalizationInferenceOperation: OperationDescription {
  package var channels: Int
  package var pixels: Int
  package var epsilon: Float
  package var input: BlockSlot
  package var output: BlockSlot
  package var gamma: SharedSlot
  package var beta: SharedSlot
  package var movingMean: SharedSlot
  package var movingVariance: SharedSlot
  /// gamma / sqrt(movingVariance + epsilon) [C], and zeros [C]; one copy per thread.
  package var scale: ThreadSlot
  package var zeros: ThreadSlot
  /// dY on entry, dX afterwards; nil where it is not needed.
  package var gradient: BlockSlot?
  /// Whether ReLU is applied to the output.
  package var rectifies = false

  package static func operation(at place: UnsafePointer<BatchNormalizationInferenceOperation>)
    -> Operation
  {
    .batchNormalizationInference(place)
  }

  package init(
    channels: Int, pixels: Int, epsilon: Float, input: BlockSlot, output: BlockSlot,
    gamma: SharedSlot, beta: SharedSlot, movingMean: SharedSlot, movingVariance: SharedSlot,
    scale: ThreadSlot, zeros: ThreadSlot, gradient: BlockSlot?
  ) {
    self.channels = channels
    self.pixels = pixels
    self.epsilon = epsilon
    self.input = input
    self.output = output
    self.gamma = gamma
    self.beta = beta
    self.movingMean = movingMean
    self.movingVariance = movingVariance
    self.scale = scale
    self.zeros = zeros
    self.gradient = gradient
  }

  func prepare(_ c: BatchContext) {
    c.kernels.pointee.batchnorm_scale(
      Int32(truncatingIfNeeded: channels), epsilon, c(gamma), c(movingVariance), c(scale))
    let zeros = c(zeros)
    for channel in 0..<channels { zeros[channel] = 0 }
  }

  func forward(_ c: BlockContext) {
    let own = c.slice(of: channels)
    let (first, at) = (own.lowerBound, own.lowerBound * pixels * Int(c.blockSize))
    c.kernels.pointee.batchnorm_apply(
      Int32(truncatingIfNeeded: own.count), Int32(truncatingIfNeeded: pixels), c.blockSize,
      rectifies ? 1 : 0, c(input) + at, c(movingMean) + first, c(scale) + first, c(beta) + first,
      c(output) + at)
  }

  /// dx = scale dy, in place.
  func backward(_ c: BlockContext) {
    guard let gradient else { return }
    let own = c.slice(of: channels)
    let (first, extent) = (own.lowerBound, pixels * Int(c.blockSize))
    let dx = c(gradient) + first * extent
    if rectifies {
      c.kernels.pointee.activation_backward(
        own.count * extent, CS_RELU, c(output) + first * extent, dx, dx)
    }
    c.kernels.pointee.batchnorm_apply(
      Int32(truncatingIfNeeded: own.count), Int32(truncatingIfNeeded: pixels), c.blockSize, 0, dx,
      c(zeros) + first, c(scale) + first, c(zeros) + first, dx)
  }
}
