import FixedNetCore

/// Images with their labels or targets: one part (training or test) of a data set.
public struct ImageSet: Sendable {
  /// Values of all images, one after the other, channels last.
  public enum Pixels: Sendable {
    /// Divided by 255 as the network reads them.
    case bytes([UInt8])
    case floats([Float])
  }

  public let shape: Shape
  public let pixels: Pixels
  /// One per image; empty where there are none.
  public let labels: [UInt8]
  /// Numbers to predict, row-major [count][targetWidth]; empty where there are labels.
  public let targets: [Float]
  public let targetWidth: Int
  /// nil without labels.
  public let largestLabel: UInt8?
  public let count: Int

  /// The images' count follows from the pixels.
  public init(
    shape: Shape, pixels: Pixels, labels: [UInt8], targets: [Float] = [], targetWidth: Int = 0
  ) {
    self.shape = shape
    self.pixels = pixels
    self.labels = labels
    self.targets = targets
    self.targetWidth = targetWidth
    largestLabel = labels.max()
    let values =
      switch pixels {
      case .bytes(let bytes): bytes.count
      case .floats(let floats): floats.count
      }
    count = values / shape.elementCount
    precondition(values == count * shape.elementCount, "whole images")
    precondition(labels.isEmpty || labels.count == count, "one label per image")
    precondition(targets.count == targetWidth * count, "targets for every image")
    precondition(labels.isEmpty || targets.isEmpty, "labels or targets")
  }

  /// Calls `body` with pointers to the pixels and labels.
  func withPointers<Result>(
    _ body: (ImageSource, UnsafePointer<UInt8>?) throws -> Result
  ) rethrows -> Result {
    try labels.withUnsafeBufferPointer { labels in
      let labels = labels.isEmpty ? nil : labels.baseAddress
      switch pixels {
      case .bytes(let bytes):
        return try bytes.withUnsafeBufferPointer { pixels in
          guard let base = pixels.baseAddress else { preconditionFailure("an empty image set") }
          return try body(.bytes(base, stride: shape.elementCount, divisor: 255), labels)
        }
      case .floats(let floats):
        return try floats.withUnsafeBufferPointer { pixels in
          guard let base = pixels.baseAddress else { preconditionFailure("an empty image set") }
          return try body(.floats(base, stride: shape.elementCount), labels)
        }
      }
    }
  }
}

/// What a network is trained and tested on.
public struct DataSet: Sendable {
  /// "digits", "mnist", "fashion-mnist", or a file's name.
  public var name: String
  public var train: ImageSet
  public var test: ImageSet
  public var classNames: [String]

  public init(name: String, train: ImageSet, test: ImageSet, classNames: [String]) {
    self.name = name
    self.train = train
    self.test = test
    self.classNames = classNames
  }

  public var classCount: Int { classNames.count }
}
