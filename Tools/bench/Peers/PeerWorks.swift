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

  /// A work's name, and how it is made.
  private typealias Row = (name: String, make: (String) throws -> PeerWork)

  /// The wanted ones of the table's rows, from the first one. Only those are made.
  func all(_ isWanted: (String) -> Bool) throws -> [PeerWork] {
    let others: [Row] = [
      ("perceptron", { _ in try gradient(steps: isQuick ? 3 : 100) }),
      (
        "dying-relu",
        { _ in try lanes(networkCount: isQuick ? 32 : 1_000, steps: isQuick ? 1 : 2) }
      ),
    ]
    return try (trainings + others + inferences).filter { isWanted($0.name) }
      .map { try $0.make($0.name) }
  }

  /// Batches of the networks of the field are those of the benchmark's own training.
  private var trainings: [Row] {
    let works: [(BuiltInModel, Int, Int)] = [
      (.lenet, 128, 100), (.lenetPlain, 128, 100), (.lenetPlain, 64, 200), (.cnn, 128, 6),
      (.dsCNN, 100, 20), (.resNet8, 32, 30), (.resNet8Large, 32, 12), (.mobileNet025, 32, 20),
      (.autoencoder, 512, 30), (.streamingWakeword, 100, 30),
    ]
    return works.map { model, batch, count in
      let steps = isQuick ? min(count, 6) : count
      return (
        "\(model.rawValue)-\(batch)",
        {
          try training(
            model, $0, model.ownSamples(steps * batch) ?? images, batch: batch, steps: steps)
        }
      )
    }
  }

  private var inferences: [Row] {
    let digits = [(1, 1, 4_000), (16, threads, 2_000), (128, threads, 400)].map {
      batch, threads, steps -> Row in
      (
        "inference-\(batch)",
        {
          try inference(
            .lenetPlain, $0, images, batch: batch, threads: threads, steps: isQuick ? 5 : steps)
        }
      )
    }
    let works: [(BuiltInModel, Int)] = [
      (.dsCNN, 2_000), (.resNet8, 800), (.resNet8Large, 200), (.mobileNet025, 800),
      (.autoencoder, 8_000), (.streamingWakeword, 4_000),
    ]
    let field = works.map { model, steps -> Row in
      (
        "\(model.rawValue)-inference",
        {
          try inference(
            model, $0, model.ownSamples(1) ?? images, batch: 1, threads: 1,
            steps: isQuick ? 5 : steps)
        }
      )
    }
    return digits + field
  }

  // MARK: - Training

  private func training(
    _ builtIn: BuiltInModel, _ name: String, _ images: ImageSet, batch: Int, steps: Int
  ) throws -> PeerWork {
    let model = builtIn.model(input: images.shape)
    let weights = try model.initialWeights(seed: 0)
    let part = images.prefix(steps * batch)
    let plan = try NetworkPlan(
      model,
      options: PlanOptions(
        batch: batch, isTraining: true, threads: threads, loss: builtIn.loss))
    let network = try Network(plan, instructionSet: instructionSet)
    try network.load(weights)
    let optimizer = OptimizerConfiguration()
    let trainer = try Trainer(
      network: network, images: part, batch: batch, optimizer: optimizer, seed: 0)
    // 27 rectifiers in a row turn roundings into other signs: after a few steps everybody's losses are others.
    let isDeep = builtIn == .mobileNet025
    let losses = try Array(firstLosses(trainer).prefix(isDeep ? 2 : PeerWorks.checkCount))
    // Our trainer shuffles while it trains; the peers find the images in its order.
    let order = Permutation(count: part.count, seed: 0, epoch: 0)
    var entry = try entry(name, model, weights, part.reordered { order[$0] })
    if builtIn == .autoencoder { entry["loss"] = "mean_squared_error" }
    entry["batch"] = .integer(batch)
    entry["learningRate"] = .number(optimizer.rate(at: 0))
    let hasDropout = model.layers.contains { $0 is Dropout }
    return PeerWork(
      name: name, title: "\(builtIn.rawValue), \(batch)", kind: .training,
      threads: threads, steps: steps, checks: losses,
      tolerance: hasDropout ? 0.2 : isDeep ? 0.02 : 0.005,
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

  private func inference(
    _ builtIn: BuiltInModel, _ name: String, _ images: ImageSet, batch: Int, threads: Int,
    steps: Int
  ) throws -> PeerWork {
    let model = builtIn.model(input: images.shape)
    let weights = try model.initialWeights(seed: 0)
    let part = images.prefix(batch)
    let plan = try NetworkPlan(
      model, options: PlanOptions(batch: batch, isTraining: false, threads: threads))
    let network = try Network(plan, instructionSet: instructionSet)
    try network.load(weights)
    let unlabeled = ImageSet(shape: part.shape, pixels: part.pixels, labels: [])
    let outputs = try network.predict(unlabeled).outputs.values.prefix(10)
    var entry = try entry(name, model, weights, part)
    entry["batch"] = .integer(batch)
    return PeerWork(
      name: name,
      title: "\(builtIn.rawValue), \(batch), \(threads)",
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
      title: "gradient of 400-20-20-10",
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
      title: "\(Format.grouped(networkCount)) ReLU networks",
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
    var before = model.inputName
    let layers = zip(model.layers, weights).map { layer, weights -> JSONValue in
      defer { before = layer.name }
      let shapes = weights.tensors.map { JSONValue.array($0.shape.map { .integer($0) }) }
      var config = layer.config
      config["name"] = .string(layer.name)
      return [
        "class_name": .string(type(of: layer).className), "config": .object(config),
        "weights": .array(shapes),
        "reads": .array((model.connections?[layer.name] ?? [before]).map { .string($0) }),
      ]
    }
    return [
      "layers": .array(layers),
      "shape": .array(samples.shape.dimensions.map { .integer($0) }),
      "files": [
        "weights": try folder.write(
          "\(name).weights", weights.flatMap { $0.tensors.flatMap(\.values) }),
        "inputs": try folder.write("\(name).inputs", samples.floats),
        "labels": try folder.write(
          "\(name).labels", samples.labels.map { UInt8(truncatingIfNeeded: $0) }),
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
    // Targets are as wide as the samples.
    func taken<Value>(_ values: [Value]) -> [Value] {
      (0..<count).flatMap { position -> ArraySlice<Value> in
        let first = index(position) * size
        return values[first..<first + size]
      }
    }
    return ImageSet(
      shape: shape, pixels: pixels.images(at: (0..<count).map(index), width: size),
      labels: labels.isEmpty ? [] : (0..<count).map { labels[index($0)] },
      targets: targets.isEmpty ? [] : taken(targets), targetWidth: targetWidth)
  }

  /// The values as a network reads them.
  var floats: [Float] { pixels.floats }
}
