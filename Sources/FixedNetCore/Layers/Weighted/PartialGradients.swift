import CSupport

/// Gradients that a block leaves a part of: the optimiser's step adds the parts in the order of the blocks.
package struct PartialGradients: BitwiseCopyable, Sendable {
  /// One parameter's part after the other's.
  package var partial: BlockSlot
  package var first: Parameter
  package var second: Parameter?
  /// Whether there is one block, whose part is the whole, and the step is made in the backward pass.
  package var updatesInBackward: Bool

  package init(
    partial: BlockSlot, first: Parameter, second: Parameter?, updatesInBackward: Bool
  ) {
    self.partial = partial
    self.first = first
    self.second = second
    self.updatesInBackward = updatesInBackward
  }

  /// One thread's share of the gradients and of the step.
  func update(_ c: BatchContext) {
    update(first, offset: 0, c)
    if let second { update(second, offset: first.count, c) }
  }

  private func update(_ parameter: Parameter, offset: Int, _ c: BatchContext) {
    let part = c(partial, block: 0) + offset
    if updatesInBackward { return parameter.update(0..<parameter.count, gradient: part, c) }
    let share = c.share(of: parameter.count, granule: 16)
    guard !share.isEmpty else { return }
    c.kernels.pointee.sum_partials(
      share.count, Int32(truncatingIfNeeded: c.blockCount), part + share.lowerBound,
      c.blockStrideInFloats, c.accumulates ? 1 : 0, c(parameter.gradient) + share.lowerBound)
    parameter.update(share, c)
  }
}
