import FixedNetCore
import Foundation

extension DataSet {
  /// The built-in data set: 28x28 grey digits drawn by the program, a pure function of the seed.
  public static func digits(
    seed: UInt64 = 0, trainCount: Int = 60_000, testCount: Int = 10_000
  ) -> DataSet {
    DataSet(
      name: "digits", train: ImageSet.digits(seed: seed, split: .train, count: trainCount),
      test: ImageSet.digits(seed: seed, split: .test, count: testCount),
      classNames: (0..<Digits.classCount).map(String.init))
  }
}

extension ImageSet {
  /// Drawn on all cores, in stretches; each image depends on its index only.
  static func digits(seed: UInt64, split: Digits.Split, count: Int) -> ImageSet {
    let side = Digits.side
    guard count > 0 else {
      return ImageSet(
        shape: .image(height: side, width: side, channels: 1), pixels: .bytes([]), labels: [])
    }
    let stretch = 250
    var labels = [UInt8](repeating: 0, count: count)
    let pixels = [UInt8](unsafeUninitializedCapacity: count * side * side) { pixels, written in
      labels.withUnsafeMutableBufferPointer { labels in
        let target = DrawingTarget(pixels: pixels.baseAddress!, labels: labels.baseAddress!)
        DispatchQueue.concurrentPerform(iterations: (count + stretch - 1) / stretch) { part in
          Digits.draw(
            seed: seed, split: split, indices: part * stretch..<min(count, (part + 1) * stretch),
            pixels: target.pixels, labels: target.labels)
        }
      }
      written = count * side * side
    }
    return ImageSet(
      shape: .image(height: side, width: side, channels: 1), pixels: .bytes(pixels),
      labels: labels.map(UInt16.init))
  }
}

/// Where the threads draw; each writes a stretch of its own.
private struct DrawingTarget: @unchecked Sendable {
  let pixels: UnsafeMutablePointer<UInt8>
  let labels: UnsafeMutablePointer<UInt8>
}

extension Digits {
  /// Draws the digits `indices`, each to its own place.
  fileprivate static func draw(
    seed: UInt64, split: Split, indices: Range<Int>, pixels: UnsafeMutablePointer<UInt8>,
    labels: UnsafeMutablePointer<UInt8>
  ) {
    for index in indices {
      labels[index] = draw(
        seed: seed, split: split, index: index, into: pixels + index * side * side)
    }
  }
}
