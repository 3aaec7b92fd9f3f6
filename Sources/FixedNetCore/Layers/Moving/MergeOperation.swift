import CSupport

/// y = a + b, a - b, a b, max(a, b) or min(a, b), element by element; b may be one value for all pixels, or for all
/// channels.
///
/// Shapes: a, y [channels][pixels][B], b as `merge` says, per block.
package struct MergeOperation: OperationDescription {
  package var merge: cs_merge
  package var a: BlockSlot
  package var b: BlockSlot
  package var output: BlockSlot
  /// dY; nil where there is no backward pass.
  package var outputGradient: BlockSlot?
  /// dA and dB; nil where they are not needed. One of them may be dY's slot.
  package var aGradient: BlockSlot?
  package var bGradient: BlockSlot?
  /// Whether b is the layer's first input: of equal values the first has the gradient of a maximum or minimum.
  package var isSwapped: Bool

  package static func operation(at place: UnsafePointer<MergeOperation>) -> Operation {
    .merge(place)
  }

  package init(merge: cs_merge, a: BlockSlot, b: BlockSlot, output: BlockSlot, isSwapped: Bool) {
    self.merge = merge
    self.a = a
    self.b = b
    self.output = output
    self.isSwapped = isSwapped
  }

  func forward(_ c: BlockContext) {
    withUnsafePointer(to: merge) {
      c.kernels.pointee.merge_forward($0, c.blockSize, c(a), c(b), c(output))
    }
  }

  func backward(_ c: BlockContext) {
    guard let outputGradient else { return }
    let dy = c(outputGradient)
    guard merge.kind != CS_MAXIMUM, merge.kind != CS_MINIMUM else { return take(dy, c) }
    // Whichever takes dY's place comes last: dA always may.
    withUnsafePointer(to: merge) {
      if let bGradient {
        c.kernels.pointee.merge_backward_b($0, c.blockSize, c(a), dy, c(bGradient))
      }
      if let aGradient {
        c.kernels.pointee.merge_backward_a($0, c.blockSize, c(b), dy, c(aGradient))
      }
    }
  }

  /// Of maximum and minimum: the first input takes its part, the second what is left.
  private func take(_ dy: UnsafeMutablePointer<Float>, _ c: BlockContext) {
    guard let aGradient, let bGradient else { return }
    var whole = merge
    whole.channelsOfB = merge.channels
    whole.pixelsOfB = merge.pixels
    let y = c(output)
    withUnsafePointer(to: merge) { merge in
      withUnsafePointer(to: whole) { whole in
        if isSwapped {
          c.kernels.pointee.merge_take(merge, c.blockSize, 0, c(b), y, dy, c(bGradient))
          c.kernels.pointee.merge_take(whole, c.blockSize, 1, c(a), y, dy, c(aGradient))
        } else {
          c.kernels.pointee.merge_take(whole, c.blockSize, 0, c(a), y, dy, c(aGradient))
          c.kernels.pointee.merge_take(merge, c.blockSize, 1, c(b), y, dy, c(bGradient))
        }
      }
    }
  }
}
