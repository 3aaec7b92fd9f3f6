import FixedNetCore

/// Values of images in a file that is mapped into memory: the system reads them where they are needed, and lets go of them
/// where memory is short. Some of the images are their places in the file, and no copy.
public struct MappedPixels: @unchecked Sendable {
  /// Unmaps the file when nobody has it any more. Nothing writes to the values as long as it lives.
  private let owner: AnyObject
  private let start: UnsafeRawPointer
  /// Whether values are bytes, of which networks see a 255th; else they are floats.
  package let isBytes: Bool
  /// Values of an image.
  package let width: Int
  /// Where each image is among those in the file; nil: all of them in order.
  package private(set) var rows: [UInt32]?
  package private(set) var imageCount: Int
  /// Where the file is, for what is said of it.
  package let folder: String

  /// `start`: `imageCount` images of `width` values, which stay there and unchanged as long as `owner` lives.
  package init(
    owner: AnyObject, start: UnsafeRawPointer, isBytes: Bool, imageCount: Int, width: Int,
    folder: String
  ) {
    (self.owner, self.start, self.isBytes, self.width) = (owner, start, isBytes, width)
    (self.imageCount, self.folder) = (imageCount, folder)
  }

  /// Values of all images.
  public var count: Int { imageCount * width }

  /// Some of the images, in this order.
  func images(at places: [Int]) -> MappedPixels {
    var part = self
    part.rows = places.map { rows?[$0] ?? UInt32($0) }
    part.imageCount = places.count
    return part
  }

  /// Calls `body` with the bytes of each image, in order.
  package func forEachImage(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
    let size = width * (isBytes ? 1 : MemoryLayout<Float>.stride)
    try withExtendedLifetime(owner) {
      for image in 0..<imageCount {
        let row = rows.map { Int($0[image]) } ?? image
        try body(UnsafeRawBufferPointer(start: start + row * size, count: size))
      }
    }
  }

  /// Calls `body` with the values as an array has them; nil where they are bytes, or not in order.
  package func withFloats<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows
    -> Result?
  {
    guard !isBytes, rows == nil else { return nil }
    return try withExtendedLifetime(owner) {
      try body(
        UnsafeBufferPointer(start: start.assumingMemoryBound(to: Float.self), count: count))
    }
  }

  /// Calls `body` with where the values are.
  func withSource<Result>(_ body: (ImageSource) throws -> Result) rethrows -> Result {
    let values: ImageSource.Values =
      isBytes
      ? .bytes(start.assumingMemoryBound(to: UInt8.self), stride: width, divisor: 255)
      : .floats(start.assumingMemoryBound(to: Float.self), stride: width)
    return try withExtendedLifetime(owner) {
      guard let rows else { return try body(ImageSource(values)) }
      return try rows.withUnsafeBufferPointer {
        try body(ImageSource(values, rows: $0.baseAddress))
      }
    }
  }
}

extension ImageSet.Pixels {
  package var count: Int {
    switch self {
    case .bytes(let bytes): bytes.count
    case .floats(let floats): floats.count
    case .mapped(let mapped): mapped.count
    }
  }

  /// Some of the images, in this order. `width`: values of an image.
  package func images(at places: [Int], width: Int) -> ImageSet.Pixels {
    func rows<Value>(_ values: [Value]) -> [Value] {
      var result: [Value] = []
      result.reserveCapacity(places.count * width)
      for place in places { result += values[place * width..<(place + 1) * width] }
      return result
    }
    return switch self {
    case .bytes(let bytes): .bytes(rows(bytes))
    case .floats(let floats): .floats(rows(floats))
    case .mapped(let mapped): .mapped(mapped.images(at: places))
    }
  }

  /// All values as a network sees them, in an array of their own.
  package var floats: [Float] {
    switch self {
    case .bytes(let bytes):
      return [Float](unsafeUninitializedCapacity: bytes.count) { result, filled in
        bytes.withUnsafeBufferPointer { ValueScan.scale($0, by: 255, to: result) }
        filled = bytes.count
      }
    case .floats(let floats): return floats
    case .mapped(let mapped):
      var values: [Float] = []
      values.reserveCapacity(mapped.count)
      mapped.forEachImage { image in
        if mapped.isBytes {
          values += image.lazy.map { Float($0) / 255 }
        } else {
          values += image.bindMemory(to: Float.self)
        }
      }
      return values
    }
  }

  /// Calls `body` with all values; nil where they are bytes, or some of those of a file.
  package func withFloats<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows
    -> Result?
  {
    switch self {
    case .bytes: nil
    case .floats(let floats): try floats.withUnsafeBufferPointer(body)
    case .mapped(let mapped): try mapped.withFloats(body)
    }
  }
}
