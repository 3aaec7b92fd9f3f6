/// What a program does to its input in training.
package struct InputAugmentation: BitwiseCopyable, Sendable {
  package var augmentation: Augmentation
  package var height: Int
  package var width: Int

  package init(_ augmentation: Augmentation, height: Int, width: Int) {
    self.augmentation = augmentation
    self.height = height
    self.width = width
  }
}

extension Work {
  /// The images of a block as the augmentation has them, straight from the data set. Places without an image are 0.
  func loadAugmented(
    _ input: InputAugmentation, epoch: UInt32, _ c: BlockContext, to slot: BlockSlot
  ) {
    let (channels, blockSize) = (program.inputChannels, Int(c.blockSize))
    let x = c(slot)
    if Int(c.lanes) < blockSize {
      x.update(repeating: 0, count: channels * program.inputPixels * blockSize)
    }
    for lane in 0..<Int(c.lanes) {
      let index = context.indices[c.firstImage + lane]
      let amounts = input.augmentation.amounts(
        height: input.height, width: input.width, seed: c.seed, epoch: epoch, image: index)
      let transform = ImageTransform(
        height: input.height, width: input.width, amounts, fill: input.augmentation.fill)
      let row = Int(context.images.row(of: index))
      switch context.images.values {
      case .bytes(let images, let stride, let divisor):
        let image = images + row * stride
        transform.apply(channels: channels, to: x + lane, stride: blockSize) { pixel, channel in
          Float(Int(image[pixel * channels + channel])) / divisor
        }
      case .floats(let images, let stride):
        let image = images + row * stride
        transform.apply(channels: channels, to: x + lane, stride: blockSize) { pixel, channel in
          image[pixel * channels + channel]
        }
      }
    }
  }
}
