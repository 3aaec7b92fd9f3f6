import FixedNet
import FixedNetFiles
import RandomNetworks

/// What is written is what is read, and what Keras is to load.
struct FileTrial {
  private let network: RandomNetwork
  private let folder: String

  init(_ network: RandomNetwork, folder: String) {
    self.network = network
    self.folder = folder
  }

  /// The checkpoint of a run.
  static func checkpoint(_ network: RandomNetwork, _ trainer: Trainer) -> KerasModelFile {
    let planned = trainer.network
    var state = TrainingState(
      modelName: "random", data: "random", seed: trainer.seed, batch: trainer.batch,
      blockSize: planned.plan.options.resolvedBlockSize,
      optimizer: OptimizerConfiguration.json(
        network.optimizer, learningRate: network.rate, clipping: network.clipping),
      schedule: ["class_name": "constant"], learningRate: network.rate, epochs: 2)
    state.loss = network.loss.name
    state.epoch = trainer.position.epoch
    state.step = trainer.position.step
    return KerasModelFile(
      model: network.model, weights: planned.weights, training: state,
      optimizerState: planned.optimizerState)
  }

  /// Every form of file gives the bits of weights, optimiser and predictions back; Keras is left one form and its
  /// weights alone.
  func run(_ trained: Trainer, _ tally: inout Tally) throws {
    let file = Self.checkpoint(network, trained)
    let images = network.images(4)
    let outputs = try trained.network.predict(images).outputs
    let path = "\(folder)/\(network.seed)"
    for form in ["h5", "keras", "weights.h5"] {
      try KerasFile.write(file, to: "\(path).\(form)")
      let read =
        form == "weights.h5"
        ? try KerasFile.readWeights(path: "\(path).\(form)", model: network.model)
        : try KerasFile.read(path: "\(path).\(form)")
      let plan = try NetworkPlan(
        read.model, options: PlanOptions(batch: 3, isTraining: false, loss: network.loss))
      let loaded = try Network(plan)
      try loaded.load(read.weights)
      tally.files += 1
      let predicted = try loaded.predict(images).outputs
      let own = try Self.named(file.model, file.weights, file.optimizerState)
      let found = try Self.named(read.model, read.weights, read.optimizerState)
      var others = Set(own.keys).union(found.keys).filter { own[$0] != found[$0] }.sorted()
      if predicted != outputs { others.append("predictions") }
      if !others.isEmpty {
        tally.failures.append("other bits from the .\(form), of \(others): \(network)")
      }
    }
    try HDF5Arrays.write(
      path: "\(path).io.h5",
      datasets: [
        (name: "x", shape: [4] + network.model.input.dimensions, values: pixels(images)),
        (name: "y", shape: outputs.shape, values: outputs.values),
        (name: "penalty", shape: [], values: [Float(trained.network.penalty)]),
      ])
    tally.filesForKeras += 3
  }

  /// Weights and what the optimiser remembers, by name: a file may have the layers of a graph in another order.
  static func named(
    _ model: Model, _ weights: [LayerWeights], _ state: OptimizerState?
  ) throws -> [String: [Tensor]] {
    var result: [String: [Tensor]] = [:]
    for layer in weights where !layer.tensors.isEmpty { result[layer.layer] = layer.tensors }
    let names = try zip(model.layers, model.weightDescriptions()).flatMap { layer, descriptions in
      model.frozenLayers.contains(layer.name)
        ? [] : descriptions.filter(\.isTrainable).map { "\(layer.name)/\($0.name)" }
    }
    for slot in state?.slots ?? [] {
      for (index, tensor) in slot.tensors.enumerated() {
        let name = index < names.count ? names[index] : "number \(index)"
        result["\(slot.name) of \(name)"] = [tensor]
      }
    }
    return result
  }

  private func pixels(_ images: ImageSet) -> [Float] {
    guard case .floats(let values) = images.pixels else { return [] }
    return values
  }
}
