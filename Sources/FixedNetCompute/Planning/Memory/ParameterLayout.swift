/// How the engine orders a weight's values, against Keras' order. Conversion happens at the file boundary only.
package enum ParameterLayout: Equatable, Sendable {
  /// The same order.
  case plain
  /// One value per feature of a flattened image: engine [channel][pixel], Keras [pixel][channel].
  case flattened(channels: Int, pixels: Int)
  /// A dense kernel [in][out] whose inputs are a flattened image.
  case flattenedRows(channels: Int, pixels: Int, columns: Int)
  /// A convolution kernel: engine [out][in][kh][kw], Keras [kh][kw][in][out].
  case convolution(kernelHeight: Int, kernelWidth: Int, inChannels: Int, outChannels: Int)
  /// The same for blocks of one image: engine [groups][in][kh][kw][out / groups]; in and out are Keras' extents.
  case convolutionTaps(
    kernelHeight: Int, kernelWidth: Int, inChannels: Int, outChannels: Int, groups: Int = 1)

  /// Of a convolution's kernel in blocks of `blockSize` images.
  static func kernel(
    _ size: (height: Int, width: Int), inChannels: Int, outChannels: Int, groups: Int = 1,
    blockSize: Int
  ) -> ParameterLayout {
    blockSize == 1
      ? .convolutionTaps(
        kernelHeight: size.height, kernelWidth: size.width, inChannels: inChannels,
        outChannels: outChannels, groups: groups)
      : .convolution(
        kernelHeight: size.height, kernelWidth: size.width, inChannels: inChannels,
        outChannels: outChannels)
  }

  /// The engine's extents of a weight of Keras' shape.
  func engineShape(_ shape: [Int]) -> [Int] {
    if case .convolution(let height, let width, let input, let output) = self {
      return [output, input, height, width]
    }
    if case .convolutionTaps(let height, let width, let input, let output, let groups) = self {
      return [groups * input, height, width, output / groups]
    }
    return shape
  }

  /// Values in the engine's order from values in Keras' order.
  package func engineValues(_ keras: [Float]) -> [Float] {
    guard self != .plain else { return keras }
    var engine = [Float](repeating: 0, count: keras.count)
    forEachPair { engine[$0] = keras[$1] }
    return engine
  }

  /// Values in Keras' order from values in the engine's order.
  package func kerasValues(_ engine: [Float]) -> [Float] {
    guard self != .plain else { return engine }
    var keras = [Float](repeating: 0, count: engine.count)
    forEachPair { keras[$1] = engine[$0] }
    return keras
  }

  /// Calls `body(engine index, Keras index)` for every value.
  private func forEachPair(_ body: (Int, Int) -> Void) {
    switch self {
    case .plain: break
    case .flattened(let channels, let pixels):
      ParameterLayout.flattened(channels, pixels, columns: 1, body)
    case .flattenedRows(let channels, let pixels, let columns):
      ParameterLayout.flattened(channels, pixels, columns: columns, body)
    case .convolution(let height, let width, let input, let output):
      for o in 0..<output {
        for i in 0..<input {
          for tap in 0..<height * width {
            body((o * input + i) * height * width + tap, (tap * input + i) * output + o)
          }
        }
      }
    case .convolutionTaps(let height, let width, let input, let output, let groups):
      let own = output / groups
      for row in 0..<groups * input {
        let (group, i) = row.quotientAndRemainder(dividingBy: input)
        for tap in 0..<height * width {
          for o in 0..<own {
            body(
              (row * height * width + tap) * own + o, (tap * input + i) * output + group * own + o)
          }
        }
      }
    }
  }

  private static func flattened(
    _ channels: Int, _ pixels: Int, columns: Int, _ body: (Int, Int) -> Void
  ) {
    for channel in 0..<channels {
      for pixel in 0..<pixels {
        for column in 0..<columns {
          body(
            (channel * pixels + pixel) * columns + column,
            (pixel * channels + channel) * columns + column)
        }
      }
    }
  }
}
