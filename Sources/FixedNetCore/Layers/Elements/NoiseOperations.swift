import CSupport

/// Dropout of whole channels: y = x / (1 - rate) for the channels that are kept, each with probability 1 - rate, else 0.
///
/// Shapes: x, y [channels][pixels][B] per block.
package struct SpatialDropoutOperation: OperationDescription {
  /// Of the channels, and where they are kept.
  package var dropout: DropoutOperation
  package var channels: Int
  package var pixels: Int
  /// [channels][B]: scale or 0.
  package var mask: ThreadSlot

  package static func operation(at place: UnsafePointer<SpatialDropoutOperation>) -> Operation {
    .spatialDropout(place)
  }

  /// `dropout`: of `channels` elements.
  package init(dropout: DropoutOperation, channels: Int, pixels: Int, mask: ThreadSlot) {
    self.dropout = dropout
    self.channels = channels
    self.pixels = pixels
    self.mask = mask
  }

  func forward(_ c: BlockContext) { apply(c, c(dropout.input), c(dropout.output)) }

  func backward(_ c: BlockContext) {
    guard let gradient = dropout.gradient else { return }
    apply(c, c(gradient), c(gradient))
  }

  private func apply(
    _ c: BlockContext, _ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>
  ) {
    let (mask, lanes) = (c(mask), Int(c.blockSize))
    mask.update(repeating: 1, count: channels * lanes)
    dropout.apply(c, mask, mask)
    for channel in 0..<channels {
      let factor = mask + channel * lanes
      for pixel in 0..<pixels {
        let place = (channel * pixels + pixel) * lanes
        for lane in 0..<lanes { y[place + lane] = x[place + lane] * factor[lane] }
      }
    }
  }
}

/// y = x + deviation z, or y = x (1 + deviation z) where it multiplies, with a standard normal z of its own for every
/// element of every image, a function of (seed, step, layer, image, element). The gradient passes through, or is
/// multiplied by the same number.
package struct GaussianNoiseOperation: OperationDescription {
  package var deviation: Float
  package var multiplies: Bool
  /// As that of a dropout layer.
  package var stream: UInt32
  /// Elements of one image.
  package var count: Int
  package var input: BlockSlot
  package var output: BlockSlot
  /// dy, which dx takes the place of; nil without a backward pass.
  package var gradient: BlockSlot?

  /// "noi" in front of the layer's number.
  package static let tag: UInt32 = 0x6E6F_6900

  package static func operation(at place: UnsafePointer<GaussianNoiseOperation>) -> Operation {
    .gaussianNoise(place)
  }

  package init(
    deviation: Float, multiplies: Bool, stream: UInt32, count: Int, input: BlockSlot,
    output: BlockSlot, gradient: BlockSlot?
  ) {
    self.deviation = deviation
    self.multiplies = multiplies
    self.stream = stream
    self.count = count
    self.input = input
    self.output = output
    self.gradient = gradient
  }

  func forward(_ c: BlockContext) { apply(c, c(input), c(output)) }

  func backward(_ c: BlockContext) {
    guard multiplies, let gradient else { return }
    apply(c, c(gradient), c(gradient))
  }

  private func apply(
    _ c: BlockContext, _ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>
  ) {
    let lanes = Int(c.blockSize)
    let philox = Philox(
      seed: c.seed,
      stream: Philox.join(low: c.step, high: GaussianNoiseOperation.tag &+ stream))
    for lane in 0..<lanes {
      let image = c.imageOffset &+ UInt32(truncatingIfNeeded: c.firstImage + lane)
      for group in 0..<(count + 3) / 4 {
        let words = philox.words(
          at: Philox.join(low: UInt32(truncatingIfNeeded: group), high: image))
        withUnsafeBytes(of: words) { bytes in
          let words = bytes.assumingMemoryBound(to: UInt32.self)
          for index in 4 * group..<min(4 * group + 4, count) {
            let word = Int(truncatingIfNeeded: words[index - 4 * group] >> 1)
            let probability = (Double(word) + 0.5) / 0x1p31
            let z = Float(Elementary.normalQuantile(probability))
            let place = index * lanes + lane
            y[place] = multiplies ? x[place] * (1 + deviation * z) : x[place] + deviation * z
          }
        }
      }
    }
  }
}
