import FixedNet
import FixedNetCore
import ToolSupport

/// Makes the works: ours ready to run, and the peers' files written.
struct PeerWorks {
  let folder: PeerFolder
  let images: ImageSet
  let threads: Int
  let isQuick: Bool
  let instructionSet: InstructionSet

  private static let checkCount = 5

  /// The table's rows, from the first one.
  func all() throws -> [PeerWork] {
    var works: [PeerWork] = []
    for (model, batch, steps) in [
      (BuiltInModel.lenet, 128, 100), (.lenetPlain, 128, 100), (.lenetPlain, 64, 200),
      (.cnn, 128, 6),
    ] {
      works.append(try training(model, batch: batch, steps: isQuick ? 6 : steps))
    }
    works.append(try gradient(steps: isQuick ? 3 : 100))
    works.append(try lanes(networkCount: isQuick ? 32 : 1_000, steps: isQuick ? 1 : 2))
    for (batch, threads, steps) in [(1, 1, 4_000), (16, threads, 2_000), (128, threads, 400)] {
      works.append(try inference(batch: batch, threads: threads, steps: isQuick ? 5 : steps))
    }
    return works
  }

  // MARK: - Training

  private func training(_ builtIn: BuiltInModel, batch: Int, steps: Int) throws -> PeerWork {
    let model = builtIn.model(input: images.shape)
    let weights = try model.initialWeights(seed: 0)
    let part = images.prefix(steps * batch)
    let plan = try NetworkPlan(
      model, options: PlanOptions(batch: batch, isTraining: true, threads: threads))
    let network = try Network(plan, instructionSet: instructionSet)
    try network.load(weights)
    let optimizer = OptimizerConfiguration()
    let trainer = try Trainer(
      network: network, images: part, batch: batch, optimizer: optimizer, seed: 0)
    let losses = try firstLosses(trainer)
    // Our trainer shuffles while it trains; the peers find the images in its order.
    let order = Permutation(count: part.count, seed: 0, epoch: 0)
    let name = "\(builtIn.rawValue)-\(batch)"
    var entry = try entry(name, model, weights, part.reordered { order[$0] })
    entry["batch"] = .integer(batch)
    entry["learningRate"] = .number(optimizer.rate(at: 0))
    let hasDropout = model.layers.contains { $0 is Dropout }
    return PeerWork(
      name: name, title: "train `\(builtIn.rawValue)`, batch \(batch)", kind: .training,
      threads: threads, steps: steps, checks: losses, tolerance: hasDropout ? 0.2 : 0.005,
      parameterCount: try model.trainableCount(), entry: entry
    ) { _ in
      _ = try trainer.runEpoch()
    }
  }

  /// The mean losses of the first mini-batches. The epoch begins again afterwards.
  private func firstLosses(_ trainer: Trainer) throws -> [Double] {
    var losses: [Double] = []
    var sum = 0.0
    _ = try trainer.runEpoch { position in
      losses.append((position.partial.loss - sum) / Double(trainer.batch))
      sum = position.partial.loss
      return losses.count < PeerWorks.checkCount
    }
    trainer.position = TrainingPosition()
    return losses
  }

  // MARK: - Inference

  private func inference(batch: Int, threads: Int, steps: Int) throws -> PeerWork {
    let model = BuiltInModel.lenetPlain.model(input: images.shape)
    let weights = try model.initialWeights(seed: 0)
    let part = images.prefix(batch)
    let plan = try NetworkPlan(
      model, options: PlanOptions(batch: batch, isTraining: false, threads: threads))
    let network = try Network(plan, instructionSet: instructionSet)
    try network.load(weights)
    let unlabeled = ImageSet(shape: part.shape, pixels: part.pixels, labels: [])
    let outputs = try network.predict(unlabeled).outputs.values.prefix(10)
    let name = "inference-\(batch)"
    var entry = try entry(name, model, weights, part)
    entry["batch"] = .integer(batch)
    return PeerWork(
      name: name,
      title: "run `lenet-plain`, batch \(batch)" + (threads == 1 ? ", one thread" : ""),
      kind: .inference, threads: threads, steps: steps, checks: outputs.map { Double($0) },
      tolerance: 1e-4, parameterCount: try model.trainableCount(), entry: entry
    ) { steps in
      for _ in 0..<steps { _ = try network.predict(unlabeled) }
    }
  }

  // MARK: - A full batch

  private func gradient(steps: Int) throws -> PeerWork {
    let samples = try GradientCase.samples(of: images)
    let (model, weights) = BuiltInModel.perceptron.model().kerasForm(
      try BuiltInModel.perceptron.model().initialWeights(seed: 0))
    let trainer = try GradientCase.trainer(
      samples, threads: threads, instructionSet: instructionSet)
    let (loss, gradients) = trainer.evaluate()
    let norms = gradients.flatMap(\.tensors).map { tensor in
      tensor.values.reduce(0.0) { $0 + Double($1) * Double($1) }
    }
    return PeerWork(
      name: "perceptron",
      title: "gradient of 400-20-20-10, \(Format.grouped(samples.count)) samples",
      kind: .gradient, threads: threads, steps: steps, checks: [loss] + norms, tolerance: 1e-3,
      parameterCount: try model.trainableCount(),
      entry: try entry("perceptron", model, weights, samples)
    ) { steps in
      for _ in 0..<steps { _ = trainer.evaluateInPlace() }
    }
  }

  // MARK: - Small networks

  private func lanes(networkCount: Int, steps: Int) throws -> PeerWork {
    let item = try LaneCase(
      networkCount: networkCount, threads: threads, instructionSet: instructionSet)
    let weights = try (0..<networkCount).flatMap { try item.networks.parameters(of: $0) }
    try item.train()
    let error = try item.meanSquaredError()
    let shape = item.networks.plan.shape
    let layers = (0...shape.depth).map { index -> JSONValue in
      let (from, to) = (index == 0 ? 1 : shape.width, index == shape.depth ? 1 : shape.width)
      return ["weights": [[.integer(from), .integer(to)], [.integer(to)]]]
    }
    return PeerWork(
      name: "dying-relu",
      title: "an epoch of \(Format.grouped(networkCount)) ReLU networks 10 deep, 2 wide",
      kind: .lanes, threads: threads, steps: steps, checks: [error], tolerance: 0.005,
      parameterCount: weights.count,
      entry: [
        "networks": .integer(networkCount), "batch": .integer(item.networks.plan.batch),
        "learningRate": 0.001, "rho": 0.9, "epsilon": 1e-7, "layers": .array(layers),
        "files": [
          "weights": try folder.write("dying-relu.weights", weights),
          "inputs": try folder.write("dying-relu.inputs", item.inputs),
          "targets": try folder.write("dying-relu.targets", item.targets),
        ],
      ]
    ) { steps in
      for _ in 0..<steps { try item.train() }
    }
  }

  // MARK: - Files

  /// The model as Keras writes it, its weights and the samples in their order.
  private func entry(
    _ name: String, _ model: Model, _ weights: [LayerWeights], _ samples: ImageSet
  ) throws -> [String: JSONValue] {
    let layers = zip(model.layers, weights).map { layer, weights -> JSONValue in
      let shapes = weights.tensors.map { JSONValue.array($0.shape.map { .integer($0) }) }
      var config = layer.config
      config["name"] = .string(layer.name)
      return [
        "class_name": .string(type(of: layer).className), "config": .object(config),
        "weights": .array(shapes),
      ]
    }
    return [
      "layers": .array(layers),
      "shape": .array(samples.shape.dimensions.map { .integer($0) }),
      "files": [
        "weights": try folder.write(
          "\(name).weights", weights.flatMap { $0.tensors.flatMap(\.values) }),
        "inputs": try folder.write("\(name).inputs", samples.floats),
        "labels": try folder.write("\(name).labels", samples.labels),
      ],
    ]
  }
}

extension Model {
  /// Numbers that training changes.
  func trainableCount() throws(ModelError) -> Int {
    try weightDescriptions().joined().filter(\.isTrainable)
      .reduce(0) { $0 + $1.shape.reduce(1, *) }
  }
}

extension ImageSet {
  /// The first images.
  func prefix(_ count: Int) -> ImageSet { reordered(count: count) { $0 } }

  /// The images index(0), index(1), ...; all of them where no count is given.
  func reordered(count: Int? = nil, index: (Int) -> Int) -> ImageSet {
    let (count, size) = (count ?? self.count, shape.elementCount)
    func taken<Value>(_ values: [Value]) -> [Value] {
      (0..<count).flatMap { position -> ArraySlice<Value> in
        let first = index(position) * size
        return values[first..<first + size]
      }
    }
    let pixels: Pixels =
      switch pixels {
      case .bytes(let bytes): .bytes(taken(bytes))
      case .floats(let floats): .floats(taken(floats))
      }
    return ImageSet(
      shape: shape, pixels: pixels, labels: (0..<count).map { labels[index($0)] })
  }

  /// The values as a network reads them.
  var floats: [Float] {
    switch pixels {
    case .bytes(let bytes): bytes.map { Float($0) / 255 }
    case .floats(let floats): floats
    }
  }
}
