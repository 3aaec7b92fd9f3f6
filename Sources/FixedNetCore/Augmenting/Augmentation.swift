/// How the images of a training step differ from those of the data set: each is shifted, turned, zoomed and mirrored by
/// amounts that are a function of (seed, epoch, its number in the data set). No batch, block, thread or part of a
/// mini-batch changes them, and a resumed run draws the same.
///
/// Source: Keras' `ImageDataGenerator`, whose order of transformations this is; the zoom is one for both axes.
public struct Augmentation: BitwiseCopyable, Sendable, Equatable {
  /// What lies beyond the image's border.
  public enum Fill: UInt8, BitwiseCopyable, Sendable {
    /// aaaa|abcd|dddd
    case nearest
    /// dcba|abcd|dcba
    case reflect
    /// 0000|abcd|0000
    case constant
  }

  /// Along each axis by up to this part of the extent, both ways; 0 ... 1.
  public var shift = 0.0
  /// By up to this angle, both ways. Units: degrees; 0 ... 180.
  public var rotation = 0.0
  /// By a factor of 1 - zoom ... 1 + zoom; 0 ..< 1.
  public var zoom = 0.0
  /// Left and right change places in every second image.
  public var flipsHorizontally = false
  /// Top and bottom do.
  public var flipsVertically = false
  /// What is taken for cells beyond the border.
  public var fill = Fill.nearest

  /// Images stay as they are.
  public init() {}

  /// Whether every image stays as it is.
  public var isNone: Bool {
    shift == 0 && rotation == 0 && zoom == 0 && !flipsHorizontally && !flipsVertically
  }

  /// "aug" in front of a number.
  private static let tag: UInt32 = 0x6175_6700

  /// What is done to one image.
  package struct Amounts: BitwiseCopyable, Sendable, Equatable {
    /// Counterclockwise, from -180 to 180. Units: degrees.
    package var rotation = 0.0
    /// Units: pixels.
    package var rows = 0.0
    package var columns = 0.0
    /// Above 1 the image gets smaller.
    package var zoom = 1.0
    /// Whether top and bottom, and left and right, change places.
    package var flipsVertically = false
    package var flipsHorizontally = false

    package init() {}
  }

  /// What is done to image number `image` of the data set in an epoch, if it has this many rows and columns. Rows of
  /// features are an image of one column.
  package func amounts(
    height: Int, width: Int, seed: UInt64, epoch: UInt32, image: UInt32
  ) -> Amounts {
    let philox = Philox(
      seed: seed, stream: Philox.join(low: epoch, high: Augmentation.tag))
    let first = philox.words(at: Philox.join(low: image, high: 0))
    let second = philox.words(at: Philox.join(low: image, high: 1))
    // From -limit to limit.
    func uniform(_ word: UInt32, _ limit: Double) -> Double {
      limit * ((Double(Int(truncatingIfNeeded: word >> 1)) + 0.5) / 0x1p30 - 1)
    }
    var amounts = Amounts()
    amounts.rotation = uniform(first.0, rotation)
    if height > 1 { amounts.rows = uniform(first.1, shift) * Double(height) }
    if width > 1 { amounts.columns = uniform(first.2, shift) * Double(width) }
    amounts.zoom = 1 + uniform(first.3, zoom)
    amounts.flipsVertically = flipsVertically && second.0 < 1 << 31
    amounts.flipsHorizontally = flipsHorizontally && second.1 < 1 << 31
    return amounts
  }
}
