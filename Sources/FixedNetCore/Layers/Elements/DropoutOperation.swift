import CSupport

/// y = x / (1 - rate) for the elements that are kept, each with probability 1 - rate, else 0. The mask is a function of
/// (seed, step, layer, image, element), computed again in the backward pass, or seen in the output: it takes no memory.
///
/// Source: Srivastava et al., JMLR 15, 2014; scaled at training time, as Keras does.
package struct DropoutOperation: OperationDescription {
  /// round(rate 2^32): what a random word is compared with.
  package var threshold: UInt32
  /// 1 / (1 - rate)
  package var scale: Float
  /// The position among the model's dropout layers: each has random numbers of its own.
  package var stream: UInt32
  /// Elements of one image.
  package var count: Int
  package var input: BlockSlot
  package var output: BlockSlot
  /// dY on entry, dX afterwards.
  package var gradient: BlockSlot?
  /// Whether x is a rectifier's output, whose gradient counts only where x is above 0: there y is above 0 where x is kept.
  package var isMaskInOutput = false

  /// "dro" in front of the layer's number keeps these random numbers apart from those of other uses of the seed.
  package static let tag: UInt32 = 0x6472_6F00

  package static func operation(at place: UnsafePointer<DropoutOperation>) -> Operation {
    .dropout(place)
  }

  package init(
    threshold: UInt32, scale: Float, stream: UInt32, count: Int, input: BlockSlot,
    output: BlockSlot, gradient: BlockSlot?
  ) {
    self.threshold = threshold
    self.scale = scale
    self.stream = stream
    self.count = count
    self.input = input
    self.output = output
    self.gradient = gradient
  }

  func forward(_ c: BlockContext) { apply(c, c(input), c(output)) }

  func backward(_ c: BlockContext) {
    guard let gradient else { return }
    guard isMaskInOutput else { return apply(c, c(gradient), c(gradient)) }
    c.kernels.pointee.dropout_backward(
      count * Int(c.blockSize), scale, c(output), c(gradient), c(gradient))
  }

  func apply(
    _ c: BlockContext, _ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>
  ) {
    let mask = cs_dropout(
      seed: (
        UInt32(truncatingIfNeeded: c.seed), UInt32(truncatingIfNeeded: c.seed &>> 32)
      ),
      step: c.step, stream: DropoutOperation.tag &+ stream, threshold: threshold, scale: scale)
    withUnsafePointer(to: mask) {
      c.kernels.pointee.dropout(
        count, c.blockSize, $0, c.imageOffset &+ UInt32(truncatingIfNeeded: c.firstImage), x, y)
    }
  }
}
