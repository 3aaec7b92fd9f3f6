import FixedNetCore

/// The first value that was NaN or infinite, in the words of the model and of the plan.
public struct BrokenValue: Equatable, Sendable {
  /// A layer's name, or "input", "targets", "loss".
  public var layer: String
  /// "the output", "kernel", "the gradient of kernel", "velocity of kernel", "a pixel", "a target", "the loss",
  /// "the penalty of the weights".
  public var what: String
  /// The slot's name in the plan; nil for values that have none.
  public var slot: String?
  /// The position in the data set of the first image where it is so; nil for what all images share.
  public var image: Int?

  /// `image`: the sample's number in its set; nil for weights.
  public init(layer: String, what: String, slot: String? = nil, image: Int? = nil) {
    self.layer = layer
    self.what = what
    self.slot = slot
    self.image = image
  }
}

extension BrokenValue: CustomStringConvertible {
  /// "the output of layer 'conv1' (slot conv1/output, image 17)"
  public var description: String {
    let isLayer = slot != nil && layer != "input" && layer != "targets"
    let place = [slot.map { "slot \($0)" }, image.map { "image \($0)" }].compactMap(\.self)
    return (isLayer ? "\(what) of layer '\(layer)'" : what)
      + (place.isEmpty ? "" : " (\(place.joined(separator: ", ")))")
  }
}

// Nothing here runs while training goes well: it looks for the cause after the fact.
extension Network {
  /// The first weight in file order that holds NaN or infinity.
  public var firstNonFiniteWeight: (layer: String, name: String)? {
    plan.parameters.first { !isFinite($0.weight, $0.count) }
      .map { ($0.layerName, $0.description.name) }
  }

  /// Why weights are not finite after a step: the first of its gradients, in the order of the backward pass, then of the
  /// optimiser's values, then the weights themselves. nil where all weights are finite. `isUpdated`: whether a step was
  /// made, so that gradients and optimiser have something to say.
  public func brokenParameter(isUpdated: Bool) -> BrokenValue? {
    let broken = plan.parameters.filter { !isFinite($0.weight, $0.count) }
    guard let first = broken.first else { return nil }
    if isUpdated, let cause = brokenGradient ?? brokenOptimizerValue { return cause }
    let name = first.description.name
    return BrokenValue(layer: first.layerName, what: name, slot: "\(first.layerName)/\(name)")
  }

  /// The first weight to start from, or value that the optimiser remembers, that is not finite.
  public var brokenStart: BrokenValue? { brokenParameter(isUpdated: false) ?? brokenOptimizerValue }

  /// The gradient that broke first on the way back from the loss.
  var brokenGradient: BrokenValue? {
    for parameter in plan.parameters.reversed() {
      if let gradient = parameter.gradient, !isFinite(gradient, parameter.count) {
        return value("gradient", of: parameter, what: "the gradient of")
      }
    }
    return nil
  }

  private var brokenOptimizerValue: BrokenValue? {
    for parameter in plan.parameters {
      for (slot, name) in zip(parameter.state, plan.options.optimizer.slotNames)
      where !isFinite(slot, parameter.count) {
        return value(name, of: parameter, what: "the optimiser's \(name) of")
      }
    }
    return nil
  }

  private func value(_ part: String, of parameter: PlacedParameter, what: String) -> BrokenValue {
    let weight = parameter.description.name
    return BrokenValue(
      layer: parameter.layerName, what: "\(what) \(weight)",
      slot: "\(parameter.layerName)/\(weight)/\(part)")
  }

  /// Why the loss of a mini-batch is not finite, found by running it again: weights from before the step, then the data,
  /// the first output in the order of the forward pass, and the loss itself. Weights stay as they are; batch
  /// normalisation's moving statistics do not.
  func brokenStep(_ images: ImageSet, _ runs: [TrainingRun], isUpdated: Bool, index: (Int) -> Int)
    -> BrokenValue
  {
    // Moving statistics may have broken in this very step, by what is looked for.
    let isTrained = plan.parameters.contains {
      !isFinite($0.weight, $0.count)
        && ($0.description.isTrainable || plan.model.frozenLayers.contains($0.layerName))
    }
    if isTrained, let cause = brokenParameter(isUpdated: isUpdated) { return cause }
    for run in runs {
      func image(_ position: Int) -> Int { index(run.imageOffset + position) }
      if let cause = images.firstBrokenTarget(run.count, index: image)
        ?? brokenOutput(images, run, index: image)
      {
        return cause
      }
    }
    return penalty.isFinite
      ? BrokenValue(layer: "loss", what: "the loss itself")
      : BrokenValue(layer: "loss", what: "the penalty of the weights")
  }

  /// The first output in training mode that is not finite.
  private func brokenOutput(_ images: ImageSet, _ run: TrainingRun, index: (Int) -> Int)
    -> BrokenValue?
  {
    guard let training = plan.training else { return nil }
    // Prefixes of the program, each longer by one operation: memory is shared later on, so outputs must be looked
    // at right after they are computed.
    for end in 0...training.forwardCount {
      let origin = end == 0 ? nil : training.origins[end - 1]
      let broken = images.withPointers { source, targets in
        runForward(
          prefix: end, source, targets, run,
          output: origin?.output ?? training.input.slot,
          elementCount: origin?.elementCount ?? training.input.shape.elementCount, index: index)
      }
      if let broken { return value(of: origin, image: index(broken)) }
    }
    return nil
  }

  /// The first output in inference mode that is not finite, over all images; "input" for the images themselves.
  /// Throws: `NetworkError` where the images do not suit the model.
  public func brokenOutput(_ images: ImageSet) throws(NetworkError) -> BrokenValue? {
    let planned = plan.inference
    for end in 0...planned.forwardCount {
      let origin = end == 0 ? nil : planned.origins[end - 1]
      let shape = origin?.shape ?? planned.input.shape
      let outputs = try run(
        prefix: end, output: origin?.output ?? planned.input.slot, shape: shape,
        flattened: origin?.flattened, images)
      if let place = outputs.firstIndex(where: { !$0.isFinite }) {
        return value(of: origin, image: place / shape.elementCount)
      }
    }
    return nil
  }

  /// `origin`: nil for the input.
  private func value(of origin: OperationOrigin?, image: Int) -> BrokenValue {
    guard let origin else {
      return BrokenValue(layer: "input", what: "a pixel", slot: "input", image: image)
    }
    return BrokenValue(
      layer: origin.layer, what: "the output", slot: origin.slotName, image: image)
  }
}

extension ImageSet {
  /// The first of the images `index(0) ..< index(count)` with a target that is not finite.
  fileprivate func firstBrokenTarget(_ count: Int, index: (Int) -> Int) -> BrokenValue? {
    guard !targets.isEmpty else { return nil }
    for image in (0..<count).map(index)
    where !targets[image * targetWidth..<(image + 1) * targetWidth].allSatisfy(\.isFinite) {
      return BrokenValue(layer: "targets", what: "a target", slot: "targets", image: image)
    }
    return nil
  }
}
