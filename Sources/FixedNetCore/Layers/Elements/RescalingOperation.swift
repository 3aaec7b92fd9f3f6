import CSupport

/// y = scale x + offset, element by element, rounded once.
package struct RescalingOperation: OperationDescription {
  package var scale: Float
  package var offset: Float
  /// Elements of one image.
  package var count: Int
  package var input: BlockSlot
  package var output: BlockSlot
  /// dY on entry, dX afterwards.
  package var gradient: BlockSlot?

  package static func operation(at place: UnsafePointer<RescalingOperation>) -> Operation {
    .rescaling(place)
  }

  package init(
    scale: Float, offset: Float, count: Int, input: BlockSlot, output: BlockSlot,
    gradient: BlockSlot?
  ) {
    self.scale = scale
    self.offset = offset
    self.count = count
    self.input = input
    self.output = output
    self.gradient = gradient
  }

  func forward(_ c: BlockContext) {
    let own = c.elements(count)
    c.kernels.pointee.affine(
      own.count, scale, offset, c(input) + own.lowerBound, c(output) + own.lowerBound)
  }

  func backward(_ c: BlockContext) {
    guard let gradient else { return }
    let own = c.elements(count)
    let dx = c(gradient) + own.lowerBound
    c.kernels.pointee.affine(own.count, scale, 0, dx, dx)
  }
}

/// y = (x - mean) scale + shift, with constants for each channel.
///
/// Shapes: x, y [C][pixels][B] per block; mean, scale, shift [C].
package struct NormalizationOperation: OperationDescription {
  package var channels: Int32
  package var pixels: Int32
  package var input: BlockSlot
  package var output: BlockSlot
  package var mean: SharedSlot
  package var scale: SharedSlot
  package var shift: SharedSlot
  /// Zeros [C].
  package var zeros: SharedSlot
  /// dY on entry, dX afterwards.
  package var gradient: BlockSlot?

  package static func operation(at place: UnsafePointer<NormalizationOperation>) -> Operation {
    .normalization(place)
  }

  package init(
    channels: Int32, pixels: Int32, input: BlockSlot, output: BlockSlot, mean: SharedSlot,
    scale: SharedSlot, shift: SharedSlot, zeros: SharedSlot, gradient: BlockSlot?
  ) {
    self.channels = channels
    self.pixels = pixels
    self.input = input
    self.output = output
    self.mean = mean
    self.scale = scale
    self.shift = shift
    self.zeros = zeros
    self.gradient = gradient
  }

  func forward(_ c: BlockContext) {
    normalize(c(input), c(mean), c(shift), c(output), c)
  }

  func backward(_ c: BlockContext) {
    guard let gradient else { return }
    normalize(c(gradient), c(zeros), c(zeros), c(gradient), c)
  }

  /// This thread's channels.
  private func normalize(
    _ x: UnsafeMutablePointer<Float>, _ mean: UnsafeMutablePointer<Float>,
    _ shift: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ c: BlockContext
  ) {
    let own = c.slice(of: Int(channels))
    let (first, at) = (own.lowerBound, own.lowerBound * Int(pixels) * Int(c.blockSize))
    c.kernels.pointee.batchnorm_apply(
      Int32(truncatingIfNeeded: own.count), pixels, c.blockSize, 0, x + at, mean + first,
      c(scale) + first, shift + first, y + at)
  }
}
