import CSupport

/// How a full batch is cut for the sums of its dense gradients. A thread has whole parts, so the sums are the same on any
/// number of threads.
public struct StripeLayout: BitwiseCopyable, Sendable, Equatable {
  /// Blocks of a stripe, but for the last one: its gradients are added up while the cache holds what they are made of.
  public var blockCount: Int
  /// Stripes of a part, whose sums are added in their order.
  public var stripeCount: Int

  public init(blockCount: Int, stripeCount: Int) {
    self.blockCount = blockCount
    self.stripeCount = stripeCount
  }

  public var partBlockCount: Int { blockCount * stripeCount }

  /// The number of parts of a batch of `blocks` blocks.
  public func partCount(blocks: Int) -> Int { (blocks + partBlockCount - 1) / partBlockCount }
}

/// The gradients of a layer's weight and bias over each part of a full batch.
public struct GradientStripes: BitwiseCopyable, Sendable {
  public var layout: StripeLayout
  /// Each part's gradients, `stride` floats apart: the weight's, then the bias'.
  public var partial: SharedSlot
  public var stride: Int

  public init(layout: StripeLayout, partial: SharedSlot, stride: Int) {
    self.layout = layout
    self.partial = partial
    self.stride = stride
  }

  /// Adds the parts up in their order and steps, for this thread's share of a parameter `offset` floats behind each
  /// part's begin.
  func update(_ parameter: Parameter, offset: Int, _ c: BatchContext) {
    let share = c.share(of: parameter.count, granule: 16)
    guard !share.isEmpty else { return }
    c.kernels.pointee.sum_partials(
      share.count, Int32(truncatingIfNeeded: layout.partCount(blocks: c.blockCount)),
      c(partial) + offset + share.lowerBound, stride, c.accumulates ? 1 : 0,
      c(parameter.gradient) + share.lowerBound)
    parameter.update(share, c)
  }
}
