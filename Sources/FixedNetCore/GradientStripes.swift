import CSupport

/// The gradients of a full batch, stripe by stripe: those over so many blocks are added up while the cache holds what they
/// are made of, and the stripes' sums at the end. What a thread has is whole stripes, so the sums are the same on any
/// number of threads.
public struct GradientStripes: BitwiseCopyable, Sendable {
  /// Blocks of a stripe, but for the last one.
  public static let blockCount = 16

  /// Each stripe's gradients, `stride` floats apart: a weight's, then the bias'.
  public var partial: SharedSlot
  public var stride: Int

  public init(partial: SharedSlot, stride: Int) {
    self.partial = partial
    self.stride = stride
  }

  /// The number of stripes of a batch of `blocks` blocks.
  public static func count(blocks: Int) -> Int { (blocks + blockCount - 1) / blockCount }

  /// Adds the stripes up in their order and steps, for this thread's share of a parameter `offset` floats behind each
  /// stripe's begin.
  func update(_ parameter: Parameter, offset: Int, _ c: BatchContext) {
    let share = c.share(of: parameter.count, granule: 16)
    guard !share.isEmpty else { return }
    c.kernels.pointee.sum_partials(
      share.count, Int32(truncatingIfNeeded: GradientStripes.count(blocks: c.blockCount)),
      c(partial) + offset + share.lowerBound, stride, c.accumulates ? 1 : 0,
      c(parameter.gradient) + share.lowerBound)
    parameter.update(share, c)
  }
}
