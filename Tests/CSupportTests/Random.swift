import CSupport
import FixedNetCore
import KernelCheck

/// The numbers of one draw.
struct Random {
  /// What this draw's inputs are: plain numbers in half of the draws.
  let values: kc_values
  private var reader: Philox.Reader

  init(draw: Int) {
    let philox = Philox(seed: 0x6B65_726E, stream: UInt64(draw))
    reader = philox.reader()
    values = [KC_PLAIN, KC_WIDE, KC_PLAIN, KC_WIDE, KC_PLAIN, KC_NON_FINITE][draw % 6]
  }

  mutating func seed() -> UInt64 { Philox.join(low: reader.next(), high: reader.next()) }

  mutating func word() -> UInt32 { reader.next() }

  mutating func integer(_ range: ClosedRange<Int32>) -> Int32 {
    range.lowerBound + Int32(reader.next() % UInt32(range.upperBound - range.lowerBound + 1))
  }

  mutating func count(_ range: ClosedRange<Int32>) -> Int { Int(integer(range)) }

  /// True once in `n` times.
  mutating func once(in n: UInt32) -> Bool { reader.next() % n == 0 }

  mutating func element<T>(_ array: [T]) -> T { array[Int(reader.next()) % array.count] }

  mutating func block() -> Int32 { element([1, 16]) }

  mutating func activation() -> cs_activation {
    element([CS_LINEAR, CS_TANH, CS_RELU, CS_SIGMOID, CS_SCALED_SIGMOID])
  }

  /// With and without a slope, a threshold and a limit.
  mutating func rectifier() -> cs_rectifier {
    cs_rectifier(
      negativeSlope: element([0, 0.25, -0.5]), threshold: element([0, 0, 1, -0.7]),
      maxValue: element([.infinity, 2, 6]))
  }

  mutating func rmsprop() -> cs_rmsprop {
    cs_rmsprop(
      learningRate: 0.01, rho: 0.9, gradientShare: 0.1, momentum: element([0, 0.9]),
      epsilon: element([1e-7, 1e-3]),
      isLegacy: integer(0...1))
  }

  // MARK: Shapes

  /// A convolution of 3 x 3 with strides of 1.
  mutating func winograd(extents: ClosedRange<Int32>, padding: ClosedRange<Int32>) -> cs_conv2d {
    while true {
      var s = cs_conv2d()
      s.inChannels = integer(16...element([18, 33]))
      s.outChannels = integer(16...element([18, 33]))
      (s.inHeight, s.inWidth) = (integer(extents), integer(extents))
      (s.kernelHeight, s.kernelWidth) = (3, 3)
      (s.strideHeight, s.strideWidth) = (1, 1)
      if once(in: 2) {
        (s.padTop, s.padLeft) = (integer(padding), integer(padding))
        (s.padBottom, s.padRight) = (integer(padding), integer(padding))
      }
      s.outHeight = s.inHeight + s.padTop + s.padBottom - 2
      s.outWidth = s.inWidth + s.padLeft + s.padRight - 2
      if s.outHeight > 0, s.outWidth > 0 { return s }
    }
  }

  /// A convolution of at most `work` multiply-adds per image.
  mutating func convolution(work: Int = 60_000) -> cs_conv2d {
    while true {
      var s = cs_conv2d()
      s.inChannels = integer(1...element([5, 33]))
      s.outChannels = integer(1...element([7, 33]))
      s.inHeight = integer(1...17)
      s.inWidth = integer(1...element([17, 17, 17, 40]))
      s.kernelHeight = integer(1...7)
      s.kernelWidth = once(in: 3) ? s.kernelHeight : integer(1...element([7, 7, 7, 9]))
      s.strideHeight = integer(1...element([1, 3]))
      s.strideWidth = integer(1...element([1, 3]))
      if once(in: 2) {
        s.padTop = integer(0...3)
        s.padLeft = integer(0...element([3, 3, 3, 9]))
        s.padBottom = integer(0...3)
        s.padRight = integer(0...3)
      }
      let height = s.inHeight + s.padTop + s.padBottom - s.kernelHeight
      let width = s.inWidth + s.padLeft + s.padRight - s.kernelWidth
      guard height >= 0, width >= 0 else { continue }
      s.outHeight = height / s.strideHeight + 1
      s.outWidth = width / s.strideWidth + 1
      s.isTight = once(in: 2) ? 1 : 0
      if s.outPixels * s.weights <= work { return s }
    }
  }

  /// A convolution of 1 x 1 with strides of 1, mostly of images of some size.
  mutating func pointwise(work: Int = 120_000) -> cs_conv2d {
    while true {
      var s = cs_conv2d()
      (s.inChannels, s.outChannels) = (
        integer(1...element([5, 33])), integer(1...element([9, 33]))
      )
      (s.inHeight, s.inWidth) = (integer(1...25), integer(1...25))
      (s.outHeight, s.outWidth) = (s.inHeight, s.inWidth)
      (s.kernelHeight, s.kernelWidth, s.strideHeight, s.strideWidth) = (1, 1, 1, 1)
      if s.outPixels * s.weights <= work { return s }
    }
  }

  /// A pooling in which every window holds a cell.
  mutating func pooling() -> cs_pool2d {
    while true {
      var s = cs_pool2d()
      s.channels = integer(1...9)
      s.inHeight = integer(1...17)
      s.inWidth = integer(1...17)
      s.poolHeight = integer(1...4)
      s.poolWidth = integer(1...4)
      s.strideHeight = integer(1...4)
      s.strideWidth = integer(1...4)
      if once(in: 3) {
        (s.poolHeight, s.poolWidth, s.strideHeight, s.strideWidth) = (2, 2, 2, 2)
      }
      var (bottom, right) = (Int32(0), Int32(0))
      if once(in: 2) {
        s.padTop = integer(0...s.poolHeight - 1)
        s.padLeft = integer(0...s.poolWidth - 1)
        bottom = integer(0...s.poolHeight - 1)
        right = integer(0...s.poolWidth - 1)
      }
      let height = s.inHeight + s.padTop + bottom - s.poolHeight
      let width = s.inWidth + s.padLeft + right - s.poolWidth
      guard height >= 0, width >= 0 else { continue }
      s.outHeight = height / s.strideHeight + 1
      s.outWidth = width / s.strideWidth + 1
      let lastRow = (s.outHeight - 1) * s.strideHeight - s.padTop
      let lastColumn = (s.outWidth - 1) * s.strideWidth - s.padLeft
      if lastRow < s.inHeight, lastColumn < s.inWidth { return s }
    }
  }
}

extension cs_conv2d {
  var inputs: Int { Int(inChannels * inHeight * inWidth) }
  var outPixels: Int { Int(outHeight * outWidth) }
  var outputs: Int { Int(outChannels) * outPixels }
  var taps: Int { Int(inChannels * kernelHeight * kernelWidth) }
  var weights: Int { Int(outChannels) * taps }

  var text: String {
    "\(inChannels)x\(inHeight)x\(inWidth) -> \(outChannels)x\(outHeight)x\(outWidth) "
      + "kernel \(kernelHeight)x\(kernelWidth) stride \(strideHeight)x\(strideWidth) "
      + "padding \(padTop),\(padLeft),\(padBottom),\(padRight)"
  }
}

extension cs_pool2d {
  var inputs: Int { Int(channels * inHeight * inWidth) }
  var outputs: Int { Int(channels * outHeight * outWidth) }

  var text: String {
    "\(channels)x\(inHeight)x\(inWidth) -> \(outHeight)x\(outWidth) pool "
      + "\(poolHeight)x\(poolWidth) stride \(strideHeight)x\(strideWidth) "
      + "padding \(padTop),\(padLeft)"
  }
}
