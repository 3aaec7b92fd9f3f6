import FixedNetCore

extension Network {
  /// The first weight in file order that holds NaN or infinity.
  public var firstNonFiniteWeight: (layer: String, name: String)? {
    for (layer, descriptions) in zip(weights, (try? plan.model.weightDescriptions()) ?? []) {
      for (tensor, description) in zip(layer.tensors, descriptions)
      where !tensor.values.allSatisfy(\.isFinite) {
        return (layer.layer, description.name)
      }
    }
    return nil
  }

  /// The first layer whose output over these images, in training mode, holds NaN or infinity; "input" for the images
  /// themselves. Weights stay as they are.
  func firstNonFiniteOutput(_ images: ImageSet, count: Int, index: (Int) -> Int) -> String? {
    guard let training = plan.training else { return nil }
    // Prefixes of the program, each longer by one operation: memory is shared later on, so outputs must be looked
    // at right after they are computed.
    for end in 0...training.operations.count {
      let output = end == 0 ? training.input.slot : training.origins[end - 1].output
      let elementCount =
        end == 0 ? training.input.shape.elementCount : training.origins[end - 1].elementCount
      let finite = images.withPointers { source, targets in
        runForward(
          Array(training.operations[..<end]), source, targets, count, output: output,
          elementCount: elementCount, index: index)
      }
      if !finite { return end == 0 ? "input" : training.origins[end - 1].layer }
    }
    return nil
  }
}
