import CSupport

/// Input and output of one block.
extension Work {
  /// Asks for the images of a block while the one before it is worked on: they lie anywhere in the data set, where the
  /// processor does not foresee them. Of large ones it asks for the start: the cache has other things to hold.
  func fetchImages(of block: Int) {
    let first = block * layout.blockSize
    let end = min(first + layout.blockSize, context.imageCount)
    let limit = Work.fetchedBytes / layout.blockSize
    for image in first..<end {
      let index = Int(context.images.row(of: context.indices[image]))
      switch context.images.values {
      case .bytes(let images, let stride, _):
        cs_fetch(images + index * stride, min(stride, limit))
      case .floats(let images, let stride):
        cs_fetch(images + index * stride, min(stride * MemoryLayout<Float>.stride, limit))
      }
    }
  }

  /// Of a block's images: a small part of the second-level cache.
  private static var fetchedBytes: Int { 1 << 16 }

  func loadInput(_ c: BlockContext) {
    loadImages(c, to: program.input)
    if c.slice.index == 0 { loadTargets(c) }
  }

  func loadImages(_ c: BlockContext, to slot: BlockSlot) {
    if let augmentation = program.augmentation, let epoch = context.augmentationEpoch {
      return loadAugmented(augmentation, epoch: epoch, c, to: slot)
    }
    // A slice is some of the pixels, or of the channels of one: what lies side by side in the image and in the block.
    let own = c.slice(of: program.inputChannels * program.inputPixels, granule: 16)
    let isFlat = program.inputChannels == 1
    let channels = Int32(
      truncatingIfNeeded: isFlat || c.isWhole ? program.inputChannels : own.count)
    let pixels = Int32(truncatingIfNeeded: isFlat ? own.count : program.inputPixels)
    let (first, place) = (own.lowerBound, c(slot) + own.lowerBound * Int(c.blockSize))
    gather(context.images, from: first, channels, pixels, c, to: place)
  }

  /// Values of a block's images, `channels` x `pixels` from value `first` of each.
  private func gather(
    _ source: ImageSource, from first: Int, _ channels: Int32, _ pixels: Int32, _ c: BlockContext,
    to place: UnsafeMutablePointer<Float>
  ) {
    withRows(of: source, c) { rows in
      switch source.values {
      case .bytes(let images, let stride, let divisor):
        c.kernels.pointee.gather_u8(
          channels, pixels, c.blockSize, c.lanes, images + first, stride, rows, divisor, place)
      case .floats(let images, let stride):
        c.kernels.pointee.gather_f32(
          channels, pixels, c.blockSize, c.lanes, images + first, stride, rows, 1, place)
      }
    }
  }

  /// Calls `body` with where the images of a block are among the values.
  private func withRows(
    of source: ImageSource, _ c: BlockContext, _ body: (UnsafePointer<UInt32>) -> Void
  ) {
    let indices = context.indices + c.firstImage
    guard source.rows != nil else { return body(indices) }
    var rows = [16 of UInt32](repeating: 0)
    for lane in 0..<Int(c.lanes) { rows[lane] = source.row(of: indices[lane]) }
    withUnsafePointer(to: &rows) {
      body(UnsafeRawPointer($0).assumingMemoryBound(to: UInt32.self))
    }
  }

  private func loadTargets(_ c: BlockContext) {
    let indices = context.indices + c.firstImage
    guard let source = context.targets, let target = program.targets else { return }
    switch source.answers {
    case .labels(let labels):
      if target.isLabels {
        loadLabels(labels, indices, target, c)
      } else {
        loadOneHot(labels, indices, target, c)
      }
    case .values(let values, let stride):
      gather(ImageSource(.floats(values, stride: stride)), as: target, c)
    case .images(let images): gather(images, as: target, c)
    }
  }

  private func gather(_ source: ImageSource, as target: TargetSlot, _ c: BlockContext) {
    gather(
      source, from: 0, Int32(truncatingIfNeeded: target.channels),
      Int32(truncatingIfNeeded: target.pixels), c, to: c(target.slot))
  }

  private func loadLabels(
    _ labels: UnsafePointer<UInt16>, _ indices: UnsafePointer<UInt32>, _ target: TargetSlot,
    _ c: BlockContext
  ) {
    let place = UnsafeMutableRawPointer(c(target.slot))
    let isWide = target.channels * target.pixels > 256
    for image in 0..<Int(c.lanes) {
      let label = inEngineOrder(Int(labels[Int(indices[image])]), target)
      if isWide {
        place.assumingMemoryBound(to: UInt16.self)[image] = UInt16(truncatingIfNeeded: label)
      } else {
        place.assumingMemoryBound(to: UInt8.self)[image] = UInt8(truncatingIfNeeded: label)
      }
    }
  }

  private func loadOneHot(
    _ labels: UnsafePointer<UInt16>, _ indices: UnsafePointer<UInt32>, _ target: TargetSlot,
    _ c: BlockContext
  ) {
    let place = c(target.slot)
    let blockSize = Int(c.blockSize)
    // One output tells two classes apart: it is to be the label, 0 or 1.
    guard target.channels * target.pixels > 1 else {
      for image in 0..<blockSize {
        place[image] = image < Int(c.lanes) ? Float(Int(labels[Int(indices[image])])) : 0
      }
      return
    }
    for index in 0..<target.channels * target.pixels * blockSize { place[index] = 0 }
    for image in 0..<Int(c.lanes) {
      let label = inEngineOrder(Int(labels[Int(indices[image])]), target)
      place[label * blockSize + image] = 1
    }
  }

  private func inEngineOrder(_ label: Int, _ target: TargetSlot) -> Int {
    guard target.pixels > 1 else { return label }
    let (pixel, channel) = label.quotientAndRemainder(dividingBy: target.channels)
    return channel * target.pixels + pixel
  }

  func storeOutput(_ c: BlockContext) {
    guard let outputs = context.outputs else { return }
    c.kernels.pointee.scatter_f32(
      Int32(truncatingIfNeeded: program.outputChannels),
      Int32(truncatingIfNeeded: program.outputPixels), c.blockSize, c.lanes, c(program.output),
      outputs + c.firstImage * context.outputStride, context.outputStride)
  }
}
