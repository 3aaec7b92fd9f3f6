import CSupport

/// What one run of a program works on. The host fills it; every thread of the team reads it.
package struct RunContext {
  /// The kernels of the instruction set in use.
  package var kernels: UnsafePointer<cs_kernels>
  /// The threads; nil runs everything on the caller.
  package var team: OpaquePointer?
  package var threadCount: Int
  /// What becomes of floats below the smallest normal one, on every thread.
  package var subnormals = CS_FLUSH_SUBNORMALS

  /// Images, channels last: bytes (divided by `divisor`) or floats.
  package var images: ImageSource
  /// What the outputs should be; nil where no loss is asked for.
  package var targets: TargetSource?
  /// The images of this run, as positions in the data set.
  package var indices: UnsafePointer<UInt32>
  package var imageCount: Int

  /// Loss and hit (1 or 0) of each image of this run; needed where `targets` is given.
  package var losses: UnsafeMutablePointer<Float>?
  package var hits: UnsafeMutablePointer<Float>?
  /// What the loss and the gradient of each image of this run are multiplied by; nil: 1.
  package var imageWeights: UnsafePointer<Float>?
  /// Whether every target of the mini-batch is 0 or 1.
  package var targetsAreBinary = false
  /// Outputs, channels last, `outputStride` floats apart; inference only.
  package var outputs: UnsafeMutablePointer<Float>?
  package var outputStride: Int = 0

  /// The step that an optimiser takes; nil computes gradients and leaves the weights.
  package var update: UpdateRule?
  /// What the gradient of each image's loss is multiplied by: 1 / images of the mini-batch, where the loss is their mean.
  package var gradientScale: Float
  /// Whether gradients are added to those of the runs before: a mini-batch in several parts.
  package var accumulates = false
  /// Whether the mini-batch ends with this run: the gradients are then completed by the penalty's part.
  package var isLastPart = true
  package var clipping = Clipping.none

  /// What the random numbers of dropout depend on: the run's seed, the step, and the position of this run's first image
  /// in the mini-batch.
  package var seed: UInt64 = 0
  package var step: UInt32 = 0
  package var imageOffset: UInt32 = 0
  /// What the random numbers of an augmentation depend on beside the seed and the image; nil leaves images as they are.
  package var augmentationEpoch: UInt32?
  /// Whether the input slots hold these images already: a full batch is loaded once.
  package var inputIsLoaded = false
  /// Whether threads that have no block left share one: see `SharedBlock`.
  package var sharing = Sharing.worthwhile
  /// Where the operations' times are added up; nil measures nothing.
  package var clock: OperationClock?

  package enum Sharing: Int, Sendable {
    case never
    /// Where the plan expects it to be faster.
    case worthwhile
    /// Whatever can be cut is, however small: the same bits, for tests.
    case everywhere
  }

  package init(
    kernels: UnsafePointer<cs_kernels>, team: OpaquePointer?, threadCount: Int,
    images: ImageSource, indices: UnsafePointer<UInt32>, imageCount: Int
  ) {
    gradientScale = imageCount > 0 ? 1 / Float(imageCount) : 0
    self.kernels = kernels
    self.team = team
    self.threadCount = threadCount
    self.images = images
    self.indices = indices
    self.imageCount = imageCount
  }
}

/// The images of a data set.
package struct ImageSource {
  /// `stride` elements apart, each [pixels][channels].
  package enum Values {
    /// Pixel values are divided by `divisor`.
    case bytes(UnsafePointer<UInt8>, stride: Int, divisor: Float)
    case floats(UnsafePointer<Float>, stride: Int)
  }

  package var values: Values
  /// Where each image of the set is among those that the values are of; nil: in the same order.
  package var rows: UnsafePointer<UInt32>?

  package init(_ values: Values, rows: UnsafePointer<UInt32>? = nil) {
    self.values = values
    self.rows = rows
  }

  /// Where an image of the set is among the values.
  package func row(of image: UInt32) -> UInt32 {
    if let rows { rows[Int(image)] } else { image }
  }
}

/// What the outputs for the images of a data set should be, in the order of the images.
package struct TargetSource {
  package enum Answers {
    /// The number of the class of each image.
    case labels(UnsafePointer<UInt16>)
    /// A value per output, channels last, `stride` floats from image to image.
    case values(UnsafePointer<Float>, stride: Int)
    /// What each image is itself, as it is before any augmentation.
    case images(ImageSource)
  }

  package var answers: Answers
  /// How much each image counts; nil: 1.
  package var weights: UnsafePointer<Float>?

  package init(_ answers: Answers, weights: UnsafePointer<Float>? = nil) {
    self.answers = answers
    self.weights = weights
  }
}

/// What an operation sees while it works on one block: where the block's, its thread's and the shared slots are.
package struct BlockContext {
  package var kernels: UnsafePointer<cs_kernels>
  package var shared: UnsafeMutableRawPointer
  package var thread: UnsafeMutableRawPointer
  /// Where the block's passing slots are: the part of the first of the threads that work on it.
  package var passing: UnsafeMutableRawPointer
  package var block: UnsafeMutableRawPointer
  /// Images per block, B.
  package var blockSize: Int32
  /// How many of them hold an image.
  package var lanes: Int32
  /// Position of the block's first image in the run.
  package var firstImage: Int
  /// Images of the whole run.
  package var imageCount: Int
  /// Whether the block's targets have been loaded.
  package var hasTargets: Bool
  package var losses: UnsafeMutablePointer<Float>?
  package var hits: UnsafeMutablePointer<Float>?
  /// Of the run's images; nil: 1.
  package var imageWeights: UnsafePointer<Float>?
  package var targetsAreBinary: Bool
  package var gradientScale: Float
  package var seed: UInt64
  package var step: UInt32
  /// Of the run in the mini-batch.
  package var imageOffset: UInt32
  /// What this thread is to do of each operation.
  var slice = cs_slice(index: 0, count: 1)
  /// The threads that do the rest.
  var group = BlockGroup()

  func callAsFunction(_ slot: SharedSlot) -> UnsafeMutablePointer<Float> {
    (shared + slot.byteOffset).assumingMemoryBound(to: Float.self)
  }
  func callAsFunction(_ slot: ThreadSlot) -> UnsafeMutablePointer<Float> {
    (thread + slot.byteOffset).assumingMemoryBound(to: Float.self)
  }
  func callAsFunction(_ slot: BlockSlot) -> UnsafeMutablePointer<Float> {
    ((slot.isPassing ? passing : block) + slot.byteOffset).assumingMemoryBound(to: Float.self)
  }
}

/// Neighbouring threads that work on one block together.
struct BlockGroup {
  var team: OpaquePointer?
  var first = 0
  var count = 1

  /// Waits for all of them.
  func meet() {
    cs_team_meet(team, Int32(truncatingIfNeeded: first), Int32(truncatingIfNeeded: count))
  }
}

extension BlockContext {
  var isWhole: Bool { slice.count == 1 }

  /// This thread's part of 0 ..< count, cut at multiples of `granule`.
  func slice(of count: Int, granule: Int = 1) -> Range<Int> {
    guard !isWhole else { return 0..<count }
    let parts = (count + granule - 1) / granule
    let first = parts * Int(slice.index) / Int(slice.count) * granule
    let end = parts * (Int(slice.index) + 1) / Int(slice.count) * granule
    return min(first, count)..<min(end, count)
  }

  /// This thread's part of a slot's numbers, where it has `count` for each image.
  func elements(_ count: Int) -> Range<Int> {
    slice(of: count * Int(blockSize), granule: 16)
  }

  /// In the midst of an operation that is cut: waits until the others are there too.
  func meet() {
    if !isWhole { group.meet() }
  }
}

/// What an operation sees while it works on the whole batch: every block, and the share of one thread.
package struct BatchContext {
  package var kernels: UnsafePointer<cs_kernels>
  package var shared: UnsafeMutableRawPointer
  package var thread: UnsafeMutableRawPointer
  package var blocks: UnsafeMutableRawPointer
  package var blockStride: Int
  /// Blocks in use: ceil(imageCount / blockSize).
  package var blockCount: Int
  package var blockSize: Int
  package var imageCount: Int
  package var threadIndex: Int
  package var threadCount: Int
  package var accumulates: Bool
  package var isLastPart: Bool
  package var clipping: Clipping
  package var update: UpdateRule?

  func callAsFunction(_ slot: SharedSlot) -> UnsafeMutablePointer<Float> {
    (shared + slot.byteOffset).assumingMemoryBound(to: Float.self)
  }
  func callAsFunction(_ slot: ThreadSlot) -> UnsafeMutablePointer<Float> {
    (thread + slot.byteOffset).assumingMemoryBound(to: Float.self)
  }
  /// `slot`: not a passing one.
  func callAsFunction(_ slot: BlockSlot, block: Int) -> UnsafeMutablePointer<Float> {
    (blocks + (block * blockStride + slot.byteOffset)).assumingMemoryBound(to: Float.self)
  }
  /// Floats from one block's copy of a slot to the next one's.
  var blockStrideInFloats: Int { blockStride / MemoryLayout<Float>.stride }

  /// Images in block `block`.
  func lanes(of block: Int) -> Int { min(blockSize, imageCount - block * blockSize) }

  /// This thread's part of 0 ..< count, cut at multiples of `granule`.
  func share(of count: Int, granule: Int = 1) -> Range<Int> {
    let granules = (count + granule - 1) / granule
    let first = granules * threadIndex / threadCount * granule
    let end = granules * (threadIndex + 1) / threadCount * granule
    return min(first, count)..<min(end, count)
  }
}
