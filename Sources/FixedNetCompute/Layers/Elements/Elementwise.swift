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

  /// y = f(x).
  func function(_ function: ElementFunction, name: String, _ input: Value) -> LayerPlan {
    let count = input.shape.elementCount
    return elementwise(name, input, remembers: .input) { input, output, gradient in
      FunctionOperation(
        function: function.kernel, count: count, input: input, output: output, gradient: gradient)
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

  /// The same values in Keras' order under other extents.
  func reshaped(_ name: String, _ input: Value, as shape: Shape) -> LayerPlan {
    let output = Value(slot: input.slot, shape: shape)
    func order(_ value: Value) -> (Int, Int)? {
      let (channels, pixels) = value.flattened ?? (value.shape.channels, value.shape.pixels)
      return channels == 1 || pixels == 1 ? nil : (channels, pixels)
    }
    if order(input) ?? (1, 1) == order(output) ?? (1, 1) { return renamed(input, as: output) }
    return gather(name, input, shape: shape) { $0 }
  }

  /// A layer that moves values. `source`: the number of the input that an output is, both as Keras counts them; nil: 0.
  func gather(
    _ name: String, _ input: Value, shape: Shape, source: @escaping (Int) -> Int?
  ) -> LayerPlan {
    let count = shape.elementCount
    let map = reserveConstant("\(name)/map", count: count) {
      let output = Value(slot: input.slot, shape: shape)
      var map = [Float](repeating: Float(bitPattern: UInt32.max), count: count)
      for index in map.indices {
        guard let source = source(index) else { continue }
        map[output.engineIndex(index)] = Float(bitPattern: UInt32(input.engineIndex(source)))
      }
      return map
    }
    use(input.slot)
    let own = reserveOutput(name, shape: shape)
    var operation = GatherOperation(
      inputCount: input.shape.elementCount, outputCount: count, input: input.slot.block,
      output: own.slot.block, map: map)
    return LayerPlan(output: own) { backward in
      guard let backward, backward.needsInputGradient else {
        return LayerPlan.Finished(operation, inputGradients: [nil])
      }
      self.use(backward.outputGradient)
      let gradient = self.reserveActivation("\(name)/input gradient", shape: input.shape)
      operation.outputGradient = backward.outputGradient.block
      operation.inputGradient = gradient.block
      return LayerPlan.Finished(operation, inputGradients: [gradient])
    }
  }
}
