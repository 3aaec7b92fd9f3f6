/// Sums over the values of images, channels last, one per channel: what Normalization is adapted with. In order, in
/// double.
public enum ChannelSums {
  /// sums[c] += sum of (value - means[c])^power over the values of channel c; power is 1 or 2. Images' bytes are divided
  /// as the network does it.
  /// Shapes: images [count, stride], stride a multiple of the channels; means, sums [channels].
  public static func add(
    _ images: ImageSource, count: Int, power: Int, channels: Int,
    means: UnsafePointer<Double>, to sums: UnsafeMutablePointer<Double>
  ) {
    switch images {
    case .bytes(let pixels, let stride, let divisor):
      for index in 0..<count * stride {
        // By way of Int: a byte's own conversion is generic on 32 bits, and takes an array there.
        let value = Double(Float(Int(pixels[index])) / divisor) - means[index % channels]
        sums[index % channels] += power == 1 ? value : value * value
      }
    case .floats(let pixels, let stride):
      for index in 0..<count * stride {
        let value = Double(pixels[index]) - means[index % channels]
        sums[index % channels] += power == 1 ? value : value * value
      }
    }
  }
}
