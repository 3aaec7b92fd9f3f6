/// Sums over the values of images, channels last, one per channel: what Normalization is adapted with. In order, in
/// double.
package enum ChannelSums {
  /// sums[c] += sum of (value - means[c])^power over the values of channel c; power is 1 or 2. Images' bytes are divided
  /// as the network does it.
  /// Shapes: images [count, stride], stride a multiple of the channels; means, sums [channels].
  package static func add(
    _ images: ImageSource, count: Int, power: Int, channels: Int,
    means: UnsafePointer<Double>, to sums: UnsafeMutablePointer<Double>
  ) {
    for image in 0..<count {
      let row = Int(images.row(of: UInt32(truncatingIfNeeded: image)))
      switch images.values {
      case .bytes(let pixels, let stride, let divisor):
        for index in 0..<stride {
          // By way of Int: a byte's own conversion is generic on 32 bits, and takes an array there.
          let pixel = Float(Int(pixels[row * stride + index])) / divisor
          let value = Double(pixel) - means[index % channels]
          sums[index % channels] += power == 1 ? value : value * value
        }
      case .floats(let pixels, let stride):
        for index in 0..<stride {
          let value = Double(pixels[row * stride + index]) - means[index % channels]
          sums[index % channels] += power == 1 ? value : value * value
        }
      }
    }
  }
}
