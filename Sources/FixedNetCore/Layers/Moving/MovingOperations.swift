import CSupport

/// y[e] = x[map[e]], or 0 where there is no element: what layers do that only move values.
///
/// Shapes: x [inputs][B], y [outputs][B] per block.
package struct GatherOperation: OperationDescription {
  /// Elements of one image.
  package var inputCount: Int
  package var outputCount: Int
  package var input: BlockSlot
  package var output: BlockSlot
  /// [outputs], each the bits of an Int32; -1 for none.
  package var map: SharedSlot
  /// nil where there is no backward pass.
  package var outputGradient: BlockSlot?
  package var inputGradient: BlockSlot?

  package static func operation(at place: UnsafePointer<GatherOperation>) -> Operation {
    .gather(place)
  }

  package init(
    inputCount: Int, outputCount: Int, input: BlockSlot, output: BlockSlot, map: SharedSlot
  ) {
    self.inputCount = inputCount
    self.outputCount = outputCount
    self.input = input
    self.output = output
    self.map = map
  }

  private func indices(_ c: BlockContext) -> UnsafeMutablePointer<Int32> {
    UnsafeMutableRawPointer(c(map)).assumingMemoryBound(to: Int32.self)
  }

  func forward(_ c: BlockContext) {
    let (x, y, map, lanes) = (c(input), c(output), indices(c), Int(c.blockSize))
    for element in c.slice(of: outputCount) {
      let place = y + element * lanes
      if map[element] < 0 {
        place.update(repeating: 0, count: lanes)
      } else {
        place.update(from: x + Int(map[element]) * lanes, count: lanes)
      }
    }
  }

  /// dX is the sum of dY over the elements that x went to, in their order.
  func backward(_ c: BlockContext) {
    guard let outputGradient, let inputGradient else { return }
    let (dy, dx, map, lanes) = (c(outputGradient), c(inputGradient), indices(c), Int(c.blockSize))
    dx.update(repeating: 0, count: inputCount * lanes)
    for element in 0..<outputCount where map[element] >= 0 {
      let (from, to) = (dy + element * lanes, dx + Int(map[element]) * lanes)
      for lane in 0..<lanes { to[lane] += from[lane] }
    }
  }
}

/// A part of y is x: one of the values that are put one after the other.
package struct CopyOperation: OperationDescription {
  /// Elements of one image.
  package var count: Int
  package var input: BlockSlot
  package var output: BlockSlot
  /// nil where there is no backward pass.
  package var outputGradient: BlockSlot?
  package var inputGradient: BlockSlot?

  package static func operation(at place: UnsafePointer<CopyOperation>) -> Operation {
    .copy(place)
  }

  package init(count: Int, input: BlockSlot, output: BlockSlot) {
    self.count = count
    self.input = input
    self.output = output
  }

  func forward(_ c: BlockContext) {
    let own = c.elements(count)
    (c(output) + own.lowerBound).update(from: c(input) + own.lowerBound, count: own.count)
  }

  func backward(_ c: BlockContext) {
    guard let outputGradient, let inputGradient else { return }
    let own = c.elements(count)
    (c(inputGradient) + own.lowerBound)
      .update(from: c(outputGradient) + own.lowerBound, count: own.count)
  }
}
