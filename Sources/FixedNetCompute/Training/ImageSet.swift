import FixedNetCore

/// Images with their labels or targets: one part (training or test) of a data set. It holds whatever it is given; a
/// network that is to use it refuses it where the arrays do not go together, see `check`.
public struct ImageSet: Sendable {
  /// Values of all images, one after the other, channels last.
  public enum Pixels: Sendable {
    /// Divided by 255 as the network reads them.
    case bytes([UInt8])
    /// As they are, [sample][row][column][channel].
    case floats([Float])
    /// In a file that is mapped: what `DataFile` makes of sets that are larger than the memory that is free.
    case mapped(MappedPixels)
  }

  /// The extents of one sample.
  public let shape: Shape
  /// Of all samples.
  public let pixels: Pixels
  /// One per image; empty where there are none.
  public let labels: [UInt16]
  /// Values that the outputs should have, [count][targetWidth], channels last; empty where there are labels or none.
  public let targets: [Float]
  /// Targets of one sample.
  public let targetWidth: Int
  /// Whether each sample is its own target, which is kept once: `targets` is empty then.
  package private(set) var areOwnTargets = false
  /// How much the loss of each image counts, as Keras' sample_weight; empty: all 1.
  public let sampleWeights: [Float]
  /// nil without labels.
  public let largestLabel: UInt16?
  /// Whole images.
  public let count: Int

  /// The images' count follows from the pixels.
  public init(
    shape: Shape, pixels: Pixels, labels: [UInt16], targets: [Float] = [], targetWidth: Int = 0,
    sampleWeights: [Float] = []
  ) {
    self.shape = shape
    self.pixels = pixels
    self.labels = labels
    self.targets = targets
    self.targetWidth = targetWidth
    self.sampleWeights = sampleWeights
    largestLabel = labels.max()
    count = shape.isUsable ? pixels.count / shape.elementCount : 0
  }

  /// Refuses arrays that do not go together: pixels that are no whole images, another number of labels, targets
  /// or weights than of images, labels and targets at once; and a set without images.
  /// Throws: `NetworkError.malformedImages`, `.noImages`.
  public func check() throws(NetworkError) {
    guard shape.isUsable else {
      throw .malformedImages(
        what: "shape", expected: "extents from 1 to 2^24 and at most 2^31 - 1 values",
        found: "\(shape)")
    }
    guard pixels.count == count * shape.elementCount else {
      throw .malformedImages(
        what: "pixels", expected: "whole images of \(shape) (\(shape.elementCount) values each)",
        found: "\(pixels.count) values")
    }
    if case .mapped(let mapped) = pixels, mapped.width != shape.elementCount {
      throw .malformedImages(
        what: "pixels", expected: "images of \(shape)", found: "images of \(mapped.width) values")
    }
    guard labels.isEmpty || targets.isEmpty else {
      throw .malformedImages(what: "answers", expected: "labels or targets", found: "both")
    }
    guard labels.isEmpty || labels.count == count else {
      throw .malformedImages(
        what: "labels", expected: "\(count), one per image", found: "\(labels.count)")
    }
    let width = Shape.product(count, targetWidth)
    guard targets.isEmpty || targetWidth > 0 && targets.count == width else {
      throw .malformedImages(
        what: "targets", expected: "\(targetWidth) values for each of \(count) images",
        found: "\(targets.count)")
    }
    guard sampleWeights.isEmpty || sampleWeights.count == count else {
      throw .malformedImages(
        what: "sampleWeights", expected: "\(count), one per image", found: "\(sampleWeights.count)")
    }
    guard count > 0 else { throw .noImages }
    guard count <= Int(Int32.max) else {
      throw .malformedImages(what: "size", expected: "at most 2^31 - 1 images", found: "\(count)")
    }
  }

  /// Whether it says what the outputs should be.
  public var hasTargets: Bool { !labels.isEmpty || predictsNumbers }

  /// Whether what the outputs should be are numbers.
  package var predictsNumbers: Bool { areOwnTargets || !targets.isEmpty }

  /// The numbers that the outputs should be, [count][targetWidth], in an array of their own.
  package var targetValues: [Float] { areOwnTargets ? pixels.floats : targets }

  /// The same samples, each with its own values as what the outputs should be.
  package var learningItself: ImageSet {
    var result = ImageSet(
      shape: shape, pixels: pixels, labels: [], targetWidth: shape.elementCount,
      sampleWeights: sampleWeights)
    result.areOwnTargets = true
    return result
  }

  /// Calls `body` with pointers to the pixels and to the labels or targets.
  func withPointers<Result>(
    _ body: (ImageSource, TargetSource?) throws -> Result
  ) rethrows -> Result {
    try withSource { source in
      try withTargets(source) { try body(source, $0) }
    }
  }

  private func withSource<Result>(_ body: (ImageSource) throws -> Result) rethrows -> Result {
    switch pixels {
    case .bytes(let bytes):
      return try bytes.withUnsafeBufferPointer { pixels in
        guard let base = pixels.baseAddress else { preconditionFailure("an empty image set") }
        return try body(
          ImageSource(.bytes(base, stride: shape.elementCount, divisor: 255)))
      }
    case .floats(let floats):
      return try floats.withUnsafeBufferPointer { pixels in
        guard let base = pixels.baseAddress else { preconditionFailure("an empty image set") }
        return try body(ImageSource(.floats(base, stride: shape.elementCount)))
      }
    case .mapped(let mapped): return try mapped.withSource(body)
    }
  }

  private func withTargets<Result>(
    _ source: ImageSource, _ body: (TargetSource?) throws -> Result
  ) rethrows -> Result {
    try withAnswers(source) { answers in
      guard let answers else { return try body(nil) }
      return try sampleWeights.withUnsafeBufferPointer { weights in
        try body(TargetSource(answers, weights: weights.isEmpty ? nil : weights.baseAddress))
      }
    }
  }

  private func withAnswers<Result>(
    _ source: ImageSource, _ body: (TargetSource.Answers?) throws -> Result
  ) rethrows -> Result {
    if areOwnTargets { return try body(.images(source)) }
    return try labels.withUnsafeBufferPointer { labels in
      if let base = labels.baseAddress, !labels.isEmpty { return try body(.labels(base)) }
      return try targets.withUnsafeBufferPointer { values in
        guard let base = values.baseAddress, !values.isEmpty else { return try body(nil) }
        return try body(.values(base, stride: targetWidth))
      }
    }
  }

  /// The same images with a weight for each class, as Keras' class_weight: a sample's weight is multiplied by its class'.
  /// Labels without an entry count 1.
  public func weighted(byClass classWeights: [Float]) -> ImageSet {
    // Arrays that do not go together stay as they are, to be refused where they are used.
    guard !labels.isEmpty, sampleWeights.isEmpty || sampleWeights.count == labels.count else {
      return self
    }
    let weights = labels.enumerated().map { index, label in
      let own = sampleWeights.isEmpty ? 1 : sampleWeights[index]
      return Int(label) < classWeights.count ? own * classWeights[Int(label)] : own
    }
    return ImageSet(
      shape: shape, pixels: pixels, labels: labels, targets: targets, targetWidth: targetWidth,
      sampleWeights: weights)
  }

  /// Per channel the sum of (value - mean)^power over all values as a network sees them; power is 1 or 2.
  func channelSums(power: Int, means: [Double]) -> [Double] {
    guard count > 0 else { return [Double](repeating: 0, count: means.count) }
    return withPointers { source, _ in
      [Double](unsafeUninitializedCapacity: means.count) { sums, filled in
        sums.initialize(repeating: 0)
        filled = means.count
        means.withUnsafeBufferPointer { means in
          guard let base = means.baseAddress, let result = sums.baseAddress else { return }
          ChannelSums.add(
            source, count: count, power: power, channels: means.count, means: base, to: result)
        }
      }
    }
  }
}

/// What a network is trained and tested on.
public struct DataSet: Sendable {
  /// "digits", "mnist", "fashion-mnist", or a file's name.
  public var name: String
  /// What networks learn from.
  public var train: ImageSet
  /// What they are measured on.
  public var test: ImageSet
  /// By their labels; empty where numbers are to be predicted.
  public var classNames: [String]

  /// `classNames`: by their labels.
  public init(name: String, train: ImageSet, test: ImageSet, classNames: [String]) {
    self.name = name
    self.train = train
    self.test = test
    self.classNames = classNames
  }

  /// Names of classes.
  public var classCount: Int { classNames.count }
}
