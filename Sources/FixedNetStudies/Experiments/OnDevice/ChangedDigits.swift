import FixedNet
import FixedNetCore

/// How digits look to a device that is not where the training's were taken, in whole numbers.
enum ChangedDigits: String, CaseIterable {
  case shifted
  case noisy

  var title: String {
    switch self {
    case .shifted:
      "shifted: \(ChangedDigits.right) pixels to the right, \(ChangedDigits.down) down"
    case .noisy: "noisy: a deviation of \(Format.fixed(ChangedDigits.deviation, 2)) of white"
    }
  }

  private static let (right, down) = (4, 3)
  /// Of 256: what the noise is multiplied by.
  private static let strength = 208
  /// Of a sum of four bytes that are drawn evenly.
  private static let deviation = 147.8 / 255 * Double(strength) / 256

  /// Images of bytes, each one changed alike, or with noise of its own that depends on `first` and its place.
  func images(_ set: ImageSet, of name: String, first: Int) throws(StudyError) -> ImageSet {
    let images = try GreyImages(set, of: name)
    let side = GreyImages.side
    var bytes = [UInt8](repeating: 0, count: images.pixels.count)
    for image in 0..<images.count {
      let start = image * side * side
      var reader = Philox(seed: 1, stream: 0x6E6F_6973_0000_0000 | UInt64(first + image)).reader()
      for place in 0..<side * side {
        switch self {
        case .shifted:
          let (row, column) = (
            place / side - ChangedDigits.down, place % side - ChangedDigits.right
          )
          guard row >= 0, column >= 0 else { continue }
          bytes[start + place] = images.pixels[start + row * side + column]
        case .noisy:
          let word = reader.next()
          let sum = (0..<4).reduce(0) { $0 + Int(word >> (8 * $1) & 255) }
          let noise = (sum - 510) * ChangedDigits.strength / 256
          bytes[start + place] = UInt8(max(0, min(255, Int(images.pixels[start + place]) + noise)))
        }
      }
    }
    return ImageSet(shape: set.shape, pixels: .bytes(bytes), labels: images.labels)
  }
}
