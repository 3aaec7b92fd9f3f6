import FixedNetCore

extension Planner {
  /// What the backward pass of a layer reads besides dY.
  enum Memory { case nothing, input, output }

  /// A layer whose output has its input's shape, and whose gradient is worked out in place: dX takes the place of dY.
  /// `make`: the operation from its input, its output and dY.
  func elementwise(
    _ name: String, _ input: Value, remembers memory: Memory,
    make: @escaping (BlockSlot, BlockSlot, BlockSlot?) -> any OperationDescription
  ) -> LayerPlan {
    use(input.slot)
    let output = reserveOutput(name, shape: input.shape, flattened: input.flattened)
    return LayerPlan(output: output) { backward in
      var gradient: Slot?
      if let backward, backward.needsInputGradient {
        gradient = backward.outputGradient
        self.use(backward.outputGradient)
        switch memory {
        case .nothing: break
        case .input: self.use(input.slot)
        case .output: self.use(output.slot)
        }
      }
      return LayerPlan.Finished(
        make(input.slot.block, output.slot.block, gradient?.block), inputGradients: [gradient])
    }
  }

  /// y = (x - mean) scale + shift with constants of their own for each channel, or for each element: as many values as
  /// the input has of them, in Keras' order. nil: zeros.
  func affine(
    _ name: String, _ input: Value, mean: [Float]?, scale: [Float], shift: [Float]? = nil
  ) -> LayerPlan {
    let isPerChannel = scale.count == input.shape.channels
    let channels = scale.count
    let layout =
      isPerChannel
      ? input.flattenedLayout
      : .flattened(channels: input.shape.channels, pixels: input.shape.pixels)
    func constant(_ part: String, _ values: [Float]) -> SharedSlot {
      reserveConstant("\(name)/\(part)", layout.engineValues(values))
    }
    let none = [Float](repeating: 0, count: channels)
    let offset = mean.map { constant("mean", $0) }
    let factor = constant("scale", scale)
    let zeros = constant("zeros", none)
    let addend = shift.map { constant("shift", $0) }
    let pixels = isPerChannel ? input.shape.pixels : 1
    return elementwise(name, input, remembers: .nothing) { input, output, gradient in
      NormalizationOperation(
        channels: Int32(channels), pixels: Int32(pixels), input: input, output: output,
        mean: offset ?? zeros, scale: factor, shift: addend ?? zeros, zeros: zeros,
        gradient: gradient)
    }
  }

  /// y = rectifier(x).
  func rectifier(_ rectifier: Rectifier, name: String, _ input: Value) -> LayerPlan {
    let count = input.shape.elementCount
    return elementwise(name, input, remembers: .input) { input, output, gradient in
      RectifierOperation(
        rectifier: rectifier.kernel, count: count, input: input, output: output,
        gradient: gradient)
    }
  }

  /// A layer that passes its input on: nothing is computed and nothing is kept.
  func renamed(_ input: Value, as output: Value? = nil) -> LayerPlan {
    use(input.slot)
    return LayerPlan(output: output ?? input) { backward in
      let gradient = backward.flatMap { $0.needsInputGradient ? $0.outputGradient : nil }
      return LayerPlan.Finished(nil, inputGradients: [gradient])
    }
  }
}
