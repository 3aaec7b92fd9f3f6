import CSupport

/// How a full batch is cut for the sums of its dense gradients. A thread has whole parts, so the sums are the same on any
/// number of threads.
package struct StripeLayout: BitwiseCopyable, Sendable, Equatable {
  /// Blocks of a stripe, but for the last one: its gradients are added up while the cache holds what they are made of.
  package var blockCount: Int
  /// Stripes of a part, whose sums are added in their order.
  package var stripeCount: Int

  package init(blockCount: Int, stripeCount: Int) {
    self.blockCount = blockCount
    self.stripeCount = stripeCount
  }

  package var partBlockCount: Int { blockCount * stripeCount }

  /// The number of parts of a batch of `blocks` blocks.
  package func partCount(blocks: Int) -> Int { (blocks + partBlockCount - 1) / partBlockCount }
}

/// The gradients of a layer's weight and bias over each part of a full batch.
package struct GradientStripes: BitwiseCopyable, Sendable {
  package var layout: StripeLayout
  /// Each part's gradients, `stride` floats apart: the weight's, then the bias'.
  package var partial: SharedSlot
  package var stride: Int

  package init(layout: StripeLayout, partial: SharedSlot, stride: Int) {
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
