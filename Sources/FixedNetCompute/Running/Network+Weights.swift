import CSupport
import FixedNetCore
import Foundation

// What a network holds: weights, gradients, the optimiser's memory, and what a full-batch solver puts there.

extension Network {
  /// Sets the weights as the layers' initialisers say, each weight on a stream of its own.
  /// Throws: `ModelError.config` for an initialiser that is not supported.
  public func initialize(seed: UInt64) throws(ModelError) {
    try load(plan.model.initialWeights(seed: seed))
  }

  /// Measures from now on, or no longer.
  /// Throws: `NetworkError.option` for a profile of another plan.
  package func measure(with profile: NetworkProfile?) throws(NetworkError) {
    guard profile?.fits(plan) != false else {
      throw .option(
        name: "the profile", expected: "one of this network's plan", found: "another plan's")
    }
    self.profile = profile
  }

  /// Every weight in Keras' layout, in file order, one entry per layer of the model; NaN where it was never set.
  public var weights: [LayerWeights] {
    values { UnsafePointer(pointer($0.weight)) }
  }

  /// The gradients of the last training run in Keras' layout; only trainable weights.
  public var gradients: [LayerWeights] {
    values { $0.gradient.map { UnsafePointer(pointer($0)) } }
  }

  func values(_ source: (PlacedParameter) -> UnsafePointer<Float>?) -> [LayerWeights] {
    plan.model.layers.map { layer in
      let parameters = plan.parameters.filter { $0.layerName == layer.name }
      let tensors = parameters.compactMap { parameter -> Tensor? in
        guard let source = source(parameter) else { return nil }
        let engine = [Float](UnsafeBufferPointer(start: source, count: parameter.count))
        return Tensor(
          shape: parameter.description.shape, values: parameter.layout.kerasValues(engine))
      }
      return LayerWeights(layer: layer.name, tensors: tensors)
    }
  }

  /// Loads weights in Keras' layout, one entry per layer of the model.
  /// Throws: `ModelError.weights` where names or shapes differ; nothing is changed then.
  public func load(_ weights: [LayerWeights]) throws(ModelError) {
    guard weights.map(\.layer) == plan.model.layers.map(\.name) else {
      throw .weights(
        layer: weights.first?.layer ?? "", weight: "all", expected: "one entry per layer",
        found: "\(weights.count) entries")
    }
    let given = weights.flatMap { layer in layer.tensors.map { (layer.layer, $0) } }
    guard given.count == plan.parameters.count else {
      throw .weights(
        layer: "", weight: "all", expected: "\(plan.parameters.count) weights",
        found: "\(given.count)")
    }
    for ((layer, tensor), parameter) in zip(given, plan.parameters)
    where tensor.shape != parameter.description.shape || layer != parameter.layerName {
      throw .weights(
        layer: parameter.layerName, weight: parameter.description.name,
        expected: "\(parameter.description.shape)", found: "\(tensor.shape) of '\(layer)'")
    }
    for ((layer, tensor), parameter) in zip(given, plan.parameters) {
      try tensor.checkWhole(layer: layer, parameter.description.name)
    }
    for ((_, tensor), parameter) in zip(given, plan.parameters) {
      let engine = parameter.layout.engineValues(tensor.values)
      pointer(parameter.weight).update(from: engine, count: engine.count)
    }
    hasWeights = true
  }

  /// What the optimiser remembers, in Keras' layout.
  public var optimizerState: OptimizerState {
    let trained = plan.parameters.filter(\.isTrained)
    let names = plan.options.optimizer.slotNames
    return OptimizerState(
      slots: names.enumerated().map { index, name in
        OptimizerState.Slot(name: name, tensors: trained.map { tensor($0.state[index], of: $0) })
      })
  }

  func tensor(_ slot: SharedSlot, of parameter: PlacedParameter) -> Tensor {
    let engine = UnsafeBufferPointer(start: pointer(slot), count: parameter.count)
    return Tensor(
      shape: parameter.description.shape, values: parameter.layout.kerasValues(Array(engine)))
  }

  /// Loads what an optimiser of the plan's kind remembers.
  /// Throws: `ModelError.weights` where slots, their number or shapes differ; nothing is changed then.
  public func load(_ state: OptimizerState) throws(ModelError) {
    let trained = plan.parameters.filter(\.isTrained)
    let names = plan.options.optimizer.slotNames
    guard state.slots.map(\.name) == names else {
      throw .weights(
        layer: "", weight: "the optimiser's state", expected: names.joined(separator: ", "),
        found: state.slots.map(\.name).joined(separator: ", "))
    }
    for slot in state.slots {
      guard slot.tensors.map(\.shape) == trained.map(\.description.shape) else {
        throw .weights(
          layer: "", weight: "the optimiser's \(slot.name)",
          expected: "one value per trained weight", found: "other shapes")
      }
      for (tensor, parameter) in zip(slot.tensors, trained) {
        try tensor.checkWhole(
          layer: parameter.layerName, "\(parameter.description.name)'s \(slot.name)")
      }
    }
    for (index, slot) in state.slots.enumerated() {
      for (tensor, parameter) in zip(slot.tensors, trained) {
        let engine = parameter.layout.engineValues(tensor.values)
        pointer(parameter.state[index]).update(from: engine, count: engine.count)
      }
    }
  }

  // MARK: - Full batch

  /// The first float of a region of the shared part.
  func region(_ region: Region) -> UnsafeMutablePointer<Float> { pointer(plan.start(of: region)) }

  /// The solver's floats.
  var workspace: UnsafeMutablePointer<Float> {
    guard let slot = plan.workspace else { preconditionFailure("planned without a solver") }
    return pointer(slot)
  }

  /// Loss and gradients over as many samples as the plan's batch. `isLoaded`: the arena holds them since the last call.
  func trainFullBatch(_ source: ImageSource, _ targets: TargetSource, isLoaded: Bool) -> Sums {
    let count = plan.options.batch
    let reduction = reduction(of: targets, count: count) { $0 }
    fullBatchScale = reduction.gradientScale
    var run = TrainingRun(count: count, reduction: reduction)
    run.inputIsLoaded = isLoaded
    return train(source, targets, run) { $0 }
  }

  /// Products of the Hessian with the directions, at the point of the last `trainFullBatch`.
  func multiplyFullBatch(_ source: ImageSource, isWeighted: Bool) {
    guard let trainingProgram else { preconditionFailure("planned for inference") }
    var context = context(source, imageCount: plan.options.batch)
    // Those of the `trainFullBatch` before.
    if isWeighted || plan.loss?.ignoredClass != nil {
      context.imageWeights = UnsafePointer(imageWeights)
    }
    context.gradientScale = fullBatchScale
    trainingProgram.program.multiply(&context, arena: arena)
  }

  /// Loads directions in Keras' layout, one entry per layer of the model.
  func loadDirections(_ directions: [LayerWeights]) throws(ModelError) {
    let given = directions.flatMap(\.tensors)
    guard given.map(\.shape) == plan.parameters.map(\.description.shape) else {
      throw .weights(
        layer: "", weight: "the direction", expected: "one value per weight", found: "others")
    }
    for (tensor, parameter) in zip(given, plan.parameters) {
      try tensor.checkWhole(layer: parameter.layerName, "\(parameter.description.name)'s direction")
    }
    for (tensor, parameter) in zip(given, plan.parameters) {
      guard let slot = parameter.direction else { continue }
      let engine = parameter.layout.engineValues(tensor.values)
      pointer(slot).update(from: engine, count: engine.count)
    }
  }

  /// The products of the last `multiplyFullBatch` in Keras' layout.
  var products: [LayerWeights] { values { $0.product.map { UnsafePointer(pointer($0)) } } }

  func pointer(_ slot: SharedSlot) -> UnsafeMutablePointer<Float> {
    (arena.base + slot.byteOffset).assumingMemoryBound(to: Float.self)
  }
}
