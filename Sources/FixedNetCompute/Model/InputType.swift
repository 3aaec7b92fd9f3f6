/// The type of a model's input: whole numbers, where Keras cuts off what is behind the point and whatever does not fit.
public enum InputType: String, CaseIterable, Sendable {
  /// Any number.
  case float32
  /// Whole numbers of this type.
  case uint8, uint16, uint32, int8, int16, int32, int64

  /// The whole numbers that it holds; nil for float32.
  public var range: ClosedRange<Float>? {
    switch self {
    case .float32: nil
    case .uint8: 0...255
    case .uint16: 0...65_535
    // Beyond 2^24 not every whole number is a float32.
    case .uint32: 0...0x1p24
    case .int8: -128...127
    case .int16: -32_768...32_767
    case .int32, .int64: -0x1p24...0x1p24
    }
  }

  /// The first of these values that Keras would change before a layer sees it; nil where it takes all as they are.
  func firstChanged(_ images: ImageSet) -> Float? {
    guard let range else { return nil }
    switch images.pixels {
    // Networks see a 255th of them.
    case .bytes(let bytes):
      return bytes.first { $0 != 0 && $0 != 255 }.map { Float($0) / 255 }
    case .floats(let values): return values.first { InputType.isChanged($0, range) }
    case .mapped(let mapped):
      var changed: Float?
      mapped.forEachImage { image in
        guard changed == nil else { return }
        changed =
          mapped.isBytes
          ? image.first { $0 != 0 && $0 != 255 }.map { Float($0) / 255 }
          : image.bindMemory(to: Float.self).first { InputType.isChanged($0, range) }
      }
      return changed
    }
  }

  private static func isChanged(_ value: Float, _ range: ClosedRange<Float>) -> Bool {
    !(range.contains(value) && value == value.rounded(.towardZero))
  }

  /// The same for values in memory.
  /// Throws: `NetworkError.wholeNumbers`.
  func check(_ values: UnsafeBufferPointer<Float>) throws(NetworkError) {
    guard let range else { return }
    for value in values where InputType.isChanged(value, range) {
      throw .wholeNumbers(self, found: value)
    }
  }
}

extension Model {
  /// Whole numbers go through layers that only move or choose them, up to one that computes in float32 whatever it gets.
  /// Others would compute with whole numbers in Keras.
  /// Throws: `ModelError.config`.
  func checkInputType() throws(ModelError) {
    guard inputType != .float32 else { return }
    let sources = try sources()
    var isWhole = [Bool](repeating: false, count: layers.count)
    for (position, layer) in layers.enumerated()
    where sources[position].contains(where: { $0 < 0 || isWhole[$0] }) {
      switch layer {
      case is Flatten, is Dropout, is MaxPooling2D: isWhole[position] = true
      case let rectifier as ReLU where rectifier.rectifier.isPlain: isWhole[position] = true
      case let activation as Activation where [.linear, .relu].contains(activation.function):
        isWhole[position] = true
      case is Rescaling, is Normalization, is BatchNormalization, is Dense, is Conv2D, is LeakyReLU:
        continue
      default:
        throw .config(
          layer: layer.name, key: "its input",
          expected: "float32, which a Rescaling layer in front makes of \(inputType.rawValue)",
          found: inputType.rawValue)
      }
    }
  }
}
